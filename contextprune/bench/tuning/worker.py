"""One run in a process of its own: an order in JSON as its argument, the figures in JSON as its output."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from contextprune.bench.tuning.constants import change


def main(order: str) -> None:
    """Change the number that `order` names, if it names one, then load the engine and run the task."""
    wanted = json.loads(order)
    if "name" in wanted:
        change(wanted["module"], wanted["name"], _tuples(wanted["value"]))
    from contextprune.bench.tuning.measure import measure  # noqa: PLC0415 - only now may the engine be loaded

    print(json.dumps(asdict(measure(wanted["task"], wanted["arm"], Path(wanted["data"])))))


def _tuples(value: object) -> object:
    """JSON has no tuples."""
    return tuple(value) if isinstance(value, list) else value


if __name__ == "__main__":
    main(sys.argv[1])
