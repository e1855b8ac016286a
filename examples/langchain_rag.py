"""A RAG pipeline in LCEL, and the evidence of its answer before and after: `python examples/langchain_rag.py`.

Twenty documents are retrieved for one question. What reaches the prompt is a fifth of their text; the sentence with the
answer is still there, and each document has its id, its place, and the stretches that were kept. The model at the end
of the chain is left to you: what is printed is the prompt that it would read.
"""

import json
import re
from pathlib import Path

from langchain_contextprune import ContextPruneCompressor
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

row = json.loads((Path(__file__).parent / "data" / "docs.json").read_bytes())
documents = [Document(d["text"], id=d["id"], metadata={"title": d["title"]}) for d in row["documents"]]


def retrieve(_question: str) -> list[Document]:
    """Stands for a vector store."""
    return documents


def shown(found: list[Document]) -> str:
    """The documents as a prompt shows them."""
    return "\n\n".join(f"[{document.id}] {document.page_content}" for document in found)


def evidence(found: list[Document]) -> list[str]:
    """The sentences that hold the answer."""
    sentences = [(d.id, s) for d in found for s in re.split(r"(?<=[.!?])\s+", d.page_content)]
    return [f"[{id_}] {sentence}" for id_, sentence in sentences if row["answer"] in sentence]


prune = ContextPruneCompressor(budget=0.2)
pruned = prune.as_runnable(RunnableLambda(retrieve))
prompt = ChatPromptTemplate.from_template("Answer from these documents.\n\n{context}\n\nQuestion: {question}")
chain = {"context": pruned | shown, "question": RunnablePassthrough()} | prompt  # | model

question = row["question"]
after = pruned.invoke(question)
count = prune.pruner.counter
print("question:", question)
print(f"documents: {len(documents)} before, {len(after)} after")
print(f"tokens:    {count(shown(documents)):,} before, {count(shown(after)):,} after")
for name, found in (("before", documents), ("after", after)):
    print(f"\nevidence for {row['answer']!r} {name}:")
    print("\n".join(evidence(found)))

assert set(evidence(after)) & set(evidence(documents)), "a sentence with the answer is still there, word for word"
assert [d.id for d in after] == [d.id for d in documents if d.id in {x.id for x in after}], "in the same order"
print("\nthe prompt that the model reads:\n")
print(chain.invoke(question).to_string())
