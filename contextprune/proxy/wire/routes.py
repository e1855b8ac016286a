"""Routes: the provider that a path leads to, and what is done with a request there.

An upstream is chosen by the path, and where two providers share one by which of them the client speaks to; never by
an address that a request names. So a key can only travel to a host that the operator wrote down, and of those only to
one that it belongs to: a request whose path or key shows another provider is refused, and told which setting leads
there. Behind a prefix all goes to the upstream of that prefix: who asks there has chosen it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes, urlsplit

from contextprune.proxy.job import Task
from contextprune.proxy.options import Options
from contextprune.proxy.wire.headers import Headers
from contextprune.proxy.wire.owners import (
    RESOLD,
    SETTINGS,
    Owner,
    owner_of_host,
    owner_of_path,
    owners_of_keys,
)
from contextprune.proxy.wire.paths import (
    CHAT,
    COMPACT,
    MESSAGES,
    MESSAGES_COUNT,
    RESPONSES,
    RESPONSES_COUNT,
    VERSION,
    Form,
    climbs,
    read_path,
    tidy,
)

OPENAI, ANTHROPIC = "openai", "anthropic"
_PORTS = {"http": 80, "https": 443}
_ANTHROPICS_HEADERS = (b"anthropic-version", b"x-api-key", b"anthropic-beta")
_ANTHROPICS_PATHS = (b"/v1/messages", b"/v1/complete")
_TASKS: Mapping[bytes, tuple[Task | None, str, str]] = {
    CHAT: (Task.SHORTEN, "openai-chat", "chat"),
    RESPONSES: (Task.SHORTEN, "openai-responses", "responses"),
    RESPONSES_COUNT: (Task.COUNT, "openai-responses", "count"),
    COMPACT: (Task.COUNT, "openai-responses", "compact"),  # of what the provider has cached; it answers with its own
    MESSAGES: (Task.SHORTEN, "anthropic", "messages"),
    MESSAGES_COUNT: (Task.COUNT, "anthropic", "count"),
}
_BEFORE_VERSION = (b"", b"openai", b"api", b"anthropic")
"""Last parts of base paths that a version follows at all providers that we know."""

_HAS_VERSION = re.compile(rb"/v\d")
_WITHOUT_VERSION = frozenset({b"api.perplexity.ai"})
_ONLY_VERSIONED = frozenset({Owner.OPENAI, Owner.ANTHROPIC})
"""Providers at whose hosts every path begins with the version."""

_SHAPES: Mapping[Owner | None, str] = {Owner.GOOGLE: "google", Owner.AWS: "aws"}
_CLIMBS = "the path has a part '..', which would leave the base URL of its upstream; send the path that is meant"
_SHOWN = 100  # characters of a path in a message


@dataclass(frozen=True, slots=True)
class Upstream:
    """One base URL, taken apart once.

    path    what its own paths begin with, "" or "/openai"
    owner   the provider whose host it is, None for a host that is not known
    slots   of a host that is not known: the providers in whose place it stands
    """

    name: str
    scheme: bytes
    host: bytes
    port: int
    path: bytes
    owner: Owner | None = None
    slots: frozenset[Owner] = field(default_factory=frozenset)

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

    target    path and query at the upstream: what the client sent after the prefix, its path as `read_path` mends it
    task      what the scorer is asked for, None for nothing
    dialect   the wire format of the body, "" where it is not read
    shape     "anthropic", "openai", "google" or "aws": whose errors the client understands
    kind      one of `record.ROUTES`
    foreign   no API that we know has its path: a context in its body is one that is missed
    refusal   the sentence that names the setting it lacks, where it must not go to any upstream; else ""
    """

    upstream: Upstream
    target: bytes
    task: Task | None
    dialect: str
    shape: str
    kind: str
    foreign: bool = False
    refusal: str = ""


class Upstreams:
    """All that the operator wrote down. Nothing else can be reached."""

    __slots__ = ("_anthropic", "_openai", "_prefixes", "origins")

    def __init__(self, options: Options) -> None:
        openai = read_upstream(OPENAI, options.upstream_openai, Owner.OPENAI)
        anthropic = read_upstream(ANTHROPIC, options.upstream_anthropic, Owner.ANTHROPIC)
        if openai.origin == anthropic.origin:  # one gateway for both
            openai = read_upstream(OPENAI, options.upstream_openai, Owner.OPENAI, Owner.ANTHROPIC)
            anthropic = read_upstream(ANTHROPIC, options.upstream_anthropic, Owner.OPENAI, Owner.ANTHROPIC)
        self._openai, self._anthropic = openai, anthropic
        named = ((prefix.encode(), read_upstream(prefix, url)) for prefix, url in options.upstreams.items())
        self._prefixes = tuple(sorted(named, key=lambda pair: (-len(pair[0]), pair[0])))  # the longest one wins
        every = (openai, anthropic, *(upstream for _, upstream in self._prefixes))
        self.origins = frozenset(upstream.origin for upstream in every)

    @property
    def secure(self) -> bool:
        """True where any of them needs TLS."""
        return any(scheme == b"https" for scheme, _, _ in self.origins)

    def route(self, method: str, path: bytes, query: bytes, headers: Headers) -> Route:
        """Find where `path`, as it stands on the wire, leads. All `headers` count, also those that come twice."""
        below = b"/" + path.lstrip(b"/")
        for prefix, upstream in self._prefixes:
            if below.startswith(prefix) and below[len(prefix) : len(prefix) + 1] in (b"/", b""):
                return _behind_prefix(upstream, method, below[len(prefix) :], query, headers)

        form, keys = read_path(path), owners_of_keys(headers, query)
        first, second = self._order(form, headers, keys)
        owner = _objection(first, form, keys)
        elsewhere = owner is not None and not form.endpoint and owner in {second.owner, *second.slots}
        upstream = second if elsewhere and _objection(second, form, keys) is None else first

        refusal = _refusal(upstream, method, path, form, keys)
        target = upstream.path + _versioned(upstream, form)
        shape = (refusal and _foreign_shape(form, keys)) or _shape(upstream, form, headers)
        return _route(upstream, method, form, target, query, shape, refusal)

    def _order(self, form: Form, headers: Headers, keys: frozenset[Owner]) -> tuple[Upstream, Upstream]:
        """The upstream that a path leads to, and the other one, which may have it where the first may not."""
        if form.endpoint:
            is_anthropics = form.endpoint in (MESSAGES, MESSAGES_COUNT)
        else:
            is_anthropics = form.path.startswith(_ANTHROPICS_PATHS) or (
                not form.path.startswith(b"/v1/responses")
                and (_speaks_to_anthropic(headers) or Owner.ANTHROPIC in keys)
            )
        return (self._anthropic, self._openai) if is_anthropics else (self._openai, self._anthropic)


def read_upstream(name: str, url: str, *slots: Owner) -> Upstream:
    """Take a base URL apart, which stands in the place of `slots`. `url` was checked when the options were read."""
    parts = urlsplit(url)
    name_of_host = parts.hostname or ""
    host = name_of_host.encode("ascii" if name_of_host.isascii() else "idna")
    path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._").encode()
    port = parts.port or _PORTS[parts.scheme]
    return Upstream(name, parts.scheme.encode(), host, port, path, owner_of_host(host), frozenset(slots))


def _behind_prefix(upstream: Upstream, method: str, path: bytes, query: bytes, headers: Headers) -> Route:
    form = read_path(upstream.path + path, prefixed=True)
    target = form.path if form.endpoint else upstream.path + read_path(path, prefixed=True).path
    base = upstream.path
    if base.endswith(VERSION) and (target[len(base) :] + b"/").startswith(VERSION + b"/"):
        target = base + target[len(base) + len(VERSION) :]  # both the base URL and the client name the version
    return _route(upstream, method, form, target, query, _shape(upstream, form, headers))


def _route(
    upstream: Upstream, method: str, form: Form, target: bytes, query: bytes, shape: str, refusal: str = ""
) -> Route:
    task, dialect, kind = None, "", "other"
    target = target or b"/"
    refusal = refusal or (_CLIMBS if climbs(target) else "")
    if method == "POST" and form.endpoint and not refusal:
        task, dialect, kind = _TASKS[form.endpoint]
    whole = b"%s?%s" % (target, query) if query else target
    return Route(upstream, whole, task, dialect, shape, kind, method == "POST" and form.foreign, refusal)


def _versioned(upstream: Upstream, form: Form) -> bytes:
    """The path with the version that it lacks, where all APIs below such a base URL have one."""
    last = upstream.path.rpartition(b"/")[2]
    is_complete = last not in _BEFORE_VERSION or _HAS_VERSION.search(upstream.path) is not None
    if form.versioned or is_complete or upstream.host in _WITHOUT_VERSION:
        return form.path
    return VERSION + form.path


def _refusal(upstream: Upstream, method: str, path: bytes, form: Form, keys: frozenset[Owner]) -> str:
    """The sentence for a client whose request may not go to `upstream`, "" where it may."""
    owner = _objection(upstream, form, keys)
    if owner is None:
        return ""
    shown = f"{method} {path[:_SHOWN].decode('ascii', 'backslashreplace')}"
    if owner is upstream.owner:  # the path is none of the provider's own
        return (
            f"{shown} is no path of {owner}'s API, and no upstream of this proxy is configured for it; lead it to one "
            "with --upstream /NAME=URL, and begin the client's base URL with /NAME"
        )
    setting = SETTINGS[owner]
    what = f"the path is one of {owner}'s API" if owner is owner_of_path(form.path) else f"its key is {owner}'s"
    return (
        f"{shown} fits no upstream of this proxy: {what}, and it would go to {upstream.host.decode()}; start the proxy "
        f"with {setting.flag}{_prefix_note(setting.flag)}{setting.note}"
    )


def _prefix_note(flag: str) -> str:
    prefix = flag.removeprefix("--upstream ").partition("=")[0]
    return f" and begin the client's base URL with {prefix}" if prefix.startswith("/") else ""


def _foreign_shape(form: Form, keys: frozenset[Owner]) -> str:
    """The shape of the errors of the provider that a path or a key shows, "" where it is one of the usual two."""
    shown = (owner_of_path(form.path), *sorted(keys))
    return next((_SHAPES[owner] for owner in shown if owner in _SHAPES), "")


def _objection(upstream: Upstream, form: Form, keys: frozenset[Owner]) -> Owner | None:
    """The provider whose request it is, where it may not go to `upstream`; None where it may.

    The upstream's own owner stands for a path that its API cannot have.
    """
    by_path = owner_of_path(form.path)
    if by_path is not None and not _leads_to(upstream, by_path):
        return by_path
    is_azures = by_path is Owner.AZURE or b"/openai" in upstream.path
    for owner in sorted(keys):
        if not (_takes(upstream, owner) or (owner is Owner.AZURE and upstream.owner is None and is_azures)):
            return owner
    if upstream.owner in _ONLY_VERSIONED and not _is_own_path(_versioned(upstream, form)):
        return upstream.owner
    return None


def _leads_to(upstream: Upstream, owner: Owner) -> bool:
    """True where an upstream may have the paths of `owner`'s API."""
    if owner is Owner.AZURE:  # gateways and resellers have /openai/v1, too
        return upstream.owner not in (Owner.OPENAI, Owner.ANTHROPIC, Owner.GOOGLE)
    return owner is upstream.owner


def _takes(upstream: Upstream, owner: Owner) -> bool:
    """True where a key of `owner` may be sent to an upstream."""
    if upstream.owner is not None:
        return owner is upstream.owner
    return owner in upstream.slots or owner in RESOLD


def _is_own_path(path: bytes) -> bool:
    plain = unquote_to_bytes(path)
    return (tidy(plain) + b"/").startswith(VERSION + b"/") and b"/../" not in plain + b"/"


def _shape(upstream: Upstream, form: Form, headers: Headers) -> str:
    """The provider whose errors the client understands."""
    if upstream.name == ANTHROPIC or form.endpoint in (MESSAGES, MESSAGES_COUNT):
        return ANTHROPIC
    return ANTHROPIC if upstream.name != OPENAI and _speaks_to_anthropic(headers) else OPENAI


def _speaks_to_anthropic(headers: Headers) -> bool:
    return any(name in _ANTHROPICS_HEADERS for name, _ in headers)
