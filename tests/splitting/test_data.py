"""JSON that stays JSON, whatever is left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.data import cut_json, cut_jsonl
from tests.splitting.tiling import SILLY, assert_linear_cuts, assert_tiles, nasty, pieces

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text('a\\"\n😀é. /', max_size=30)
LONG = st.text('ab\\"\n😀é. /', min_size=20, max_size=60).map(lambda text: text * 20)
VALUES = st.recursive(
    SCALARS | LONG, lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=40), inner, max_size=8)
)
STYLES: list[dict[str, Any]] = [{}, {"indent": 1}, {"indent": "\t", "ensure_ascii": False}, {"separators": (",", ":")}]
STAND_INS = {Syntax.JSON_ITEM: '"…"', Syntax.JSON_PAIR: '"…": 0'}


def closed(cuts: Sequence[Cut], wanted: set[int]) -> set[int]:
    """`wanted` and all that they need."""
    kept: set[int] = set()
    open_ends = list(wanted)
    while open_ends:
        index = open_ends.pop()
        if index not in kept:
            kept.add(index)
            open_ends += cuts[index].anchors
    return kept


def stand_in(run: str, syntax: Syntax) -> str:
    """What a renderer puts in the place of a dropped run that begins in `syntax`."""
    if syntax is Syntax.JSON_STRING:
        return "…"
    space = run[: len(run) - len(run.lstrip())]
    return space + STAND_INS[syntax] + ("," if run.rstrip().endswith(",") else "")


def without(text: str, cuts: Sequence[Cut], kept: set[int]) -> str:
    """The text with each longest run of dropped cuts replaced."""
    parts: list[str] = []
    index = 0
    while index < len(cuts):
        first = index
        while index < len(cuts) and index not in kept:
            index += 1
        if index > first:
            parts.append(stand_in(text[cuts[first].start : cuts[index - 1].end], cuts[first].syntax))
        else:
            parts.append(text[cuts[index].start : cuts[index].end])
            index += 1
    return "".join(parts)


@given(nasty())
def test_the_cuts_of_json_tile_it(text: str) -> None:
    assert_tiles(text, cut_json(text))


@given(nasty())
def test_the_cuts_of_json_lines_tile_them(text: str) -> None:
    assert_tiles(text, cut_jsonl(text))


def test_silly_json_takes_linear_time() -> None:
    assert_linear_cuts(cut_json, *SILLY)


def test_silly_json_lines_take_linear_time() -> None:
    assert_linear_cuts(cut_jsonl, *SILLY)


@given(VALUES, st.sampled_from(STYLES), st.data())
def test_whatever_is_dropped_the_rest_can_be_made_json_again(
    value: object, style: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(value, **style) + "\n"
    cuts = cut_json(text)
    assert_tiles(text, cuts)
    wanted = data.draw(st.sets(st.sampled_from(range(len(cuts)))))
    json.loads(without(text, cuts, closed(cuts, {0, *wanted})))


@given(VALUES)
def test_pretty_and_minified_are_cut_alike(value: object) -> None:
    pretty, minified = json.dumps(value, indent=4), json.dumps(value, separators=(",", ":"))
    assert len(cut_json(pretty)) == len(cut_json(minified))


def test_members_need_their_brackets_which_need_one_another() -> None:
    text = json.dumps({"rows": [{"id": n, "name": "somebody"} for n in range(5)], "next": None})
    cuts = cut_json(text)
    assert pieces(text, cuts)[:3] == ["{", '"rows": [', '{"id": 0, "name": "somebody"},']
    assert pieces(text, cuts)[-3:] == ["],", ' "next": null', "}"]
    assert [cut.anchors for cut in cuts] == [(9,), (7, 0), *[(1,)] * 5, (1,), (0,), (0,)]
    assert {cut.syntax for cut in cuts[2:7]} == {Syntax.JSON_ITEM}
    assert [cuts[n].syntax for n in (0, 1, 7, 8, 9)] == [Syntax.LINES, *[Syntax.JSON_PAIR] * 3, Syntax.LINES]


def test_a_long_string_is_cut_at_its_escaped_line_ends() -> None:
    text = json.dumps({"file": "first line\nC:\\new\n" * 40})
    cuts = cut_json(text)
    assert pieces(text, cuts)[1:4] == ['"file": "', "first line\\n", "C:\\\\new\\n"]
    assert pieces(text, cuts)[-2:] == ['"', "}"]
    assert {(cut.unit, cut.syntax, cut.anchors) for cut in cuts[2:-2]} == {(Unit.LINE, Syntax.JSON_STRING, (1,))}
    assert cuts[1].anchors == (len(cuts) - 2, 0)


def test_thousands_of_levels_are_no_problem() -> None:
    text = "[" * 3_000 + "1" + "]" * 3_000
    assert len(cut_json(text)) > 5_400


def test_very_many_small_values_in_a_line_are_one_piece_as_soon_as_that_is_clear() -> None:
    text = json.dumps([*range(40_000), "x" * 20])
    (whole,) = cut_json(text)
    assert (whole.start, whole.end, whole.unit) == (0, len(text), Unit.WHOLE)
    assert len(cut_json(json.dumps(list(range(5_000))))) > 5_000


@pytest.mark.parametrize(
    "text", ["[1,]", "[1 2]", "{1: 2}", '{"a" 1}', '{"a": 1,}', "[}", "1,", "[01]", "[1", "]", '["a": 1]', "tru", "[,]"]
)
def test_what_is_no_json_is_cut_as_lines(text: str) -> None:
    assert {cut.unit for cut in cut_json(text)} == {Unit.LINE}


def test_each_line_of_json_lines_is_a_record_and_a_long_one_is_cut_inside() -> None:
    records = ['{"a": 1}\n', json.dumps(list(range(1000))) + "\n", '{"b": 2}']
    text = "".join(records)
    cuts = cut_jsonl(text)
    assert cuts[0] == Cut(0, 9, Unit.RECORD, Syntax.JSON_LINE)
    assert cuts[1].syntax == cuts[-2].syntax == Syntax.JSON_LINE
    assert cuts[1].anchors == (len(cuts) - 2,)
    assert {cut.anchors for cut in cuts[2:-2]} == {(1,)}
    assert pieces(text, cuts)[-2:] == ["]\n", '{"b": 2}']


def test_records_of_several_lines_are_one_cut_each() -> None:
    values = ['{\n  "a": 1,\n  "b": [\n    2\n  ]\n}\n', "[[1],\n[2]]\n", '{"c": 3}\n', "{\n torn\n"]
    text = "".join(values)
    cuts = cut_jsonl(text)
    assert [text[cut.start : cut.end] for cut in cuts] == [*values[:3], "{\n", " torn\n"]


@pytest.mark.parametrize("line", ["{\n", "{}\n[\n", '["a",\n'])
def test_lines_that_open_values_which_never_close_take_linear_time(line: str) -> None:
    assert_linear_cuts(cut_jsonl, line)
