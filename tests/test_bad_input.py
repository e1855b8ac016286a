"""Input that nobody should send: a defined result, or one of our errors that names the place and the way out."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

import contextprune as cp
from contextprune.bench.slow_texts import TEXTS
from contextprune.text.failures import FAILURE
from contextprune.text.identifiers import identifiers, words
from tests.growth import TIMES, assert_linear
from tests.nightly import NIGHTLY
from tests.strategies import pruner

TENTH = cp.Budget(ratio=0.1)
MEGABYTES, LINES, COPIES = (10, 50_000, 20_000) if NIGHTLY else (2, 10_000, 5_000)
RESULTS, DOCUMENTS = (1_250, 2_500) if NIGHTLY else (250, 500)  # the smaller number of each guard of growth
SEARCHED, COMPRESSED = (50_000, 50_000) if NIGHTLY else (25_000, 10_000)  # characters, likewise
NAMES = 60_000 if NIGHTLY else 12_000  # characters, likewise
ALL_BUDGETS = pytest.mark.parametrize("budget", [None, TENTH], ids=["arrival", "tenth"])


def chat(*results: Any) -> dict[str, Any]:
    """A conversation in which each result answers a call."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Go."}]
    for i, content in enumerate(results):
        function = {"name": "f", "arguments": "{}"}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [{"id": f"c{i}", "function": function}]},
            {"role": "tool", "tool_call_id": f"c{i}", "content": content},
        ]
    return {"messages": messages}


@ALL_BUDGETS
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param([], id="a bare empty list"),
        pytest.param({"messages": []}, id="chat without messages"),
        pytest.param({"input": []}, id="responses without items"),
        pytest.param({"input": ""}, id="responses with an empty text"),
        pytest.param({"system": "", "messages": []}, id="anthropic without messages"),
        pytest.param({"messages": [{"role": "user", "content": ""}]}, id="an empty text"),
        pytest.param({"messages": [{"role": "user", "content": []}]}, id="an empty list of blocks"),
        pytest.param({"messages": [{"role": "assistant", "content": None}]}, id="no content"),
        pytest.param(chat("", [], None, [{"type": "text", "text": ""}]), id="empty results"),
    ],
)
def test_nothing_stays_nothing(payload: Any, budget: cp.Budget | None) -> None:
    if budget is not None and "messages" in payload and payload["messages"]:
        budget = cp.Budget(ratio=1.0)  # the arguments of the calls are protected
    assert cp.compress(payload, budget, pruner=pruner()).payload is payload


@pytest.mark.parametrize("payload", [None, 0, 3.5, True, b"bytes", {}, {"a": 1}, object(), {"messages": None}])
def test_what_is_no_context_is_refused(payload: Any) -> None:
    with pytest.raises(cp.PayloadError):
        cp.compress(payload, pruner=pruner())


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ({"messages": 3}, "messages"),
        ({"messages": [3]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": "a"}, {"content": "b"}]}, "messages[1].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "assistant", "tool_calls": 1}]}, "messages[0].tool_calls"),
        ({"input": [None]}, "input[0]"),
        ({"input": [{"type": "function_call_output", "output": 7}]}, "input[0].output"),
        ({"system": [{"type": "text", "text": 1}], "messages": []}, "system[0].text"),
    ],
)
def test_a_malformed_payload_is_refused_with_the_place(payload: Any, place: str) -> None:
    with pytest.raises(cp.PayloadError) as caught:
        cp.compress(payload, pruner=pruner())
    assert caught.value.where == place
    assert place in str(caught.value)


def test_a_budget_below_what_is_protected_names_it_and_the_way_out() -> None:
    payload = {"messages": [{"role": "system", "content": "Be brief. " * 50}, {"role": "user", "content": "Go."}]}
    with pytest.raises(cp.BudgetError) as caught:
        cp.compress(payload, cp.Budget(tokens=10), pruner=pruner())
    assert caught.value.protected["system"] > 90
    assert "system" in str(caught.value)
    assert f"Raise the budget to {caught.value.needed:,}" in str(caught.value)


def test_a_result_without_its_call_is_compressed_like_any_other() -> None:
    payload = {"messages": [{"role": "tool", "tool_call_id": "nobody", "content": "line of text\n" * 900}]}
    out = cp.compress(payload, TENTH, pruner=pruner())
    assert out.report.after <= out.report.before * 0.1
    assert out.payload["messages"][0]["tool_call_id"] == "nobody"


def test_a_call_without_its_result_stays() -> None:
    payload = chat("line of text\n" * 900)
    del payload["messages"][2]
    assert cp.compress(payload, pruner=pruner()).payload is payload


def _junk() -> str:
    return "".join(map(chr, Random(1).choices([*range(0x300), *range(0xD7F0, 0xE010)], k=300_000)))


def _deep(levels: int) -> str:
    return '{"a":[' * (levels // 2) + "1" + "]}" * (levels // 2)


LARGE: dict[str, Callable[[], str]] = {
    f"one line of {MEGABYTES} MB": lambda: "x" * (MEGABYTES * 1_000_000),
    f"one line of {MEGABYTES} MB with words": lambda: "some words and 12345 numbers " * (MEGABYTES * 34_500),
    "binary junk": _junk,
    "JSON 10,000 levels deep": lambda: _deep(10_000),
    "JSON 900 levels deep": lambda: _deep(900),
    "a number of a million digits": lambda: "9" * 1_000_000,
    f"an array of {LINES:,} numbers": lambda: json.dumps(list(range(LINES))),
    "100,000 empty lines": lambda: "\n" * 100_000,
    f"{LINES:,} lines": lambda: "".join(f"line {i}\n" for i in range(LINES)),
    f"{LINES:,} failures": lambda: "ERROR: it failed\n" * LINES,
    f"{COPIES:,} copies of a paragraph": lambda: (
        "The same sentence stands here. It is followed by another one.\n\n" * COPIES
    ),
}


@ALL_BUDGETS
@pytest.mark.parametrize("name", LARGE)
def test_what_is_huge_or_deep_is_compressed(name: str, budget: cp.Budget | None) -> None:
    payload = chat(LARGE[name]())
    out = cp.compress(payload, budget, pruner=pruner())
    assert len(out.payload["messages"]) == 3
    assert out.report.after <= out.report.before * (0.1 if budget else 1)
    if budget is not None:
        assert out.payload["messages"][2]["content"] != payload["messages"][2]["content"]


@ALL_BUDGETS
def test_thousands_of_messages_are_compressed_in_linear_time(budget: cp.Budget | None) -> None:
    text = "\n".join(f"{word} {i}: a line of some length" for i, word in enumerate(["INFO", "ERROR", "WARN"] * 4))

    def compressed(payload: Any) -> Any:
        return cp.compress(payload, budget and cp.Budget(ratio=0.5), pruner=pruner()).payload

    payload = assert_linear(compressed, lambda size: chat(*(f"{text}\n{i}" for i in range(size))), RESULTS)
    assert len(payload["messages"]) == 1 + 2 * TIMES * RESULTS


def test_a_payload_10000_levels_deep_is_refused_with_the_place() -> None:
    value: Any = 1
    for _ in range(10_000):
        value = [value]
    payload = {"messages": [{"role": "user", "content": [{"type": "brand_new", "data": value}]}]}
    with pytest.raises(cp.PayloadError) as caught:
        cp.compress(payload, pruner=pruner())
    assert caught.value.where == "messages[0].content[0]"


UNITS = (
    "a", " ", "\t", "\n", "\r", ".", "-", "/", "@", "_", "1", "A", "[", "{", '{"a":', '"', "\\", "'", "|", "`", "#",
    "<", "<a ", ">", "&", "*", "=", ":", ",", "a ", "a\n", " \n", "1\n", "Aa", "A_", "exit ", "exit code ", "Error",
    "E" * 70, "error[", "returned a ", "Traceback ", "  File ", "at a.", "@@ -1 ", "--- a\n", "+++ b\n",
    "diff --git ", "| a ", "- a\n", "1. ", "```\n", "a: b\n", "2026-01-01 ", "\u2028", "e\u0301", "漢", "👩‍",
    "[3 lines cut, recall=", "</", "<!--", '\\"', "1,", "a.b/",
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_no_repetition_of_anything_takes_more_than_linear_time(unit: str) -> None:
    def run(size: int) -> str:
        return (unit * size)[:size]

    def search(text: str) -> int:
        return sum(1 for _ in FAILURE.finditer(text)) + len(words(text)) + len(list(identifiers(text)))

    assert assert_linear(search, run, SEARCHED) >= 0
    assert assert_linear(search, lambda size: f"{run(size)}!", SEARCHED) >= 0
    assert assert_linear(search, lambda size: f"x{run(size)}\n", SEARCHED) >= 0


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_no_repetition_of_anything_is_compressed_in_more_than_linear_time(unit: str) -> None:
    def compressed(payload: Any) -> cp.Report:
        return cp.compress(payload, cp.Budget(tokens=100), pruner=pruner()).report

    report = assert_linear(compressed, lambda size: chat((unit * size)[:size]), COMPRESSED)
    assert report.after <= 100


@pytest.mark.parametrize("kind", ["hashes", "paths"])
def test_lines_of_names_that_stand_nowhere_else_are_compressed_in_linear_time(kind: str) -> None:
    def compressed(payload: Any) -> cp.Report:
        return cp.compress(payload, cp.Budget(ratio=0.5), pruner=pruner()).report

    report = assert_linear(compressed, lambda size: chat(TEXTS[f"lines of 4 {kind}"](size)), NAMES)
    assert report.after <= 0.5 * report.before


def _texts(size: int) -> list[str]:
    return [f"Document {i} is about topic {i % 50}. It says little else." for i in range(size)]


def test_thousands_of_documents_are_pruned_in_linear_time() -> None:
    def pruned(documents: list[cp.Document]) -> cp.Report:
        return cp.prune_documents(documents, "topic 7", TENTH, pruner()).report

    report = assert_linear(pruned, lambda size: [cp.Document(text) for text in _texts(size)], DOCUMENTS)
    assert report.after <= report.before * 0.1


def test_thousands_of_examples_are_selected_from_in_linear_time() -> None:
    def selected(examples: list[cp.Example]) -> list[cp.Example]:
        return cp.select_examples(examples, "topic 7", cp.Budget(tokens=500), pruner()).examples

    assert assert_linear(selected, lambda size: [cp.Example(text, "yes") for text in _texts(size)], DOCUMENTS)


def test_no_documents_and_no_examples_are_none() -> None:
    assert cp.prune_documents([], "why", pruner=pruner()).documents == []
    assert cp.prune_documents([], "why", TENTH, pruner()).documents == []
    assert cp.select_examples([], "why", TENTH, pruner()).examples == []


def test_an_unknown_key_is_refused() -> None:
    for key in ("", "abcdefghijkl", "\ud800", "x" * 100_000):
        with pytest.raises(cp.MissingOriginal):
            cp.recall(key, pruner=pruner())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_scorer_that_gives_no_probability_is_refused(value: float) -> None:
    class Broken:
        name = "broken.v1"

        def __call__(self, context: cp.Context, spans: Any) -> list[float]:  # noqa: ARG002 - the seam
            return [value] * len(spans)

    with pytest.raises(cp.ScorerError, match=r"broken\.v1"):
        cp.compress(chat("line\n" * 900), TENTH, pruner=pruner(Broken()))
