"""The line that matters stays: one that differs among many alike, what was named, what a harness says of a result."""

from __future__ import annotations

import json
from typing import Any

import pytest

import contextprune as cp
from tests.alike_outputs import OUTPUTS, Output
from tests.strategies import COUNTER

PRUNERS = {
    "lexical": cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), COUNTER, cp.MemoryStore(b"secret")),
    "neural": cp.Pruner(cp.Policy(), cp.load_scorer("neural", "cpu"), COUNTER, cp.MemoryStore(b"secret")),
}
BUDGETS = {"at 30 %": cp.Budget(ratio=0.3), "on arrival": None}
WITH_THE_MODEL = OUTPUTS[::4]


def left(output: Output, budget: cp.Budget | None, scorer: str) -> str:
    """What is left of an output, as an agent would send it."""
    function = {"name": "bash", "arguments": json.dumps({"command": output.command})}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": output.goal},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "1", "content": output.text},
    ]
    payload: Any = cp.compress(messages, budget, pruner=PRUNERS[scorer]).payload
    return str(payload[-1]["content"])


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("name", [make.__name__ for make in OUTPUTS])
def test_what_differs_stays_without_the_model(name: str, budget: str) -> None:
    output = next(make for make in OUTPUTS if make.__name__ == name)()
    text = left(output, BUDGETS[budget], "lexical")
    assert [piece for piece in output.stays if piece not in text] == []


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("name", [make.__name__ for make in WITH_THE_MODEL])
def test_what_differs_stays_with_the_model(name: str, budget: str) -> None:
    output = next(make for make in OUTPUTS if make.__name__ == name)()
    text = left(output, BUDGETS[budget], "neural")
    assert [piece for piece in output.stays if piece not in text] == []


ROWS = "".join(f"{8800 + i}  {i * 37 % 91}.20 EUR  paid by card {i * 7919}\n" for i in range(120))


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("scorer", PRUNERS)
def test_the_row_that_was_named_stays(scorer: str, budget: str) -> None:
    output = Output("What did 8841 pay?", "./payments", ROWS, ())
    assert "8841  61.20 EUR" in left(output, BUDGETS[budget], scorer)


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("scorer", PRUNERS)
def test_the_notices_of_a_harness_stay(scorer: str, budget: str) -> None:
    end = "Command timed out after 2m 0.0s\nFull output saved to: /tmp/o.txt\n"
    text = f"{ROWS}[... 4,112 lines omitted ...]\n{ROWS}{end}"
    kept = left(Output("Who pays late?", "./payments", text, ()), BUDGETS[budget], scorer)
    for notice in ("[... 4,112 lines omitted ...]", "Command timed out after 2m 0.0s", "saved to: /tmp/o.txt"):
        assert notice in kept
