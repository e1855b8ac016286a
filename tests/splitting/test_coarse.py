from __future__ import annotations

import json
from typing import Any

import pytest

import contextprune as cp
from contextprune.context import Context, Kind, Segment, Unit
from contextprune.splitting import cut, split
from contextprune.splitting.coarse import MOST_SPANS, coarsened, short_lines
from tests.growth import assert_linear
from tests.splitting.tiling import assert_tiles

MANY = MOST_SPANS + 1_000


def test_lines_of_usual_length_stay_spans_of_their_own() -> None:
    text = "".join(f"a line that says something, number {number}\n" for number in range(MANY))
    cuts = cut(text)
    assert coarsened(text, cuts) is cuts


def test_few_short_lines_stay_spans_of_their_own() -> None:
    text = "x\n" * 1_000
    cuts = cut(text)
    assert coarsened(text, cuts) is cuts


def test_very_many_short_lines_are_joined() -> None:
    text = "".join(f"{number}\n" for number in range(MANY))
    joined = coarsened(text, cut(text))
    assert_tiles(text, list(joined))
    assert len(joined) < MANY / 10
    assert all(text[each.end - 1] == "\n" for each in joined)


def test_very_many_very_short_lines_are_joined_before_they_are_cut() -> None:
    text = "a\nbc\n" * MANY
    joined = short_lines(text)
    assert joined is not None
    assert_tiles(text, joined)
    assert max(each.end - each.start for each in joined) <= 120
    (first, *_) = split(Context((Segment(Kind.TOOL_RESULT, text, (0,)),), ""))
    assert first.text == text[: joined[0].end]


@pytest.mark.parametrize("opening", ["[\n", '{"a":\n', "```\n", "diff --git a/x b/x\n", "--- a\n"])
def test_what_must_not_be_torn_at_any_line_is_cut_by_its_shape(opening: str) -> None:
    assert short_lines(opening + "1,\n" * MANY) is None


def test_a_list_inside_of_a_text_is_cut_by_its_shape() -> None:
    assert short_lines("numbers:\n[\n" + "1,\n" * MANY + "1]\n") is None
    assert short_lines("[a]\nb = 1\n" * MANY) is None
    assert short_lines("a = [1]\nb = 1\n" * MANY) is not None


@pytest.mark.parametrize("unit", ["\n", " ", " \n", "[ ", "-\t\n"])
def test_short_lines_are_told_in_linear_time_whatever_they_hold(unit: str) -> None:
    assert_linear(short_lines, lambda size: unit * size, 20_000)


def test_lines_of_code_are_cut_by_their_shape() -> None:
    assert short_lines("    total = 1\n    f(x, y)\n" * MANY) is None


def test_lines_that_others_need_stay_apart_and_are_still_needed() -> None:
    header = "number,letter,digit\n"
    text = header + "".join(f"{number},x,1\n" for number in range(MANY))
    joined = coarsened(text, cut(text))
    assert (joined[0].start, joined[0].end) == (0, len(header))
    assert all(each.anchors == (0,) for each in joined[1:])


def test_a_line_of_very_many_numbers_stays_whole() -> None:
    text = json.dumps(list(range(MANY)))
    (span,) = split(Context((Segment(Kind.TOOL_RESULT, text, (0,)),), ""))
    assert (span.unit, span.text) == (Unit.WHOLE, text)


def test_markers_count_the_lines_that_were_joined() -> None:
    text = "".join(f"{number}\n" for number in range(MANY))
    calls = [{"id": "a", "type": "function", "function": {"name": "count", "arguments": "{}"}}]
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Which number comes first?"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "a", "content": text},
    ]
    pruner = cp.Pruner(scorer=cp.load_scorer("lexical"), store=cp.MemoryStore())
    out = cp.compress(messages, cp.Budget(ratio=0.3), pruner=pruner).payload[2]["content"]
    kept = sum(line.isdigit() for line in out.split("\n"))
    gone = [line.split(" ")[1].split("-") for line in out.split("\n") if line.startswith("[lines")]
    assert kept + sum(int(last) - int(first) + 1 for first, last in gone) == MANY
