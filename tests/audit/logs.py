"""Small logs as agents write them: the pieces that the tests of the audit put together."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from contextprune.policy import Policy
from contextprune.pruner import Pruner
from contextprune.scoring import load_scorer
from contextprune.storage.store import MemoryStore
from contextprune.tokens import Tiktoken

DATA = Path(__file__).parent.parent.parent / "examples" / "data"
LOG = "".join(
    f"2024-05-13 09:31:{i % 60:02} INFO worker {i}: handled item {i * 37} in {i % 9} ms\n" for i in range(120)
)


def pruner() -> Pruner:
    return Pruner(Policy(), load_scorer("lexical"), Tiktoken(), MemoryStore())


def said(text: str, **fields: Any) -> dict[str, Any]:
    """A record of what the user said."""
    return {"type": "user", "uuid": text, "message": {"role": "user", "content": text}, **fields}


def replied(text: str, number: int, read: int = 0, written: int = 0, **fields: Any) -> dict[str, Any]:
    """A record of what the model said in API call `number`, which calls `Bash` as well."""
    usage = {"input_tokens": 3, "cache_creation_input_tokens": written, "cache_read_input_tokens": read,
             "output_tokens": 7}  # fmt: skip
    content = [
        {"type": "text", "text": text},
        {"type": "tool_use", "id": f"call_{number}", "name": "Bash", "input": {"command": f"tail -n 120 log.{number}"}},
    ]
    message = {"id": f"msg_{number}", "role": "assistant", "model": "claude-sonnet-4-5", "content": content,
               "usage": usage}  # fmt: skip
    return {"type": "assistant", "uuid": text, "message": message, **fields}


def answered(number: int, text: str = LOG, **fields: Any) -> dict[str, Any]:
    """A record of the result of call `number`."""
    block = {"type": "tool_result", "tool_use_id": f"call_{number}", "content": text}
    return {"type": "user", "uuid": f"answer {number}", "message": {"role": "user", "content": [block]}, **fields}


def session(calls: int = 3, goal: str = "Why is the worker slow?", **fields: Any) -> list[dict[str, Any]]:
    """A goal and some calls with their results."""
    records = [said(goal, **fields)]
    for number in range(calls):
        records += [replied(f"Look {number}.", number, **fields), answered(number, **fields)]
    return records


def write(path: Path, records: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
