from __future__ import annotations

import dataclasses
import pickle

import pytest

from contextprune.context import Context, Document, Example, Kind, Segment, Span, Syntax, Unit

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


def test_results_of_tools_are_counted_and_nothing_else() -> None:
    result = Segment(Kind.TOOL_RESULT, "found", ("a",))
    assert Context((result, Segment(Kind.DOCUMENT, "found", ("b",)), result), "why").results == 2
