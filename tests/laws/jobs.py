"""What a process of a long run does: one seed after another, with a scorer that it loads once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import contextprune as cp
from tests.laws.sessions import run_session
from tests.laws.trials import Trial, run_trial


class Job(NamedTuple):
    """One seed, and what to do with it; `folder` is where a session keeps its files, "" for a single body."""

    seed: int
    scorer: str
    size: int
    folder: str


def tried(job: Job) -> Trial:
    """The trial of one seed."""
    scorer, counter = _parts(job.scorer)
    if job.folder:
        broken = run_session(job.seed, scorer, counter, Path(job.folder) if job.seed % 3 == 0 else None)
        return Trial(job.seed, "session", broken, "", (0, 0))
    return run_trial(job.seed, scorer, counter, job.size)


@cache
def _parts(scorer: str) -> tuple[cp.Scorer, cp.Counter]:
    return cp.load_scorer(scorer, "cpu"), cp.Tiktoken()
