"""Facts about pipelines: the needed lines stay the needed ones, and no other step answers the goal."""

from __future__ import annotations

import json

from contextprune.context import Context, Kind, Segment
from contextprune.training.executed.pipelines import pipelines
from contextprune.training.samples import Need, Sample


def run(tool: str, query: str, text: str, needed: str, *, failed: bool = True) -> Sample:
    segments = (
        Segment(Kind.USER, query, (0,)),
        Segment(Kind.TOOL_CALL, json.dumps({"command": f"run {tool}"}), (1,), pair="c", name="bash"),
        Segment(Kind.TOOL_RESULT, text, (2,), pair="c", name="bash", failed=failed),
    )
    start = text.index(needed)
    groups = (f"tool:{tool}", f"package:{tool}")
    return Sample(tool, "tools", tool, groups, Context(segments, query), (2,), (Need(2, start, start + len(needed)),))


RUNS = [run(f"t{i}", f"What of part_{i}?", f"ok\npart_{i} is broken\nend", f"part_{i} is broken") for i in range(12)]


def test_what_is_needed_is_the_same_text_with_the_heading_of_its_step() -> None:
    made = list(pipelines(RUNS, 30))
    assert len(made) > 20
    for sample in made:
        text = sample.context.segments[-1].text
        number = sample.context.query.removeprefix("What of ").rstrip("?")
        heading, needed = (text[need.start : need.end] for need in sample.needs)
        assert needed == f"{number} is broken"
        assert (
            heading.endswith(f"run t{number.removeprefix('part_')}")
            or f"run t{number.removeprefix('part_')} " in heading
        )


def test_a_goal_that_names_nothing_stands_beside_runs_that_went_well() -> None:
    vague = run("lint", "What is broken?", "one\nbad\ntwo", "bad")
    fine = [run(f"f{i}", f"What of part_{i}?", f"fine {i}\nall of it", "fine", failed=False) for i in range(6)]
    made = [sample for sample in pipelines([vague, *fine, *RUNS], 300) if sample.context.query == "What is broken?"]
    assert made
    assert all("is broken\nend" not in sample.context.segments[-1].text for sample in made)


def test_groups_hold_every_tool_and_package_of_the_steps() -> None:
    sample = next(iter(pipelines(RUNS, 5)))
    assert sample.groups[0] == "tool:pipeline"
    assert len([group for group in sample.groups if group.startswith("package:")]) >= 2
