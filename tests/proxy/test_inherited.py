"""What a proxy inherits from the program that starts it, and how it proves that it did."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contextprune.errors import SettingsError
from contextprune.proxy.inherited import CHALLENGE, PROOF, Inherited, prove, read_inherited
from tests.proxy.in_process import Running, Scripted, running

SECRET = b"known to two"


@pytest.fixture(scope="module")
def proxy() -> Iterator[Running]:
    with running(scorers=Scripted(), secret=SECRET) as proxy:
        yield proxy


def where(proxy: Running) -> tuple[str, int]:
    host, port = proxy.url.removeprefix("http://").split(":")
    return host, int(port)


@pytest.mark.parametrize("fd", [None, 7])
def test_what_is_handed_on_is_what_is_read(fd: int | None) -> None:
    assert read_inherited(Inherited(SECRET, fd).line()) == Inherited(SECRET, fd)


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"hello", b"[1]", b'{"secret": "", "fd": 3}', b'{"secret": "xy", "fd": 3}',
             b'{"secret": "ab", "fd": "3"}', b'{"secret": 3, "fd": 3}', b'{"secret": "ab", "fd": true}', b"\xff"],
)  # fmt: skip
def test_any_other_line_is_refused(line: bytes) -> None:
    with pytest.raises(SettingsError, match="--inherit is for `contextprune wrap`"):
        read_inherited(line)


def test_the_secret_is_not_shown() -> None:
    assert "known" not in repr(Inherited(SECRET, 7))


def test_a_proof_holds_for_one_secret_one_challenge_and_one_address() -> None:
    proofs = {
        prove(SECRET, b"a", "127.0.0.1", 80),
        prove(SECRET, b"b", "127.0.0.1", 80),
        prove(SECRET, b"a", "127.0.0.2", 80),
        prove(SECRET, b"a", "127.0.0.1", 81),
        prove(b"other", b"a", "127.0.0.1", 80),
    }
    assert len(proofs) == 5


def test_nothing_is_proved_without_a_secret_or_a_challenge_of_reasonable_length() -> None:
    assert prove(b"", b"a", "127.0.0.1", 80) == b""
    assert prove(SECRET, b"", "127.0.0.1", 80) == b""
    assert prove(SECRET, b"a" * 129, "127.0.0.1", 80) == b""


def test_a_proxy_proves_itself_at_its_readiness(proxy: Running) -> None:
    got = proxy.get("/readyz", headers={CHALLENGE: "abc"})
    assert got.headers[PROOF].encode() == prove(SECRET, b"abc", *where(proxy))


def test_the_address_of_a_proof_is_its_own_and_not_what_the_client_names(proxy: Running) -> None:
    got = proxy.get("/readyz", headers={CHALLENGE: "abc", "host": "127.0.0.1:1"})
    assert got.headers[PROOF].encode() == prove(SECRET, b"abc", *where(proxy))


def test_nothing_is_proved_to_those_who_do_not_ask(proxy: Running) -> None:
    assert PROOF not in proxy.get("/readyz").headers


def test_a_proxy_that_inherited_nothing_proves_nothing() -> None:
    with running(scorers=Scripted()) as proxy:
        assert PROOF not in proxy.get("/readyz", headers={CHALLENGE: "abc"}).headers
