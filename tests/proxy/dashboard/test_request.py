from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.dashboard.request import request_page
from contextprune.proxy.telemetry.record import RequestRecord
from tests.html_reader import Reader
from tests.proxy.telemetry.sample_traffic import finished, heat, monitor_of, passed, record_of


def shown(record: RequestRecord, *, content: bool = True) -> Reader:
    return Reader(request_page(record, [9, 5, record.number, 0], content=content))


def of(**fields: object) -> RequestRecord:
    monitor, _ = monitor_of()
    return finished(monitor, **fields)


def test_a_request_has_its_figures() -> None:
    text = shown(of()).text
    for figure in ("40,000 → 14,000", "saved 65.0%", "$0.0500", "without contextprune $0.0800", "21 ms", "900 ms"):
        assert figure in text
    for name in ("claude-opus-4-5", "1f2e3d4c", "k1abc", "160,000 in, 9,000 out", "fold 12 ms"):
        assert name in text


def test_why_it_went_through_is_said() -> None:
    monitor, _ = monitor_of()
    assert "Too many tokens were waiting" in shown(passed(monitor, "busy")).text


def test_the_context_shows_what_was_kept_and_dropped_and_why() -> None:
    page = shown(of(heat=heat()))
    assert (
        "6 dropped: below the threshold; 1 merged: equal to an earlier line; 1 digested: identifiers only" in page.text
    )
    looks = [each["class"] for each in page.all("span") if each.get("title")]
    assert looks.count("s0 x") == 6
    assert {"s9", "s6", "s4 x m", "s2 x g"} <= set(looks)
    assert page.text.count("left alone") == 3


def test_long_blocks_that_were_left_alone_are_folded() -> None:
    folded = ["open" not in each for each in shown(of(heat=heat())).all("details")]
    assert folded == [False, False, True]


def test_text_is_shown_only_where_the_operator_wants_it() -> None:
    page = shown(of(heat=heat()), content=False)
    assert "careful programmer" not in page.text
    assert "content = true" in page.text


def test_its_neighbours_are_one_link_away() -> None:
    links = {each["href"] for each in shown(RequestRecord(number=3)).all("a")}
    assert links == {"/", "/requests/5"}


@pytest.mark.parametrize(
    "evil", ["</pre><script>alert(1)</script>", '" onfocus=alert(1) x="', "<img src=x>", "\x1b\x00"]
)
def test_nothing_from_outside_becomes_markup(evil: str) -> None:
    names = dict.fromkeys(("route", "status", "reason", "provider", "model", "session", "mode", "gone"), evil)
    blocks = json.dumps([[evil, evil, [[evil, evil, evil, 0.5], [evil, "drop", evil]]]]).encode()
    text = request_page(
        of(**names, keys=(evil,), kinds={evil: (5, 4)}, seconds={evil: 0.1}, heat=blocks), [], content=True
    )
    page = Reader(text)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert not any("onfocus" in attributes for _, attributes in page.tags)
    assert page.wrong == []


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=20,
)


@given(json_values)
def test_a_context_of_another_form_is_left_out(value: object) -> None:
    page = shown(record_of(number=1, route="chat", heat=json.dumps(value).encode()))
    assert page.wrong == []


@pytest.mark.parametrize("broken", [b"", b"{", b"[" * 100_000, b"\xff"])
def test_a_context_that_is_no_json_is_left_out(broken: bytes) -> None:
    assert shown(record_of(number=1, route="chat", heat=broken)).wrong == []


def test_a_very_long_context_is_cut() -> None:
    pieces = [[f"line {i}\n", "keep" if i % 2 else "drop", "r", 0.5] for i in range(30_000)]
    page = shown(of(heat=json.dumps([["user", "", pieces], ["user", "", pieces]]).encode()))
    assert sum("title" in each for each in page.all("span")) == 20_000
    assert "more is not shown" in page.text
