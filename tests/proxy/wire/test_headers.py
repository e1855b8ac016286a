"""What travels up, what comes back, and what a request may ask of us."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.options import Options
from contextprune.proxy.wire.headers import Control, UnusableHeader, control, downward, session_id, upward

NAMES = st.from_regex(rb"[a-z][a-z0-9-]{0,20}", fullmatch=True)
VALUES = st.from_regex(rb"[!-~]{0,20}", fullmatch=True)
OWN = {b"host", b"content-length", b"expect", b"transfer-encoding", b"connection", b"keep-alive", b"te", b"trailer"}
OWN |= {b"upgrade", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"}


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_all_else_travels_in_order_and_unchanged(headers: list[tuple[bytes, bytes]]) -> None:
    kept = [pair for pair in headers if pair[0] not in OWN and not pair[0].startswith(b"x-contextprune-")]
    assert upward(headers, b"api", length=None) == [(b"host", b"api"), *kept]


def test_what_is_between_neighbours_and_what_is_ours_stays_here() -> None:
    received = [
        (b"host", b"127.0.0.1:8788"),
        (b"connection", b"keep-alive, X-Private"),
        (b"x-private", b"1"),
        (b"te", b"gzip"),
        (b"proxy-authorization", b"Basic secret"),
        (b"expect", b"100-continue"),
        (b"content-length", b"9"),
        (b"x-contextprune-mode", b"on"),
        (b"x-contextprune-token", b"secret"),
        (b"authorization", b"Bearer k"),
    ]
    assert upward(received, b"api.openai.com", length=5) == [
        (b"host", b"api.openai.com"),
        (b"authorization", b"Bearer k"),
        (b"content-length", b"5"),
    ]


def test_a_body_that_was_decoded_goes_up_without_its_encoding() -> None:
    received = [(b"content-encoding", b"gzip"), (b"accept-encoding", b"br")]
    assert upward(received, b"h", length=1, decoded=True) == [
        (b"host", b"h"),
        (b"accept-encoding", b"br"),
        (b"content-length", b"1"),
    ]
    assert (b"content-encoding", b"gzip") in upward(received, b"h", length=1)


def test_a_body_of_unknown_length_goes_up_in_chunks() -> None:
    assert upward([], b"h", length=None, chunked=True)[-1] == (b"transfer-encoding", b"chunked")


def test_an_answer_keeps_its_headers_spelling_and_repetitions() -> None:
    sent = [
        (b"Retry-After", b"7"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Connection", b"close, x-hop"),
        (b"X-Hop", b"1"),
        (b"X-ContextPrune-Status", b"forged"),
        (b"Content-Encoding", b"br"),
    ]
    own = [(b"x-contextprune-status", b"noop")]
    assert downward(sent, own) == [
        (b"Retry-After", b"7"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Encoding", b"br"),
        *own,
    ]


def test_trailers_are_neither_asked_for_nor_announced() -> None:
    assert upward([(b"te", b"trailers"), (b"connection", b"te")], b"h", length=None) == [(b"host", b"h")]
    assert downward([(b"Trailer", b"X-Sum"), (b"Transfer-Encoding", b"chunked")]) == []


def test_a_request_may_change_what_holds_for_it() -> None:
    options = Options(mode="on", recall="off")
    assert control({}, options) == Control("on", "off", "")
    told = {b"x-contextprune-mode": b" Audit ", b"x-contextprune-recall": b"tool", b"x-contextprune-session-id": b"s"}
    assert control(told, options) == Control("audit", "tool", "s")
    assert control({b"x-contextprune-bypass": b"1"}, options).bypass
    assert not control({b"x-contextprune-bypass": b"0"}, options).bypass


def test_a_word_that_means_nothing_is_named_with_those_that_do() -> None:
    with pytest.raises(UnusableHeader, match=r"x-contextprune-mode is one of on, audit, off, not 'of'"):
        control({b"x-contextprune-mode": b"of"}, Options())


def test_our_own_session_header_wins_over_those_of_agents() -> None:
    names = {b"session_id": b"codex", b"x-claude-code-session-id": b"claude"}
    assert session_id(names) == "claude"
    assert session_id({**names, b"x-contextprune-session-id": b"own"}) == "own"
    assert session_id({b"session_id": b"codex"}) == "codex"
    assert session_id({b"session-id": b"codex", b"x-client-request-id": b"other"}) == "codex"
    assert session_id({b"x-session-affinity": b"opencode", b"x-session-id": b"opencode"}) == "opencode"
    assert session_id({}) == ""


def test_a_long_session_id_is_cut_to_its_hash() -> None:
    assert len(session_id({b"session_id": b"x" * 5000})) == 32
