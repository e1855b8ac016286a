"""The state of the fold: what is sent of a conversation, and what can be seen in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from contextprune.context import Context, Kind, Segment
from contextprune.money.payback import Meter, tables
from contextprune.selection.dedupe import sameness
from contextprune.session.ledger import Entry
from contextprune.session.state import State, shown_as
from contextprune.splitting import split
from tests import tool_outputs as outputs
from tests.session.conversations import said, state_of, step, talk, tools, work

KEY = "abcdefghijkl"


def segment(kind: Kind, text: str, at: int = 0, **more: Any) -> Segment:
    return Segment(kind, text, ("m", at), **more)


def state(*texts: str | tuple[str, str], ends: Sequence[int] = ()) -> State:
    """Results as they came, or as (came, sent); requests end behind those named."""
    made = State(Meter(tables("", "", {})))
    for at, text in enumerate(texts):
        came, sent = (text, None) if isinstance(text, str) else text
        made.add(segment(Kind.TOOL_RESULT, came, at), Entry(sent, len(came), len(came if sent is None else sent)))
        if at in ends:
            made.end(())
    return made


def place(made: State, text: str) -> int | None:
    """The first block that still shows a span."""
    return made.first_shown.get(sameness(text))


def test_what_stands_as_it_is_is_sent_as_it_came() -> None:
    made = state("one\n", ("two\n", "2\n"))
    assert [made.text(0), made.text(1)] == ["one\n", "2\n"]
    assert (made.before, made.after) == ([4, 4], [4, 2])


def test_a_line_is_shown_by_the_first_segment_that_has_it() -> None:
    made = state("alpha\nbeta\n", "beta\ngamma\n")
    assert [place(made, line) for line in ("alpha", "  beta\n", "gamma", "delta")] == [0, 0, 1, None]


def test_what_was_removed_is_not_shown() -> None:
    made = state(("alpha\nbeta\n", "alpha\n"), "beta\n")
    assert place(made, "beta") == 1


def test_lines_of_a_numbered_view_are_known_by_what_stands_behind_the_number() -> None:
    made = state("     1\tdef f():\n     2\t    return 1\n")
    assert place(made, "   812\tdef f():\n") == 0


def test_an_epoch_changes_what_is_sent_and_what_is_shown() -> None:
    made = state("alpha\nbeta\n", "beta\ngamma\n")
    assert place(made, "beta") == 0
    made.end(((0, f"alpha\n[1 line cut, recall={KEY}]\n", 5),))
    assert place(made, "beta") == 1
    assert made.after == [5, 11]
    assert made.keys == {KEY}


def test_recall_keys_that_were_sent_are_known() -> None:
    assert state(("alpha\n" * 9, f"[9 lines cut, recall={KEY}]\n")).keys == {KEY}


def test_identifiers_of_results_are_not_shown_by_anything_else() -> None:
    made = state("src/app/models.py:3 fails\n")
    assert made.shown == set()
    made.add(segment(Kind.USER, "Look at src/app/views.py, please."), Entry(None, 9, 9))
    assert "src/app/views.py" in made.shown


def test_reasoning_that_an_epoch_may_empty_shows_nothing() -> None:
    made = state()
    made.add(segment(Kind.REASONING, "parse_args in src/app/views.py"), Entry(None, 9, 9))
    assert made.shown == set()
    made.add(segment(Kind.REASONING, "parse_args in src/app/views.py", editable=False), Entry(None, 9, 9))
    assert made.shown


def test_a_request_ends_where_it_was_sent_and_nowhere_else() -> None:
    assert state("a", "b", ends=[1]).ended
    assert not state("a", "b", ends=[0]).ended


@pytest.mark.parametrize("changed", [(), ((0, "x", 1),)])
def test_a_request_counts_what_the_cache_knew_of_it(changed: tuple[tuple[int, str, int], ...]) -> None:
    made, expected = state("a" * 5000, "b" * 5000, ends=[0]), Meter(tables("", "", {}))
    made.end(changed)
    expected.request(5000, 5000, 0)
    if changed:
        expected.request(10_000, 5001, 0)
    else:
        expected.request(10_000, 10_000, 5000)
    assert made.meter.saved == expected.saved


def test_blocks_that_come_later_are_found_as_well() -> None:
    made = state("alpha\n")
    assert place(made, "beta") is None
    made.add(segment(Kind.DOCUMENT, "beta\n", 1), Entry(None, 1, 1))
    made.add(segment(Kind.USER, "gamma\n", 2), Entry(None, 1, 1))
    assert (place(made, "beta"), place(made, "gamma")) == (1, None)


def test_a_block_that_was_cut_already_need_not_be_cut_again() -> None:
    came = segment(Kind.TOOL_RESULT, outputs.log(9, 1))
    spans = split(Context((came,)))
    made = state()
    made.add(came, Entry(None, 1, 1), spans[:2])
    assert [place(made, span.text) for span in spans[:3]] == [0, 0, None]


def test_a_segment_as_it_is_sent_is_still_itself() -> None:
    came = segment(Kind.TOOL_RESULT, outputs.log(3, 1), 4, turn=2, pair="c", name="sh", marked=True)
    sent = shown_as(came, "short")
    assert (sent.text, sent.kind, sent.turn, sent.pair, sent.name) == ("short", came.kind, 2, "c", "sh")


def test_the_spans_of_a_block_are_those_of_what_is_sent_of_it_also_after_an_epoch() -> None:
    using = tools()
    state = state_of(using, talk(*work(4)))
    at = next(i for i, segment in enumerate(state.segments) if segment.kind is Kind.TOOL_RESULT)
    assert "".join(span.text for span in state.cut(at)) == state.text(at)
    assert state.cut(at) is state.cut(at)
    state.end(((at, "[20 lines cut]", 5),))
    assert "".join(span.text for span in state.cut(at)) == "[20 lines cut]"


def test_the_failures_of_a_result_are_its_failure_lines_or_all_of_it() -> None:
    using = tools()
    talked = talk(said("Why?"), step("fine so far\nERROR: no disk\nbye\n"), step("nothing at all to see\n"))
    state = state_of(using, talked)
    first, second = (i for i, segment in enumerate(state.segments) if segment.kind is Kind.TOOL_RESULT)
    assert [text.strip() for text in state.failures(first)] == ["ERROR: no disk"]
    assert state.failures(second) == ("nothing at all to see\n",)
