from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.dashboard.blocks import context_html
from tests.html_reader import Reader
from tests.proxy.telemetry.sample_traffic import heat


def shown(rows: object) -> Reader:
    return Reader(context_html(json.dumps(rows).encode()))


@pytest.fixture(scope="module")
def page() -> Reader:
    return Reader(context_html(heat()))


def test_what_this_request_cut_is_shown_with_its_reasons(page: Reader) -> None:
    assert (
        "6 dropped: below the threshold; 1 merged: equal to an earlier line; 1 digested: identifiers only" in page.text
    )
    looks = [each["class"] for each in page.all("span") if each.get("title")]
    assert looks.count("s0 x") == 6
    assert {"s9", "s6", "s4 x m", "s2 x g"} <= set(looks)


def test_markers_are_set_apart(page: Reader) -> None:
    assert len(page.all("ins")) == 4  # one of them in the legend


def test_what_an_earlier_request_cut_names_that_request(page: Reader) -> None:
    assert "cut in request 2 of this session" in page.text
    assert "2,400 → 30 tokens" in page.text


def test_what_an_epoch_cut_says_so(page: Reader) -> None:
    assert "cut by an epoch; request 3 of this session brought it" in page.text


def test_blocks_are_counted_by_when_they_were_cut(page: Reader) -> None:
    counts = "1 cut in this request, 1 cut in earlier requests, 1 cut by an epoch, 3 left alone"
    assert f"6 blocks as sent: {counts}." in page.text


def test_only_long_blocks_that_this_request_left_as_they_were_are_folded(page: Reader) -> None:
    assert ["open" not in each for each in page.all("details")] == [False, False, False, False, True]


def test_blocks_without_facts_are_read_by_their_pieces() -> None:
    page = shown([["user", "", [["why?", "keep", "protected"]]], ["tool_result", "ls", [["a\n", "drop", "low", 0.1]]]])
    assert "2 blocks as sent: 1 cut in this request, 1 left alone." in page.text


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=20,
)


@given(json_values)
def test_a_context_of_another_form_is_left_out(value: object) -> None:
    assert shown(value).wrong == []


@given(json_values)
def test_facts_of_another_form_are_left_out(value: object) -> None:
    facts = {"tokens": value, "request": value, "cut": value}
    assert shown([["user", "", [["why?", "keep", "protected"]], facts]]).wrong == []


@pytest.mark.parametrize("broken", [b"", b"{", b"[" * 100_000, b"\xff"])
def test_a_context_that_is_no_json_is_left_out(broken: bytes) -> None:
    assert Reader(context_html(broken)).wrong == []


def test_a_very_long_context_is_cut() -> None:
    pieces = [[f"line {i}\n", "keep" if i % 2 else "drop", "r", 0.5] for i in range(30_000)]
    page = shown([["user", "", pieces], ["user", "", pieces]])
    assert sum("title" in each for each in page.all("span")) == 20_000
    assert "more is not shown" in page.text
