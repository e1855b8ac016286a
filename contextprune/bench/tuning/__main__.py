"""`python -m contextprune.bench.tuning`: the table of all tuned numbers, or of some."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer

from contextprune.bench.tuning.figures import Figures, heading, row
from contextprune.bench.tuning.numbers import Number, numbers
from contextprune.interpreter import command

SAMPLES = Path(__file__).parents[3] / "examples" / "data" / "bench"
WORKER = "contextprune.bench.tuning.worker"
PATIENCE = 1800.0  # seconds for one run


def main(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Numbers; none: all.")] = None,
    data: Annotated[Path, typer.Option(metavar="DIR", help="A data kit; else the committed samples.")] = SAMPLES,
    processes: Annotated[int, typer.Option(metavar="N", min=1, help="Runs at a time.")] = 2,
) -> None:
    """Halve and double each tuned number, run its benchmark task again, and print one table in Markdown.

    A share that cannot be doubled is raised by half, or half-way to 1. Each run has a process of its own, which runs
    the source with that one number changed and reads no settings. Cells hold the figures at the
    lower value, at the number's own and at the higher one; a single figure means that all three are the same.
    """
    chosen = [number for number in numbers() if not names or {number.name, number.label}.intersection(names)]
    unknown = set(names or ()) - {name for number in chosen for name in (number.name, number.label)}
    if unknown:
        raise typer.BadParameter(f"no tuned number is called {', '.join(sorted(unknown))}")

    with ThreadPoolExecutor(processes) as pool:
        plain: dict[tuple[str, str], Any] = {}
        for number in chosen:
            if (number.task, number.arm) not in plain:
                plain[number.task, number.arm] = pool.submit(run, _order(number, data))
        changed = [
            [pool.submit(run, {**_order(number, data), **_change(number, value)}) for value in number.tried]
            for number in chosen
        ]

        print(heading(), flush=True)
        for number, (low, high) in zip(chosen, changed, strict=True):
            runs: Sequence[Any] = (low, plain[number.task, number.arm], high)
            print(row(number, [each.result() for each in runs]), flush=True)


def run(order: Mapping[str, Any]) -> Figures | None:
    """The figures of one run in a process of its own; None where it fails, with its last line on standard error."""
    ended = subprocess.run(  # noqa: S603 - this interpreter, and a module of ours
        command("-m", WORKER, json.dumps(order)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if ended.returncode:
        print(f"{order}: {ended.stderr.strip().rpartition(chr(10))[2]}", file=sys.stderr, flush=True)
        return None
    return Figures(**json.loads(ended.stdout))


def _order(number: Number, data: Path) -> dict[str, Any]:
    return {"task": number.task, "arm": number.arm, "data": str(data)}


def _change(number: Number, value: object) -> dict[str, Any]:
    return {"module": number.module, "name": number.name, "value": value}


if __name__ == "__main__":
    typer.run(main)
