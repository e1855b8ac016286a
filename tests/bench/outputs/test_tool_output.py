from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.bench.outputs.tool_output import (
    TOOL_BASELINES,
    Output,
    find_outputs,
    load_outputs,
    on_outputs,
    recall,
)

ROOT = Path(__file__).parents[3] / "examples" / "data" / "bench"
LINES = [f"worker {i} took order {i * 7} at {i:02}:00" for i in range(40)]
OUTPUT = Output("a", "log", "what did worker 17 do", "bash", '{"command": "cat log"}', "\n".join(LINES), (LINES[17],))


def outputs() -> list[Output]:
    path = find_outputs(ROOT)
    assert path is not None
    return load_outputs(path, 2)


def test_the_samples_hold_outputs_of_every_unseen_tool_with_their_needed_lines() -> None:
    found = outputs()
    assert len({output.tool for output in found}) >= 4
    for output in found:
        assert output.needed
        assert all(line in output.text for line in output.needed)


@pytest.mark.parametrize("share", [0.5, 0.3, 0.1])
def test_ours_stays_within_the_share_of_lines_wherever_that_can_be(share: float) -> None:
    left = set(on_outputs("lexical")(OUTPUT, share))
    assert 0 < len(left.intersection(LINES)) <= share * len(LINES)


def test_a_ranking_that_finds_the_line_recalls_it() -> None:
    assert recall(OUTPUT, TOOL_BASELINES["bm25"], 0.1) == 1.0
    assert recall(OUTPUT, TOOL_BASELINES["lead"], 0.1) == 0.0
