"""The benchmark's command: its options, declared once for `contextprune bench` and `python -m contextprune.bench`.

Only typer is imported here, so that the help of the command line does not load the workshop.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Task(StrEnum):
    """Tasks, in the order in which all of them run."""

    EVIDENCE = "evidence"
    TRACES = "traces"
    SESSIONS = "sessions"
    EPOCHS = "epochs"
    TOOLS = "tools"
    RECALL = "recall"
    SPEED = "speed"
    PROXY = "proxy"
    MONEY = "money"
    ALL = "all"


class HalfName(StrEnum):
    """Halves of the data."""

    DEV = "dev"
    TEST = "test"
    UNSEEN = "unseen"
    ALL = "all"


def bench(
    task: Annotated[Task, typer.Argument(help="What to measure.")] = Task.ALL,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A data kit; else .bench/data, else the committed samples.")
    ] = None,
    sets: Annotated[str, typer.Option(metavar="NAMES", help="Names of sets, with commas; none: all.")] = "",
    rows: Annotated[int, typer.Option(metavar="N", min=0, help="Rows or sessions a set; 0: all.")] = 60,
    half: Annotated[
        HalfName,
        typer.Option(help="dev and test share no document; unseen: what the shipped scorer was not trained on."),
    ] = HalfName.ALL,
    budgets: Annotated[
        str, typer.Option(metavar="SHARES", help="Shares of characters that may remain: 0.1,0.3; none: the task's own.")
    ] = "",
    arms: Annotated[str, typer.Option(metavar="NAMES", help="Names of arms, with commas; none: all.")] = "",
    processes: Annotated[int, typer.Option(metavar="N", help="Processes that share the rows.")] = 2,
    tokens: Annotated[
        int, typer.Option(metavar="N", help="Tokens of the largest context of the speed task.")
    ] = 1_000_000,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every figure of every row to this file.")
    ] = None,
) -> None:
    """Measure what survives at a budget, and how fast.

    \b
    Examples:
      contextprune bench
      contextprune bench traces --rows 5 --budgets 0.2,0.5
      contextprune bench evidence --data DIR --half unseen --arms ours,bm25 --json figures.json
    """  # noqa: D301 - \b is click's mark for lines that are not to be refilled
    from contextprune.bench.run import ARMS, Options, run  # noqa: PLC0415 - `--help` does without

    run(
        Options(
            tasks=tuple(each.value for each in Task if each is not Task.ALL) if task is Task.ALL else (task.value,),
            data=data,
            sets=frozenset(names_of(sets)),
            rows=rows or None,
            half=half.value,
            budgets=shares_of(budgets),
            arms=arms_of(arms, ARMS),
            processes=processes,
            tokens=tokens,
            json=json,
        )
    )


def names_of(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def arms_of(text: str, known: Collection[str]) -> tuple[str, ...]:
    """Names of `known` arms, with commas between them. Raises typer.BadParameter on others."""
    names = names_of(text)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise typer.BadParameter(
            f"no arm is called {', '.join(unknown)}; there are {', '.join(known)}", param_hint="--arms"
        )
    return names


def shares_of(text: str) -> tuple[float, ...]:
    """Shares above 0 and at most 1, with commas between them. Raises typer.BadParameter on others."""
    try:
        shares = tuple(map(float, names_of(text)))
    except ValueError as error:
        raise typer.BadParameter(
            f"shares are numbers with commas between, not {text!r}", param_hint="--budgets"
        ) from error
    if not all(0.0 < share <= 1.0 for share in shares):
        raise typer.BadParameter(f"a share lies above 0 and at most at 1, not {text!r}", param_hint="--budgets")
    return shares
