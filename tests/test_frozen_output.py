"""What comes out for the committed examples, byte for byte: a change of structure must leave it alone.

A change that is meant to decide otherwise records it anew: `python -m pytest tests/test_frozen_output.py` names what
differs, and `CONTEXTPRUNE_RECORD=1` before it writes the file. Only scorers without a model are here, since the model's
last decimals depend on the processor.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import contextprune as cp
from tests.strategies import COUNTER, LEXICAL

DATA = Path(__file__).parent.parent / "examples" / "data"
RECORD = Path(__file__).with_suffix(".json")
SESSIONS = (
    "airline.anthropic.json", "airline.json", "airline.responses.json", "long-session.json", "shell.json", "swe.json",
)  # fmt: skip
SHARES = (None, 0.3, 0.5, 0.8)


def pruner(**policy: Any) -> cp.Pruner:
    return cp.Pruner(cp.Policy(**policy), LEXICAL, COUNTER, cp.MemoryStore(b"a fixed secret"))


def load(name: str) -> Any:
    return json.loads((DATA / name).read_bytes())


def digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def compressed(name: str, share: float | None) -> object:
    try:
        return cp.compress(load(name), None if share is None else cp.Budget(ratio=share), pruner=pruner()).payload
    except cp.BudgetError as error:
        return [error.budget, error.needed]


def documents(share: float | None) -> object:
    row = load("docs.json")
    documents = [cp.Document(text=text["text"], id=str(i)) for i, text in enumerate(row["documents"])]
    pruned = cp.prune_documents(documents, row["question"], None if share is None else cp.Budget(ratio=share), pruner())
    return [[document.text, document.kept, document.merged] for document in pruned.documents]


def epochs() -> object:
    """A session in a small window, request by request, now and then with a cold cache."""
    body, engine = load("long-session.json"), pruner(window=30_000)
    ends = range(10, len(body["messages"]) + 1, 7)
    prefixes = ({**body, "messages": body["messages"][:end]} for end in ends)
    return [cp.compress(prefix, pruner=engine, cold=k % 3 == 0).payload for k, prefix in enumerate(prefixes)]


def outputs() -> dict[str, str]:
    """A hash for each way of calling, by its name."""
    hashes = {f"{name} {share}": digest(compressed(name, share)) for name in SESSIONS for share in SHARES}
    return {
        **hashes,
        **{f"documents {share}": digest(documents(share)) for share in SHARES},
        "epochs": digest(epochs()),
    }


def test_the_committed_examples_come_out_as_they_did() -> None:
    now = outputs()
    if os.environ.get("CONTEXTPRUNE_RECORD"):
        RECORD.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
        pytest.skip("recorded")
    before = json.loads(RECORD.read_text(encoding="utf-8"))
    assert {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)} == set()
