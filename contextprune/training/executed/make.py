"""Drives the families: from runs of tools to balanced samples in a file."""

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
from contextprune.training.executed.material import Package, packages
from contextprune.training.executed.output import Ask, Output, cropped
from contextprune.training.executed.phrases import framed
from contextprune.training.executed.workbench import Bench, tells
from contextprune.training.samples import Need, Sample, write_samples

FOLDERS = (Path(sysconfig.get_paths()["purelib"]), Path(sysconfig.get_paths()["stdlib"]))
_NOTHING = 0.12  # share of samples in which nothing is needed
_LONGEST = 60_000  # characters of a text
_RECENT = 400  # goals that are remembered for texts that cannot answer them

Progress: TypeAlias = Callable[[str, int], None]


def make(
    out: Path,
    count: int,
    seed: int = 0,
    folders: Sequence[Path] = FOLDERS,
    progress: Progress | None = None,
) -> Mapping[str, int]:
    """Write about `count` samples; how many there are of each kind."""
    material = packages(folders)
    total = sum(family.share for family in FAMILIES.values())
    samples: list[Sample] = []
    strange: list[Ask] = []
    for name, family in FAMILIES.items():
        rng = Random(f"{seed}:{name}")  # noqa: S311 - a reproducible draw, not a secret
        wanted = round(count * family.share / total)
        samples += draw(family, wanted, rng, material, strange)
        if progress:
            progress(name, len(samples))
    Random(seed).shuffle(samples)  # noqa: S311 - as above
    write_samples(out, samples)
    return Counter(sample.kind for sample in samples)


def draw(family: Family, wanted: int, rng: Random, material: Sequence[Package], strange: list[Ask]) -> Iterator[Sample]:
    """Samples of one family; its goals are added to `strange`, for the families after it."""
    made = 0
    absent: list[Ask] = []
    with tempfile.TemporaryDirectory(prefix="tools") as folder:
        bench = Bench(rng, material, Path(folder))
        for number, whole in enumerate(family.outputs(bench)):
            if made >= wanted:
                break
            output, outside = cropped(whole, rng)
            if tells(output.text, bench.folder) or not 300 < len(output.text) < _LONGEST:
                continue
            for ask in _chosen(output, outside + absent, strange, rng, min(family.per, wanted - made)):
                made += 1
                yield _sample(output, ask, f"{family.name}-{number}-{made}", rng)
            named = [ask for ask in output.asks if ask.key]
            absent = (absent + rng.sample(named, min(6, len(named))))[-_RECENT:]
    strange += rng.sample(absent, min(40, len(absent)))


def _chosen(output: Output, absent: Sequence[Ask], strange: Sequence[Ask], rng: Random, most: int) -> list[Ask]:
    """Goals that the text answers, spread over it and half of them in other words; and some that it does not."""
    asks = _spread([ask for ask in output.asks if ask.ranges], len(output.text), rng, most)
    here = [ask for ask in output.asks if not ask.ranges]
    lower = output.text.lower()
    nothing = [ask for ask in absent if ask.key and ask.key.lower() not in lower]
    other = [ask for ask in strange if ask.key and ask.key.lower() not in lower]
    for _ in range(len(asks)):
        if rng.random() < _NOTHING:
            pool = other if other and (not nothing or rng.random() < 0.2) else nothing
            pool = here if here and (not pool or rng.random() < 0.4) else pool
            if pool:
                asks[rng.randrange(len(asks))] = replace(rng.choice(pool), ranges=())
    unique = {ask.goal: ask for ask in asks}
    return list(unique.values())


def _spread(asks: list[Ask], size: int, rng: Random, most: int) -> list[Ask]:
    """Takes turns between the fifths of the text, and in each between plain goals and those in other words."""
    rng.shuffle(asks)
    pools: dict[tuple[int, bool], list[Ask]] = {}
    reworded = sum(not ask.plain for ask in asks)
    plain = max(4, reworded * 2 // 3)  # a goal that repeats its line teaches little after a few
    for ask in sorted(asks, key=lambda ask: ask.plain):
        if ask.plain and (plain := plain - 1) < 0:
            break
        pools.setdefault((min(4, 5 * ask.ranges[0][0] // max(1, size)), ask.plain), []).append(ask)
    chosen: list[Ask] = []
    order = sorted(pools, key=lambda _: rng.random())
    while len(chosen) < most and any(pools.values()):
        for place in order:
            if pools[place] and len(chosen) < most:
                chosen.append(pools[place].pop())
    return chosen


def _sample(output: Output, ask: Ask, name: str, rng: Random) -> Sample:
    goal = framed(rng, ask.goal, output.package)
    pair = f"call_{rng.randrange(16**8):08x}"
    call = json.dumps(output.call, ensure_ascii=False)
    segments = (
        Segment(Kind.USER, goal, (0,)),
        Segment(Kind.TOOL_CALL, call, (1,), turn=1, pair=pair, name=output.tool),
        Segment(Kind.TOOL_RESULT, output.text, (2,), turn=1, pair=pair, name=output.tool, failed=output.failed),
    )
    needs = tuple(Need(2, start, end) for start, end in ask.ranges)
    groups = (f"tool:{output.kind}", f"package:{output.package}")
    return Sample(f"tools-{name}", "tools", output.kind, groups, Context(segments, goal), (2,), needs)
