"""Old blocks shrink together under one ceiling, and failures stay whatever that is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import contextprune as cp
from contextprune.context import Kind
from contextprune.markers import KEEP, KEY
from contextprune.prepare import New
from contextprune.session.rewrite import rewrite
from contextprune.session.state import State
from contextprune.splitting import split
from contextprune.text.failure_lines import failure_lines
from tests import tool_outputs as outputs
from tests.session.conversations import look, said, source, state_of, step, talk, tools, work
from tests.strategies import COUNTER
from tests.tool_outputs import log


def blocks(state: State) -> list[int]:
    """The indices of all results."""
    return [i for i, s in enumerate(state.segments) if s.kind is Kind.TOOL_RESULT]


def conversation(turns: int = 6) -> State:
    views = [step(outputs.code(60, n), "read_file", f"src/m{n}.py") for n in range(turns)]
    return state_of(tools(), talk(said("Why does billing fail?"), *views, said("Go on.")))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_the_blocks_come_under_the_ceiling_and_none_grows(share: float) -> None:
    state = conversation()
    old = blocks(state)
    ceiling = int(share * sum(state.after[i] for i in old))
    found = rewrite(tools(), state, old, ceiling, {})
    assert sum(found[i][1] if i in found else state.after[i] for i in old) <= max(ceiling, 600)
    assert all(tokens < state.after[i] for i, (_, tokens) in found.items())
    assert all(len(text.encode()) <= len(state.text(i).encode()) for i, (text, _) in found.items())


def test_only_what_is_old_changes() -> None:
    state = conversation()
    first = blocks(state)[0]
    assert set(rewrite(tools(), state, [first], 0, {})) == {first}


def test_every_text_names_the_key_of_its_original() -> None:
    state, using = conversation(), tools()
    for i, (text, _) in rewrite(using, state, blocks(state), 500, {}).items():
        assert KEY.findall(text) == [using.store.key(state.segments[i].text)]


@pytest.mark.parametrize("ceiling", [0, 50, 400])
def test_failure_lines_stay_whatever_the_ceiling(ceiling: int) -> None:
    using = tools()
    context = talk(*work(2), step(outputs.test_run(40, 1)), step(log(60, 3)), said("Go on."))
    state = state_of(using, context)
    found = rewrite(using, state, blocks(state), ceiling, {})
    visible = "\n".join(found[i][0] if i in found else state.text(i) for i in range(len(context.segments)))
    spans = split(context)
    lines = [spans[i].text.strip() for i in failure_lines(context, spans)]
    assert lines
    assert all(line in visible for line in lines)


def test_what_is_marked_to_be_kept_stays_whatever_the_ceiling() -> None:
    text = log(60, 1) + f"\n{KEEP}the port is 8123\n"
    state = state_of(tools(cp.Policy(recall=0.3)), talk(*work(2), step(text, "read_file"), said("Go on.")))
    assert "the port is 8123" in rewrite(tools(), state, blocks(state), 0, {})[blocks(state)[-1]][0]


def test_what_else_changes_is_seen_as_it_will_stand() -> None:
    state = state_of(tools(), talk(*work(4), look("A" * 400), said("Go on.")))
    image = next(i for i, s in enumerate(state.segments) if s.kind is Kind.IMAGE)
    new: New = {image: ("[image cut]", 5)}
    assert rewrite(tools(), state, blocks(state), 500, new) == rewrite(tools(), state, blocks(state), 500, {})


class Listener:
    """A scorer that notes what each context is needed for."""

    name = "listener"

    def __init__(self) -> None:
        self.queries: list[str] = []

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
        self.queries.append(context.query)
        return [0.5] * len(spans)


def test_a_rewrite_is_guided_by_what_the_user_asked_and_not_by_what_stands_last_in_the_users_name() -> None:
    listener = Listener()
    views = [step(outputs.code(60, n), "read_file", f"src/m{n}.py") for n in range(3)]
    context = talk(said("Why does billing fail?"), *views, said("Go on."), *views, said("<tick>\n1\n</tick>"))
    state = state_of(tools(), context)
    rewrite(tools(scorer=listener), state, blocks(state), 500, {})
    assert listener.queries == ["Why does billing fail?"]


def test_nothing_old_is_nothing_new() -> None:
    assert rewrite(tools(), conversation(), [], 0, {}) == {}


def test_where_what_must_stay_is_a_copy_its_original_stays_and_not_much_else() -> None:
    wanted = source(9, 15)
    first, again = step(source(5, 120) + wanted), step(f"{source(7, 40)}{KEEP}\n{wanted}")
    state = state_of(tools(), talk(said("Why does billing fail?"), first, again, *work(2), said("Go on.")))
    old = blocks(state)[:2]
    found = rewrite(tools(), state, old, 0, {})
    texts = [found[i][0] if i in found else state.text(i) for i in old]
    assert all(line in "".join(texts) for line in wanted.splitlines())
    assert sum(map(COUNTER, texts)) < COUNTER(wanted) + 300
