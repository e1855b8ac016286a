"""A certificate that is not trusted is named as such, with what is wrong with it and what helps."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from contextprune.errors import SettingsError
from contextprune.proxy.options import Options
from contextprune.proxy.wire.certificates import distrust
from contextprune.proxy.wire.client import Client, Failed
from contextprune.proxy.wire.headers import upward
from contextprune.proxy.wire.routes import Upstreams
from tests.proxy.in_process import Scripted, running
from tests.proxy.provider import Provider, providing

Signed = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
HERE = x509.IPAddress(ip_address("127.0.0.1"))
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


def certificate(
    name: str, by: Signed | None = None, names: tuple[x509.GeneralName, ...] = (), *, days: tuple[int, int] = (-9, 9)
) -> Signed:
    """A certificate for `names`, signed `by` an authority or by itself, valid between two days from today."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signer = by[1] if by else key
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return builder.add_extension(authority, critical=False).sign(signer, hashes.SHA256()), key


def written(path: Path, *parts: Signed, key: bool = False) -> Path:
    text = b"".join(certificate.public_bytes(Encoding.PEM) for certificate, _ in parts)
    if key:
        text += parts[0][1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(text)
    return path


@contextmanager
def serving(chain: Path) -> Iterator[int]:
    """A TLS server with this chain, which answers every connection; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as link:
                    link.recv(1 << 16)
                    link.sendall(ANSWER)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def ask(url: str) -> tuple[int, dict[str, str]]:
    """The status of an answer from `url`, and the troubles of the client. Raises Failed."""

    async def answered() -> tuple[int, dict[str, str]]:
        options = Options(upstream_openai=url)
        upstreams = Upstreams(options)
        client = Client(options, upstreams)
        route = upstreams.route("GET", b"/v1/models", b"", [])
        try:
            reply = await client.open(b"GET", route, upward([], route.upstream.authority, length=None), None)
            await reply.close()
        finally:
            await client.close()
        return reply.status, client.trouble

    return asyncio.run(answered())


@pytest.fixture(scope="module")
def authority() -> Signed:
    return certificate("An authority")


def test_a_certificate_of_an_authority_that_is_named_is_trusted(
    authority: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(written(tmp_path / "ca.pem", authority)))
    chain = written(tmp_path / "chain.pem", certificate("here", authority, (HERE,)), key=True)
    with serving(chain) as port:
        assert ask(f"https://127.0.0.1:{port}") == (200, {})


@pytest.mark.parametrize(
    ("kind", "host", "trusted", "words"),
    [
        ("self-signed", "127.0.0.1", False, "it is signed by itself"),
        ("unknown authority", "127.0.0.1", False, "this machine does not know its authority, or a link to it is"),
        ("authority in the chain", "127.0.0.1", False, "this machine does not know its authority, as with those of a"),
        ("expired", "127.0.0.1", True, "it has expired"),
        ("future", "127.0.0.1", True, "it is not valid yet"),
        ("other name", "localhost", True, "it is for another name"),
        ("other name", "127.0.0.1", True, "it is for another address"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said(
    kind: str,
    host: str,
    trusted: bool,
    words: str,
    authority: Signed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = certificate("Another authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(written(tmp_path / "ca.pem", authority if trusted else other)))
    days = {"expired": (-9, -1), "future": (1, 9)}.get(kind, (-9, 9))
    names = (x509.DNSName("other.example"),) if kind == "other name" else (HERE,)
    leaf = certificate("here", None if kind == "self-signed" else authority, names, days=days)
    more = (authority,) if kind == "authority in the chain" else ()
    with serving(written(tmp_path / "chain.pem", leaf, *more, key=True)) as port, pytest.raises(Failed) as caught:
        ask(f"https://{host}:{port}")
    assert caught.value.status == 502
    assert f"openai cannot be reached: the certificate of {host} is not trusted: {words}" in caught.value.message
    assert ("SSL_CERT_FILE" in caught.value.message) is not trusted


def test_a_server_without_tls_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with providing() as provider, pytest.raises(Failed, match="is its base URL http, not https"):
        ask(provider.url.replace("http", "https"))


def test_a_failure_without_tls_is_none_of_a_certificate() -> None:
    assert distrust(ConnectionRefusedError(), "host") == ""


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_certificates_that_cannot_be_read_is_named(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    options = Options()
    with pytest.raises(SettingsError, match=f"cannot be read from SSL_CERT_FILE={file}"):
        Client(options, Upstreams(options))


def test_the_client_the_log_and_the_figures_name_the_certificate(
    authority: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(written(tmp_path / "ca.pem", authority)))
    with (
        serving(written(tmp_path / "chain.pem", certificate("here", None, (HERE,)), key=True)) as port,
        running(
            Provider(), Scripted(), upstream_openai=f"https://127.0.0.1:{port}", upstream_anthropic="http://127.0.0.1:9"
        ) as proxy,
    ):
        answer = proxy.post("/v1/chat/completions", {"messages": []})
        figures = proxy.get("/stats").json()
    words = "the certificate of 127.0.0.1 is not trusted: it is signed by itself"
    assert answer.status_code == 502
    assert words in answer.json()["error"]["message"]
    assert words in caplog.text
    assert words in figures["unreachable"]["openai"]
