"""The outputs on the page of markers are what the code prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import contextprune as cp
from tests.strategies import pruner

PAGE = (Path(__file__).parents[1] / "docs" / "reference" / "markers.md").read_text()
NOTE = "nothing to report about this customer today"


def _shortened(text: str, goal: str, budget: int | None, call: str = "bash", path: str = "") -> str:
    arguments = json.dumps({"path": path}) if path else "{}"
    calls = [{"id": "c", "type": "function", "function": {"name": call, "arguments": arguments}}]
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": goal},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c", "content": text},
    ]
    out = cp.compress(messages, cp.Budget(tokens=budget) if budget else None, pruner=pruner())
    return str(out.payload[-1]["content"])


def _packed(i: int) -> str:
    return f"2024-05-13 09:{i // 60:02}:{i % 60:02} INFO worker-{i % 4}: order {48000 + i} packed in {i % 60} ms\n"


def _log() -> str:
    rows = [_packed(i) for i in range(160)]
    rows[82] = "2024-05-13 09:01:22 ERROR worker-2: order 48082 failed: TimeoutError: payments:8443\n"
    return _shortened("".join(rows), "Why did the order fail?", None)


def _log_of_two_kinds() -> str:
    queue = "2024-05-13 09:00:{i:02} DEBUG queue has {i} entries, order {n} is next\n"
    rows = [_packed(i) if i % 3 else queue.format(i=i, n=48000 + i) for i in range(60)]
    rows[31] = "2024-05-13 09:00:31 ERROR payments: timeout after three attempts\n"
    rows[33] = "2024-05-13 09:00:33 WARN queue is long\n"
    return _shortened("".join(rows), "Why did payments stop?", 150)


def _copy() -> str:
    lines = "".join(f"{100 + i} request handled by worker number {i} without any trouble at all\n" for i in range(10))
    readings = [f"start of the {k} reading\n{lines}end of the {k} reading\n" for k in ("first", "second")]
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Read it twice."}]
    for k, text in enumerate(readings):
        calls = [{"id": f"c{k}", "type": "function", "function": {"name": "bash", "arguments": "{}"}}]
        messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        messages.append({"role": "tool", "tool_call_id": f"c{k}", "content": text})
    return str(cp.compress(messages, pruner=pruner()).payload[-1]["content"])


def _prose() -> str:
    depots = ["north", "south", "east", "west", "outer", "upper", "inner"]
    said = "The {} depot reported that its trucks left on time. It has {} gates and no alarms."
    text = " ".join(said.format(depot, n) for n, depot in enumerate(depots, 3))
    return _shortened(text, "How many gates has the inner depot?", 70)


def _array() -> str:
    rows = [{"id": f"user_{i}", "email": f"u{i}@example.com", "city": "Oslo", "note": NOTE} for i in range(10)]
    return _shortened(json.dumps(rows, indent=1), "What is the email of user_9?", 140)


def _object() -> str:
    comment = "the usual value for this kind of machine, see the handbook"
    settings = {f"setting_{i}": {"value": i, "comment": comment} for i in range(11)}
    return _shortened(json.dumps(settings, indent=1), "What is the value of setting_10?", 110)


def _string() -> str:
    body = "".join(f"def field_{i}(value):\n    return value + {i}\n\n\n" for i in range(8))
    record = {"path": "fields.py", "content": f"from __future__ import annotations\n\n{body}"}
    return _shortened(json.dumps(record), "What does field_7 return?", 75, "fetch_record")


def _json_lines() -> str:
    rows = [{"id": f"user_{i}", "email": f"u{i}@example.com", "note": NOTE} for i in range(11)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    return _shortened(text, "What is the email of user_10?", 130)


def _code() -> str:
    functions = [f"def field_{i}(value):\n    rest = value % {i + 2}\n    return rest + {i}\n\n\n" for i in range(9)]
    return _shortened("".join(functions), "What does field_7 return?", 110, "read_file", "fields.py")


def _diff() -> str:
    hunks = [
        f"@@ -{k},3 +{k},3 @@ def field_{k}(value):\n     rest = value % 7\n-    return rest + {k}\n"
        f"+    return rest - {k}\n"
        for k in (10, 60, 110, 160)
    ]
    text = "diff --git a/fields.py b/fields.py\nindex 1a2b3c..4d5e6f 100644\n--- a/fields.py\n+++ b/fields.py\n"
    return _shortened(text + "".join(hunks), "What changed in field_160?", 150)


def _table() -> str:
    rows = [f"| {48000 + i} | packed | carrier number {i % 3} of the northern depot |\n" for i in range(11)]
    rows[10] = rows[10].replace("packed", "lost")
    return _shortened("| order | state | carrier |\n|---|---|---|\n" + "".join(rows), "Was an order lost?", 95)


def _html() -> str:
    said = "<p>Order number {} was packed on Monday and left the northern depot in the afternoon.</p>\n"
    text = "<h1>Orders</h1>\n" + "".join(said.format(i) for i in range(9))
    return _shortened(text, "When was order number 8 packed?", 90)


def _one_key() -> str:
    stages = [f"stage {k} of the pipeline ended well after {k + 3} steps, {k * 7} files moved on" for k in range(3)]
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Did it end well?"}]
    for k, text in enumerate(stages):
        calls = [{"id": f"c{k}", "type": "function", "function": {"name": "bash", "arguments": "{}"}}]
        messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        messages.append({"role": "tool", "tool_call_id": f"c{k}", "content": text})
    out = cp.compress(messages, cp.Budget(tokens=32), pruner=pruner()).payload
    return "\n".join(str(message["content"]) for message in out if message["role"] == "tool")


EXAMPLES = {
    "in a log": _log,
    "in a log of two kinds": _log_of_two_kinds,
    "for a copy": _copy,
    "in prose": _prose,
    "in a JSON array": _array,
    "in a JSON object": _object,
    "in a JSON string": _string,
    "in JSON lines": _json_lines,
    "in code": _code,
    "in a diff": _diff,
    "in a table": _table,
    "in HTML": _html,
    "one key": _one_key,
}


@pytest.mark.parametrize("place", EXAMPLES)
def test_what_the_page_shows_is_what_is_printed(place: str) -> None:
    text = EXAMPLES[place]().rstrip("\n")
    assert f"\n{text}\n```" in PAGE
