from __future__ import annotations

from pathlib import Path

from contextprune.context import Context, Kind, Segment
from contextprune.training.labels.holdout import part_of, write_parts
from contextprune.training.mix import HELD_OUT_TOOLS
from contextprune.training.samples import Need, Sample, read_samples, write_samples


def sample(tool: str, package: str, number: int = 0) -> Sample:
    context = Context((Segment(Kind.TOOL_RESULT, "one\n", (0,)),), "why")
    groups = (f"tool:{tool}", f"package:{package}")
    return Sample(f"{tool}-{package}-{number}", "tools", tool, groups, context, (0,), (Need(0, 0, 3),))


def test_no_tool_and_no_package_of_the_unseen_part_is_trained_on(tmp_path: Path) -> None:
    tools = ["grep", "pytest", *sorted(HELD_OUT_TOOLS)]
    samples = [sample(tool, f"package{i}") for tool in tools for i in range(60)]
    write_samples(tmp_path / "all.jsonl.gz", samples)
    counts = write_parts(tmp_path / "all.jsonl.gz", tmp_path)
    assert min(counts.values()) > 0
    groups = {
        part: {name for s in read_samples(tmp_path / f"tools_{part}.jsonl.gz") for name in s.groups} for part in counts
    }
    assert groups["train"].isdisjoint(groups["unseen"])
    assert {g for g in groups["train"] if g.startswith("package:")}.isdisjoint(groups["dev"])


def test_a_known_package_under_an_unknown_tool_is_in_no_part() -> None:
    parts = {part_of(sample(min(HELD_OUT_TOOLS), f"package{i}")) for i in range(60)}
    assert parts == {"unseen", None}
