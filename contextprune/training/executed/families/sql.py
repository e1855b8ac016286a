"""`sqlite3` over tables of real facts, in each of its layouts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from contextprune.training.executed.output import GoalCollector, Lines, Output, draw_length
from contextprune.training.executed.records import Record, draw_records
from contextprune.training.executed.row_goals import row_goals
from contextprune.training.executed.workbench import Workbench

_HEADS = {"box": 3, "table": 3, "column": 2, "markdown": 2, "csv": 1, "tabs": 1, "list": 1, "json": 0, "line": 0}


def tables(bench: Workbench) -> Iterator[Output]:
    """Endless queries, each over a fresh table."""
    rng = bench.rng
    while True:
        package, kind, rows = draw_records(bench, draw_length(rng))
        fields = _fields(bench, rows[0])
        mode = rng.choice(("box", "table", "column", "column", "markdown", "csv", "tabs", "list", "json", "line"))

        folder = bench.fresh_folder()
        order = rng.choice([f for f in fields if f != "summary"])
        rows = sorted(rows, key=lambda row: (row[order] is not None, row[order], row["id"]))
        _fill(folder / "facts.db", kind, rows)

        query = f"SELECT {', '.join(fields)} FROM {kind}s ORDER BY {order}, id;"  # noqa: S608 - the names are ours
        command = ["sqlite3", "-cmd", f".mode {mode}" + " --wrap 0" * (mode in {"box", "table", "column", "markdown"})]
        command += ["-cmd", ".headers on", "facts.db", query]
        text = bench.run(command, folder)

        lines = Lines(text)
        rows_lines = _rows(lines, mode, len(rows), len(fields))
        if not rows_lines:
            continue
        goals = GoalCollector(lines, max_lines=12 if mode != "line" else 40)
        shown = [{f: row[f] for f in fields} for row in rows]
        for goal in row_goals(rng, shown, kind):
            head = [int(_HEADS[mode] == 3)] if _HEADS[mode] else []
            picked = [line for row in goal.rows for line in rows_lines[row]]
            goals.add(goal.text, [*head, *picked], goal.key, plain=goal.plain)

        tool, call = ("bash", {"command": f'sqlite3 -{mode} -header facts.db "{query}"'})
        if rng.random() < 0.5:
            tool, call = rng.choice(("sql", "query_database")), {"query": query}
        yield Output("sql", tool, call, text, package, goals.collected, None)


def _fields(bench: Workbench, record: Record) -> list[str]:
    name = "name" if "name" in record else "path"
    optional = [f for f in record if f not in {"id", name}]
    kept = set(bench.rng.sample(optional, bench.rng.randrange(3, len(optional) + 1))) | {name}
    return [f for f in record if f in kept or (f == "id" and bench.rng.random() < 0.5)]


def _fill(path: Path, kind: str, rows: Sequence[Record]) -> None:
    fields = ", ".join(rows[0])
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE {kind}s ({fields})")
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {kind}s VALUES ({marks})", [tuple(row.values()) for row in rows])  # noqa: S608
    connection.close()


def _rows(lines: Lines, mode: str, rows: int, fields: int) -> list[list[int]]:
    """List the lines of each row; [] where the output does not have the layout's number of lines."""
    if mode == "line":
        return [list(range(i * (fields + 1), i * (fields + 1) + fields)) for i in range(rows)]
    head = _HEADS[mode]
    tail = mode in {"box", "table"}
    return [[head + i] for i in range(rows)] if len(lines) == head + rows + tail else []
