from __future__ import annotations

import json

import pytest

from contextprune.proxy.dashboard.request import request_page
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.usage import Usage
from tests.html_reader import Reader
from tests.proxy.telemetry.sample_traffic import finished, heat, monitor_of, passed


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


def test_its_money_is_what_the_provider_billed() -> None:
    bills = ((40_000, 0, 0, 0), (14_000, 0, 0, 0))
    text = shown(of(bills=bills, prices=(5.0, 6.25, 0.5, 10.0), usage=Usage(14_000, 0, 0, 500))).text
    for words in ("$0.0700", "without contextprune $0.2000", "saved $0.1300", "modelled $0.0700, billed $0.0700"):
        assert words in text


def test_why_it_went_through_is_said() -> None:
    monitor, _ = monitor_of()
    assert "Too many tokens were waiting" in shown(passed(monitor, "busy")).text


def test_its_context_is_shown_as_it_was_sent() -> None:
    page = shown(of(heat=heat()))
    assert "6 blocks as sent" in page.text
    assert "careful programmer" in page.text


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
