"""The proxy's own pages are for those who may see them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from contextprune.proxy.endpoints import GUARDRAIL, USAGE, Endpoints
from contextprune.proxy.job import Answer, Job, Task
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


def test_a_host_header_that_may_be_anybodys_is_refused_for_relaying_too(proxy: Running) -> None:
    assert proxy.get("/v1/models", headers={"host": "proxy.example"}).status_code == 403
    assert proxy.get("/v1/models", headers={"host": "proxy.local"}).status_code == 200


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
    for path in (
        b"/v1/models",
        b"/v1/messages",
        b"/v1/retrieve",
        b"/v1/compress/x",
        b"/metricsx",
        b"/groq/v1/models",
        b"/v1/usage",
    ):
        assert not pages.serves("GET", path)
    for path in (b"/", b"/livez", b"/metrics", b"/requests/7", b"/v1/compress", b"/v1/retrieve/k"):
        assert pages.serves("GET", path)
    assert pages.serves("POST", USAGE)
    assert pages.serves("POST", GUARDRAIL)


def test_own_pages_are_no_requests_in_the_figures(proxy: Running) -> None:
    before = len(proxy.monitor.recent)
    proxy.get("/stats")
    proxy.get("/nothing/of/the/kind")
    assert len(proxy.records(before + 1)) == before + 1


class TestUsageThatAGatewayTells:
    """POST /v1/usage: what a provider said of its tokens to a gateway, which the proxy does not see."""

    @pytest.mark.parametrize(
        ("usage", "read", "fresh"),
        [
            ({"input_tokens": 5, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 7}, 90, 5),
            ({"prompt_tokens": 100, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 64}}, 64, 36),
            ({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 64}, "output_tokens": 1}, 64, 36),
        ],
    )
    def test_it_counts_like_that_of_an_answer(
        self, provider: Provider, usage: dict[str, Any], read: int, fresh: int
    ) -> None:
        with running(provider, Scripted()) as proxy:
            got = proxy.post("/v1/usage", {"session_id": "s1", "usage": usage})
            assert (got.status_code, got.json()) == (200, {"session_id": "s1", "applied": True})
            counted = proxy.records()[0].usage
            assert (counted.read, counted.fresh) == (read, fresh)
            assert f'contextprune_provider_tokens_total{{type="read"}} {read}' in proxy.get("/metrics").text

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"{}", b'{"usage":{"input_tokens":5}}', b'{"session_id":"s","usage":{}}',
                 b'{"session_id":"s","usage":7}', b'{"session_id":7,"usage":{"input_tokens":5}}', b"[" * 100_000],
    )  # fmt: skip
    def test_what_tells_nothing_is_refused(self, proxy: Running, body: bytes) -> None:
        got = proxy.post("/v1/usage", content=body)
        assert (got.status_code, "session_id" in got.text) == (400, True)

    def test_the_page_of_that_name_is_the_providers(self, proxy: Running) -> None:
        assert proxy.get("/v1/usage?date=2026-11-30").content == b"pong"

    def test_it_is_for_this_machine_like_the_side_car(self, proxy: Running) -> None:
        got = proxy.post("/v1/usage", {"session_id": "s1"}, headers={"x-forwarded-for": "203.0.113.9"})
        assert got.status_code == 403


def replies(job: Job) -> Answer:
    """What a scorer process answers to a gateway."""
    return Answer(job.number, b'{"action":"NONE"}', "noop", session="conv" if b"conv" in job.body else "")


def test_litellms_guardrail_is_answered_by_the_side_car(provider: Provider) -> None:
    scorer = Scripted(replies)
    with running(provider, scorer) as proxy:
        assert proxy.post(GUARDRAIL.decode(), {"input_type": "request"}).json() == {"action": "NONE"}
    assert scorer.jobs[0].task is Task.COMPRESS


@pytest.mark.parametrize("headers", [{"x-headroom-session-id": "conv"}, {"x-headroom-affinity": "conv"}, {}])
def test_usage_and_messages_of_a_session_are_found_together_and_apart_from_other_tenants(
    provider: Provider, headers: dict[str, str]
) -> None:
    with running(provider, Scripted(replies)) as proxy:
        for key in ("sk-1", "sk-2"):
            credential = {"authorization": f"Bearer {key}"}
            name = "" if headers else "conv"
            proxy.post("/v1/compress", {"messages": [], "config": {"session_id": name}}, headers=headers | credential)
            usage = {"session_id": "conv", "usage": {"input_tokens": 5}}
            proxy.post("/v1/usage", usage, headers=credential)
        sessions = [record.session for record in proxy.records(4)]
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3]
    assert all(sessions)


def test_a_session_of_the_same_name_is_another_ones_under_another_credential(provider: Provider) -> None:
    with running(provider, Scripted()) as proxy:
        for key in ("sk-1", "sk-2", "sk-1"):
            headers = {"authorization": f"Bearer {key}", "x-contextprune-session-id": "s"}
            proxy.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}, headers=headers)
        last, second, first = (record.session for record in proxy.records(3))
    assert first == last != second
