"""Shorten twenty retrieved documents to a fifth for one question, and check that the answer is still there.

Run with `python examples/rag_documents.py`. Every document comes back with its id; `kept` says which stretches of the
original its text consists of.
"""

import json
from pathlib import Path

import contextprune as cp

row = json.loads((Path(__file__).parent / "data" / "docs.json").read_bytes())
documents = [cp.Document(text=d["text"], id=d["id"], title=d["title"]) for d in row["documents"]]

got = cp.prune_documents(documents, query=row["question"], budget=cp.Budget(ratio=0.2))

print("question:", row["question"])
print(f"tokens:   {got.report.before:,} before, {got.report.after:,} after\n")
for old, new in zip(documents, got.documents, strict=True):
    if new.text:
        print(f"{new.id} {new.title}: {len(new.text):,} of {len(old.text):,} characters")
        for start, end in new.kept:
            assert old.text[start:end] in new.text, "kept text is verbatim"

assert row["answer"] in " ".join(document.text for document in got.documents)
print(f"\nthe answer is still there: {row['answer']}")
