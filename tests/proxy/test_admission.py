"""Who is let in: neither pages of other sites, nor foreign names, nor other machines without the token."""

from __future__ import annotations

import pytest

from contextprune.errors import SettingsError
from contextprune.proxy.admission import Admission
from contextprune.proxy.options import Options, load_options
from tests.proxy.in_process import Scripted, running

HERE, ELSEWHERE = ("127.0.0.1", 5), ("10.0.0.9", 5)
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def admission(**options: object) -> Admission:
    return Admission(Options(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "names",
    [
        {b"sec-fetch-site": b"cross-site"},
        {b"origin": b"https://evil.example"},
        {b"origin": b"http://evil.example:8788", b"host": b"evil.example:8788"},
        {b"origin": b"null"},
        {b"origin": b"http://127.0.0.1.evil.example"},
    ],
)
def test_a_page_of_another_site_may_post_nothing(names: dict[bytes, bytes]) -> None:
    refusal = admission().to_any("POST", names)
    assert refusal is not None
    assert refusal.status == 403


@pytest.mark.parametrize(
    "names",
    [
        {},
        {b"origin": b"http://localhost:3000", b"sec-fetch-site": b"cross-site"},
        {b"origin": b"http://[::1]:3000"},
        {b"origin": b"vscode-webview://abc"},
        {b"origin": b"https://llm.example.com"},
        {b"sec-fetch-site": b"same-origin"},
        {b"sec-fetch-site": b"none"},
    ],
)
def test_programs_and_pages_of_this_machine_may(names: dict[bytes, bytes]) -> None:
    assert admission(hosts=("llm.example.com",)).to_any("POST", names) is None


def test_a_link_on_another_site_may_lead_to_the_dashboard() -> None:
    assert admission().to_any("GET", {b"sec-fetch-site": b"cross-site"}) is None


def test_a_page_of_another_site_burns_no_scorer_and_reaches_no_provider() -> None:
    scorers = Scripted()
    with running(scorers=scorers) as proxy:
        for path in ("/v1/compress", "/v1/chat/completions", "/v1/usage"):
            assert proxy.post(path, CHAT, headers={"origin": "https://evil.example"}).status_code == 403
        assert not scorers.jobs
        assert not proxy.provider.requests


@pytest.mark.parametrize("host", [b"evil.example:8788", b"127.0.0.1.evil.example", b"127.0.0.1.nip.io"])
def test_a_name_that_anybody_could_own_is_none_of_a_loopback_proxys(host: bytes) -> None:
    refusal = admission().to_relay(HERE, {b"host": host})
    assert refusal is not None
    assert "hosts" in refusal.message
    assert admission(hosts=(host.decode().partition(":")[0],)).to_relay(HERE, {b"host": host}) is None


@pytest.mark.parametrize(
    "host", [b"127.0.0.1:8788", b"localhost", b"[::1]:8788", b"host.docker.internal:8788", b"mac.local", b"proxy", b""]
)
def test_names_of_this_machine_are_let_in(host: bytes) -> None:
    assert admission().to_relay(HERE, {b"host": host}) is None


def test_other_machines_are_relayed_for_with_the_token_alone() -> None:
    relaying = admission(host="0.0.0.0", token="secret")
    refusal = relaying.to_relay(ELSEWHERE, {b"authorization": b"Bearer sk-1"})
    assert refusal is not None
    assert refusal.status == 401
    assert relaying.to_relay(ELSEWHERE, {b"x-contextprune-token": b"secret"}) is None
    assert relaying.to_relay(ELSEWHERE, {b"proxy-authorization": b"Bearer secret"}) is None
    assert relaying.to_relay(ELSEWHERE, {b"x-contextprune-token": b"guess"}) is not None
    assert relaying.to_relay(HERE, {}) is None
    assert relaying.to_relay(HERE, {b"x-forwarded-for": b"10.0.0.9"}) is not None


def test_no_token_is_no_key_to_anything() -> None:
    assert admission(host="0.0.0.0").to_relay(ELSEWHERE, {b"x-contextprune-token": b""}) is not None
    assert admission(host="0.0.0.0").to_relay(ELSEWHERE, {}) is not None


def test_who_wants_to_relay_for_everybody_says_so() -> None:
    with pytest.raises(SettingsError, match="admit"):
        load_options({"host": "0.0.0.0"}, variables={})
    options = load_options({"host": "0.0.0.0"}, variables={"CONTEXTPRUNE_SERVE_ADMIT": "all"})
    assert Admission(options).to_relay(ELSEWHERE, {}) is None
    assert load_options({"host": "0.0.0.0"}, variables={"CONTEXTPRUNE_SERVE_TOKEN": "t"}).wants_token


def test_the_token_never_goes_on() -> None:
    with running(scorers=Scripted(), token="secret", admit="token") as proxy:
        assert proxy.post("/v1/chat/completions", CHAT, headers={"x-forwarded-for": "10.0.0.9"}).status_code == 401
        headers = {"x-forwarded-for": "10.0.0.9", "x-contextprune-token": "secret"}
        assert proxy.post("/v1/chat/completions", CHAT, headers=headers).status_code == 200
        assert not any(b"secret" in value.encode() for _, value in proxy.provider.requests[-1].headers)
