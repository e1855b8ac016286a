"""The dashboard's pages and /stats: plain HTML that asks for nothing from anywhere, and the same figures as JSON.

The script only brings a page up to date. Whatever came from outside is escaped, and the policy in the header would let
nothing of it run.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from contextprune._version import __version__
from contextprune.proxy.dashboard.overview import SPANS, View, alarmed, overview
from contextprune.proxy.dashboard.request import request_page
from contextprune.proxy.dashboard.sessions import ALL_SESSIONS, SESSIONS, session_asked
from contextprune.proxy.telemetry.logs import fields_of
from contextprune.proxy.telemetry.monitor import Monitor, Snapshot
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.series import Sums, added
from contextprune.proxy.telemetry.summary import summarise
from contextprune.proxy.telemetry.totals_file import SessionTotal

Response: TypeAlias = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers, body."""

_QUERY = 500  # characters; ours are short
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


async def respond(path: str, query: str, monitor: Monitor) -> Response | None:
    """The answer to a GET of `path`; None where there is no such page. Drawn in a thread, so that no request waits."""
    if path == "/":
        return await asyncio.to_thread(_overview, monitor.snapshot(), _view(query))
    if path == "/stats":
        return await asyncio.to_thread(_stats, monitor.snapshot())

    number = path.removeprefix("/requests/")
    if number == path or not (number.isascii() and number.isdigit() and len(number) < 16):
        return None
    record = monitor.recent.find(int(number))
    if record is None:
        return _page(404, f"Request {int(number)}", _NO_SUCH_REQUEST.format(count=monitor.options.records))
    numbers = [remembered.number for remembered in monitor.recent]
    return await asyncio.to_thread(_request, record, numbers, content=monitor.options.content)


def _view(query: str) -> View:
    """What a query asks for; what cannot be is left out."""
    fields = parse_qs(query, max_num_fields=20) if len(query) < _QUERY and query.count("&") < 20 else {}
    span = fields.get("span", ["hour"])[-1]
    return View(
        span=span if span in SPANS else "hour",
        all_requests=fields.get("requests") == ["all"],
        all_sessions=fields.get("sessions") == ["all"],
        session=session_asked(fields.get("session", [""])[-1]),
    )


def _overview(snapshot: Snapshot, view: View) -> Response:
    snapshot = snapshot.with_peers().with_totals(ALL_SESSIONS if view.all_sessions else SESSIONS)
    title = "Overview" if view.session is None else f"Session {view.session}"
    return _page(200, title, overview(snapshot, view), alarm=alarmed(snapshot), live=True)


def _stats(snapshot: Snapshot) -> Response:
    body = json.dumps(stats(snapshot.with_peers().with_totals(SESSIONS)), separators=(",", ":"), default=str).encode()
    return 200, [(b"content-type", b"application/json"), *_HEADERS], body


def _request(record: RequestRecord, numbers: Sequence[int], *, content: bool) -> Response:
    return _page(200, f"Request {record.number}", request_page(record, numbers, content=content))


def stats(snapshot: Snapshot) -> dict[str, Any]:
    """The figures of the dashboard for programs: tokens, US dollars, seconds, bytes."""
    warned = snapshot.warned
    return {
        "version": __version__,
        "mode": snapshot.options.mode,
        "recall": snapshot.options.recall,
        "uptime": round(snapshot.uptime, 1),
        "in_flight": snapshot.in_flight,
        "warning": asdict(warned) if warned else None,
        "scorers": asdict(snapshot.pool) if snapshot.pool else {},
        "unreachable": dict(snapshot.unreachable),
        "today": asdict(summarise(snapshot.month.get(snapshot.today, Sums()))),
        "month": asdict(summarise(added(snapshot.month.values()))),
        "sessions": [_session(total) for total in snapshot.sessions],
        "hour": asdict(summarise(added(snapshot.hour))),
        "day": asdict(summarise(added(snapshot.day))),
        "all": asdict(summarise(snapshot.total)),
        "requests": [fields_of(record) for record in snapshot.recent],
    }


def _session(total: SessionTotal) -> dict[str, Any]:
    return {"session": total.session, **total.facts._asdict(), **asdict(summarise(total.sums))}


def _page(status: int, title: str, main: str, *, alarm: bool = False, live: bool = False) -> Response:
    style, script, policy = _assets()
    text = _PAGE.format(
        title=title,
        alarm="(!) " if alarm else "",
        style=style,
        script=script,
        live=_LIVE if live else "",
        main=main,
        version=__version__,
    )
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", policy), *_HEADERS]
    return status, headers, text.encode("utf-8", "replace")


@cache
def _assets() -> tuple[str, str, bytes]:
    """The style and the script, and the policy that allows these two and nothing else."""
    package = files("contextprune")
    audit, dashboard = package / "audit", package / "proxy" / "dashboard"
    styles = (package / "display" / "page.css", audit / "page.css", dashboard / "dashboard.css")
    style = "".join(file.read_text("utf-8") for file in styles)
    script = "".join(file.read_text("utf-8") for file in (audit / "page.js", dashboard / "dashboard.js"))

    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)]
    policy = (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return style, script, policy.encode()


_LIVE = "<p class=live><button id=live type=button aria-pressed=true hidden>Refresh every 5 seconds</button>"
_NO_SUCH_REQUEST = (
    '<nav aria-label="Requests"><a href="/">Overview</a></nav>'
    "<p>There is no such request here: it never was, or it is older than the last {count:,} that are remembered."
)
_PAGE = """<!doctype html>
<html lang=en><head><meta charset=utf-8><meta name=viewport content="width=device-width">
<meta name=color-scheme content="light dark">
<title>{alarm}{title} - contextprune</title><style>{style}</style></head><body>
<a class=skip href=#main>Skip to the figures</a>
<header><h1>{title}</h1>{live}</header>
<main id=main tabindex=-1>
{main}
</main>
<footer class=dim>contextprune {version};
<a href="/stats">these figures as JSON</a>, <a href="/metrics">as metrics</a></footer>
<script>{script}</script></body></html>
"""
