"""Admission: who may ask the proxy for what, decided by where a request comes from and what it shows.

Anybody on this machine may have requests relayed, with a key of their own. A web page may not: a browser on this
machine would send its requests along, so those that a browser marks as another site's are refused, and on a loopback
address those for a name that anybody could own and let lead here. The figures, the dashboard and the side-car are for
this machine, or for those who show the operator's token; where other machines can reach the proxy, so is relaying.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from contextprune.proxy.options import Options, is_loopback
from contextprune.proxy.treatment import Refusal
from contextprune.proxy.wire.headers import Headers

TOKEN = b"x-contextprune-token"
"""Header for the token beside a provider's own key; it never goes on."""

Client = Sequence[object] | None
"""Address and port of a client, as ASGI gives them; None for a Unix socket."""

_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")
_HARMLESS = ("GET", "HEAD", "OPTIONS")  # a page of another site cannot read their answers
_RESERVED = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test")
"""Ends of names that nobody can own on the internet, so that no page can be there."""

_NOBODY = (
    "this page is for the machine that the proxy runs on. From elsewhere, set `token` "
    "(CONTEXTPRUNE_SERVE_TOKEN) and send it as a bearer token, or as the password that the browser asks for"
)
_FOREIGN = "the Host header names another machine; open this page as http://127.0.0.1:{port}/"
_UNPROVEN = (
    "this proxy relays for other machines only with its token: send it as the header x-contextprune-token beside the "
    "provider's key (admit)"
)
_CROSS_SITE = "a page of another site sent this request; no page may, but those of this machine"
_OTHER_NAME = (
    "the Host header names {host}, which is not known to be a name of this proxy; name it in `hosts` "
    "(CONTEXTPRUNE_SERVE_HOSTS) if it is one"
)
_SHOWN = 100  # characters of a name in a message


class Admission:
    """Decides about requests; None lets one in."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._hosts = frozenset(name.casefold() for name in (options.host, *options.hosts)) - {""}

    def to_any(self, method: str, names: Mapping[bytes, bytes]) -> Refusal | None:
        """Decide about a request for anything: a web page of another site may change nothing and burn no time."""
        if method in _HARMLESS:
            return None
        origin = names.get(b"origin")
        if origin is not None:
            is_foreign = not self._is_own_origin(origin.decode("latin-1"))
        else:
            is_foreign = names.get(b"sec-fetch-site", b"").strip().lower() == b"cross-site"
        return Refusal(403, _CROSS_SITE) if is_foreign else None

    def to_relay(self, client: Client, names: Mapping[bytes, bytes]) -> Refusal | None:
        """Decide about a request for a provider."""
        options = self._options
        host = _name_of(names.get(b"host", b""))
        if options.loopback and not self._is_own_name(host):
            return Refusal(403, _OTHER_NAME.format(host=host[:_SHOWN]))
        if not options.wants_token or _is_here(client, names):
            return None
        by_name = hmac.compare_digest(names.get(TOKEN, b"").strip(), options.token.encode())
        shows_it = by_name or self._shows_token(names, b"proxy-authorization")
        return None if shows_it and options.token else Refusal(401, _UNPROVEN)

    def to_page(self, client: Client, names: Mapping[bytes, bytes]) -> Refusal | None:
        """Decide about a request for a page of the proxy's own, or for the side-car."""
        options = self._options
        if options.token and self._shows_token(names, b"authorization"):
            return None
        if not _is_here(client, names):
            challenge: Headers = [(b"www-authenticate", b'Basic realm="contextprune"')] if options.token else ()
            return Refusal(401 if options.token else 403, _NOBODY, challenge)
        host = _name_of(names.get(b"host", b""))
        if is_loopback(host) or (host == options.host.casefold() and host != ""):
            return None
        return Refusal(403, _FOREIGN.format(port=options.port))

    def _is_own_origin(self, origin: str) -> bool:
        """True for an origin on this machine, and for a program's own scheme, such as an editor's."""
        try:
            parts = urlsplit(origin.strip())
            name = (parts.hostname or "").casefold()
        except ValueError:
            return False
        return is_loopback(name) or name in self._hosts or parts.scheme not in ("http", "https", "")

    def _is_own_name(self, name: str) -> bool:
        """True for a name that leads to this machine and can be no page's: see _RESERVED. HTTP/1.0 names none."""
        if name in self._hosts or "." not in name or name.endswith(_RESERVED):
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _shows_token(self, names: Mapping[bytes, bytes], header: bytes) -> bool:
        """True where a header carries the token: as a bearer, or as a password with any name."""
        scheme, _, value = names.get(header, b"").strip().partition(b" ")
        if scheme.lower() == b"basic":
            try:
                value = b64decode(value.strip(), validate=True).partition(b":")[2]
            except (Base64Error, ValueError):
                return False
        elif scheme.lower() != b"bearer":
            return False
        return hmac.compare_digest(value.strip(), self._options.token.encode())


def _is_here(client: Client, names: Mapping[bytes, bytes]) -> bool:
    """True for a client on this machine that speaks for itself; an edge's clients may be anywhere."""
    is_local = client is None or is_loopback(str(client[0]))
    return is_local and not any(name in names for name in _FORWARDED)


def _name_of(host: bytes) -> str:
    """The name in a Host header, without its port."""
    name = host.decode("latin-1").strip().casefold()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0] if name.count(":") == 1 else name
