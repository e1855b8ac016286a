"""Tenants are told apart by their credentials alone."""

from __future__ import annotations

import re

import pytest

from contextprune.proxy.wire.credentials import fingerprint


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"api.example.org"), (b"x-contextprune-session-id", b"abc"), (b"x-tenant", b"somebody")],
        [(b"authorization", b""), (b"x-api-key", b" ")],
        [(b"authorization", b"Bearer ")],
    ],
)
def test_without_a_credential_there_is_no_tenant(headers: list[tuple[bytes, bytes]]) -> None:
    assert fingerprint(headers) == ""


def test_a_fingerprint_tells_credentials_apart_and_nothing_else() -> None:
    key, other = (b"x-api-key", b"sk-one"), (b"x-api-key", b"sk-two")
    assert fingerprint([key]) == fingerprint([(b"accept", b"*/*"), key]) != fingerprint([other])
    assert fingerprint([key, other]) == fingerprint([other, key]) not in (fingerprint([key]), fingerprint([other]))
    assert fingerprint([key]) != fingerprint([(b"api-key", b"sk-one")])
    assert fingerprint([key], b"secret") not in (fingerprint([key]), fingerprint([key], b"another"))


def test_a_fingerprint_shows_nothing_of_the_credential() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", fingerprint([(b"authorization", b"Bearer sk-very-secret")]))
