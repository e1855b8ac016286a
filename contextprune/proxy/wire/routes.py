"""Routes: the provider that a path leads to, and what is done with a request there.

An upstream is chosen by the path, and where two providers share one by which of them the client speaks to; never by
an address that a request names. So a key can only travel to a host that the operator wrote down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from contextprune.proxy.job import Task
from contextprune.proxy.options import Options

OPENAI, ANTHROPIC = "openai", "anthropic"
_PORTS = {"http": 80, "https": 443}
_ANTHROPICS_HEADERS = (b"anthropic-version", b"x-api-key", b"anthropic-beta")
_ANTHROPICS_PATHS = (b"/v1/messages", b"/v1/complete")

_TASKS: Mapping[bytes, tuple[Task, str, str]] = {
    b"/v1/chat/completions": (Task.SHORTEN, "openai-chat", "chat"),
    b"/v1/responses": (Task.SHORTEN, "openai-responses", "responses"),
    b"/v1/responses/input_tokens": (Task.COUNT, "openai-responses", "count"),
    b"/v1/messages": (Task.SHORTEN, "anthropic", "messages"),
    b"/v1/messages/count_tokens": (Task.COUNT, "anthropic", "count"),
}
_VERSION = len(b"/v1")


@dataclass(frozen=True, slots=True)
class Upstream:
    """One base URL, taken apart once. `path` is what its own paths begin with, "" or "/openai"."""

    name: str
    scheme: bytes
    host: bytes
    port: int
    path: bytes

    @property
    def authority(self) -> bytes:
        """Value of its Host header: without the port where that is the scheme's own."""
        host = b"[%s]" % self.host if b":" in self.host else self.host
        return host if _PORTS[self.scheme.decode()] == self.port else b"%s:%d" % (host, self.port)

    @property
    def origin(self) -> tuple[bytes, bytes, int]:
        """Scheme, host and port, which the allow-list compares exactly."""
        return self.scheme, self.host, self.port


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes and what is done on the way.

    target    path and query at the upstream, byte for byte what the client sent after the prefix
    task      what the scorer is asked for, None for nothing
    dialect   the wire format of the body, "" where it is not read
    shape     "anthropic" or "openai": whose errors the client understands
    kind      one of `record.ROUTES`
    """

    upstream: Upstream
    target: bytes
    task: Task | None
    dialect: str
    shape: str
    kind: str


class Upstreams:
    """All that the operator wrote down. Nothing else can be reached."""

    __slots__ = ("_anthropic", "_openai", "_prefixes", "origins")

    def __init__(self, options: Options) -> None:
        self._openai = read_upstream(OPENAI, options.upstream_openai)
        self._anthropic = read_upstream(ANTHROPIC, options.upstream_anthropic)
        named = ((prefix.encode(), read_upstream(prefix, url)) for prefix, url in options.upstreams.items())
        self._prefixes = tuple(sorted(named, key=lambda pair: (-len(pair[0]), pair[0])))  # the longest one wins
        every = (self._openai, self._anthropic, *(upstream for _, upstream in self._prefixes))
        self.origins = frozenset(upstream.origin for upstream in every)

    @property
    def secure(self) -> bool:
        """True where any of them needs TLS."""
        return any(scheme == b"https" for scheme, _, _ in self.origins)

    def route(self, method: str, path: bytes, query: bytes, headers: Mapping[bytes, bytes]) -> Route:
        """Find where `path`, as it stands on the wire, leads."""
        for prefix, upstream in self._prefixes:
            if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in (b"/", b""):
                return _route(upstream, method, path[len(prefix) :], query, headers, prefixed=True)
        anthropic = path.startswith(_ANTHROPICS_PATHS) or (
            path not in _TASKS and not path.startswith(b"/v1/responses") and _speaks_to_anthropic(headers)
        )
        return _route(self._anthropic if anthropic else self._openai, method, path, query, headers, prefixed=False)


def read_upstream(name: str, url: str) -> Upstream:
    """Take a base URL apart. `url` was checked when the options were read."""
    parts = urlsplit(url)
    name_of_host = parts.hostname or ""
    host = name_of_host.encode("ascii" if name_of_host.isascii() else "idna")
    path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._").encode()
    return Upstream(name, parts.scheme.encode(), host, parts.port or _PORTS[parts.scheme], path)


def _route(
    upstream: Upstream, method: str, path: bytes, query: bytes, headers: Mapping[bytes, bytes], *, prefixed: bool
) -> Route:
    if prefixed and upstream.path.endswith(b"/v1") and (path + b"/").startswith(b"/v1/"):
        path = path[_VERSION:]  # both the base URL and the client name the version
    target = upstream.path + path
    entry = _task(target if prefixed else path, prefixed=prefixed) if method == "POST" else None
    task, dialect, kind = entry or (None, "", "other")
    spoken = ANTHROPIC in {upstream.name, dialect} or (prefixed and _speaks_to_anthropic(headers))
    target = target or b"/"
    return Route(
        upstream, b"%s?%s" % (target, query) if query else target, task, dialect, ANTHROPIC if spoken else OPENAI, kind
    )


def _task(path: bytes, *, prefixed: bool) -> tuple[Task, str, str] | None:
    """Find what is done with a body that is posted to `path`.

    Behind a prefix the same endpoints stand under other beginnings (/openai/deployments/d/chat/completions,
    /backend-api/codex/responses), and some APIs have no version.
    """
    task = _TASKS.get(path)
    if task is not None or not prefixed:
        return task
    return next((task for endpoint, task in _TASKS.items() if _ends(path, endpoint)), None)


def _ends(path: bytes, endpoint: bytes) -> bool:
    """True where a path ends as the path of an endpoint does, with its version or without."""
    if path.endswith(endpoint):
        return True
    ambiguous = endpoint == b"/v1/messages"  # /v1/threads/t/messages is another API's
    return path.endswith(endpoint[_VERSION:]) and not (ambiguous and b"/threads/" in path)


def _speaks_to_anthropic(headers: Mapping[bytes, bytes]) -> bool:
    return any(name in headers for name in _ANTHROPICS_HEADERS)
