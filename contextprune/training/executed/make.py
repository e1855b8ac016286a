"""From runs of tools to balanced samples in a file: in processes, in pieces that stay where a run is broken off."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path
from random import Random
from subprocess import TimeoutExpired
from typing import NamedTuple, TypeAlias

from contextprune.context import Context, Kind, Segment
from contextprune.interpreter import isolate_children, leave_interrupts_to_parent
from contextprune.training.executed.families.table import FAMILIES, Family
from contextprune.training.executed.material import Package, find_packages
from contextprune.training.executed.output import Goal, Output, crop
from contextprune.training.executed.phrases import with_small_talk
from contextprune.training.executed.workbench import SITE, STANDARD, MissingTool, Workbench, names_this_machine
from contextprune.training.mix import HELD_OUT_TOOLS, is_held_out
from contextprune.training.samples import Need, Sample, read_samples, write_samples

FOLDERS = (Path(SITE), Path(STANDARD))
UNANSWERABLE_SHARE = 0.12  # share of samples in which nothing is needed
MAX_CHARS = 60_000  # characters of a text
REMEMBERED_GOALS = 400  # goals that are remembered for texts that cannot answer them
SAMPLES_OF_PIECE = 60  # samples of one piece of work; an odd share of a family is its last piece
BORROWED_FROM = ("files", "listing")  # quick families, whose goals are put to the texts of others
MAX_IDLE_OUTPUTS = 60  # outputs in a row of which nothing can be used: a tool that works otherwise than we think

Progress: TypeAlias = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to make tool samples.

    folders   where the packages to run tools over are
    tools     a folder with further programs
    families  names; () for all
    """

    seed: int = 0
    folders: Sequence[Path] = FOLDERS
    tools: Path | None = None
    processes: int = 1
    families: Sequence[str] = ()


class _Piece(NamedTuple):
    """A piece of work: a family, which piece of it, how many samples, and the file to write."""

    family: str
    number: int
    wanted: int
    path: Path
    plan: Plan


def write_tool_samples(
    out: Path, count: int, plan: Plan | None = None, progress: Progress | None = None
) -> Mapping[str, int]:
    """Write about `count` samples to `out`, in the order of a hash; returns how many there are of each kind.

    Pieces that stand beside `out` from an earlier run are taken as they are. A family whose tool is not installed is
    left out; `progress` is told so, as it is told of each finished piece.
    """
    plan = plan or Plan()
    pieces = _pieces(out, count, plan)
    pending = [piece for piece in pieces if not piece.path.exists()]
    report = progress or (lambda _text, _count: None)
    finished = sum(piece.wanted for piece in pieces if piece.path.exists())

    for piece, missing in _made_pieces(pending, plan.processes):
        finished += piece.wanted
        report(f"{piece.family} {piece.number}" + (f": left out, no {missing}" if missing else ""), finished)

    samples = [sample for piece in pieces if piece.path.exists() for sample in read_samples(piece.path)]
    samples.sort(key=lambda sample: blake2b(f"{plan.seed}:{sample.id}".encode(), digest_size=8).digest())
    write_samples(out, samples)
    return Counter(sample.kind for sample in samples)


def _pieces(out: Path, count: int, plan: Plan) -> list[_Piece]:
    """Cut the work into pieces, the families in turn, so that a run that is broken off has something of each."""
    folder = out.with_name(out.name.removesuffix(".gz").removesuffix(".jsonl") + ".pieces")
    families = [family for name, family in FAMILIES.items() if not plan.families or name in plan.families]
    total = sum(family.share for family in FAMILIES.values())  # the pieces are the same whichever families are wanted
    pieces = []
    for family in families:
        wanted = round(count * family.share / total)
        for number in range((wanted + SAMPLES_OF_PIECE - 1) // SAMPLES_OF_PIECE):
            size = min(SAMPLES_OF_PIECE, wanted - number * SAMPLES_OF_PIECE)
            path = folder / f"{family.name}-{number:03}-{size}-{plan.seed}.jsonl.gz"
            pieces.append(_Piece(family.name, number, size, path, plan))
    return sorted(pieces, key=lambda piece: piece.number)


def _made_pieces(pieces: Sequence[_Piece], processes: int) -> Iterator[tuple[_Piece, str]]:
    """Make the pieces; yields each with the tool that it misses, "" where nothing is missing."""
    if processes == 1:
        yield from ((piece, _make(piece)) for piece in pieces)
        return
    isolate_children()
    with get_context("spawn").Pool(processes, leave_interrupts_to_parent) as pool:
        yield from pool.imap_unordered(_made_one, pieces)


def _made_one(piece: _Piece) -> tuple[_Piece, str]:
    return piece, _make(piece)


def _make(piece: _Piece) -> str:
    """Write one piece; returns what it misses: the name of a tool, the time that one took; or ""."""
    plan = piece.plan
    rng = Random(f"{plan.seed}:{piece.family}:{piece.number}")  # noqa: S311 - a reproducible draw, not a secret
    packages = _packages(tuple(plan.folders))
    foreign = list(_borrowed(tuple(plan.folders), plan.seed))
    drawn = family_samples(FAMILIES[piece.family], piece.wanted, rng, packages, foreign, plan.tools, str(piece.number))
    try:
        samples = list(drawn)
    except MissingTool as missing:
        return str(missing)
    except TimeoutExpired:
        return "time"  # a machine that is busy: the next run tries again
    write_samples(piece.path, samples)
    return ""


@lru_cache(maxsize=2)
def _packages(folders: Sequence[Path]) -> Sequence[Package]:
    return find_packages(folders)


@lru_cache(maxsize=2)
def _borrowed(folders: Sequence[Path], seed: int) -> Sequence[Goal]:
    """Collect goals of quick families, to be put to texts that cannot answer them."""
    borrowed: list[Goal] = []
    for name in BORROWED_FROM:
        rng = Random(f"{seed}:{name}:borrowed")  # noqa: S311 - as above
        for _ in family_samples(FAMILIES[name], 80, rng, _packages(folders), borrowed):
            pass
    return borrowed


def family_samples(
    family: Family,
    wanted: int,
    rng: Random,
    packages: Sequence[Package],
    foreign: list[Goal],
    tools: Path | None = None,
    piece: str = "0",
) -> Iterator[Sample]:
    """Draw up to `wanted` samples of one family; its keyed goals are added to `foreign`, for the families after it.

    A family that is held out is run on packages and projects that are held out. Raises MissingTool.
    """
    drawn = idle = 0
    absent: list[Goal] = []
    with tempfile.TemporaryDirectory(prefix="tools") as folder:
        bench = _bench(family, rng, packages, Path(folder), tools)
        for number, full_output in enumerate(family.outputs(bench)):
            if drawn >= wanted or idle >= MAX_IDLE_OUTPUTS:
                break
            output, cut_off = crop(full_output, rng)
            idle += 1
            if names_this_machine(output.text, bench.folder) or not 300 < len(output.text) < MAX_CHARS:
                continue

            for goal in _choose_goals(output, cut_off + absent, foreign, rng, min(family.per, wanted - drawn)):
                drawn += 1
                idle = 0
                yield _sample(output, goal, f"{family.name}-{piece}-{number}-{drawn}", rng)
            keyed = [goal for goal in output.goals if goal.key]
            absent = (absent + rng.sample(keyed, min(6, len(keyed))))[-REMEMBERED_GOALS:]

    foreign += rng.sample(absent, min(40, len(absent)))


def _bench(family: Family, rng: Random, packages: Sequence[Package], folder: Path, tools: Path | None) -> Workbench:
    """Set up a workbench; for a family that is held out with packages and projects that are held out alone."""
    unseen = family.name in HELD_OUT_TOOLS
    usable = [package for package in packages if not unseen or is_held_out(f"package:{package.name}")]
    return Workbench(
        rng,
        usable or packages,
        folder,
        tools,
        Path(tempfile.gettempdir()) / "contextprune-tool-cache",
        lambda name: not unseen or is_held_out(f"package:{name}"),
    )


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
