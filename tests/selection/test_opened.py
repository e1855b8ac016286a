from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import contextprune as cp
from contextprune.context import Context, Kind, Segment, Span
from contextprune.selection.opened import Opened, open_traces
from contextprune.splitting import split
from contextprune.text.traces import Part

LIBRARY = '  File "/srv/lib/python3.12/site-packages/django/base.py", line {}, in inner\n    call()\n'
OWN = '  File "/srv/shop/refunds.py", line 88, in approve\n    ledger = order.ledgers.get(kind="refund")\n'
TRACE = (
    "Traceback (most recent call last):\n"
    + "".join(LIBRARY.format(i) for i in range(40))
    + OWN
    + "shop.models.Ledger.DoesNotExist: no ledger\n"
)
LOG = "".join(f"12:00:{i % 60:02} GET /orders/{i} 200 12 ms\n" for i in range(60))
JAVA = (
    "12:00:01 ERROR java.lang.RuntimeException: cannot start\n"
    + "".join(f"\tat org.springframework.beans.Factory.create{i}(Factory.java:{i})\n" for i in range(70))
    + "Caused by: java.sql.SQLException: no password was given\n"
    + "\tat com.acme.Pool.open(Pool.java:12)\n"
    + "".join(f"\tat org.springframework.boot.Run.step{i}(Run.java:{i})\n" for i in range(20))
)
NODE = (
    "TypeError: price.toFixed is not a function\n"
    + "".join(f"    at next (/app/node_modules/express/lib/router/layer.js:{i}:5)\n" for i in range(30))
    + "    at total (/app/src/cart.js:41:9)\n"
)


def counted(_text: str, ends: Sequence[int]) -> list[int]:
    return [1] * len(ends)


def opened(text: str) -> tuple[list[Span], Opened]:
    context = Context((Segment(Kind.TOOL_RESULT, text, ("r",)),))
    spans = split(context)
    return spans, open_traces(context, spans, [1] * len(spans), [0.5] * len(spans), counted)


def stays(text: str, tokens: int) -> str:
    call = {"id": "c", "type": "function", "function": {"name": "bash", "arguments": "{}"}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Why does it fail?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": text},
    ]
    pruner = cp.Pruner(scorer=cp.load_scorer("lexical"), store=cp.MemoryStore())
    return str(cp.compress(messages, cp.Budget(tokens=tokens), pruner=pruner).payload[-1]["content"])


def test_opened_spans_tile_what_they_stand_for() -> None:
    _, trace = opened(LOG + TRACE + LOG)
    assert "".join(span.text for span in trace.spans) == LOG + TRACE + LOG
    assert len(trace.spans) == len(trace.costs) == len(trace.scores)


def test_each_frame_of_a_trace_needs_its_head_alone() -> None:
    _, trace = opened(LOG + TRACE)
    head = min(trace.parts)
    assert {trace.spans[i].anchors for i in trace.parts if i != head} == {(head,)}


def test_what_was_told_of_a_trace_holds_for_all_its_pieces() -> None:
    spans, trace = opened(LOG + TRACE)
    whole = dict.fromkeys(range(60, len(spans)), 7)
    assert len(trace.moved(whole)) == len(trace.parts)


def test_the_frame_of_ones_own_code_is_found() -> None:
    _, trace = opened(TRACE)
    assert [trace.spans[i].text for i, part in trace.parts.items() if part is Part.OWN_CODE] == [OWN]


def test_a_trace_larger_than_the_budget_is_cut_inside() -> None:
    text = stays(LOG + TRACE + LOG, 200)
    assert "shop.models.Ledger.DoesNotExist: no ledger" in text
    assert 'refunds.py", line 88' in text


def test_the_root_cause_of_a_nested_trace_survives() -> None:
    text = stays(LOG + JAVA + LOG, 200)
    assert "cannot start" in text
    assert "Caused by: java.sql.SQLException: no password was given" in text
    assert "com.acme.Pool.open" in text


def test_a_frame_of_ones_own_code_survives_those_of_libraries() -> None:
    text = stays(LOG + NODE + LOG, 200)
    assert "price.toFixed is not a function" in text
    assert "/app/src/cart.js:41:9" in text
