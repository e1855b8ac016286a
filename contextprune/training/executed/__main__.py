"""`python -m contextprune.training.executed OUT.jsonl.gz --count 24000`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from contextprune.training.executed.make import write_tool_samples


def main() -> None:
    """Make the samples, and say how many of each kind there are."""
    parser = argparse.ArgumentParser(description="Training samples from tools that really ran.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=24_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    def progress(family: str, count: int) -> None:
        print(f"\r{count:6d}  {family:<20}", end="", file=sys.stderr, flush=True)  # noqa: T201 - a command line

    counts = write_tool_samples(arguments.out, arguments.count, arguments.seed, progress=progress)
    print("\n" + "\n".join(f"{n:6d} {kind}" for kind, n in sorted(counts.items())), file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
