"""What of the things that an agent used later was in sight, on a conversation small enough to check by eye."""

from __future__ import annotations

import json
from collections.abc import Mapping

from contextprune.audit.sight import Hindsight, Sight, Unseen
from contextprune.context import Context, Kind, Ref, Segment
from contextprune.session.requests import boundaries

LISTING = "src/app.py\nsrc/billing.py\n    total = price * quantity"
CUT = "src/app.py\n[2 lines omitted]"


def call(turn: int, name: str, **arguments: str) -> Segment:
    return Segment(Kind.TOOL_CALL, json.dumps(arguments), ("m", turn, 0), turn, f"c{turn}", name, editable=False)


def result(turn: int, text: str, name: str) -> Segment:
    return Segment(Kind.TOOL_RESULT, text, ("m", turn, 1), turn, f"c{turn}", name)


GOAL = Segment(Kind.USER, "Fix billing.", ("m", 0))
LOOK = call(1, "Glob", pattern="src/*"), result(1, LISTING, "Glob")
READ = call(2, "Read", path="src/billing.py"), result(2, "nothing here", "Read")
EDIT = call(3, "Edit", path="src/billing.py", old="total = price * quantity"), result(3, "done", "Edit")
SESSION = Context((GOAL, *LOOK, *READ, *EDIT))


def sight(edits: Mapping[Ref, str], context: Context = SESSION) -> Sight:
    """The sight over all requests, each of them under the same edits."""
    hindsight = Hindsight("s", context)
    for end in boundaries(context):
        hindsight.add(end, edits)
    return hindsight.sight


def test_what_was_not_cut_is_in_sight() -> None:
    assert sight({}) == Sight(used=2)


def test_a_thing_counts_once_where_it_is_used_first() -> None:
    assert [thing.request for thing in sight({LOOK[1].ref: ""}).unseen if thing.text == "src/billing.py"] == [2]


def test_what_was_cut_is_named_with_its_use_and_its_place() -> None:
    path, line = sight({LOOK[1].ref: CUT}).unseen
    assert path == Unseen("src/billing.py", "s", 2, "Read", "Glob", "src/*", line=2, since=2)
    assert line == Unseen("total = price * quantity", "s", 3, "Edit", "Glob", "src/*", line=3, since=2)


def test_what_a_marker_names_is_in_sight() -> None:
    assert [thing.text for thing in sight({LOOK[1].ref: f"{CUT} src/billing.py"}).unseen] == [
        "total = price * quantity"
    ]


def test_what_another_result_still_shows_is_in_sight() -> None:
    again = call(2, "Glob", pattern="*"), result(2, LISTING, "Glob")
    edit = call(3, "Edit", path="src/billing.py"), result(3, "done", "Edit")
    assert sight({LOOK[1].ref: ""}, Context((GOAL, *LOOK, *again, *edit))) == Sight(used=1)


def test_what_the_user_or_the_agent_said_needs_no_result() -> None:
    goal = Segment(Kind.USER, "Fix src/billing.py.", ("m", 0))
    assert sight({LOOK[1].ref: ""}, Context((goal, *LOOK, *READ))) == Sight(used=0)


def test_without_calls_the_agent_acts_by_what_it_says() -> None:
    context = Context(
        (
            Segment(Kind.DOCUMENT, LISTING, ("m", 0)),
            Segment(Kind.USER, "Which file bills?", ("m", 1)),
            Segment(Kind.ASSISTANT, "src/billing.py", ("m", 2), turn=1, editable=False),
        )
    )
    assert [thing.text for thing in sight({("m", 0): CUT}, context).unseen] == ["src/billing.py"]
    assert sight({("m", 0): CUT}, context).unseen[0].tool == ""


def test_sights_add_up() -> None:
    one, other = sight({LOOK[1].ref: CUT}), sight({})
    assert (one + other).used == 4
    assert (one + other).in_sight == 2
