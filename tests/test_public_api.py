"""The face: what users call, exactly as the design writes it. A change here is a change for users."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import contextprune as cp

FACE = [
    "Action", "Blend", "Budget", "BudgetError", "Compressed", "Context", "ContextPruneError", "Cost", "Counter",
    "Decision", "Document", "Estimate", "Example", "FailOpen", "Kind", "Lexical", "MemoryStore", "MissingExtra",
    "MissingOriginal", "PayloadError", "Plan", "Policy", "PrunedDocuments", "Pruner", "Report", "Rule", "SQLiteStore",
    "Scorer", "ScorerError", "Segment", "Selected", "Session", "SettingsError", "Signals", "Span", "Store",
    "StoreError", "Syntax", "Tariff", "Tiktoken", "Unit", "__version__", "compress", "load_scorer", "prune_documents",
    "recall", "select_examples",
]  # fmt: skip

ENGINE = cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), cp.Tiktoken(), cp.MemoryStore())
LINES = "".join(f"2026-01-01 INFO request {i} took {i * 7} ms\n" for i in range(400))
PAYLOAD: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "What is slow?"},
        {"role": "tool", "tool_call_id": "c", "content": LINES},
    ]
}


def test_the_face_is_pinned_sorted_and_complete() -> None:
    assert cp.__all__ == FACE == sorted(FACE)
    assert all(hasattr(cp, name) for name in FACE)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (cp.compress, ["payload", "budget", "query", "pruner"]),
        (cp.prune_documents, ["documents", "query", "budget", "pruner"]),
        (cp.select_examples, ["examples", "query", "budget", "pruner"]),
        (cp.recall, ["key", "query", "lines"]),
        (cp.Budget, ["tokens", "ratio"]),
        (cp.Pruner, ["policy", "scorer", "counter", "store"]),
        (cp.load_scorer, ["name", "device"]),
        (
            cp.Policy,
            ["recall", "protect", "recent_turns", "min_tokens", "exclude_tools", "high_water", "low_water"],
        ),
    ],
)
def test_parameters_keep_their_names_and_order(function: Any, names: list[str]) -> None:
    assert list(inspect.signature(function).parameters)[: len(names)] == names


def test_compress_gives_payload_report_and_plan() -> None:
    out = cp.compress(PAYLOAD, budget=cp.Budget(ratio=0.4), query=None, pruner=ENGINE)
    assert type(out.payload) is dict
    assert out.report.saved == out.report.before - out.report.after > 0
    assert set(out.report.by_kind) == {cp.Kind.USER, cp.Kind.TOOL_RESULT}
    assert sum(out.report.seconds.values()) > 0
    assert out.report.cost is None
    assert "tool_result" in str(out.report)
    assert all(decision.reason for decision in out.plan.decisions)


def test_without_a_budget_the_report_knows_the_cost_and_sessions_add_it_up() -> None:
    own = cp.Policy(tariffs={"mine": cp.Tariff("mine", input=1.0, read=0.1, write=1.25)})
    engine = cp.Pruner(own, ENGINE.scorer, ENGINE.counter, ENGINE.store)
    report = cp.compress({"model": "mine", **PAYLOAD}, pruner=engine).report
    assert isinstance(report.cost, cp.Cost)
    assert report.cost.before > 0
    assert not report.epoch
    assert cp.Session().add(report.cost, epoch=report.epoch).cost == report.cost


def test_prune_documents_gives_documents() -> None:
    given = [cp.Document(text=LINES, id="a", title="t", metadata={"page": 1})]
    got = cp.prune_documents(given, query="request 7", budget=cp.Budget(ratio=0.3), pruner=ENGINE)
    (document,) = got.documents
    assert (document.id, document.title, document.metadata) == ("a", "t", {"page": 1})
    assert document.text != LINES
    assert document.kept
    assert document.merged == ()
    assert got.report.after <= got.report.before * 0.3


def test_select_examples_gives_examples() -> None:
    given = [cp.Example(input=f"request {i}", output="slow" * i, id=str(i)) for i in range(20)]
    pick = cp.select_examples(given, query="request 7", budget=cp.Budget(tokens=40), pruner=ENGINE)
    assert given[7] in pick.examples
    assert len(pick.examples) < 20


def test_recall_gives_the_original_or_the_part_asked_for() -> None:
    cp.compress(PAYLOAD, cp.Budget(ratio=0.4), pruner=ENGINE)
    key = ENGINE.store.key(LINES)
    assert cp.recall(key, pruner=ENGINE) == LINES
    assert cp.recall(key, lines="2", pruner=ENGINE) == LINES.split("\n")[1] + "\n"
    assert cp.recall(key, query="2793", pruner=ENGINE) == LINES.split("\n")[399] + "\n"
    assert cp.recall(key, chars="3-9", pruner=ENGINE) == LINES[2:9]
    assert cp.recall(key, rows="2", pruner=ENGINE) == LINES.split("\n")[1] + "\n"


def test_recall_for_a_model_is_bounded_and_ends_with_what_to_ask_next() -> None:
    cp.compress(PAYLOAD, cp.Budget(ratio=0.4), pruner=ENGINE)
    key = ENGINE.store.key(LINES)
    answer = cp.recall(key, max_tokens=200, pruner=ENGINE)
    assert 100 < ENGINE.counter(answer) <= 200
    shown, _, last = answer.rpartition("\n")
    assert LINES.startswith(shown)
    assert last.endswith(f'more characters: ask with lines="{shown.count(chr(10)) + 2}-{LINES.count(chr(10))}"]')
    assert cp.recall(key, query="absent", max_tokens=200, pruner=ENGINE).startswith("No part of the original matches.")


def test_policy_takes_what_the_design_says() -> None:
    policy = cp.Policy(
        recall=0.95,
        protect=frozenset({cp.Kind.SYSTEM}),
        recent_turns=2,
        min_tokens=200,
        exclude_tools=(),
        high_water=0.8,
        low_water=0.5,
    )
    assert policy.protect == {"system"}


def test_every_error_has_one_base() -> None:
    errors = [getattr(cp, name) for name in FACE if name.endswith("Error") or name.startswith("Missing")]
    assert all(issubclass(error, cp.ContextPruneError) for error in errors)


def test_every_public_name_says_what_it_is() -> None:
    assert [name for name in FACE if name != "__version__" and not inspect.getdoc(getattr(cp, name))] == []
