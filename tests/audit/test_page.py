from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from contextprune.audit.find import Skipped
from contextprune.audit.page import render_page
from contextprune.audit.sight import Sight, Unseen
from contextprune.audit.total import Audit, audit
from contextprune.display.amounts import money
from tests.audit.logs import DATA, pruner
from tests.html_reader import Reader


@cache
def found() -> Audit:
    return audit([str(DATA / name) for name in ("swe.json", "shell.atif.json", "docs.json")], pruner())


def read(audited: Audit) -> Reader:
    return Reader(render_page(audited))


def test_the_page_is_well_formed() -> None:
    reader = read(found())
    assert reader.wrong == []
    assert reader.open == []


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = render_page(found())
    assert not any({"src", "href", "onclick", "style"} & attributes.keys() for _, attributes in Reader(text).tags)
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_the_page_has_the_figures_of_the_audit() -> None:
    before, after = found().cost
    text = read(found()).text
    for figure in (money(before, priced=True), money(after, priced=True), f"{found().bills[0].tokens:,}"):
        assert figure in text
    for name in (*found().tools, *found().kinds, *(session.name for session in found().sessions)):
        assert name in text


def test_every_session_and_the_whole_have_a_plot() -> None:
    plots = [attributes for _, attributes in read(found()).tags if attributes.get("class") == "plot"]
    assert len(plots) == 1 + len(found().sessions)
    assert all(attributes["tabindex"] == "0" for attributes in plots)


def test_epochs_are_marked_in_the_plot_of_their_session() -> None:
    session = found().sessions[0]
    steps = (*session.steps[:3], session.steps[3]._replace(epoch=True), *session.steps[4:])
    marked = replace(found(), sessions=(replace(session, steps=steps),))
    classes = [attributes.get("class") for tag, attributes in read(marked).tags if tag == "line"]
    assert classes.count("epoch") == 1


def test_an_epoch_for_which_the_cache_had_expired_is_marked_as_free() -> None:
    session = found().sessions[0]
    steps = (*session.steps[:3], session.steps[3]._replace(epoch=True, cold=True), *session.steps[4:])
    marked = replace(found(), sessions=(replace(session, steps=steps),))
    classes = [attributes.get("class") for tag, attributes in read(marked).tags if tag == "line"]
    assert classes.count("free") == 1
    assert "Before 1 request old blocks would have been decided anew (epochs), 1 of them" in render_page(marked)


@pytest.mark.parametrize(
    "evil", ["</title><script>alert(1)</script>", "\" onfocus=alert(1) '", "<img src=x>", "\x1b\ud800"]
)
def test_nothing_in_a_session_becomes_markup(evil: str) -> None:
    session = found().sessions[0]
    block = replace(session.largest[0], session=evil, tool=evil, call=evil)
    flow = session.tools["bash"]
    session = replace(session, name=evil, title=evil, model=evil, tools={evil: flow}, largest=(block,))
    text = render_page(replace(found(), sessions=(session,), skipped=(Skipped(evil, evil),), unpriced=(evil,)))
    text.encode()
    reader = Reader(text)
    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert not {"img"} & {tag for tag, _ in reader.tags}
    assert not any("onfocus" in attributes for _, attributes in reader.tags)
    assert reader.wrong == []


def test_a_page_without_prices_speaks_of_tokens() -> None:
    relative = audit([str(DATA / "shell.json")], pruner(), "anthropic")
    assert re.search(r"\$\d", read(relative).text) is None


def test_the_page_shows_what_was_not_in_sight_and_the_table_over_recall() -> None:
    done = audit([str(DATA / "swe.json")], pruner(), compare=1)
    thing = Unseen("a < b & c", "s", 12, "Edit", "Read", "x.py", line=88, since=5)
    page = render_page(replace(done, sessions=(replace(done.sessions[0], sight=Sight(7, (thing,))),)))
    assert "Of 7 paths, ids and lines that your agent used later, 6 were in sight when it did; the other one:" in page
    assert "<code>a &lt; b &amp; c</code><td>12" in page
    assert "<tr class=here><th scope=row>0.95 (in force)" in page
    assert "<code>contextprune recall KEY</code>" in page


def test_a_page_without_a_table_has_no_heading_for_one() -> None:
    assert "By recall" not in render_page(audit([str(DATA / "shell.json")], pruner()))
