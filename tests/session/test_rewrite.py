"""Old blocks shrink together under one ceiling, and failures stay whatever that is."""

from __future__ import annotations

import pytest

import contextprune as cp
from contextprune.context import Kind
from contextprune.markers import KEEP, KEY
from contextprune.session.rewrite import New, rewritten
from contextprune.session.state import Past
from contextprune.splitting import split
from contextprune.text.failures import failing
from tests import tool_outputs as outputs
from tests.session.conversations import look, past_of, said, step, talk, tools, work
from tests.tool_outputs import log


def blocks(past: Past) -> list[int]:
    """The indices of all results."""
    return [i for i, s in enumerate(past.segments) if s.kind is Kind.TOOL_RESULT]


def state(turns: int = 6) -> Past:
    views = [step(outputs.code(60, n), "read_file", f"src/m{n}.py") for n in range(turns)]
    return past_of(tools(), talk(said("Why does billing fail?"), *views, said("Go on.")))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_the_blocks_come_under_the_ceiling_and_none_grows(share: float) -> None:
    past = state()
    old = blocks(past)
    ceiling = int(share * sum(past.after[i] for i in old))
    found = rewritten(tools(), past, old, ceiling, {})
    assert sum(found[i][1] if i in found else past.after[i] for i in old) <= max(ceiling, 600)
    assert all(tokens < past.after[i] for i, (_, tokens) in found.items())
    assert all(len(text.encode()) <= len(past.text(i).encode()) for i, (text, _) in found.items())


def test_only_what_is_old_changes() -> None:
    past = state()
    first = blocks(past)[0]
    assert set(rewritten(tools(), past, [first], 0, {})) == {first}


def test_every_text_names_the_key_of_its_original() -> None:
    past, using = state(), tools()
    for i, (text, _) in rewritten(using, past, blocks(past), 500, {}).items():
        assert KEY.findall(text) == [using.store.key(past.segments[i].text)]


@pytest.mark.parametrize("ceiling", [0, 50, 400])
def test_failure_lines_stay_whatever_the_ceiling(ceiling: int) -> None:
    using = tools()
    context = talk(*work(2), step(outputs.test_run(40, 1)), step(log(60, 3)), said("Go on."))
    past = past_of(using, context)
    found = rewritten(using, past, blocks(past), ceiling, {})
    visible = "\n".join(found[i][0] if i in found else past.text(i) for i in range(len(context.segments)))
    spans = split(context)
    lines = [spans[i].text.strip() for i in failing(context, spans)]
    assert lines
    assert all(line in visible for line in lines)


def test_what_is_marked_to_be_kept_stays_whatever_the_ceiling() -> None:
    text = log(60, 1) + f"\n{KEEP}the port is 8123\n"
    past = past_of(tools(cp.Policy(recall=0.3)), talk(*work(2), step(text, "read_file"), said("Go on.")))
    assert "the port is 8123" in rewritten(tools(), past, blocks(past), 0, {})[blocks(past)[-1]][0]


def test_what_else_changes_is_seen_as_it_will_stand() -> None:
    past = past_of(tools(), talk(*work(4), look("A" * 400), said("Go on.")))
    image = next(i for i, s in enumerate(past.segments) if s.kind is Kind.IMAGE)
    new: New = {image: ("[image cut]", 5)}
    assert rewritten(tools(), past, blocks(past), 500, new) == rewritten(tools(), past, blocks(past), 500, {})


def test_nothing_old_is_nothing_new() -> None:
    assert rewritten(tools(), state(), [], 0, {}) == {}
