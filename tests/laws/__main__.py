"""Try the laws on as many fresh bodies as one likes: `python -m tests.laws 10000 --scorer lexical`."""
# ruff: noqa: T201 - prints what it finds

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from hashlib import sha256
from multiprocessing import get_context
from time import perf_counter

from tests.laws.jobs import Job, tried


def main() -> int:
    """Run, print each violation with the seed that gives it, then the counts; 1 where a law does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.laws", description=__doc__)
    parser.add_argument("bodies", type=int, nargs="?", default=1000, help="how many bodies, or sessions")
    parser.add_argument("--first", type=int, default=0, help="seed of the first one; the others follow")
    parser.add_argument("--scorer", choices=("lexical", "neural"), default="lexical")
    parser.add_argument("--size", type=int, default=900, help="characters of a text, about")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--sessions", action="store_true", help="sessions in place of single bodies")
    chosen = parser.parse_args()

    started, laws, wires, digest = perf_counter(), Counter[str](), Counter[str](), sha256()
    arrived = budgeted = 0
    with tempfile.TemporaryDirectory() as folder, get_context("spawn").Pool(chosen.jobs) as pool:
        seeds = range(chosen.first, chosen.first + chosen.bodies)
        jobs = (Job(seed, chosen.scorer, chosen.size, folder if chosen.sessions else "") for seed in seeds)
        for trial in pool.imap(tried, jobs, chunksize=20):
            digest.update(trial.digest.encode())
            wires[trial.wire] += 1
            arrived, budgeted = arrived + trial.shorter[0], budgeted + trial.shorter[1]
            for sentence in trial.broken:
                laws[sentence.split(":")[0]] += 1
                print(f"seed {trial.seed} ({trial.wire}): {sentence}", flush=True)

    print(f"{chosen.bodies} bodies, {chosen.scorer}, {perf_counter() - started:.0f} s")
    print(f"texts shortened: {arrived} on arrival, {budgeted} under a budget")
    print("wires:", ", ".join(f"{wire} {count}" for wire, count in sorted(wires.items())))
    print("violations:", ", ".join(f"{law} {count}" for law, count in sorted(laws.items())) or "none")
    print("output:", digest.hexdigest()[:16], "(the same in each process, whatever its hash seed)")
    return 1 if laws else 0


if __name__ == "__main__":
    sys.exit(main())
