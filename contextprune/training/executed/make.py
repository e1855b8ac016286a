"""From runs of tools to balanced samples in a file."""

from __future__ import annotations

import json
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TypeAlias

from contextprune.context import Context, Kind, Segment
from contextprune.training.executed.families.table import FAMILIES, Family
from contextprune.training.executed.material import Package, find_packages
from contextprune.training.executed.output import Goal, Output, crop
from contextprune.training.executed.phrases import with_small_talk
from contextprune.training.executed.workbench import Workbench, names_this_machine
from contextprune.training.samples import Need, Sample, write_samples

FOLDERS = (Path(sysconfig.get_paths()["purelib"]), Path(sysconfig.get_paths()["stdlib"]))
UNANSWERABLE_SHARE = 0.12  # share of samples in which nothing is needed
MAX_CHARS = 60_000  # characters of a text
REMEMBERED_GOALS = 400  # goals that are remembered for texts that cannot answer them

Progress: TypeAlias = Callable[[str, int], None]


def write_tool_samples(
    out: Path,
    count: int,
    seed: int = 0,
    folders: Sequence[Path] = FOLDERS,
    progress: Progress | None = None,
) -> Mapping[str, int]:
    """Write about `count` samples to `out`, in a random order; returns how many there are of each kind."""
    packages = find_packages(folders)
    total = sum(family.share for family in FAMILIES.values())
    samples: list[Sample] = []
    foreign: list[Goal] = []

    # families in their order: each may borrow goals of those before it
    for name, family in FAMILIES.items():
        rng = Random(f"{seed}:{name}")  # noqa: S311 - a reproducible draw, not a secret
        wanted = round(count * family.share / total)
        samples += family_samples(family, wanted, rng, packages, foreign)
        if progress:
            progress(name, len(samples))

    Random(seed).shuffle(samples)  # noqa: S311 - as above
    write_samples(out, samples)
    return Counter(sample.kind for sample in samples)


def family_samples(
    family: Family, wanted: int, rng: Random, packages: Sequence[Package], foreign: list[Goal]
) -> Iterator[Sample]:
    """Draw up to `wanted` samples of one family; its keyed goals are added to `foreign`, for the families after it."""
    drawn = 0
    absent: list[Goal] = []
    with tempfile.TemporaryDirectory(prefix="tools") as folder:
        bench = Workbench(rng, packages, Path(folder))
        for number, full_output in enumerate(family.outputs(bench)):
            if drawn >= wanted:
                break
            output, cut_off = crop(full_output, rng)
            if names_this_machine(output.text, bench.folder) or not 300 < len(output.text) < MAX_CHARS:
                continue

            for goal in _choose_goals(output, cut_off + absent, foreign, rng, min(family.per, wanted - drawn)):
                drawn += 1
                yield _sample(output, goal, f"{family.name}-{number}-{drawn}", rng)
            keyed = [goal for goal in output.goals if goal.key]
            absent = (absent + rng.sample(keyed, min(6, len(keyed))))[-REMEMBERED_GOALS:]

    foreign += rng.sample(absent, min(40, len(absent)))


def _choose_goals(
    output: Output, absent: Sequence[Goal], foreign: Sequence[Goal], rng: Random, limit: int
) -> list[Goal]:
    """Choose goals that the text answers, spread over it, and replace some of them by goals that it cannot answer."""
    chosen = _spread_over_text([goal for goal in output.goals if goal.ranges], len(output.text), rng, limit)
    unanswerable = [goal for goal in output.goals if not goal.ranges]
    lower = output.text.lower()
    absent_here = [goal for goal in absent if goal.key and goal.key.lower() not in lower]
    foreign_here = [goal for goal in foreign if goal.key and goal.key.lower() not in lower]

    for _ in range(len(chosen)):
        if rng.random() < UNANSWERABLE_SHARE:
            pool = foreign_here if foreign_here and (not absent_here or rng.random() < 0.2) else absent_here
            pool = unanswerable if unanswerable and (not pool or rng.random() < 0.4) else pool
            if pool:
                chosen[rng.randrange(len(chosen))] = replace(rng.choice(pool), ranges=())

    unique = {goal.text: goal for goal in chosen}
    return list(unique.values())


def _spread_over_text(candidates: list[Goal], size: int, rng: Random, limit: int) -> list[Goal]:
    """Take goals in turn from each fifth of the text, and in each from the plain ones and those in other words."""
    rng.shuffle(candidates)
    pools: dict[tuple[int, bool], list[Goal]] = {}
    reworded = sum(not goal.plain for goal in candidates)
    plain_left = max(4, reworded * 2 // 3)  # a goal that repeats its line teaches little after a few
    for goal in sorted(candidates, key=lambda goal: goal.plain):
        if goal.plain and (plain_left := plain_left - 1) < 0:
            break
        pools.setdefault((min(4, 5 * goal.ranges[0][0] // max(1, size)), goal.plain), []).append(goal)

    chosen: list[Goal] = []
    order = sorted(pools, key=lambda _: rng.random())
    while len(chosen) < limit and any(pools.values()):
        for stratum in order:
            if pools[stratum] and len(chosen) < limit:
                chosen.append(pools[stratum].pop())
    return chosen


def _sample(output: Output, goal: Goal, name: str, rng: Random) -> Sample:
    request = with_small_talk(rng, goal.text, output.package)
    pair = f"call_{rng.randrange(16**8):08x}"
    call = json.dumps(output.call, ensure_ascii=False)
    segments = (
        Segment(Kind.USER, request, (0,)),
        Segment(Kind.TOOL_CALL, call, (1,), turn=1, pair=pair, name=output.tool),
        Segment(Kind.TOOL_RESULT, output.text, (2,), turn=1, pair=pair, name=output.tool, failed=output.failed),
    )
    needs = tuple(Need(2, start, end) for start, end in goal.ranges)
    groups = (f"tool:{output.kind}", f"package:{output.package}")
    return Sample(f"tools-{name}", "tools", output.kind, groups, Context(segments, request), (2,), needs)
