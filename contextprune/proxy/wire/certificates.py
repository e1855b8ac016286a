"""Certificates of upstreams: which are trusted, and in words why one is not."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping

from contextprune.errors import SettingsError
from contextprune.settings import process_environment

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_TRUST = (
    "set SSL_CERT_FILE to a PEM file with all the authorities that your upstreams need, {whose} among them, and start "
    "the proxy again"
)
_AUTHORITYS, _ITS_OWN = _TRUST.format(whose="its authority"), _TRUST.format(whose="this certificate")
_EXPIRED, _NOT_YET, _SELF_SIGNED, _SELF_SIGNED_AUTHORITY, _REVOKED, _OTHER_NAME, _OTHER_ADDRESS = (
    10, 9, 18, 19, 23, 62, 64
)  # fmt: skip
_WORDS: Mapping[int, tuple[str, str]] = {  # OpenSSL's code (x509_vfy.h) -> what is wrong, what helps
    _EXPIRED: ("it has expired", "renew it there, or set this machine's clock"),
    _NOT_YET: ("it is not valid yet", "set this machine's clock, or that one's"),
    _SELF_SIGNED: ("it is signed by itself", _ITS_OWN),
    _SELF_SIGNED_AUTHORITY: ("this machine does not know its authority, as with those of a company", _AUTHORITYS),
    _REVOKED: ("it was revoked", "have it replaced there"),
    _OTHER_NAME: ("it is for another name", "write the base URL with a name that the certificate has"),
    _OTHER_ADDRESS: ("it is for another address", "write the base URL with a name that the certificate has"),
}
_UNKNOWN_AUTHORITY = ("this machine does not know its authority, or a link to it is missing", _AUTHORITYS)


def distrust(exc: BaseException, host: str) -> str:
    """The sentence on why the TLS of `host` failed, in `exc` or what caused it; "" where something else did."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why, help_ = _WORDS.get(cause.verify_code, _UNKNOWN_AUTHORITY)
            return f"the certificate of {host} is not trusted: {why} ({cause.verify_message.rstrip('.')}); {help_}"
        if isinstance(cause, ssl.SSLError):
            return f"{host} does not speak TLS as this machine does ({cause.reason}); is its base URL http, not https?"
        cause = cause.__cause__ or cause.__context__
    return ""


def load_trust(make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """A context from `make`, which reads SSL_CERT_FILE and SSL_CERT_DIR. Raises SettingsError for an unusable one."""
    try:
        return make()
    except OSError as exc:  # ssl.SSLError is one
        variables = process_environment()
        where = next((f"{name}={variables[name]}" for name in _VARIABLES if variables.get(name)), "this machine's list")
        raise SettingsError(f"the trusted certificates cannot be read from {where}: {exc.strerror or exc}") from exc
