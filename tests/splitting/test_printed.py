"""What Python prints of a list or a dict is cut as JSON is, and can be read again after something went."""

from __future__ import annotations

import ast
import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import contextprune as cp
from contextprune.context import Cut, Syntax
from contextprune.splitting.data import cut_json, is_printed
from contextprune.splitting.dispatch import cut
from tests.splitting.tiling import assert_linear_cuts, assert_tiles, nasty
from tests.strategies import COUNTER, LEXICAL

ROWS = [{"id": i, "state": "failed" if i == 77 else "fine", "note": f"nothing of note {i}"} for i in range(300)]
QUESTION = {"role": "user", "content": "Which one failed?"}
CALL: Any = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "rows", "arguments": "{}"}}],
}


def pruned(text: str, ratio: float | None = None) -> str:
    pruner = cp.Pruner(cp.Policy(), LEXICAL, COUNTER, cp.MemoryStore())
    result = {"role": "tool", "tool_call_id": "1", "content": text}
    budget = None if ratio is None else cp.Budget(ratio=ratio)
    return str(cp.compress([QUESTION, CALL, result], budget, pruner=pruner).payload[-1]["content"])


@pytest.mark.parametrize("value", [ROWS, {"rows": ROWS}, tuple(ROWS), [tuple(row.values()) for row in ROWS]], ids=type)
@pytest.mark.parametrize("ratio", [None, 0.3])
def test_the_row_that_failed_stays_and_what_is_left_can_be_read(value: Any, ratio: float | None) -> None:
    text = str(value)
    got = pruned(text, ratio)
    assert "'failed'" in got
    assert len(got) < 0.75 * len(text)
    assert type(ast.literal_eval(got)) is type(value)


def test_it_is_cut_just_as_json_is() -> None:
    places = [(each.start, each.end, each.syntax, each.anchors) for each in cut(str(ROWS))]
    assert places == [(each.start, each.end, each.syntax, each.anchors) for each in cut(json.dumps(ROWS))]


def test_what_a_command_printed_is_cut_at_its_lines_within() -> None:
    log = "".join(f"2026-01-01 10:00:{i % 60:02} INFO worker's job {i} done\x1b[0m\n" for i in range(100))
    text = str({"code": 1, "stdout": f"{log}ERROR the disk is 'full'\n{log}"})
    cuts = cut(text)
    assert sum(each.syntax is Syntax.JSON_STRING for each in cuts) > 100
    assert "ERROR the disk is" in pruned(text, 0.2)


@pytest.mark.parametrize(
    "value",
    [
        [{"at": dt.datetime(2026, 1, i % 28 + 1, tzinfo=dt.UTC), "paid": Decimal(i)} for i in range(50)],
        [{"order": i, "by": object()} for i in range(50)],
        [{i: "a", "b": (i,), "c": b"'bytes'", "d": -1.5e-7, "e": None, "f": float("nan")} for i in range(50)],
    ],
    ids=["calls", "objects", "other keys and values"],
)
def test_values_of_other_classes_are_known(value: Any) -> None:
    assert is_printed(str(value))
    assert len(cut(str(value))) > 40


@pytest.mark.parametrize(
    "text",
    [
        "['" + "a" * 200 + "' is what was said, and no more than that]",
        "[name for name in ('a', 'b', 'c') if name.startswith('a') and name.endswith('b') and len(name) > 3]",
        "{'a': 'b', 'c': ['d', 'e', 'f', 'and so on', 'to the end, which is not here, since it was cut off]",
        "{'a', 'b', 'a set has no keys', 'so it is cut as what it looks like', 'and nothing else is known of it'}",
        "[{'a': 1}, {'b': 2}] and then a sentence that ends in a bracket, so that it looks alike at both ends (a)",
    ],
    ids=lambda text: text[:20],
)
def test_what_only_looks_like_it_is_cut_as_before(text: str) -> None:
    assert not is_printed(text)
    assert not {each.syntax for each in cut(text)} & {Syntax.JSON_ITEM, Syntax.JSON_PAIR}


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60) | st.binary(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.text(max_size=10) | st.integers(), inner, max_size=6)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=40,
)


@given(
    st.lists(VALUES, min_size=2, max_size=20) | st.dictionaries(st.text(max_size=9), VALUES, min_size=2, max_size=20)
)
def test_whatever_python_prints_is_tiled(value: Any) -> None:
    text = str(value)
    cuts: Sequence[Cut] = cut_json(text)
    assert_tiles(text, cuts)


@given(
    st.lists(
        st.fixed_dictionaries({"id": st.integers(), "text": st.text(min_size=20, max_size=80), "more": SCALARS}),
        min_size=20,
        max_size=60,
    ),
    st.sampled_from([0.2, 0.5, None]),
)
def test_what_is_left_of_records_can_be_read_again(records: list[dict[str, Any]], ratio: float | None) -> None:
    text = repr([{**each, "more": str(each["more"])} for each in records])
    assert isinstance(ast.literal_eval(pruned(text, ratio)), list)


@given(nasty())
def test_nasty_texts_are_tiled(inner: str) -> None:
    text = f"[{{'a': 'b'}}, {inner!r}, {inner}]".replace("\n", " ")
    assert_tiles(text, cut_json(text))


def test_silly_texts_take_linear_time() -> None:
    assert_linear_cuts(cut, "['a', ", "{'a': ", "[('", "'a': b, ", "['<", "['a', f(", "['\\\\", "['\"", "['a'] ")
