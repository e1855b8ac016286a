"""Each cause of a proxy that shortens nothing, in a real proxy, is found and named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from contextprune._version import __version__
from contextprune.cli.app import main
from contextprune.cli.doctor import Finding, canary
from contextprune.cli.doctor_proxy import examine_proxy
from contextprune.cli.probe import fetch
from tests.children import END_WITH_US
from tests.http_server import answering

PATIENT = {"CONTEXTPRUNE_SERVE_DEADLINE": "30", "CONTEXTPRUNE_SERVE_PREFILL": "1", "CONTEXTPRUNE_SCORER": "lexical"}
STATS: dict[str, Any] = {"version": __version__, "mode": "on", "all": {"eligible": 3, "shortened": 2}, "scorers": {}}


@contextmanager
def serving(folder: Path, *flags: str, **environ: str) -> Iterator[str]:
    """A real proxy, started as far as it starts; its address."""
    log = folder / "serve.log"
    command = [sys.executable, "-m", "contextprune", "serve", "--port", "0", "--scorers", "1", *flags]
    given = {**os.environ, **PATIENT, "CONTEXTPRUNE_STORE": str(folder / "originals.sqlite3"), **environ}
    with log.open("wb") as said, subprocess.Popen(command, stderr=said, env=given, preexec_fn=END_WITH_US) as process:  # noqa: PLW1509
        try:
            end = time.monotonic() + 30
            while " (mode" not in log.read_text() and process.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
            url = log.read_text().partition("listens at ")[2].partition(" ")[0]
            end = time.monotonic() + 120
            while fetch(f"{url}/readyz").status != 200 and time.monotonic() < end:
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def pretending(**pages: Any) -> Iterator[str]:
    """A server with these pages: (status, body) by the last part of the path; /stats and the two probes as they are."""
    told: dict[str, tuple[int, Any]] = {
        "livez": (200, {"status": "alive"}), "readyz": (200, {"status": "ready", "scorers": "ready"}),
        "stats": (200, STATS), **pages,
    }  # fmt: skip

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, body = told.get(self.path.split("/")[-1], (404, {}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_POST = do_GET  # noqa: N815 - the name that is looked for

    with answering(Pages) as url:
        yield url


def trouble(findings: Sequence[Finding]) -> str:
    return "\n".join(f"{finding.name}: {finding.trouble}" for finding in findings if finding.trouble)


def test_a_proxy_that_works_has_no_trouble_and_shows_what_it_did(tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        findings = examine_proxy(url + "/v1/")
        assert main(["doctor", "--proxy", url, "--json"]) == 0
        assert fetch(f"{url}/stats").json()["all"]["requests"] == 0  # what only tries it is no traffic
    assert trouble(findings) == ""
    assert [finding.name for finding in findings] == ["address", "readiness", "version", "mode", "traffic", "canary"]
    assert findings[-1].state.endswith("the error line stayed; the log came back byte for byte")


def test_a_mode_that_changes_nothing_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path, "--mode", "audit") as url:
        assert main(["doctor", "--proxy", url]) == 1
    assert "it measures and changes nothing: start it with --mode on" in capfd.readouterr().out


def test_settings_that_keep_everything_are_named(tmp_path: Path) -> None:
    with serving(tmp_path, CONTEXTPRUNE_MIN_TOKENS="100000") as url:
        said = trouble(examine_proxy(url))
    assert "nothing was compressed: its settings let nothing of 8,7" in said
    assert "min_tokens" in said


def test_a_proxy_that_takes_out_repetitions_only_has_no_trouble(tmp_path: Path) -> None:
    with serving(tmp_path, "--repetitions-only") as url:
        findings = examine_proxy(url)
    assert trouble(findings) == ""
    assert "only repetitions go (repetitions_only); the error line stayed" in findings[-1].state


def test_a_store_that_cannot_write_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with serving(tmp_path, CONTEXTPRUNE_STORE=str(tmp_path / "file" / "originals.sqlite3")) as url:
        assert "Originals could not be kept" in trouble(examine_proxy(url))


def test_requests_with_a_path_that_is_not_known_are_named() -> None:
    reasons = {"unknown_path": 3, "no_upstream": 1, "noop": 2}
    with pretending(stats=(200, {**STATS, "all": {"eligible": 3, "shortened": 2, "reasons": reasons}})) as url:
        findings = [finding for finding in examine_proxy(url) if finding.name == "paths"]
    assert [finding.state for finding in findings] == ["unknown_path: 3 requests", "no_upstream: 1 request"]
    assert "--upstream /gemini=" in findings[1].trouble


def test_an_upstream_that_cannot_be_reached_is_named_with_why() -> None:
    why = "openai cannot be reached: the certificate of gateway.example is not trusted"
    with pretending(stats=(200, {**STATS, "unreachable": {"openai": why}})) as url:
        assert f"upstream: {why}" in trouble(examine_proxy(url))


def test_a_scorer_that_cannot_start_is_named(tmp_path: Path) -> None:
    with serving(tmp_path, CONTEXTPRUNE_SCORER=str(tmp_path / "nowhere")) as url:
        said = trouble(examine_proxy(url))
    assert "its scorers do not start" in said
    assert "nowhere" in said


def test_nobody_at_the_address_is_said_with_what_starts_one() -> None:
    assert "start it with: contextprune serve --port 9" in trouble(examine_proxy("127.0.0.1:9"))


@pytest.mark.parametrize(("url", "said"), [("", "--proxy is a URL"), ("http://u:p@host", "--proxy holds a credential")])
def test_an_address_that_is_none_is_refused(url: str, said: str) -> None:
    assert said in trouble(examine_proxy(url))


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({"livez": (200, {"status": "ok"})}, "something else listens there"),
        ({"livez": (404, {})}, "something else listens there (its /livez answers 404)"),
        ({"readyz": (503, {"status": "draining"})}, "readiness: requests pass as they are: it is being stopped"),
        ({"readyz": (200, {"status": "ready", "scorers": "degraded"})}, "but no scorer is"),
        ({"stats": (403, {})}, "set CONTEXTPRUNE_SERVE_TOKEN to its token"),
        ({"stats": (404, {})}, "the edge in front of it keeps its own pages to itself"),
        ({"stats": (200, {**STATS, "version": "0.0.1"})}, "version: start it again"),
        ({"stats": (200, {**STATS, "mode": "off"})}, "it only relays"),
        (
            {"stats": (200, {**STATS, "all": {"eligible": 10, "shortened": 2, "reasons": {"late": 5}}})},
            "Time ran out before everything was decided",
        ),
        ({"stats": (200, {**STATS, "scorers": {"trouble": "no model"}})}, "its scorers do not start: no model"),
        ({"stats": (200, {**STATS, "scorers": {"breaker": "open"}})}, "It is tried again by itself"),
        (
            {"stats": (200, {**STATS, "warning": {"seconds": 1860, "requests": 20, "reasons": [["late", 20]]}})},
            "nothing was shortened for 31 minutes. Time ran out",
        ),
        ({"compress": (503, {"error": {"message": "contextprune: busy"}})}, "canary: contextprune: busy"),
        ({"compress": (200, {"messages": []})}, "canary: and nothing usable"),
        ({"compress": (200, canary())}, "nothing was compressed: its settings"),
        (
            {"compress": (200, {"messages": [*canary()["messages"][:-1], {"content": "gone"}]})},
            "the error line was lost",
        ),
    ],
)
def test_every_cause_is_named(pages: dict[str, Any], said: str) -> None:
    with pretending(**pages) as url:
        assert said in trouble(examine_proxy(url))


def test_the_token_of_the_settings_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_SERVE_TOKEN", "sesame")
    with serving(tmp_path) as url:
        assert trouble(examine_proxy(url)) == ""
