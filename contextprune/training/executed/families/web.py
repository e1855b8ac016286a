"""Replies of a local HTTP service that serves JSON about real packages."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import urlopen

from contextprune.training.executed.output import GoalCollector, Lines, Output, draw_length
from contextprune.training.executed.records import Record, draw_records
from contextprune.training.executed.row_goals import row_goals
from contextprune.training.executed.workbench import Workbench

_NESTED = ("stats", "metrics", "measures")


@contextmanager
def serving(pages: Mapping[str, str]) -> Iterator[str]:
    """Serve pages by path on a free port while the context lasts; yields the address. Pages may be added meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages[self.path].encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing: stderr is the command line's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def replies(bench: Workbench) -> Iterator[Output]:
    """Endless replies: indented JSON, one record a line, or numbers in an object of their own."""
    rng = bench.rng
    pages: dict[str, str] = {}
    with serving(pages) as address:
        while True:
            lines_each = rng.choice((10, 13, 1))
            package, kind, rows = draw_records(bench, max(6, draw_length(rng) // lines_each))
            rows = rng.sample(rows, len(rows))

            path = f"/api/{rng.choice(('v1', 'v2', 'internal'))}/{kind}s?limit={len(rows)}"
            shaped = [_shape(row, lines_each) for row in rows]
            text, record_lines = _lay_out(shaped, {"total": len(rows), "next": None}, kind, lines_each)

            pages[path] = text
            with urlopen(address + path, timeout=20) as reply:  # noqa: S310 - our own service
                text = reply.read().decode()

            goals = GoalCollector(Lines(text), max_lines=40)
            for goal in row_goals(rng, rows, kind):
                picked = [
                    i for row in goal.rows for i in _needed_lines(goals.lines, record_lines[row], goal.field, rows[row])
                ]
                goals.add(goal.text, picked, goal.key, plain=goal.plain)

            host = rng.choice(("localhost:8080", "127.0.0.1:5000", "api.internal", "localhost:3000"))
            url = f"http://{host}{path}"
            tool, call = rng.choice((("http_get", {"url": url}), ("bash", {"command": f"curl -s '{url}'"})))
            yield Output("http", tool, call, text, package, goals.collected, None)


def _shape(row: Record, lines_each: int) -> Record:
    """Shape a record for a layout: flat, or with its numbers in an object of their own."""
    if lines_each != 13:
        return row
    numbers = {f: v for f, v in row.items() if isinstance(v, int) and f != "id"}
    return {**{f: v for f, v in row.items() if f not in numbers}, "stats": numbers}


def _lay_out(rows: list[Record], envelope: Record, kind: str, lines_each: int) -> tuple[str, list[range]]:
    """Lay the records out: (the reply's text, the lines of each record)."""
    if lines_each == 1:
        return "\n".join(json.dumps(record) for record in rows), [range(i, i + 1) for i in range(len(rows))]
    text = json.dumps({**envelope, f"{kind}s": rows}, indent=2)
    row, record_lines = len(envelope) + 2, []
    for record in rows:
        count = json.dumps(record, indent=2).count("\n") + 1
        record_lines.append(range(row, row + count))
        row += count
    return text, record_lines


def _needed_lines(lines: Lines, record_lines: range, field: str, row: Record) -> list[int]:
    """List a record's needed lines: the one that names it and the one of the field, or all of them."""
    if not field or len(record_lines) == 1:
        return list(record_lines)
    name_field = "name" if "name" in row else "path"
    return [i for i in record_lines if lines.lines[i].strip().startswith((f'"{field}":', f'"{name_field}":'))]
