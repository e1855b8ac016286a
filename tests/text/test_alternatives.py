from __future__ import annotations

import re

import pytest

from contextprune.text.alternatives import search_in_small_letters, search_of
from contextprune.text.failure_lines import FORMS
from tests import tool_outputs as outputs

LINES = [
    line
    for make in (outputs.log, outputs.test_run, outputs.traceback, outputs.shell, outputs.prose)
    for line in make(40, 3).split("\n")
] + [
    "\tFAIL\tpkg/a\t0.1s",
    "Error: It Broke",
    "E   assert 1 == 2",
    "thread 'main' panicked at",
    "KILLED",
    "status: 503",
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.pattern.pattern[:20])
def test_a_rewritten_search_finds_what_the_expression_does(form: object) -> None:
    pattern: re.Pattern[str] = form.pattern  # type: ignore[attr-defined]
    search, small = search_of(pattern), search_in_small_letters(pattern)
    for line in LINES:
        matches = pattern.search(line) is not None
        assert (search(line) is not None) == matches
        assert small is None or not line.isascii() or (small(line.lower()) is not None) == matches


def test_alternatives_behind_one_assertion_are_grouped() -> None:
    search = search_of(re.compile(r"\bred\b|blue|\bgreen(?:er|\|est)"))
    assert [search(text) is not None for text in ("a red one", "ablue", "green|est", "evergreener")] == [
        True, True, True, False,
    ]  # fmt: skip


def test_an_expression_that_only_begins_lines_is_tried_at_the_beginning_alone() -> None:
    search = search_of(re.compile(r"^one|^two"))
    assert search("two") is not None
    assert search("a one") is None


def test_sets_and_escapes_keep_their_meaning_in_small_letters() -> None:
    search = search_in_small_letters(re.compile(r"[A-C|)]\S\W?E", re.IGNORECASE))
    assert search is not None
    assert search("bx.e") is not None
    assert search("d .e") is None


def test_what_tells_capitals_apart_is_not_searched_in_small_letters() -> None:
    assert search_in_small_letters(re.compile("ERROR")) is None
    assert search_in_small_letters(re.compile("(?-i:E)rror", re.IGNORECASE)) is None
