"""The benchmark's tasks: each draws its rows, runs every arm on them, prints tables and gives its figures.

Rows are drawn once; every arm then sees the same rows, budgets and order. An arm or a task that cannot run here is left
out and named, never silently.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from contextprune.bench.adversarial import measure_adversarial
from contextprune.bench.data import Half, Session, find_data, find_sets, load_rows, load_sessions
from contextprune.bench.disturbances.disturbances import DISTURBANCES
from contextprune.bench.disturbances.requests import suitable
from contextprune.bench.documents import minilm
from contextprune.bench.documents.baselines import BASELINES, DENSE
from contextprune.bench.documents.evidence import BUDGETS
from contextprune.bench.field.cases import find_cases, load_cases
from contextprune.bench.field.measure import FIELD_BASELINES
from contextprune.bench.field.measure import SHARES as FIELD_SHARES
from contextprune.bench.field.tables import show_field
from contextprune.bench.jobs import (
    OUR_ARMS,
    Job,
    ReplayJob,
    replay_session,
    score_case,
    score_edits,
    score_knob,
    score_output,
    score_row,
    score_session,
)
from contextprune.bench.money.odds import compare_by_odds
from contextprune.bench.money.tables import show_money
from contextprune.bench.money.usage import FILE, compare, find_usage, load_usage
from contextprune.bench.outputs.recall_knob import find_samples, load_held_out
from contextprune.bench.outputs.tables import show_knob, show_tools
from contextprune.bench.outputs.tool_output import SHARES as LINE_SHARES
from contextprune.bench.outputs.tool_output import TOOL_BASELINES, find_outputs, load_outputs
from contextprune.bench.parallel import map_jobs
from contextprune.bench.sessions.epochs import EpochJob, conversations, measure_epochs, show_epochs
from contextprune.bench.sessions.rivals import RIVALS
from contextprune.bench.sessions.tables import show_sessions
from contextprune.bench.tables import show_evidence, show_figures, show_growths, show_speed, show_traces
from contextprune.bench.traces.future_use import SHARES as RESULT_SHARES
from contextprune.bench.traces.masking import TRACE_BASELINES
from contextprune.bench.traces.tables import show_grounded
from contextprune.money.reuse import Given

FILE_WIDTH = 160  # columns of a table that goes to a file: no cell is cut there

ARMS = tuple(dict.fromkeys([*OUR_ARMS, *BASELINES, *TRACE_BASELINES, *RIVALS, *TOOL_BASELINES, *FIELD_BASELINES]))

_PACKAGES: Mapping[str, Sequence[str]] = {
    "evidence": ("scipy",),
    "traces": ("scipy",),
    "proxy": ("httpx2", "starlette", "uvicorn"),
    "soak": ("httpx2", "uvicorn"),
    "disturbances": ("httpx2", "starlette", "uvicorn"),
}
"""Packages that a task cannot do without: of the extras `bench` and `proxy`."""

Piece = TypeVar("Piece")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run; see `contextprune bench --help`.

    rows            at most this many rows or sessions a set; None: all
    adversarial     the speed task cuts texts that are made to be slow
    minutes         that the soak takes
    sets, budgets, arms   () or empty: all sets, the task's own budgets, all arms
    """

    tasks: tuple[str, ...]
    data: Path | None
    sets: frozenset[str]
    rows: int | None
    half: Half
    budgets: tuple[float, ...]
    arms: tuple[str, ...]
    processes: int
    tokens: int
    json: Path | None
    adversarial: bool = False
    minutes: float = 20.0


def run(options: Options) -> None:
    """Run the tasks, print their tables, and write the figures where `json` says. Raises SettingsError without data."""
    root, samples = _data(options)
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, FILE_WIDTH)
    if samples:
        console.print("[yellow]samples only: too few rows to compare with; give --data DIR[/yellow]")

    figures: dict[str, Any] = {"samples_only": samples, "rows": options.rows or 0, "half": options.half}
    for task in options.tasks:
        absent = [name for name in _PACKAGES.get(task, ()) if find_spec(name) is None]
        if absent:
            console.print(f"{task}: not installed: {', '.join(absent)} (pip install 'contextprune-ai[bench,proxy]')")
        figures[task] = [] if absent else TASKS[task](options, root, console)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def available(names: Sequence[str], wanted: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The arms out of `names` that run here, all or those `wanted`, and notes on those left out."""
    arms = [name for name in names if not wanted or name in wanted]
    notes: list[str] = []
    absent = minilm.missing()
    if absent and not DENSE.isdisjoint(arms):
        notes.append(f"left out: {', '.join(sorted(DENSE.intersection(arms)))} (not installed: {', '.join(absent)})")
        arms = [name for name in arms if name not in DENSE]
    return tuple(arms), notes


def _evidence(options: Options, root: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available([*OUR_ARMS, *BASELINES], options.arms)
    sets = find_sets(root, "qa", options.sets)
    rows = [row for name, path in sets.items() for row in load_rows(name, path, options.rows, options.half)]
    if not rows:
        console.print("evidence: no QA sets here")
        return []

    jobs = [Job(row, arms, options.budgets or BUDGETS) for row in rows]
    results = _all_results(jobs, score_row, options, "evidence")
    show_evidence(console, results, notes)
    return [asdict(result) for result in results]


def _traces(options: Options, root: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available([*OUR_ARMS, *TRACE_BASELINES], options.arms)
    jobs = [Job(session, arms, options.budgets or RESULT_SHARES) for session in _trajectories(options, root)]
    if not jobs:
        console.print("traces: no trajectory sets here")
        return []

    results = _all_results(jobs, score_session, options, "traces")
    show_traces(console, results, notes)
    ours = tuple(arm for arm in arms if arm in OUR_ARMS)
    grounded = _all_results([ReplayJob(job.subject, ours) for job in jobs], score_edits, options, "grounded edits")
    show_grounded(console, grounded)
    return [*map(asdict, results), *map(asdict, grounded)]


def _sessions(options: Options, root: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available([*OUR_ARMS, *RIVALS], options.arms)
    jobs = [ReplayJob(session, arms) for session in _trajectories(options, root)]
    if not jobs:
        console.print("sessions: no trajectory sets here")
        return []

    results = _all_results(jobs, replay_session, options, "sessions")
    show_sessions(console, results, notes)
    return [asdict(result) for result in results]


def _epochs(options: Options, root: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available(OUR_ARMS, options.arms)
    joined = list(conversations(_trajectories(options, root)))
    if not joined or not arms:
        console.print("epochs: no trajectory sets here, or no arm of ours")
        return []

    results = _all_results([EpochJob(each, arms) for each in joined], measure_epochs, options, "epochs")
    show_epochs(console, results, notes, len(joined))
    return [asdict(result) for result in results]


def _tools(options: Options, root: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available([*OUR_ARMS, *TOOL_BASELINES], options.arms)
    path = find_outputs(root)
    if path is None:
        console.print("tools: no outputs here (tools_unseen.jsonl.gz)")
        return []

    jobs = [Job(output, arms, options.budgets or LINE_SHARES) for output in load_outputs(path, options.rows)]
    results = _all_results(jobs, score_output, options, "tools")
    show_tools(console, results, notes)
    return [asdict(result) for result in results]


def _field(options: Options, _: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available([*OUR_ARMS, *FIELD_BASELINES], options.arms)
    cases = load_cases(find_cases(options.data), options.sets, options.rows)
    if not cases:
        console.print("field: no cases in these families")
        return []

    jobs = [Job(case, arms, options.budgets or FIELD_SHARES) for case in cases]
    results = _all_results(jobs, score_case, options, "field")
    show_field(console, results, notes)
    return [asdict(result) for result in results]


def _recall(options: Options, root: Path, console: Console) -> list[dict[str, Any]]:
    samples = load_held_out(find_samples(root), options.rows)
    if not samples:
        console.print("recall: no held-out samples here (dev.jsonl.gz, tools_dev.jsonl.gz of a training)")
        return []

    results = _all_results(samples, score_knob, options, "recall")
    show_knob(console, results)
    return [asdict(result) for result in results]


def _speed(options: Options, root: Path, console: Console) -> dict[str, Any] | list[dict[str, Any]]:
    if options.adversarial:
        growths = list(measure_adversarial())
        show_growths(console, growths)
        return [asdict(growth) for growth in growths]

    from contextprune.bench.speed import time_engine  # noqa: PLC0415 - it needs the engine, the other tasks may not

    figures = time_engine(root, options.tokens)
    show_speed(console, figures)
    return asdict(figures)


def _proxy(_options: Options, root: Path, console: Console) -> list[dict[str, Any]]:
    from contextprune.bench.proxy.measure import measure_proxy  # noqa: PLC0415 - as above

    return [asdict(figure) for figure in show_figures(console, measure_proxy(root))]


def _soak(options: Options, _root: Path, console: Console) -> list[dict[str, Any]]:
    from contextprune.bench.proxy.soak import A_MINUTE, Load, soak  # noqa: PLC0415 - as above

    load = Load(options.minutes, max(1, round(A_MINUTE * options.minutes)))
    title = f"soak: {load.requests:,} requests, {load.streams} streams at once, {load.idle:,} idle connections"
    return [asdict(figure) for figure in show_figures(console, soak(load), f"{title}, {load.minutes:g} minutes")]


def _disturbances(options: Options, root: Path, console: Console) -> list[dict[str, Any]]:
    from contextprune.bench.disturbances.measure import disturb, promise  # noqa: PLC0415 - as above
    from contextprune.bench.disturbances.tables import show_disturbances  # noqa: PLC0415 - as above

    sets = find_sets(root, "traj", options.sets)
    sessions = [s for name, path in sets.items() for s in suitable(name, path, options.rows, options.half)]
    if not sessions:
        console.print("disturbances: no sessions here with enough results")
        return []

    rows = []
    for disturbance in DISTURBANCES:
        console.print(f"disturbances: {disturbance.name} ...")
        rows.append(disturb(sessions, disturbance))
    show_disturbances(console, rows, promise(sessions))
    return [asdict(outcome) for row in rows for outcome in row]


def _money(options: Options, root: Path, console: Console) -> list[dict[str, Any]]:
    path = find_usage(root)
    if path is None:
        console.print(f"money: no usage here ({FILE} of a data kit)")
        return []

    sessions = load_usage(path)
    results = {given: list(compare(sessions, given)) for given in Given}
    by_odds = list(compare_by_odds(sessions))
    show_money(console, results, by_odds)
    if not options.json:
        return []
    named = {**{given.name.lower(): rows for given, rows in results.items()}, "odds": by_odds}
    return [{"given": name, **asdict(row)} for name, rows in named.items() for row in rows]


TASKS: Mapping[str, Callable[[Options, Path, Console], Any]] = {
    "evidence": _evidence,
    "traces": _traces,
    "sessions": _sessions,
    "epochs": _epochs,
    "tools": _tools,
    "field": _field,
    "recall": _recall,
    "speed": _speed,
    "proxy": _proxy,
    "soak": _soak,
    "disturbances": _disturbances,
    "money": _money,
}


def _data(options: Options) -> tuple[Path, bool]:
    """The data kit, and whether it holds samples only; the field task and the soak by themselves need none."""
    if options.tasks == ("field",):
        return find_cases(options.data), False
    if options.tasks == ("soak",):
        return Path(), False
    return find_data(options.data)


def _trajectories(options: Options, root: Path) -> list[Session]:
    sets = find_sets(root, "traj", options.sets)
    return [s for name, path in sets.items() for s in load_sessions(name, path, options.rows, options.half)]


def _all_results(
    jobs: Sequence[Piece], work: Callable[[Piece], Sequence[Result]], options: Options, title: str
) -> list[Result]:
    """The results of all jobs in one list, in the order of the jobs."""
    return [result for results in map_jobs(jobs, work, processes=options.processes, title=title) for result in results]
