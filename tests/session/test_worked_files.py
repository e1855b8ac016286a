"""Views of files that are worked with stay at an epoch; a file is that while calls name it, and once edited."""

from __future__ import annotations

import contextprune as cp
from contextprune.context import Context
from contextprune.selection.targets import VIEW_IDLE
from contextprune.session.epoch import run_epoch
from contextprune.session.state import Look
from contextprune.session.worked_files import edited_files, idle_views, worked_with
from tests.session.conversations import Step, said, source, state_of, step, talk, tools
from tests.tool_outputs import log

POLICY = cp.Policy(recall=0.3, prices="openai")


def view(number: int) -> Step:
    return step(source(number, 60), "read_file", f'{{"path": "src/m{number}.py"}}')


def builds(count: int) -> list[Step]:
    return [step(log(90, 100 + n), call=f"make run{n}") for n in range(count)]


OTHERS = [view(n) for n in range(10, 20)]
"""Views of files that no later call names, so that an epoch has something to remove."""


def changed(*steps: Step, policy: cp.Policy = POLICY) -> tuple[Context, set[int]]:
    """The conversation and the segments that an epoch before its last request would change, with a cold cache."""
    using = tools(policy)
    context = talk(said("Look."), *steps, said("Go on."))
    return context, {at for at, _, _ in run_epoch(using, state_of(using, context), context, cold=True)}


def test_a_view_that_no_call_names_any_more_shrinks() -> None:
    _, shrunk = changed(view(1), *OTHERS, *builds(VIEW_IDLE + 2))
    assert 2 in shrunk


def test_one_whose_file_was_named_lately_stays() -> None:
    _, shrunk = changed(view(1), *OTHERS, *builds(VIEW_IDLE + 2), step("ok", call="pytest src/m1.py"), *builds(3))
    assert shrunk
    assert 2 not in shrunk


def test_one_whose_file_was_edited_stays() -> None:
    edit = step("done", "Edit", '{"file_path": "src/m1.py", "old_string": "a", "new_string": "b"}')
    _, shrunk = changed(view(1), edit, *OTHERS, *builds(40))
    assert shrunk
    assert 2 not in shrunk


def test_one_whose_file_the_user_named_stays() -> None:
    context = talk(said("Work through m1.py."), view(1), *OTHERS, *builds(VIEW_IDLE + 9), said("Go on."))
    using = tools(POLICY)
    shrunk = {at for at, _, _ in run_epoch(using, state_of(using, context), context, cold=True)}
    assert shrunk
    assert 2 not in shrunk


def test_where_the_window_is_full_views_that_are_worked_with_shrink_last() -> None:
    views = [view(n) for n in range(1, 9)]
    context, shrunk = changed(
        *views, *builds(4), policy=cp.Policy(recall=0.3, window=8_000, high_water=0.6, low_water=0.3)
    )
    assert {at for at in shrunk if context.segments[at].name == "read_file"}


def test_idleness_counts_from_the_last_call_that_names_a_file() -> None:
    using = tools(POLICY)
    state = state_of(using, talk(said("Look."), view(1), view(2), *builds(3), step("ok", call="wc m1.py"), *builds(2)))
    looks = {
        2: Look(failed=False, keys=frozenset(), view=True, files=frozenset({"m1.py"})),
        4: Look(failed=False, keys=frozenset(), view=True, files=frozenset({"m2.py"})),
        6: Look(failed=False, keys=frozenset(), view=False, files=frozenset()),
    }
    assert idle_views(state, looks) == {2: 2, 4: 6}


def test_edited_files_are_named_by_edits_and_patches() -> None:
    patch = '{"input": "*** Begin Patch\\n*** Update File: src/b.go\\n@@\\n-x\\n+y\\n*** End Patch"}'
    edit = '{"file_path": "/w/src/a.py", "old_string": "x"}'
    using = tools(POLICY)
    context = talk(step("ok", "Edit", edit), step("ok", "shell", patch), view(3), step("ok", call="make c.o"))
    assert edited_files(state_of(using, context)) == {"a.py", "b.go"}


def test_the_idlest_of_them_come_first() -> None:
    using = tools(POLICY)
    state = state_of(using, talk(said("Look."), view(1), view(2), view(3), step("ok", call="wc m1.py")))
    files = {2: "m1.py", 4: "m2.py", 6: "m3.py"}
    looks = {at: Look(failed=False, keys=frozenset(), view=True, files=frozenset({name})) for at, name in files.items()}
    assert worked_with(state, looks, [2, 4, 6]) == [4, 6, 2]
    assert worked_with(state, looks, [6]) == [6]
