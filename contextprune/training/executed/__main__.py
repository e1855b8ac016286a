"""`python -m contextprune.training.executed OUT.jsonl.gz --count 24000`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from contextprune.training.executed.make import write_tool_samples
from contextprune.training.run import SAMPLES_OF_TOOLS


def main(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    count: Annotated[int, typer.Option(metavar="N", help="Samples, about.")] = SAMPLES_OF_TOOLS,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of all random draws.")] = 0,
) -> None:
    """Make training samples from tools that are run on the spot, and count them by kind."""

    def progress(family: str, drawn: int) -> None:
        print(f"\r{drawn:6d}  {family:<20}", end="", file=sys.stderr, flush=True)  # noqa: T201 - a command line

    counts = write_tool_samples(out, count, seed, progress=progress)
    print("\n" + "\n".join(f"{n:6d} {kind}" for kind, n in sorted(counts.items())), file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    typer.run(main)
