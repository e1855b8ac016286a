"""Facts about the mix: every source has a row, shares are kept, no repository takes more than its part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from contextprune.context import Context, Kind, Segment
from contextprune.training.executed.families.table import FAMILIES
from contextprune.training.labels.hindsight import SESSION_PLANS
from contextprune.training.labels.recipes import QUESTION_RECIPES
from contextprune.training.mix import HELD_OUT_TOOLS, MIX, STAGES, balanced, capped, row_of, stage_at, weights
from contextprune.training.samples import Sample


def made(repository: str, kind: str, count: int) -> Iterator[Sample]:
    context = Context((Segment(Kind.TOOL_RESULT, "one\n", (0,)),), "why")
    return (Sample(f"{repository}{kind}{i}", "made", kind, (repository,), context, (0,)) for i in range(count))


def test_the_shares_of_each_stage_make_a_whole() -> None:
    for stage in range(len(STAGES)):
        assert sum(row.shares[stage] for row in MIX) == pytest.approx(1)


def test_no_source_of_ours_falls_into_the_last_row_by_mistake() -> None:
    assert {row_of(name).name for name in SESSION_PLANS} == {"agents with records"}
    assert row_of("entire_cli").name == row_of("dgm").name == "coding sessions"
    assert row_of("tools").name == "executed tools"
    assert row_of("wtq_call").name == "tables and records"
    assert row_of("squad2").name == MIX[-1].name
    assert all(row_of(name) for name in QUESTION_RECIPES)


def test_weights_give_each_row_its_share_whatever_the_numbers() -> None:
    counts = {"tools": 90_000, "entire_cli": 400, "dgm": 100, "squad2": 9_000}
    weighed = weights(counts, 2)
    assert sum(weighed[name] * counts[name] for name in counts) == pytest.approx(1)
    tools, coding = (weighed["tools"] * 90_000, weighed["entire_cli"] * 400 + weighed["dgm"] * 100)
    assert coding / tools == pytest.approx(MIX[0].shares[2] / MIX[1].shares[2])
    assert weighed["entire_cli"] * 400 == pytest.approx(2 * weighed["dgm"] * 100)


def test_stages_follow_one_another() -> None:
    assert [stage_at(share) for share in (0.0, 0.3, 0.8, 1.0)] == [0, 1, 2, 2]


def test_a_large_repository_is_cut_to_its_share_of_what_remains() -> None:
    samples = [*made("large", "out", 300), *made("middle", "out", 60), *made("small", "out", 40)]
    counts = Counter(sample.groups[0] for sample in capped(samples, 0.5))
    assert counts == {"large": 100, "middle": 60, "small": 40}


def test_where_no_share_can_hold_all_repositories_are_cut_alike() -> None:
    counts = Counter(sample.groups[0] for sample in capped([*made("a", "out", 30), *made("b", "out", 10)], 0.2))
    assert counts == {"a": 10, "b": 10}


def test_file_views_do_not_drown_other_results() -> None:
    samples = [*made("a", "view:Read", 800), *made("a", "out:Bash", 150), *made("a", "trace", 50)]
    counts = Counter(sample.kind for sample in balanced(samples, {"view": 0.4, "out": 0.4, "trace": 0.2}))
    assert counts == {"view:Read": 200, "out:Bash": 150, "trace": 50}


def test_held_out_tools_are_kinds_that_exist() -> None:
    assert HELD_OUT_TOOLS - {"git_log"} <= FAMILIES.keys()
