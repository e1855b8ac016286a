"""Jobs over several processes with a progress bar that says when it will be done.

Processes are spawned, not forked: torch and its threads do not survive a fork. Results come back in the order of the
jobs, so tables do not depend on which process was faster.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing import get_context
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from contextprune.interpreter import isolate_children, leave_interrupts_to_parent

Job = TypeVar("Job")
Result = TypeVar("Result")

CHUNK = 4


def map_jobs(
    jobs: Sequence[Job], work: Callable[[Job], Result], *, processes: int = 2, title: str = ""
) -> list[Result]:
    """`work` applied to every job; `work` and the jobs must be picklable. One process means this one."""
    if processes <= 1 or len(jobs) <= CHUNK:
        return list(_with_progress(map(work, jobs), len(jobs), title))
    isolate_children()
    with get_context("spawn").Pool(processes, leave_interrupts_to_parent) as pool:
        return list(_with_progress(pool.imap(work, jobs, CHUNK), len(jobs), title))


def _with_progress(results: Iterable[Result], total: int, title: str) -> Iterator[Result]:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(title, total=total)
        for result in results:
            progress.advance(task)
            yield result
