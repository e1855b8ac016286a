from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from contextprune.proxy.dashboard.respond import Response, respond
from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.monitor import Monitor
from tests.html_reader import Reader
from tests.http_server import answering
from tests.proxy.telemetry.sample_traffic import POOL, busy_day, finished, heat, monitor_of, passed

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
in_a_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed here")
EVIL = "</pre></title><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


def answer(monitor: Monitor, path: str, query: str = "") -> Response | None:
    return asyncio.run(respond(path, query, monitor))


def page(monitor: Monitor, path: str, query: str = "") -> Reader:
    found = answer(monitor, path, query)
    assert found is not None
    return Reader(found[2].decode())


def header(found: Response | None, name: bytes) -> str:
    assert found is not None
    return dict(found[1])[name].decode()


@pytest.fixture(scope="module")
def day() -> Monitor:
    return busy_day(Options(content=True))


@pytest.mark.parametrize(
    "path", ["/nothing", "/requests/", "/requests/x", "/requests/-1", "/requests/1e3", "/requests/²"]
)
def test_other_paths_are_none_of_ours(path: str) -> None:
    assert answer(monitor_of()[0], path) is None


def test_a_request_that_is_gone_says_so() -> None:
    found = answer(monitor_of()[0], "/requests/7")
    assert found is not None
    assert found[0] == 404
    assert b"There is no such request here" in found[2]


@pytest.mark.parametrize(
    "query",
    [
        "session=none",
        "session=<b>",
        "session=",
        "sessions=all",
        "span=day",
        "span=nonsense",
        "span=day&span=all",
        "&" * 400,
        "x" * 5000,
        "%zz",
        "a=%ff",
    ],
)
def test_any_query_has_an_answer(day: Monitor, query: str) -> None:
    found = answer(day, "/", query)
    assert found is not None
    assert found[0] == 200


@pytest.mark.parametrize(
    ("path", "query"), [("/", ""), ("/", "session=1f2e3d4c"), ("/requests/899", ""), ("/requests/1", "")]
)
def test_pages_are_well_formed_and_accessible(day: Monitor, path: str, query: str) -> None:
    reader = page(day, path, query)
    assert (reader.wrong, reader.open) == ([], [])
    assert reader.all("html")[0]["lang"] == "en"
    assert len(reader.all("h1")) == 1
    assert all(each.get("aria-label") for each in reader.all("nav"))
    assert all(each.get("scope") for each in reader.all("th"))
    assert len(reader.all("caption")) == len(reader.all("table"))
    first_link = reader.all("a")[0]
    assert (first_link["class"], first_link["href"]) == ("skip", "#main")
    scrolling = [each for each in reader.all("div") if str(each.get("class")).startswith("wide")]
    assert all(each["tabindex"] == "0" and each["aria-label"] for each in scrolling)
    names = [each["id"] for _, each in reader.tags if each.get("id")]
    assert len(names) == len(set(names))


def test_a_page_needs_nothing_from_elsewhere(day: Monitor) -> None:
    for path in ("/", "/requests/899"):
        reader = page(day, path)
        assert not any({"src", "onclick", "style"} & attributes.keys() for _, attributes in reader.tags)
        assert reader.all("link") == []
        assert all(str(each["href"]).startswith(("/", "#")) for each in reader.all("a"))


def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_else(day: Monitor) -> None:
    found = answer(day, "/")
    assert found is not None
    policy, text = header(found, b"content-security-policy"), found[2].decode()
    for tag in ("style", "script"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert header(found, b"cache-control") == "no-store"
    assert header(found, b"x-content-type-options") == "nosniff"


def test_without_a_script_the_page_is_whole(day: Monitor) -> None:
    reader = page(day, "/")
    for part in (
        "Today: ",
        "Sessions",
        "Over time",
        "The same as a table",
        "Why requests went through",
        "Scorers",
        "Recent requests",
    ):
        assert part in reader.text
    assert [each["id"] for each in reader.all("button") if "hidden" in each] == ["live"]


def test_stats_have_the_figures_of_the_page(day: Monitor) -> None:
    found = answer(day, "/stats")
    assert header(found, b"content-type") == "application/json"
    assert found is not None
    told = json.loads(found[2])
    text = page(day, "/", "span=day").text
    for figure in (told["day"]["requests"], told["day"]["before"], told["day"]["after"], told["day"]["read"]):
        assert f"{figure:,}" in text
    assert told["all"]["reasons"].keys() == {"noop", "late", "busy", "breaker"}
    assert told["scorers"] == asdict(POOL)
    assert (told["warning"], told["mode"], told["recall"]) == (None, "on", "off")
    assert len(told["requests"]) == 500
    assert told["today"]["requests"] <= told["month"]["requests"] == told["all"]["requests"]
    assert [session["session"] for session in told["sessions"]] == ["1f2e3d4c"]
    assert "careful programmer" not in found[2].decode()


def test_stats_have_the_warning_and_its_reasons() -> None:
    monitor, clock = monitor_of()
    for _ in range(20):
        passed(monitor, "busy")
    clock.now += 1900
    found = answer(monitor, "/stats")
    assert found is not None
    assert json.loads(found[2])["warning"] == {"seconds": 1900.0, "requests": 20, "reasons": [["busy", 20]]}


def test_hostile_names_in_stats_stay_text() -> None:
    monitor, _ = monitor_of()
    finished(monitor, model=EVIL)
    found = answer(monitor, "/stats")
    assert found is not None
    assert json.loads(found[2])["requests"][0]["model"] == EVIL


@contextmanager
def served(monitor: Monitor) -> Iterator[str]:
    """The dashboard on loopback; every look at the first page is a request more."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            found = answer(monitor, path, query) or (404, [], b"")
            if path == "/":
                finished(monitor, heat=heat())
            self.send_response(found[0])
            for name, value in found[1]:
                self.send_header(name.decode(), value.decode())
            self.end_headers()
            self.wfile.write(found[2])

    with answering(Handler) as url:
        yield url


def browsed(url: str, folder: Path, *flags: str, seconds: float = 1) -> tuple[str, str]:
    """The page as the browser has it after some seconds of its own time, and what it complained of."""
    assert BROWSER is not None
    command = [
        BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}",
        "--enable-logging=stderr", f"--virtual-time-budget={round(seconds * 1000)}", *flags, url,
    ]  # fmt: skip
    home = {**os.environ, "XDG_CONFIG_HOME": str(folder)}  # where it keeps reports of crashes
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=home)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


@in_a_browser
def test_the_script_runs_under_the_policy_and_brings_the_page_up_to_date(tmp_path: Path) -> None:
    monitor, _ = monitor_of()
    monitor.pool = POOL
    with served(monitor) as url:
        text, complaints = browsed(url, tmp_path, "--dump-dom", seconds=17)
    assert complaints == ""
    button = next(each for each in Reader(text).all("button") if each.get("id") == "live")
    assert "hidden" not in button
    assert 'href="/requests/2"' in text


@in_a_browser
def test_hostile_text_stays_text_in_a_browser(tmp_path: Path) -> None:
    monitor, _ = monitor_of(Options(content=True))
    blocks = json.dumps([["user", EVIL, [[EVIL, "drop", EVIL]]]]).encode()
    names = dict.fromkeys(("model", "session", "provider"), EVIL)
    record = finished(monitor, **names, keys=(EVIL,), heat=blocks)
    with served(monitor) as url:
        text, complaints = browsed(f"{url}/requests/{record.number}", tmp_path, "--dump-dom")
    assert complaints == ""
    assert "<title>Request 1 - contextprune</title>" in text
    assert Reader(text).all("img") == []


@in_a_browser
@pytest.mark.parametrize("scheme", ["0", "1"], ids=["dark", "light"])
def test_it_is_drawn_light_and_dark_as_the_reader_wants(tmp_path: Path, day: Monitor, scheme: str) -> None:
    pytest.importorskip("PIL")
    from PIL import Image

    shot = tmp_path / "shot.png"
    flags = (f"--screenshot={shot}", "--window-size=500,900", f"--blink-settings=preferredColorScheme={scheme}")
    with served(day) as url:
        browsed(url, tmp_path / "profile", *flags)
    with Image.open(shot) as picture:
        corner = picture.convert("L").tobytes()[0]
    assert (corner < 60) if scheme == "0" else (corner > 200)
