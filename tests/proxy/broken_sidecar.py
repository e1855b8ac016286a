"""A side-car with a fault: one that hangs, or answers what no side-car would."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.http_server import answering

FAULTS = {
    "garbage": (200, b"<html>not JSON</html>"),
    "shape": (200, b'["no object"]'),
    "empty": (200, b'{"messages": []}'),
    "fewer": (200, b'{"messages": [{"role": "user", "content": "only one"}]}'),
    "busy": (503, b'{"error": "busy"}'),
    "fault": (500, b'{"error": "fault"}'),
}
"""Answers by fault, as status and body. Another fault is `hang`: no answer at all."""


@contextmanager
def broken(fault: str) -> Iterator[str]:
    """The URL of a side-car with this fault."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            if fault == "hang":
                over.wait(60)
                return
            status, body = FAULTS[fault]
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with answering(Handler) as url:
        try:
            yield url
        finally:
            over.set()
