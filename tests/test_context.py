from __future__ import annotations

import dataclasses
import pickle

import pytest

from contextprune.context import Context, Document, Example, Kind, Reading, Segment, Span, Syntax, Unit, blocks_of

VALUES = [
    Segment(Kind.USER, "a", ("messages", 0)),
    Span(0, 0, 1, Unit.LINE, "a"),
    Context((Segment(Kind.USER, "a", ()),)),
    Document("a"),
    Example("a", "b"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_cannot_be_changed(value: object) -> None:
    name = next(iter(value.__dataclass_fields__))  # type: ignore[attr-defined]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_are_equal_by_content_and_travel_between_processes(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value


def test_kinds_are_the_words_that_users_write() -> None:
    assert Kind("tool_result") is Kind.TOOL_RESULT
    assert f"{Kind.SYSTEM}" == "system"


def test_a_segment_is_editable_and_has_not_failed_unless_said_otherwise() -> None:
    segment = Segment(Kind.TOOL_RESULT, "a", ())
    assert segment.editable
    assert not segment.failed
    assert segment.cost is None


def test_units_and_syntaxes_have_names_of_their_own() -> None:
    assert len({*map(str, Unit)}) == len(Unit)
    assert len({*map(str, Syntax)}) == len(Syntax)


def test_documents_do_not_share_their_metadata() -> None:
    assert Document("a").metadata is not Document("b").metadata


RESULT, DOCUMENT = Segment(Kind.TOOL_RESULT, "found", ("a",)), Segment(Kind.DOCUMENT, "found", ("b",))


@pytest.mark.parametrize(
    ("context", "reading"),
    [
        (Context((RESULT, DOCUMENT, RESULT), "why"), Reading.TRACE),
        (Context((RESULT, RESULT), "why", asked=True), Reading.ASKED_TRACE),
        (Context((RESULT, DOCUMENT), "why", asked=True), Reading.SINGLE_RESULT),
        (Context((RESULT,), arriving=True), Reading.ARRIVAL),
        (Context((DOCUMENT, DOCUMENT), "why"), Reading.DOCUMENTS),
        (Context((Segment(Kind.USER, "why", ("c",)), DOCUMENT)), Reading.CONVERSATION),
    ],
)
def test_how_results_are_weighed_follows_from_how_many_there_are_and_who_asks(
    context: Context, reading: Reading
) -> None:
    assert context.reading is reading


def test_a_call_is_found_by_the_id_of_its_result() -> None:
    calls = [Segment(Kind.TOOL_CALL, name, (name,), pair=name) for name in ("one", "two")]
    answer = Segment(Kind.TOOL_RESULT, "found", ("a",), pair="one")
    assert Context((*calls, answer)).call_of(2) is calls[0]


def test_blocks_are_runs_of_spans_of_one_segment() -> None:
    spans = [Span(segment, 0, 1, Unit.LINE, "x") for segment in (0, 0, 2, 3, 3, 3)]
    assert blocks_of(spans) == [range(2), range(2, 3), range(3, 6)]
