"""Facts about hindsight: what only results held and a later action used is marked, where it was held last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contextprune.context import Kind
from contextprune.training.labels.hindsight import SessionPlan, samples, strongest
from contextprune.training.labels.kit import half
from contextprune.training.samples import Need, Sample

PAD = "".join(f"def unused_{i}(argument):\n    return {i}\n" for i in range(12))


def act(number: int, **arguments: str) -> dict[str, Any]:
    function = {"name": "bash", "arguments": json.dumps(arguments)}
    return {"role": "assistant", "content": "", "tool_calls": [{"id": f"c{number}", "function": function}]}


def result(number: int, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"c{number}", "content": text}


def session(*messages: dict[str, Any]) -> dict[str, Any]:
    request = next(f"Fix bug {i}." for i in range(99) if half([f"Fix bug {i}."]) == "train")
    return {"id": "s", "messages": [{"role": "user", "content": request}, *messages], "meta": {}}


def views(*messages: dict[str, Any], plan: SessionPlan | None = None) -> list[Sample]:
    return list(samples([session(*messages)], "made", plan or SessionPlan(at_every_reply=True), "train", 0))


def marked(sample: Sample) -> Iterator[tuple[str, float]]:
    for need in sample.needs:
        yield sample.context.segments[need.segment].text[need.start : need.end], need.weight


FILE = f"{PAD}def broken_parser(text):\n    return text.strip().lower()\n{PAD}"
SESSION = (
    act(1, command="cat app.py"),
    result(1, FILE),
    act(2, command="grep -n broken_parser"),
    result(2, "nothing"),
    act(3, old="    return text.strip().lower()", new="    return text"),
    result(3, "done"),
)


def test_on_arrival_lines_and_names_of_all_later_actions_are_marked() -> None:
    [arrival] = [view for view in views(*SESSION) if view.id == "s+2"]
    assert list(marked(arrival)) == [("def broken_parser(text):", 0.8), ("    return text.strip().lower()", 0.9)]
    assert [segment.kind for segment in arrival.context.segments] == [Kind.USER, Kind.TOOL_CALL, Kind.TOOL_RESULT]
    assert (arrival.judged, arrival.context.asked) == ((2,), False)


def test_under_a_budget_only_what_is_still_to_be_used_is_marked() -> None:
    [view] = [view for view in views(*SESSION) if view.id == "s@5"]
    assert list(marked(view)) == [("    return text.strip().lower()", 1.0)]
    assert view.judged == (2,)
    assert len(view.context.segments) == 5


def test_the_latest_result_that_holds_a_text_has_the_mark() -> None:
    again = [act(1, command="cat"), result(1, FILE), act(2, command="cat"), result(2, FILE), *SESSION[4:]]
    [view] = [view for view in views(*again) if view.id == "s@5"]
    assert {need.segment for need in view.needs} == {4}


def test_what_was_said_outside_results_is_not_marked() -> None:
    spoken = [*SESSION[:2], {"role": "user", "content": "    return text.strip().lower()"}, *SESSION[4:]]
    assert all(not view.needs for view in views(*spoken) if view.id == "s@4")


def test_of_by_idin_which_nothing_was_needed_few_are_kept() -> None:
    idle = [message for i in range(30) for message in (act(i, command="ls"), result(i, FILE))]
    assert views(*idle) == []


def test_strings_of_json_are_values_whatever_their_letters() -> None:
    text = json.dumps([{"name": f"Place {word}", "note": "x" * 90} for word in ("One", "Two", "Three")])
    [view] = [v for v in views(act(1, q="x"), result(1, text), act(2, name="Place Two")) if v.id == "s+2"]
    assert [found for found, _ in marked(view)] == [json.dumps({"name": "Place Two", "note": "x" * 90})]


def test_copies_mark_the_same_text() -> None:
    plan = SessionPlan(at_every_reply=True, copies=3)
    system = {"role": "system", "content": "You code."}
    raw = session(*SESSION, act(4, command="cat"), result(4, FILE), act(5, old="def unused_3(argument):"))
    raw["messages"].insert(0, system)
    copies = list(samples([raw], "made", plan, "train", 0))
    assert len({sample.id for sample in copies}) == len(copies)
    for sample in copies:
        original = next(original for original in copies if original.id == sample.id.split("#")[0])
        assert list(marked(sample)) == list(marked(original))


def test_two_sessions_of_one_id_stay_two() -> None:
    by_id = list(samples([session(*SESSION), session(*SESSION)], "made", SessionPlan(), "train", 0))
    assert len({sample.id for sample in by_id}) == len(by_id) > 2


def test_sessions_that_share_records_are_told_apart_by_tool() -> None:
    by_tool = views(*SESSION, plan=SessionPlan(at_every_reply=True, by_tool=True))
    assert {sample.groups for sample in by_tool} <= {("bash",)}


@pytest.mark.parametrize("order", [1, -1])
def test_where_needs_meet_the_stronger_has_the_characters(order: int) -> None:
    needs = [Need(0, 0, 10, 0.5), Need(0, 4, 6, 1.0), Need(1, 0, 3, 0.4)][::order]
    assert strongest(needs) == (
        Need(0, 0, 4, 0.5),
        Need(0, 4, 6, 1.0),
        Need(0, 6, 10, 0.5),
        Need(1, 0, 3, 0.4),
    )
