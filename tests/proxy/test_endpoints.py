"""The proxy's own pages are for those who may see them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import httpx2
import pytest

from contextprune.proxy.endpoints import Endpoints
from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.monitor import Monitor
from tests.proxy.in_process import Running, Scripted, running
from tests.proxy.provider import Provider

PRIVATE = ["/", "/stats", "/metrics", "/requests/1", "/v1/retrieve/abc"]


@pytest.fixture(scope="module")
def proxy(provider: Provider) -> Iterator[Running]:
    with running(provider, Scripted()) as found:
        yield found


@pytest.fixture(scope="module")
def guarded(provider: Provider) -> Iterator[Running]:
    with running(provider, Scripted(), token="s3cret") as found:
        yield found


def test_whether_it_lives_and_is_ready_anybody_may_ask(proxy: Running) -> None:
    foreign = {"host": "proxy.example", "x-forwarded-for": "203.0.113.9"}
    assert proxy.get("/livez", headers=foreign).json() == {"status": "alive"}
    got = proxy.get("/readyz", headers=foreign)
    assert (got.status_code, got.json()) == (200, {"status": "ready", "scorers": "ready"})


def test_it_is_not_ready_before_its_scorers_but_stays_so_without_them(provider: Provider) -> None:
    scorers = Scripted()
    with running(provider, scorers) as proxy:
        scorers.ready = False
        got = proxy.get("/readyz")
        assert (got.status_code, got.json()["status"]) == (503, "starting")
        scorers.ready = True
        assert proxy.get("/readyz").status_code == 200
        scorers.ready = False
        assert proxy.get("/readyz").json() == {"status": "ready", "scorers": "degraded"}


def test_it_is_not_ready_while_it_drains_but_alive(proxy: Running) -> None:
    proxy.app.draining = True
    try:
        got = proxy.get("/readyz")
        assert (got.status_code, got.json()["status"]) == (503, "draining")
        assert proxy.get("/livez").status_code == 200
    finally:
        proxy.app.draining = False


@pytest.mark.parametrize("path", ["/", "/stats", "/metrics"])
def test_this_machine_sees_its_pages(proxy: Running, path: str) -> None:
    assert proxy.get(path).status_code == 200
    assert httpx2.head(proxy.url + path).status_code == 200


@pytest.mark.parametrize("path", PRIVATE)
def test_a_page_that_was_made_to_ask_by_its_own_name_sees_nothing(proxy: Running, path: str) -> None:
    for host in ("evil.example", "evil.example:8788", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]"):
        got = proxy.get(path, headers={"host": host})
        assert got.status_code == 403
        assert "another machine" in got.json()["error"]["message"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8788", "LOCALHOST", "[::1]:8788", "127.0.0.1:1"])
def test_names_of_this_machine_are_known(proxy: Running, host: str) -> None:
    assert proxy.get("/stats", headers={"host": host}).status_code == 200


def test_the_host_header_matters_for_our_own_pages_only(proxy: Running) -> None:
    assert proxy.get("/v1/models", headers={"host": "proxy.example"}).status_code == 200


@pytest.mark.parametrize("path", PRIVATE)
def test_who_comes_through_an_edge_on_this_machine_is_not_of_this_machine(proxy: Running, path: str) -> None:
    for header in ("x-forwarded-for", "forwarded", "x-real-ip"):
        assert proxy.get(path, headers={header: "127.0.0.1"}).status_code == 403


def test_a_token_opens_them_to_others(guarded: Running) -> None:
    from_afar = {"host": "proxy.example", "x-forwarded-for": "203.0.113.9"}
    got = guarded.get("/stats", headers=from_afar)
    assert got.status_code == 401
    assert got.headers["www-authenticate"].startswith("Basic")
    basic = "Basic " + b64encode(b"anyone:s3cret").decode()
    for shown, status in (
        ("Bearer s3cret", 200),
        (basic, 200),
        ("Bearer S3cret", 401),
        ("Bearer", 401),
        ("s3cret", 401),
        ("Basic !!", 401),
        ("Bearer \u00fc", 401),
    ):
        given = {**from_afar, "authorization": shown}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
        assert httpx2.get(f"{guarded.url}/stats", headers=raw).status_code == status
    assert guarded.get("/stats").status_code == 200


def test_without_a_token_no_word_opens_them(proxy: Running) -> None:
    headers = {"x-forwarded-for": "203.0.113.9", "authorization": "Bearer"}
    assert proxy.get("/stats", headers=headers).status_code == 403


def test_pages_can_only_be_read(proxy: Running) -> None:
    got = proxy.post("/stats", {})
    assert (got.status_code, got.headers["allow"]) == (405, "GET, HEAD")
    assert proxy.get("/v1/compress").status_code == 405


def test_no_other_origin_may_read_them(proxy: Running) -> None:
    got = proxy.get("/stats", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in got.headers


def test_paths_of_providers_are_not_ours() -> None:
    options = Options()
    pages = Endpoints(options, Monitor(options), Scripted(), lambda: False)
    for path in (b"/v1/models", b"/v1/messages", b"/v1/retrieve", b"/v1/compress/x", b"/metricsx", b"/groq/v1/models"):
        assert not pages.serves("GET", path)
    for path in (b"/", b"/livez", b"/metrics", b"/requests/7", b"/v1/compress", b"/v1/retrieve/k"):
        assert pages.serves("GET", path)


def test_own_pages_are_no_requests_in_the_figures(proxy: Running) -> None:
    before = len(proxy.monitor.recent)
    proxy.get("/stats")
    proxy.get("/nothing/of/the/kind")
    assert len(proxy.records(before + 1)) == before + 1
