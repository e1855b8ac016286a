"""`contextprune bench`: its options. The workshop itself is loaded only where it runs, not for the help."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from contextprune.cli.values import arms_of, choice_of, names_of, number, option, shares_of, whole_number


class Task(StrEnum):
    """Tasks, in the order in which all of them run, but for the soak, which takes as long as it is told to."""

    EVIDENCE = "evidence"
    TRACES = "traces"
    SESSIONS = "sessions"
    EPOCHS = "epochs"
    TOOLS = "tools"
    FIELD = "field"
    RECALL = "recall"
    SPEED = "speed"
    PROXY = "proxy"
    SOAK = "soak"
    DISTURBANCES = "disturbances"
    MONEY = "money"
    ALL = "all"


class HalfName(StrEnum):
    """Halves of the data."""

    DEV = "dev"
    TEST = "test"
    UNSEEN = "unseen"
    ALL = "all"


_ALONE = (Task.ALL, Task.SOAK)
_HALVES = "dev and test share no document; unseen: what the shipped scorer was not trained on."


_BUDGETS = option("SHARES", "Shares of characters that may remain: 0.1,0.3; none: the task's own.")
_TOKENS = option("N", "Tokens of the largest context of the speed task.", whole_number(1))
_ADVERSARIAL = typer.Option("--adversarial", help="Of the speed task, shorten texts that are made to be slow instead.")


def bench(
    task: Annotated[Task, typer.Argument(parser=choice_of(Task), help="What to measure.")] = Task.ALL,
    data: Annotated[Path | None, option("DIR", "A data kit; else .bench/data, else the committed samples.")] = None,
    sets: Annotated[str, option("NAMES", "Names of sets, with commas; none: all.")] = "",
    rows: Annotated[int, option("N", "Rows or sessions a set; 0: all.", whole_number(0))] = 60,
    half: Annotated[HalfName, option("|".join(HalfName), _HALVES, choice_of(HalfName))] = HalfName.ALL,
    budgets: Annotated[str, _BUDGETS] = "",
    arms: Annotated[str, option("NAMES", "Names of arms, with commas; none: all.")] = "",
    processes: Annotated[int, option("N", "Processes that share the rows.", whole_number(1))] = 2,
    tokens: Annotated[int, _TOKENS] = 1_000_000,
    adversarial: Annotated[bool, _ADVERSARIAL] = False,
    minutes: Annotated[float, option("N", "Minutes that the soak takes.", number())] = 20.0,
    json: Annotated[Path | None, option("FILE", "Write every figure of every row to this file.")] = None,
) -> None:
    """Measure what survives at a budget, and how fast.

    \b
    Examples:
      contextprune bench
      contextprune bench traces --rows 5 --budgets 0.2,0.5
      contextprune bench speed --adversarial
      contextprune bench evidence --data DIR --half unseen --arms ours,bm25 --json figures.json
    """  # noqa: D301 - \b is click's mark for lines that are not to be refilled
    from contextprune.bench.run import ARMS, Options, run  # noqa: PLC0415 - `--help` does without

    options = Options(
        tasks=tuple(each.value for each in Task if each not in _ALONE) if task is Task.ALL else (task.value,),
        data=data,
        sets=frozenset(names_of(sets)),
        rows=rows or None,
        half=half.value,
        budgets=shares_of(budgets),
        arms=arms_of(arms, ARMS),
        processes=processes,
        tokens=tokens,
        adversarial=adversarial,
        minutes=minutes,
        json=json,
    )
    run(options)
