"""What becomes of requests: some are shortened, all are relayed, and nothing of ours stands in their way."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from contextprune.proxy.job import Answer, Job, Reason, Task, pass_through
from contextprune.proxy.wire.body import MOST_PIECES, pieces
from tests.proxy.in_process import Running, Scripted, edits, running
from tests.proxy.provider import Provider, providing

CHAT = {"model": "m", "messages": [{"role": "user", "content": "a long story"}]}
ROUTES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": {"model": "m", "input": "a long story"},
    "/v1/messages": {**CHAT, "max_tokens": 9},
    "/v1/messages/count_tokens": CHAT,
    "/v1/responses/input_tokens": {"model": "m", "input": "a long story"},
}


@pytest.fixture(scope="module")
def snapshot(provider: Provider) -> Iterator[Running]:
    """A proxy that shortens nothing."""
    with running(provider, Scripted()) as proxy:
        yield proxy


def last(proxy: Running) -> Any:
    return proxy.provider.requests[-1]


@pytest.mark.parametrize("path", ROUTES)
def test_a_context_goes_up_edited_and_everything_else_as_it_was(editing: Running, path: str) -> None:
    body = json.dumps(ROUTES[path]).encode()
    got = editing.post(path, content=body, headers={"authorization": "Bearer k", "x-stainless-lang": "python"})
    assert got.status_code == 200
    assert last(editing).body == body.replace(b"long ", b"")
    assert last(editing).header("content-length") == str(len(body) - 5)
    assert last(editing).header("authorization") == "Bearer k"
    assert last(editing).header("x-stainless-lang") == "python"
    assert last(editing).header("host") == editing.provider.url.removeprefix("http://")


def test_an_answer_says_what_was_done(editing: Running) -> None:
    headers = editing.post("/v1/chat/completions", CHAT).headers
    assert headers["x-contextprune-status"] == "applied"
    assert (headers["x-contextprune-tokens-before"], headers["x-contextprune-tokens-after"]) == ("100", "40")
    assert float(headers["x-contextprune-overhead-ms"]) >= 0
    assert headers["x-contextprune-request-id"]
    assert "x-contextprune-reason" not in headers


def test_no_header_of_ours_travels_upstream(editing: Running) -> None:
    editing.post("/v1/chat/completions", CHAT, headers={"x-contextprune-session-id": "s", "x-contextprune-x": "y"})
    assert [name for name, _ in last(editing).headers if "contextprune" in name] == []


def test_what_is_relayed_keeps_its_bytes(snapshot: Running) -> None:
    body = bytes(range(256)) * 2000
    got = httpx2.request("PUT", f"{snapshot.url}/v1/files/a%2Fb?q=%20&q=+", content=body, headers={"x-one": "1"})
    assert got.content == body
    assert last(snapshot).method == "PUT"
    assert last(snapshot).target == "/v1/files/a%2Fb?q=%20&q=+"
    assert last(snapshot).body == body
    assert last(snapshot).header("x-one") == "1"


def test_a_body_in_chunks_is_relayed_in_chunks(snapshot: Running) -> None:
    got = httpx2.post(f"{snapshot.url}/v1/files", content=iter([b"ab" * 50_000, b"cd" * 50_000]))
    assert got.content == b"ab" * 50_000 + b"cd" * 50_000
    assert last(snapshot).header("transfer-encoding") == "chunked"


def test_a_get_has_no_body_upstream(snapshot: Running) -> None:
    assert snapshot.get("/v1/models").content == b"pong"
    assert last(snapshot).header("content-length") is last(snapshot).header("transfer-encoding") is None


def test_head_is_answered_without_a_body(snapshot: Running) -> None:
    got = httpx2.head(f"{snapshot.url}/v1/models")
    assert (got.status_code, got.headers["content-length"], got.content) == (200, "4", b"")


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 503, 529])
def test_an_error_of_the_provider_passes_untouched_and_is_not_tried_again(snapshot: Running, status: int) -> None:
    before = len(snapshot.provider.requests)
    got = snapshot.post("/v1/messages", CHAT, headers={"x-scenario": str(status)})
    assert got.status_code == status
    assert got.headers["retry-after"] == "7"
    assert got.headers["x-ratelimit-remaining-tokens"] == "1000"
    assert got.headers["x-request-id"] == f"req_{before + 1}"
    assert got.content == bytes(snapshot.provider.sent[-1])
    assert len(snapshot.provider.requests) == before + 1


def test_a_refusal_of_what_we_edited_is_tried_once_with_the_original() -> None:
    scorer = edits(b'"role"', b'"rule"')
    with running(scorers=scorer) as proxy:
        calls = [{"role": "tool", "tool_call_id": "x", "content": "?"}]
        good, bad = json.dumps(CHAT).encode(), json.dumps({"messages": calls}).encode()
        scorer.say = lambda job: Answer(job.number, bad, "applied", before=9, after=3)
        got = proxy.post("/v1/chat/completions", content=good)
        record = proxy.records()[0]
        assert got.status_code == 200
        assert [request.body for request in proxy.provider.requests] == [bad, good]
        assert got.headers["x-contextprune-status"] == "passed"
        assert got.headers["x-contextprune-reason"] == "refused"
        assert got.headers["x-contextprune-tokens-after"] == "9"
        assert (record.retried, record.upstream, record.answer.reason) == (True, 200, "refused")
        assert scorer.refusals == scorer.jobs


def test_where_the_original_is_refused_as_well_the_client_sees_that_refusal() -> None:
    with running(scorers=edits(b'"x"', b'"y"')) as proxy:
        calls = [{"role": "tool", "tool_call_id": "x", "content": "?"}]
        got = proxy.post("/v1/chat/completions", {"messages": calls})
        assert got.status_code == 400
        assert got.content == bytes(proxy.provider.sent[-1])
        assert len(proxy.provider.requests) == 2
        assert proxy.app.pool.refusals == []  # type: ignore[attr-defined]


def test_a_refusal_of_what_we_did_not_edit_is_not_tried_again(snapshot: Running) -> None:
    before = len(snapshot.provider.requests)
    assert snapshot.post("/v1/chat/completions", {"messages": [{"role": "tool"}]}).status_code == 400
    assert len(snapshot.provider.requests) == before + 1


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_packed_body_is_edited_and_goes_up_unpacked(editing: Running, encoding: str, pack: Any) -> None:
    body = json.dumps(CHAT).encode()
    got = editing.post("/v1/chat/completions", content=pack(body), headers={"content-encoding": encoding})
    assert got.status_code == 200
    assert last(editing).body == body.replace(b"long ", b"")
    assert last(editing).header("content-encoding") is None


def test_a_packed_body_without_edits_goes_up_as_it_came(snapshot: Running) -> None:
    body = gzip.compress(json.dumps(CHAT).encode())
    snapshot.post("/v1/chat/completions", content=body, headers={"content-encoding": "gzip"})
    assert last(snapshot).body == body
    assert last(snapshot).header("content-encoding") == "gzip"


def test_a_packed_body_that_nobody_can_unpack_goes_up_as_it_came(editing: Running) -> None:
    got = editing.post("/v1/files", content=b"?", headers={"content-encoding": "gzip"})
    assert got.status_code == 200
    got = editing.post("/v1/messages", content=b"no gzip", headers={"content-encoding": "gzip", "x-scenario": "418"})
    assert (got.status_code, got.headers["x-contextprune-reason"]) == (418, "payload")
    assert last(editing).body == b"no gzip"


def test_a_packed_answer_reaches_the_client_packed(editing: Running) -> None:
    asked = httpx2.Request("POST", f"{editing.url}/v1/chat/completions", json=CHAT, headers={"x-scenario": "encoded"})
    with httpx2.Client() as client:
        got = client.send(asked, stream=True)
        raw = b"".join(got.iter_raw())
    assert got.headers["content-encoding"] == "gzip"
    assert raw == bytes(editing.provider.sent[-1])
    assert json.loads(gzip.decompress(raw))["object"] == "chat.completion"


def test_a_bomb_goes_to_the_provider_as_it_came_since_that_is_for_it_to_judge(editing: Running) -> None:
    bomb = gzip.compress(bytes(80 << 20))
    got = editing.post("/v1/messages", content=bomb, headers={"content-encoding": "gzip", "x-scenario": "418"})
    assert (got.status_code, got.headers["x-contextprune-reason"]) == (418, "too_large")
    assert last(editing).body == bomb


def test_a_body_of_tens_of_thousands_of_messages_is_relayed_unread(editing: Running) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "m 1"}] * (MOST_PIECES + 1)}
    got = editing.post("/v1/chat/completions", body, headers={"x-scenario": "418"})
    assert (got.status_code, got.headers["x-contextprune-reason"]) == (418, "too_large")
    assert json.loads(last(editing).body) == body


def test_words_in_a_text_are_no_messages() -> None:
    text = json.dumps([{"role": "user", "type": "text"}] * 1000)
    assert pieces(json.dumps({"messages": [{"role": "tool", "content": text}]}).encode()) == 1


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_a_stream_reaches_the_client_byte_for_byte(editing: Running, path: str) -> None:
    asked = httpx2.Request("POST", editing.url + path, json={**ROUTES[path], "stream": True})
    with httpx2.Client() as client:
        got = client.send(asked, stream=True)
        raw = b"".join(got.iter_raw())
    assert got.headers["content-type"].startswith("text/event-stream")
    assert raw == bytes(editing.provider.sent[-1])
    assert json.loads(last(editing).body)["stream"] is True


def test_a_stream_comes_chunk_for_chunk() -> None:
    with providing(pause=0.02, events=20) as provider, running(provider, Scripted()) as proxy:
        asked = httpx2.Request("POST", f"{proxy.url}/v1/chat/completions", json={**CHAT, "stream": True})
        with httpx2.Client() as client:
            chunks = list(client.send(asked, stream=True).iter_raw())
        assert b"".join(chunks) == bytes(provider.sent[-1])
        assert len(chunks) >= 15


def test_an_audit_measures_and_changes_nothing(editing: Running) -> None:
    got = editing.post("/v1/messages", CHAT, headers={"x-contextprune-mode": "audit"})
    assert got.headers["x-contextprune-status"] == "audit"
    assert got.headers["x-contextprune-tokens-after"] == "40"
    assert b"long" in last(editing).body


def test_a_job_says_all_that_the_scorer_needs() -> None:
    scorer = Scripted()
    with running(scorers=scorer, recall="mcp", content=True) as proxy:
        headers = {"x-claude-code-session-id": "s1", "x-api-key": "secret"}
        proxy.post("/v1/messages", CHAT, headers=headers)
        proxy.post("/v1/messages", CHAT, headers={**headers, "x-api-key": "other", "x-contextprune-recall": "off"})
        proxy.post("/v1/responses", {"input": "x"})
    first, second, third = scorer.jobs
    assert (first.task, first.dialect, first.session, first.recall, first.show) == (
        Task.SHORTEN, "anthropic", "s1", "mcp", True,
    )  # fmt: skip
    assert json.loads(first.body) == CHAT
    assert first.tenant != second.tenant
    assert "secret" not in first.tenant
    assert second.recall == "off"
    assert (third.dialect, third.tenant) == ("openai-responses", "")


def test_a_scorer_that_fails_costs_nothing_but_the_shortening() -> None:
    def fail(job: Job) -> Answer:
        raise RuntimeError(f"broken at {job.number}")

    with running(scorers=Scripted(fail)) as proxy:
        body = json.dumps(CHAT).encode()
        got = proxy.post("/v1/chat/completions", content=body)
        assert (got.status_code, got.headers["x-contextprune-reason"]) == (200, "error")
        assert proxy.provider.requests[0].body == body


def test_a_body_larger_than_what_is_looked_at_streams_through() -> None:
    scorer = Scripted()
    with running(scorers=scorer, largest=100_000) as proxy:
        body = json.dumps({**CHAT, "pad": "some words " * 30_000}).encode()
        for content in (body, iter([body[:150_000], body[150_000:]])):
            got = proxy.post("/v1/chat/completions", content=content)
            assert (got.status_code, got.headers["x-contextprune-reason"]) == (200, "too_large")
            assert proxy.provider.requests[-1].body == body
        packed = gzip.compress(body)
        got = proxy.post("/v1/chat/completions", content=packed, headers={"content-encoding": "gzip"})
        assert (got.status_code, got.headers["x-contextprune-reason"]) == (200, "too_large")
        assert proxy.provider.requests[-1].body == packed
        assert scorer.jobs == []


def test_a_body_without_a_length_is_refused_once_it_is_above_all_bounds() -> None:
    with running(scorers=Scripted(), max_body=100_000, largest=50_000) as proxy:
        body = b"x" * 300_000
        got = proxy.post("/v1/messages", content=iter([body[:150_000], body[150_000:]]))
        assert got.status_code == 413
        assert "max_body" in got.json()["error"]["message"]
        assert proxy.post("/v1/files", content=body).status_code == 200


def test_a_websocket_is_told_to_use_http(snapshot: Running) -> None:
    wanted = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-key": "x", "sec-websocket-version": "13"}
    got = snapshot.get("/v1/responses", headers=wanted)
    assert got.status_code == 426
    assert "supports_websockets = false" in got.json()["error"]["message"]


def test_the_official_clients_see_no_difference(editing: Running) -> None:
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "a long story"}]}
    chat = openai.OpenAI(base_url=f"{editing.url}/v1", api_key="k").chat.completions
    assert [chunk.choices for chunk in chat.create(**asked, stream=True)]
    assert chat.create(**asked).choices
    claude = anthropic.Anthropic(base_url=editing.url, api_key="k")
    with claude.messages.stream(max_tokens=9, **asked) as stream:
        assert stream.get_final_message().content
    assert claude.messages.count_tokens(**asked).input_tokens > 0


def test_an_error_of_ours_is_an_error_of_the_official_clients() -> None:
    with running(scorers=Scripted(), upstream_anthropic="http://127.0.0.1:9", connect_seconds=1) as proxy:
        client = anthropic.Anthropic(base_url=proxy.url, api_key="k", max_retries=0)
        with pytest.raises(anthropic.InternalServerError, match="contextprune: anthropic cannot be reached"):
            client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])


def test_the_side_car_asks_the_scorer_and_says_why_not() -> None:
    scorer = Scripted(lambda job: Answer(job.number, b'{"ok": 1}', "applied"))
    with running(scorers=scorer) as proxy:
        got = proxy.post("/v1/compress", {"messages": []}, headers={"authorization": "Bearer k"})
        assert (got.status_code, got.json()) == (200, {"ok": 1})
        assert proxy.get("/v1/retrieve/a%2Fb?query=two+words&lines=1-3").json() == {"ok": 1}
        compress, retrieve = scorer.jobs
        assert (compress.task, json.loads(compress.body)) == (Task.COMPRESS, {"messages": []})
        assert compress.tenant
        assert retrieve.task is Task.RETRIEVE
        assert json.loads(retrieve.body) == {"key": "a/b", "query": "two words", "lines": "1-3"}
        statuses = {Reason.NOT_FOUND: 404, Reason.DENIED: 404, Reason.PAYLOAD: 400, Reason.BUSY: 503}
        for reason, status in statuses.items():
            scorer.say = lambda job, why=reason: pass_through(job, why)  # type: ignore[misc]
            got = proxy.get("/v1/retrieve/abc")
            assert got.status_code == status
            assert "contextprune" in got.json()["error"]["message"]
        assert proxy.provider.requests == []
