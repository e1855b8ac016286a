"""The laws of retrieved documents and of in-context examples."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import contextprune as cp
from tests.strategies import COUNTER, SCORERS, budgets, documents, examples, pruner

every_scorer = pytest.mark.parametrize("scorer", SCORERS, ids=lambda scorer: scorer.name[:7])
queries = st.sampled_from(["", "why does billing fail", "Who moved to the U.S.?", "返回"])
maybe_a_budget = st.none() | budgets()

_GAP = re.compile(r"[^…]*\[…(?: \d+)?\][^…]*")


def total(texts: Sequence[str]) -> int:
    return sum(map(COUNTER, texts))


@every_scorer
@given(given_=documents(), query=queries, budget=maybe_a_budget)
def test_documents_keep_order_ids_metadata_and_scores(
    scorer: cp.Scorer, given_: list[cp.Document], query: str, budget: cp.Budget | None
) -> None:
    got = cp.prune_documents(given_, query, budget, pruner(scorer)).documents
    assert [(d.id, d.title, d.metadata, d.score) for d in got] == [(d.id, d.title, d.metadata, d.score) for d in given_]


@every_scorer
@given(given_=documents(), query=queries, budget=maybe_a_budget)
def test_what_is_kept_of_a_document_stands_in_its_text_with_every_gap_marked(
    scorer: cp.Scorer, given_: list[cp.Document], query: str, budget: cp.Budget | None
) -> None:
    for before, after in zip(given_, cp.prune_documents(given_, query, budget, pruner(scorer)).documents, strict=True):
        ends = [offset for run in after.kept for offset in run]
        assert ends == sorted(set(ends))
        assert not ends or (ends[0] >= 0 and ends[-1] <= len(before.text))
        runs = [before.text[start:end] for start, end in after.kept]
        gaps_before = [start > end for start, end in zip(ends[::2], [0, *ends[1::2]], strict=False)]
        assert _follows(
            after.text, list(zip(runs, gaps_before, strict=True)), bool(ends) and ends[-1] < len(before.text)
        )


def _follows(text: str, runs: list[tuple[str, bool]], open_end: bool) -> bool:
    """Whether `text` is the runs, one marker in front of each that has a gap before it, and one after an open end."""
    if not runs:
        return _GAP.fullmatch(text) is not None if open_end else text == ""
    (run, gap), rest = runs[0], runs[1:]
    at = text.find(run)
    while at >= 0:
        lead = text[:at]
        if (_GAP.fullmatch(lead) is not None if gap else lead == "") and _follows(
            text[at + len(run) :], rest, open_end
        ):
            return True
        at = text.find(run, at + 1) if gap else -1
    return False


@every_scorer
@given(given_=documents(), query=queries, budget=budgets())
def test_the_budget_holds_over_all_documents(
    scorer: cp.Scorer, given_: list[cp.Document], query: str, budget: cp.Budget
) -> None:
    got = cp.prune_documents(given_, query, budget, pruner(scorer))
    after = total([d.text for d in got.documents])
    assert after <= budget.resolve(total([d.text for d in given_]))
    assert got.report.after == after


@given(documents(), queries, maybe_a_budget)
def test_no_document_grows(given_: list[cp.Document], query: str, budget: cp.Budget | None) -> None:
    for before, after in zip(given_, cp.prune_documents(given_, query, budget, pruner()).documents, strict=True):
        assert COUNTER(after.text) <= COUNTER(before.text)
        assert len(after.text.encode("utf-8", "surrogatepass")) <= len(before.text.encode("utf-8", "surrogatepass"))


@given(documents(), queries, budgets())
def test_merged_names_other_documents_that_came_in(given_: list[cp.Document], query: str, budget: cp.Budget) -> None:
    names = [d.id or str(i) for i, d in enumerate(given_)]
    for i, document in enumerate(cp.prune_documents(given_, query, budget, pruner()).documents):
        assert set(document.merged) <= set(names) - {names[i]}
        assert len(set(document.merged)) == len(document.merged)
        assert not document.merged or document.kept


@given(documents(), queries)
def test_documents_that_fit_come_back_as_they_were(given_: list[cp.Document], query: str) -> None:
    got = cp.prune_documents(given_, query, cp.Budget(ratio=1.0), pruner()).documents
    assert [d.text for d in got] == [d.text for d in given_]
    assert [d.kept for d in got] == [((0, len(d.text)),) if d.text else () for d in given_]


@given(documents(), queries, maybe_a_budget)
def test_documents_are_pruned_the_same_way_every_time(
    given_: list[cp.Document], query: str, budget: cp.Budget | None
) -> None:
    once = cp.prune_documents(given_, query, budget, pruner()).documents
    assert cp.prune_documents(given_, query, budget, pruner()).documents == once


@every_scorer
@given(given_=examples(), query=queries, budget=budgets())
def test_examples_are_whole_in_order_and_within_the_budget(
    scorer: cp.Scorer, given_: list[cp.Example], query: str, budget: cp.Budget
) -> None:
    got = cp.select_examples(given_, query, budget, pruner(scorer))
    rest = iter(given_)
    assert all(any(example is own for own in rest) for example in got.examples)
    assert total([_shown(e) for e in got.examples]) <= budget.resolve(total([_shown(e) for e in given_]))
    assert got.report.after == total([_shown(e) for e in got.examples])


@every_scorer
@given(given_=examples(), query=queries, budget=budgets())
def test_no_example_that_fits_stays_out(
    scorer: cp.Scorer, given_: list[cp.Example], query: str, budget: cp.Budget
) -> None:
    chosen = [_shown(e) for e in cp.select_examples(given_, query, budget, pruner(scorer)).examples]
    room = budget.resolve(total([_shown(e) for e in given_])) - total(chosen)
    assert all(total([text]) > room for text in {*map(_shown, given_)}.difference(chosen))


@every_scorer
@given(given_=examples(), query=queries, budget=budgets())
def test_no_example_is_chosen_twice_while_another_is_left_out(
    scorer: cp.Scorer, given_: list[cp.Example], query: str, budget: cp.Budget
) -> None:
    chosen = [_shown(e) for e in cp.select_examples(given_, query, budget, pruner(scorer)).examples]
    if len(set(chosen)) < len(chosen):
        assert set(chosen) == {_shown(e) for e in given_}


def _shown(example: cp.Example) -> str:
    return f"{example.input}\n{example.output}"
