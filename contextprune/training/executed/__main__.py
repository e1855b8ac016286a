"""`python -m contextprune.training.executed OUT.jsonl.gz --count 24000 --processes 2 --tools ~/tools/bin`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from contextprune.training.executed.make import Plan, write_tool_samples
from contextprune.training.run import SAMPLES_OF_TOOLS


def main(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    count: Annotated[int, typer.Option(metavar="N", help="Samples, about.")] = SAMPLES_OF_TOOLS,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of all random draws.")] = 0,
    processes: Annotated[int, typer.Option(metavar="N", help="Processes that run tools.")] = 1,
    tools: Annotated[Path | None, typer.Option(metavar="FOLDER", help="A folder with further programs.")] = None,
    family: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only these families.")] = None,
) -> None:
    """Make training samples from tools that are run on the spot, and count them by kind.

    Pieces of the work stay in a folder beside OUT: the same command goes on where it was broken off.
    """

    def progress(piece: str, drawn: int) -> None:
        end = "\n" if "left out" in piece else ""
        print(f"\r{drawn:6d}  {piece:<40}", end=end, file=sys.stderr, flush=True)  # noqa: T201 - a command line

    plan = Plan(seed=seed, tools=tools and tools.resolve(), processes=processes, families=tuple(family or ()))
    counts = write_tool_samples(out, count, plan, progress)
    print("\n" + "\n".join(f"{n:6d} {kind}" for kind, n in sorted(counts.items())), file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    typer.run(main)
