"""Facts about questions told as tool results: whatever the form, the marked text is the evidence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contextprune.context import Kind
from contextprune.training.labels.kit import rng_for
from contextprune.training.labels.lookups import as_result
from contextprune.training.labels.questions import Doc, Piece, Row
from contextprune.training.samples import Sample


def told(kind: str, docs: tuple[Doc, ...], evidence: tuple[Piece, ...], seed: int, call: Any = None) -> Sample:
    return as_result(Row("r", "s", kind, ("g",), "Which?", docs, evidence, 1.0, (), call), rng_for(seed))


def marked(sample: Sample) -> list[str]:
    return [sample.context.segments[need.segment].text[need.start : need.end] for need in sample.needs]


@pytest.mark.parametrize("seed", range(12))
def test_hits_keep_their_evidence_in_text_and_json(seed: int) -> None:
    docs = (Doc("One", "Nothing here."), Doc('T"wo', 'He said:\n"The é answer" is\tthis.'))
    sample = told("prose", docs, (Piece(1, 9, 23), Piece(1, 24, 26)), seed)
    text = sample.context.segments[2].text
    whole, second = marked(sample)
    if text.startswith("[{"):
        json.loads(text)
        whole = json.loads(f'"{whole}"')
    assert (whole, second) == ('"The é answer"', "is")


@pytest.mark.parametrize("seed", range(12))
def test_records_keep_their_evidence_as_lines_and_lists(seed: int) -> None:
    text = '{"name": "a", "size": 1}\n{"name": "b", "size": 2}\n{"name": "c", "size": 3}'
    sample = told("json", (Doc("Find", text),), (Piece(0, 25, 49),), seed, {"method": "Find", "parameters": {"x": 1}})
    assert [json.loads(found) for found in marked(sample)] == [{"name": "b", "size": 2}]
    assert sample.context.segments[1].name == "Find"
    assert json.loads(sample.context.segments[1].text) == {"x": 1}


@pytest.mark.parametrize("kind", ["table", "code", "json", "prose"])
def test_a_view_is_the_goal_the_call_and_the_result(kind: str) -> None:
    sample = told(kind, (Doc("x.csv", "a,b\n1,2\n3,4\n"),), (Piece(0, 4, 7),), 0)
    assert [segment.kind for segment in sample.context.segments] == [Kind.USER, Kind.TOOL_CALL, Kind.TOOL_RESULT]
    assert sample.context.segments[1].pair == sample.context.segments[2].pair
    assert (sample.context.query, sample.context.asked, sample.judged) == ("Which?", False, (2,))
    assert marked(sample) == ["1,2"]


def test_a_table_with_paragraphs_is_one_text() -> None:
    sample = told("table", (Doc("table", "a|b"), Doc("paragraph 1", "The sum.")), (Piece(1, 4, 7),), 0)
    assert marked(sample) == ["sum"]
