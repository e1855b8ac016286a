"""The benchmark's command line: `contextprune bench [TASK]` and `python -m contextprune.bench`.

Rows are drawn once; every arm then sees the same rows, budgets and order. An arm that cannot run here is left out and
named under the table, never silently.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

from contextprune.bench.data import Half, Session, find_data, find_sets, load_rows, load_sessions
from contextprune.bench.documents import minilm
from contextprune.bench.documents.baselines import BASELINES, DENSE
from contextprune.bench.documents.evidence import BUDGETS
from contextprune.bench.jobs import (
    OUR_ARMS,
    OutputJob,
    ReplayJob,
    RowJob,
    SessionJob,
    replay_session,
    score_knob,
    score_output,
    score_row,
    score_session,
)
from contextprune.bench.outputs.recall_knob import find_samples, load_held_out
from contextprune.bench.outputs.tables import show_knob, show_tools
from contextprune.bench.outputs.tool_output import SHARES as KEPT
from contextprune.bench.outputs.tool_output import TOOL_BASELINES, find_outputs, load_outputs
from contextprune.bench.parallel import map_jobs
from contextprune.bench.sessions.epochs import EpochJob, conversations, measure_epochs, show_epochs
from contextprune.bench.sessions.rivals import RIVALS
from contextprune.bench.sessions.tables import show_sessions
from contextprune.bench.tables import show_evidence, show_figures, show_speed, show_traces
from contextprune.bench.traces.future_use import SHARES
from contextprune.bench.traces.masking import TRACE_BASELINES
from contextprune.errors import ContextPruneError, SettingsError

TASKS = ("evidence", "traces", "sessions", "epochs", "tools", "recall", "speed", "proxy")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse `argv` (None: the process's own arguments) and run; the exit status."""
    try:
        return run(parser().parse_args(argv))
    except ContextPruneError as error:
        Console(stderr=True).print(f"[red]{error}[/red]", highlight=False)
        return 2


def parser() -> argparse.ArgumentParser:
    """The options; the command line of the library shares them."""
    options = argparse.ArgumentParser(prog="contextprune bench", description="Measure what survives at a budget.")
    options.add_argument("task", nargs="?", default="all", choices=[*TASKS, "all"])
    options.add_argument("--data", type=Path, help="a data kit; else .bench/data, else the committed samples")
    options.add_argument("--sets", type=_names, default=(), help="names of sets, with commas; default: all")
    options.add_argument("--rows", type=int, default=60, help="rows or sessions a set; 0: all (default 60)")
    options.add_argument(
        "--half",
        choices=["dev", "test", "unseen", "all"],
        default="all",
        help="dev and test share no document; unseen: what the shipped scorer was not trained on",
    )
    options.add_argument("--budgets", type=_shares, default=(), help="shares of characters that may remain: 0.1,0.3")
    options.add_argument("--arms", type=_names, default=(), help="names of arms, with commas; default: all")
    options.add_argument("--processes", type=int, default=2, help="processes that share the rows (default 2)")
    options.add_argument("--tokens", type=int, default=1_000_000, help="largest context of the speed task")
    options.add_argument("--json", type=Path, help="write every figure of every row to this file")
    return options


def run(args: argparse.Namespace) -> int:
    """Run the task that was asked for, print its tables, and write the figures where --json says."""
    everything = dict.fromkeys([*OUR_ARMS, *BASELINES, *TRACE_BASELINES, *RIVALS, *TOOL_BASELINES])
    unknown = set(args.arms) - set(everything)
    if unknown:
        known = ", ".join(everything)
        raise SettingsError(f"no arm is called {', '.join(sorted(unknown))}; there are {known}")
    root, samples = find_data(args.data)
    console = Console()
    if samples:
        console.print("[yellow]samples only: too few rows to compare with; give --data DIR[/yellow]")
    tasks = TASKS if args.task == "all" else (args.task,)
    figures: dict[str, Any] = {"samples_only": samples, "rows": args.rows, "half": args.half}
    for task in tasks:
        figures[task] = _RUN[task](args, root, console)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0


def available(known: Sequence[str], wanted: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Those of the arms `known` to a task that run here, all or those `wanted`, and notes on the others."""
    arms = [name for name in known if not wanted or name in wanted]
    notes: list[str] = []
    absent = minilm.missing()
    if absent and not DENSE.isdisjoint(arms):
        notes.append(f"left out: {', '.join(sorted(DENSE.intersection(arms)))} (not installed: {', '.join(absent)})")
        arms = [name for name in arms if name not in DENSE]
    if "torch" in absent and "ours" in arms:
        notes.append("ours: without the model (torch is not installed), so the same as ours-lexical")
        arms = [name for name in arms if name != "ours-lexical"]
    return tuple(arms), notes


def _evidence(args: argparse.Namespace, root: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available([*OUR_ARMS, *BASELINES], args.arms)
    sets = find_sets(root, "qa", frozenset(args.sets))
    half: Half = args.half
    rows = [row for name, path in sets.items() for row in load_rows(name, path, args.rows or None, half)]
    if not rows:
        console.print("evidence: no QA sets here")
        return []
    jobs = [RowJob(row, arms, args.budgets or BUDGETS) for row in rows]
    results = [
        result
        for results in map_jobs(jobs, score_row, processes=args.processes, title="evidence")
        for result in results
    ]
    show_evidence(console, results, notes)
    return [asdict(result) for result in results]


def _traces(args: argparse.Namespace, root: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available([*OUR_ARMS, *TRACE_BASELINES], args.arms)
    jobs = [SessionJob(session, arms, args.budgets or SHARES) for session in _trajectories(args, root)]
    if not jobs:
        console.print("traces: no trajectory sets here")
        return []
    results = [
        result
        for results in map_jobs(jobs, score_session, processes=args.processes, title="traces")
        for result in results
    ]
    show_traces(console, results, notes)
    return [asdict(result) for result in results]


def _sessions(args: argparse.Namespace, root: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available([*OUR_ARMS, *RIVALS], args.arms)
    jobs = [ReplayJob(session, arms) for session in _trajectories(args, root)]
    if not jobs:
        console.print("sessions: no trajectory sets here")
        return []
    results = [
        result
        for results in map_jobs(jobs, replay_session, processes=args.processes, title="sessions")
        for result in results
    ]
    show_sessions(console, results, notes)
    return [asdict(result) for result in results]


def _epochs(args: argparse.Namespace, root: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available(OUR_ARMS, args.arms)
    joined = list(conversations(_trajectories(args, root)))
    if not joined or not arms:
        console.print("epochs: no trajectory sets here, or no arm of ours")
        return []
    jobs = [EpochJob(conversation, arms) for conversation in joined]
    results = [
        result
        for results in map_jobs(jobs, measure_epochs, processes=args.processes, title="epochs")
        for result in results
    ]
    show_epochs(console, results, notes, len(joined))
    return [asdict(result) for result in results]


def _trajectories(args: argparse.Namespace, root: Path) -> list[Session]:
    sets = find_sets(root, "traj", frozenset(args.sets))
    half: Half = args.half
    return [s for name, path in sets.items() for s in load_sessions(name, path, args.rows or None, half)]


def _tools(args: argparse.Namespace, root: Path, console: Console) -> list[dict[str, Any]]:
    arms, notes = available([*OUR_ARMS, *TOOL_BASELINES], args.arms)
    path = find_outputs(root)
    if path is None:
        console.print("tools: no outputs here (tools_unseen.jsonl.gz)")
        return []
    jobs = [OutputJob(output, arms, args.budgets or KEPT) for output in load_outputs(path, args.rows or None)]
    results = [
        result
        for results in map_jobs(jobs, score_output, processes=args.processes, title="tools")
        for result in results
    ]
    show_tools(console, results, notes)
    return [asdict(result) for result in results]


def _recall(args: argparse.Namespace, root: Path, console: Console) -> list[dict[str, Any]]:
    samples = load_held_out(find_samples(root), args.rows or None)
    if not samples:
        console.print("recall: no held-out samples here (dev.jsonl.gz, tools_dev.jsonl.gz of a training)")
        return []
    results = [
        result
        for results in map_jobs(samples, score_knob, processes=args.processes, title="recall")
        for result in results
    ]
    show_knob(console, results)
    return [asdict(result) for result in results]


def _speed(args: argparse.Namespace, root: Path, console: Console) -> dict[str, Any]:
    from contextprune.bench.speed import time_engine  # noqa: PLC0415  # it needs the engine, the other tasks may not

    figures = time_engine(root, args.tokens)
    show_speed(console, figures)
    return asdict(figures)


def _proxy(_args: argparse.Namespace, root: Path, console: Console) -> list[dict[str, Any]]:
    absent = [name for name in ("httpx2", "starlette", "uvicorn") if find_spec(name) is None]
    if absent:
        console.print(f"proxy: not installed: {', '.join(absent)}")
        return []
    from contextprune.bench.proxy.measure import measure_proxy  # noqa: PLC0415 - as above

    return [asdict(figure) for figure in show_figures(console, measure_proxy(root))]


_RUN = {
    "evidence": _evidence,
    "traces": _traces,
    "sessions": _sessions,
    "epochs": _epochs,
    "tools": _tools,
    "recall": _recall,
    "speed": _speed,
    "proxy": _proxy,
}


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"shares are numbers with commas between, not {text!r}") from error
    if not all(0.0 < share <= 1.0 for share in shares):
        raise argparse.ArgumentTypeError(f"a share lies above 0 and at most at 1, not {text!r}")
    return shares
