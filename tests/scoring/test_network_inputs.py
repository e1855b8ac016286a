from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Context, Kind, Segment
from contextprune.scoring.features import features
from contextprune.scoring.network_inputs import (
    GAP,
    GOAL,
    HEAD,
    HEADER,
    RECENT,
    SPAN,
    TAIL,
    UNKNOWN,
    inputs_of,
    joined,
    recent_text,
)
from contextprune.training.network.fast_wordpiece import FastWordPiece
from tests.scoring.contexts import documents, trace, with_spans
from tests.scoring.folders import WORDS, tokenizer

GAP_PIECE = 200


def test_the_goal_the_latest_calls_and_headers_stand_before_the_spans() -> None:
    context, spans = with_spans(trace())
    inputs = inputs_of(
        context, spans, range(len(spans)), features(context, spans), FastWordPiece(tokenizer()).encode, GAP_PIECE
    )
    assert list(inputs.kinds) == [GOAL, RECENT] + [HEADER] * 6 + [SPAN] * len(spans)
    assert len(inputs.blocks) == len(inputs.features) == len(spans)
    assert set(inputs.blocks) == set(range(6))
    goal = [WORDS[piece] for piece in inputs.ids[inputs.starts[0] : inputs.ends[0]]]
    assert goal == ["why", "does", "checkout", "fail"]


def test_a_text_is_read_at_its_two_ends_and_an_empty_one_is_one_unknown_piece() -> None:
    context, spans = with_spans(documents("One order failed.", query="order " * 500))
    inputs = inputs_of(
        context, spans, range(len(spans)), features(context, spans), FastWordPiece(tokenizer()).encode, GAP_PIECE
    )
    lengths = inputs.ends - inputs.starts
    assert max(lengths) == HEAD + TAIL
    assert list(inputs.ids[inputs.starts[RECENT] : inputs.ends[RECENT]]) == [UNKNOWN]


@given(st.lists(st.integers(1, 5), min_size=4, max_size=30), st.data())
def test_between_texts_of_different_blocks_stands_a_gap(lengths: list[int], data: st.DataObject) -> None:
    spans = data.draw(st.integers(1, len(lengths) - 3))
    headers = len(lengths) - 2 - spans
    blocks = np.sort(np.array(data.draw(st.lists(st.integers(0, headers - 1), min_size=spans, max_size=spans))))
    pieces = np.arange(1, sum(lengths) + 1)
    inputs = joined(pieces, np.array(lengths), blocks, np.zeros((spans, 40)), 0)
    assert list(inputs.ids[inputs.ids > 0]) == list(pieces)
    assert list(inputs.ends - inputs.starts) == lengths
    assert inputs.starts[0] == GAP
    assert len(inputs.ids) == inputs.ends[-1] + GAP

    before = inputs.starts[1:] - inputs.ends[:-1]
    within = np.r_[np.zeros(len(lengths) - spans, bool), blocks[1:] == blocks[:-1]]
    assert list(before) == [0 if same else GAP for same in within]


def test_the_latest_calls_are_those_of_the_last_turns_with_calls() -> None:
    calls = tuple(
        Segment(Kind.TOOL_CALL, f"call {turn}", (turn,), turn=turn, pair=f"p{turn}") for turn in (1, 2, 3, 4, 5)
    )
    assert recent_text(Context(calls)) == "call 3\ncall 4\ncall 5"
    assert recent_text(documents("a text")) == ""
