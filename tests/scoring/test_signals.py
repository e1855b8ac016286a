from __future__ import annotations

from hypothesis import given

import contextprune as cp
from contextprune.context import Context, Kind, Segment
from contextprune.scoring import Signals
from contextprune.splitting import split
from tests.strategies import contexts

LINES = "".join(f"src/{word}.py:3:    value = load_{word}()\n" for word in ("one", "two", "three", "four", "five"))


def result(text: str, turn: int) -> Segment:
    return Segment(Kind.TOOL_RESULT, text, ("r", turn), turn=turn)


def scored(*segments: Segment) -> dict[tuple[int, str], float]:
    context = Context(segments)
    spans = split(context)
    scores = Signals()(context, spans)
    return {(span.segment, span.text): score for span, score in zip(spans, scores, strict=True)}


@given(contexts())
def test_scores_are_probabilities(context: cp.Context) -> None:
    spans = split(context)
    scores = Signals()(context, spans)
    assert len(scores) == len(spans)
    assert all(0.0 < score < 1.0 for score in scores)


def test_recent_results_score_above_old_ones() -> None:
    by_line = scored(result(LINES, 1), result(LINES.replace("value", "other"), 6))
    old = next(score for (segment, _), score in by_line.items() if segment == 0)
    new = next(score for (segment, _), score in by_line.items() if segment == 1)
    assert new > old


def test_the_older_copy_of_a_line_scores_below_the_newer() -> None:
    by_line = scored(result(LINES, 1), result(LINES, 1))
    (line, *_) = (text for segment, text in by_line if segment == 0)
    assert by_line[0, line] < by_line[1, line]


def test_a_failure_scores_above_the_lines_around_it() -> None:
    failure = "src/lost.py:7: Error: the connection was lost\n"
    by_line = scored(result(LINES + failure + LINES.replace("value", "other"), 1))
    assert by_line[0, failure] == max(by_line.values())


def test_what_the_latest_calls_speak_of_scores_higher() -> None:
    spoken = Segment(Kind.TOOL_CALL, '{"path": "load_three"}', ("c",), turn=2)
    silent = Segment(Kind.TOOL_CALL, '{"path": "elsewhere"}', ("c",), turn=2)
    line = LINES.splitlines(keepends=True)[2]
    assert scored(result(LINES, 1), spoken)[0, line] > scored(result(LINES, 1), silent)[0, line]


def test_the_query_makes_no_difference() -> None:
    context = Context((result(LINES, 1),), "load_three")
    spans = split(context)
    assert Signals()(context, spans) == Signals()(Context(context.segments, ""), spans)
