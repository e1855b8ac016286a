"""Options of the proxy: where it listens, whom it asks, how long it waits and how much it holds.

Defaults < `[serve]` of the user's own configuration file < CONTEXTPRUNE_SERVE_* < flags; a request's own headers come
on top. A project's file has no say: it could send keys elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from contextprune.errors import SettingsError
from contextprune.settings import Group, Written, read_table

MODES = ("on", "audit", "off")
"""Shorten; measure and change nothing; only relay."""

RECALLS = ("off", "tool", "mcp")
"""Markers without a hint; a tool in every request of a session; the MCP server answers."""

ADMITS = ("auto", "token", "all")
"""Whom requests are relayed for."""

_OWN_PATHS = ("/v1", "/livez", "/readyz", "/metrics", "/stats", "/requests")
_FLAGS = {"content": "--show-content"}


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the proxy; the defaults suit one user on one machine.

    host                the address to listen on
    hosts               further names of this proxy, as an edge in front of it passes them on in Host headers
    port                the port to listen on; 0 takes any free one
    upstream_openai     base URL for the paths of OpenAI's API and for its keys, without the final /v1
    upstream_anthropic  base URL for the paths of Anthropic's API and for its keys, without the final /v1
    upstreams           further base URLs, by the prefix of the paths that lead to each
    mode                "on" shortens, "audit" measures and changes nothing, "off" only relays
    recall              how a model gets back what was taken out: "off", by a "tool" in every request, or over "mcp"
    deadline            seconds at most for new decisions on a request
    prefill             tokens a second that the upstream reads; half of what reading the new ones takes, and no
                        less than 0.3 seconds, is the time that a request may wait
    scorers             scorer processes; from two on, one takes small requests only
    workers             front processes that share the port
    queue_tokens        new tokens that may wait for a scorer; beyond them requests go through as they are
    max_body            bytes of a request body on the wire; larger ones are refused with 413
    max_decoded         bytes of a request body once decompressed, for those that are to be shortened
    largest             decoded bytes above which a body goes through untouched
    buffered            bytes of bodies that are held at once, of all requests; beyond them requests go through as
                        they come
    header_seconds      seconds for the whole header of a request
    body_seconds        seconds for its body, beyond the time that its bytes take at the least rate
    connect_seconds     seconds for a connection to the upstream
    first_byte_seconds  seconds until the upstream answers
    idle_seconds        seconds between two chunks of its answer, and for which a client may take nothing of it
    drain_seconds       seconds for running answers after SIGTERM
    cache_seconds       seconds of silence after which the provider's cache of a session counts as gone; longer where
                        the model or the request itself keeps it longer
    connections         requests in flight at most; what comes on top is answered 503
    records             requests that the dashboard remembers
    content             show texts of requests on the dashboard
    token               the secret that other machines send for the dashboard and the side-car; "": they get nothing
    admit               whom requests are relayed for: of other machines those that send the "token", "all", or
                        "auto": as "token" where `host` can be reached from them
    canary_minutes      minutes of traffic with nothing shortened after which it says so loudly
    config              read this file, in place of your own and the project's
    """

    host: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    port: int = 8788
    upstream_openai: str = "https://api.openai.com"
    upstream_anthropic: str = "https://api.anthropic.com"
    upstreams: Mapping[str, str] = field(default_factory=dict, hash=False)
    mode: str = "on"
    recall: str = "off"
    deadline: float = 2.0
    prefill: float = 5_000.0
    scorers: int = 2
    workers: int = 1
    queue_tokens: int = 400_000
    max_body: int = 32 << 20
    max_decoded: int = 64 << 20
    largest: int = 8 << 20
    buffered: int = 512 << 20
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    connect_seconds: float = 5.0
    first_byte_seconds: float = 600.0
    idle_seconds: float = 120.0
    drain_seconds: float = 600.0
    cache_seconds: float = 300.0
    connections: int = 1000
    records: int = 500
    content: bool = False
    token: str = field(default="", repr=False)
    admit: str = "auto"
    canary_minutes: float = 30.0
    config: str = ""

    def __post_init__(self) -> None:
        if not self.host:
            raise SettingsError("host is a name or an address, such as 127.0.0.1, not empty")
        if not 0 <= self.port <= 65_535:
            raise SettingsError(f"port lies between 0 and 65535, not {self.port}")
        for name, words in (("mode", MODES), ("recall", RECALLS), ("admit", ADMITS)):
            if getattr(self, name) not in words:
                raise SettingsError(f"{name} is one of {', '.join(words)}, not {getattr(self, name)!r}")
        for name in _MEASURES:
            value = getattr(self, name)
            if not (value > 0 or (value == 0 and name in _MAY_BE_0)):  # not `<`: a NaN is refused as well
                raise SettingsError(f"{name} {'is 0 or more' if name in _MAY_BE_0 else 'lies above 0'}, not {value}")
        for name in ("upstream_openai", "upstream_anthropic"):
            check_upstream(getattr(self, name), name)
        for prefix, url in self.upstreams.items():
            _check_prefix(prefix)
            check_upstream(url, f"upstreams: {prefix}")

    @property
    def loopback(self) -> bool:
        """True where only this machine can reach it."""
        return is_loopback(self.host)

    @property
    def wants_token(self) -> bool:
        """True where requests from other machines are relayed only with the token."""
        return self.admit == "token" or (self.admit == "auto" and not self.loopback)


_MEASURES = (
    "deadline", "prefill", "scorers", "workers", "queue_tokens", "max_body", "max_decoded", "largest", "buffered",
    "header_seconds", "body_seconds", "connect_seconds", "first_byte_seconds", "idle_seconds", "drain_seconds",
    "cache_seconds", "connections", "records", "canary_minutes",
)  # fmt: skip
_MAY_BE_0 = ("queue_tokens", "drain_seconds", "cache_seconds", "records")
OPTIONS = Group(
    parts=(Options,),
    prefix="CONTEXTPRUNE_SERVE_",
    noun="option of the proxy",
    table="serve",
    without=("config",),
    forms={"upstreams": 'a table of base URLs by prefix, such as {"/groq" = "https://api.groq.com/openai"}'},
    bounds={
        **{name: {"minimum": 0} if name in _MAY_BE_0 else {"exclusiveMinimum": 0} for name in _MEASURES},
        "host": {"minLength": 1},
        "port": {"minimum": 0, "maximum": 65_535},
        "mode": {"enum": list(MODES)},
        "recall": {"enum": list(RECALLS)},
        "admit": {"enum": list(ADMITS)},
    },
)
"""The options as settings: a table of the file, and variables."""


def load_options(
    flags: Mapping[str, Any] | None = None,
    config: str = "",
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Options:
    """Options from the file, the variables and `flags`, the later winning; a flag that is None was not given.

    `config` names a file to read in place of the user's own. Raises SettingsError for an unknown name, an unusable
    value or a file that cannot be read, and says where it stands.
    """
    return trace_options(flags, config, folder, variables)[0]


def trace_options(
    flags: Mapping[str, Any] | None = None,
    config: str = "",
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> tuple[Options, Mapping[str, str]]:
    """Options as `load_options` gives them, and by name where each stands that is not the default."""
    folder = folder or Path.cwd()
    file = Path(config).expanduser() if config else None
    flags = {name: value for name, value in (flags or {}).items() if value is not None}
    prefixes = flags.pop("upstreams", {})  # they join those of a variable or a file

    arguments = {name: Written(value, _FLAGS.get(name, f"--{name.replace('_', '-')}")) for name, value in flags.items()}
    values, sources = read_table(OPTIONS, folder, variables, file, arguments)
    if prefixes:
        values["upstreams"] = {**values.get("upstreams", {}), **prefixes}
        sources["upstreams"] = "--upstream"

    for name in ("upstream_openai", "upstream_anthropic"):
        if name in values:
            values[name] = without_version(values[name])
    if "upstreams" in values:
        values["upstreams"] = {prefix.rstrip("/"): url.rstrip("/") for prefix, url in values["upstreams"].items()}

    try:
        options = Options(**values, config=str((folder / file).absolute()) if file else "")
    except SettingsError as exc:
        raise SettingsError(f"{exc}{_set_by(str(exc), sources)}") from exc
    if options.wants_token and not options.token:
        raise SettingsError(
            f"token is missing: other machines can reach {options.host}, and requests are relayed for those that send "
            'it as x-contextprune-token; set CONTEXTPRUNE_SERVE_TOKEN, or admit to "all" to relay for everybody'
        )
    return options, sources


def without_version(url: str) -> str:
    """A base URL without the final `/v1`, which SDKs want and paths already have."""
    return url.strip().rstrip("/").removesuffix("/v1").rstrip("/")


def is_loopback(host: str) -> bool:
    """True where `host` (a name or an address) is this machine only."""
    if host.casefold() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_upstream(url: str, name: str) -> None:
    """Raise SettingsError where `url` is no base URL; `name` is its name in the message."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or url != url.strip():
        raise SettingsError(f"{name} is a URL such as https://api.openai.com, not {_shown(url)!r}")
    if parts.username is not None or parts.password is not None:
        raise SettingsError(f"{name} holds a credential; leave it out: clients send their own keys")
    if parts.query or parts.fragment:
        raise SettingsError(f"{name} is a URL without ? and #, not {_shown(url)!r}")


def _shown(url: str) -> str:
    """A URL without what may be secret in it."""
    return url.rpartition("@")[2].partition("?")[0]


def _check_prefix(prefix: str) -> None:
    fits = prefix.startswith("/") and prefix.isascii() and len(prefix) > 1 and not set(prefix) & set(" ?#%")
    if not fits or prefix.endswith("/") or "//" in prefix or ".." in prefix:
        raise SettingsError(f"a prefix of upstreams is a path such as /groq, not {prefix!r}")
    taken_path = next((path for path in _OWN_PATHS if f"{prefix}/".startswith(f"{path}/")), None)
    if taken_path:
        raise SettingsError(f"{prefix!r} cannot lead to an upstream: the proxy itself answers under {taken_path}")


def _set_by(message: str, sources: Mapping[str, str]) -> str:
    """Where the option that a message begins with was set."""
    name = message.partition(" ")[0].rstrip(":")
    source = sources.get(name) or (sources.get("upstreams") if "prefix" in message or "lead to" in message else None)
    return f" (set by {source})" if source else ""
