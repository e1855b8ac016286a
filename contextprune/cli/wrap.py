"""Runs an agent behind a proxy of its own: started for it, on a free port, and stopped when the agent ends.

Only the child's environment is set; nothing that belongs to the user is written. The agent starts once the proxy has
proved to be the one that was started, and the port is nobody else's until the agent has ended.
"""

from __future__ import annotations

import hmac
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from types import FrameType
from typing import IO, Any
from urllib.parse import urlsplit

from contextprune.cli.probe import fetch
from contextprune.cli.savings import savings
from contextprune.cli.stats import Stats
from contextprune.cli.unroutable import why_unroutable
from contextprune.errors import ContextPruneError, SettingsError
from contextprune.interpreter import command
from contextprune.proxy.inherited import CHALLENGE, PROOF, Inherited, prove
from contextprune.proxy.options import trace_options, without_version

_HOST = "127.0.0.1"
_PASSES_SOCKETS = os.name == "posix"
_READY = 20.0  # seconds that a proxy may take to be ready
_LAST_REQUESTS = 2.0  # seconds that its last requests may take to end when the agent has ended
_END = 5.0  # seconds that it has to stop
_OPENAI = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
_ANTHROPIC = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE")
_UPSTREAMS: Mapping[str, tuple[str, ...]] = {
    "claude": ("upstream_anthropic",),
    "codex": ("upstream_openai",),
    "aider": ("upstream_openai", "upstream_anthropic"),
}
_CHATGPT = "https://chatgpt.com/backend-api/codex"
"""The address of Codex when its user is logged in with ChatGPT instead of holding a key."""

_AIDERS_NOTE = (
    "aider puts files and outputs into the user's messages, which are never touched: expect little or nothing to be "
    "shortened"
)
_ERROR = "contextprune: error: "
_PROXIED = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


@dataclass(frozen=True, slots=True)
class Launch:
    """A plan to lead an agent through a proxy.

    arguments    of the agent, before the user's own
    environment  variables that are set for it
    flags        of `contextprune serve`: where the agent's requests go from there
    note         a sentence for the user, "" for none
    """

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    flags: tuple[str, ...] = ()
    note: str = ""


def wrap(
    agent: str,
    args: Sequence[str],
    flags: Sequence[str],
    variables: Mapping[str, str],
    announce: Callable[[str], None],
    config: str = "",
) -> int:
    """Run `agent` with `args` behind a proxy started with `flags`; its exit status, 128 + n where signal n ended it.

    `variables` is the environment that the agent is to have but for what leads it to the proxy; `config` the
    configuration file that `flags` name. Raises SettingsError for an agent that is unknown, absent or cannot be led
    through a proxy, ContextPruneError where the proxy does not start.
    """
    if why := why_unroutable(agent, variables):
        raise SettingsError(why)
    if agent not in AGENTS:
        raise SettingsError(f"wrap knows {', '.join(AGENTS)}, not {agent!r}; for others: contextprune serve")
    program = next(filter(_can_run, map(str, places(agent, variables))), None)
    if program is None:
        raise SettingsError(
            f"{agent} is not on the PATH: install it, or say where it is with PATH=... before the command"
        )

    with _proxy(agent, flags, variables) as (url, launch):
        announce(f"{agent} goes through {url}; the dashboard is there, too")
        announce(f"from there its requests go to {destinations(agent, variables, config)}")
        if launch.note:
            announce(launch.note)

        environment = {**variables, **launch.environment, **_no_proxy(variables)}
        status = _run([program, *launch.arguments, *args], environment)
        with suppress(OSError):
            announce(savings(_stats(url), agent))
    return status


def places(agent: str, variables: Mapping[str, str], *, windows: bool = os.name == "nt") -> Iterator[PurePath]:
    """The files that `agent` may be, in order: in the folders of the PATH that do not depend on the working folder.

    A cloned repository may hold a `claude.bat`, and Windows looks there first; so only absolute folders count.
    """
    kind, separator = (PureWindowsPath, ";") if windows else (PurePosixPath, ":")
    endings = variables.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").split(";") if windows else [""]
    for entry in variables.get("PATH", os.defpath).split(separator):
        folder = kind(entry.strip('"') if windows else entry)
        if folder.is_absolute():
            yield from (folder / f"{agent}{ending}" for ending in endings)


def _can_run(path: str) -> bool:
    return Path(path).is_file() and os.access(path, os.X_OK)


def prepare(agent: str, variables: Mapping[str, str], url: str) -> Launch:
    """Plan to lead `agent` through the proxy at `url`; the user's own address, if any, becomes the upstream."""
    return AGENTS[agent](variables, url)


def destinations(agent: str, variables: Mapping[str, str], config: str = "", folder: Path | None = None) -> str:
    """The upstreams that requests of `agent` reach, and what set each that is not the default, in one line."""
    flags = prepare(agent, variables, "").flags
    fields: dict[str, Any] = {}
    for flag, value in zip(flags[::2], flags[1::2], strict=True):
        prefix, _, url = value.partition("=")
        fields |= {"upstreams": {prefix: url}} if flag == "--upstream" else {flag[2:].replace("-", "_"): value}
    options, sources = trace_options(fields, config, folder, variables)

    shown = []
    for name in _UPSTREAMS[agent]:
        if name == "upstream_openai" and "upstreams" in fields:
            (url,) = fields["upstreams"].values()
            source = _variable_of(url, variables)
        else:
            url = getattr(options, name)
            source = _variable_of(fields[name], variables) if name in fields else sources.get(name, "")
        shown.append(f"{url} (set by {source})" if source else url)
    return " and ".join(shown)


def _variable_of(url: str, variables: Mapping[str, str]) -> str:
    """The variable of the user's that names `url`."""
    return next((name for name in (*_OPENAI, *_ANTHROPIC) if variables.get(name) == url), "")


def _claude(variables: Mapping[str, str], url: str) -> Launch:
    flags, has_address = _anthropic(variables)
    extra = {} if has_address or "ENABLE_TOOL_SEARCH" in variables else {"ENABLE_TOOL_SEARCH": "true"}
    # Claude Code switches its tool search off for hosts it does not know; behind us is the one it knows.
    return Launch(environment={"ANTHROPIC_BASE_URL": url, **extra}, flags=flags)


def _codex(variables: Mapping[str, str], url: str) -> Launch:
    base, flags, _ = _openai(variables, url)
    auth, note = 'env_key="OPENAI_API_KEY"', ""
    if not variables.get("OPENAI_API_KEY"):
        auth, note = "requires_openai_auth=true", "OPENAI_API_KEY is not set: Codex's login with ChatGPT is used"
        base, flags = f"{url}/chatgpt", ("--upstream", f"/chatgpt={_CHATGPT}")
    provider = f'{{name="contextprune", base_url="{base}", wire_api="responses", {auth}, supports_websockets=false}}'
    chosen = ("-c", 'model_provider="contextprune"', "-c", f"model_providers.contextprune={provider}")
    return Launch(arguments=chosen, flags=flags, note=note)


def _aider(variables: Mapping[str, str], url: str) -> Launch:
    base, flags, _ = _openai(variables, url)
    more, _ = _anthropic(variables)
    names = dict.fromkeys(_OPENAI, base) | dict.fromkeys(_ANTHROPIC, url)
    return Launch(environment=names, flags=(*flags, *more), note=_AIDERS_NOTE)


AGENTS: Mapping[str, Callable[[Mapping[str, str], str], Launch]] = {
    "claude": _claude, "codex": _codex, "aider": _aider,
}  # fmt: skip


def _anthropic(variables: Mapping[str, str]) -> tuple[tuple[str, ...], bool]:
    """The flags of the proxy, and whether the user had an address of their own."""
    address = next((variables[name] for name in _ANTHROPIC if variables.get(name)), "")
    return (("--upstream-anthropic", address) if address else ()), bool(address)


def _openai(variables: Mapping[str, str], url: str) -> tuple[str, tuple[str, ...], bool]:
    """The agent's new base URL, the flags of the proxy, and whether the user had an address of their own."""
    address = next((variables[name] for name in _OPENAI if variables.get(name)), "").strip().rstrip("/")
    if not address:
        return f"{url}/v1", (), False
    if without_version(address) != address:
        return f"{url}/v1", ("--upstream-openai", address), True
    return f"{url}/given", ("--upstream", f"/given={address}"), True  # an API without /v1 in its paths


def _no_proxy(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables that keep requests to our own proxy off any proxy that the user has set."""
    if not any(variables.get(name) for name in _PROXIED):
        return {}
    value = ",".join(filter(None, (variables.get("NO_PROXY") or variables.get("no_proxy"), "127.0.0.1")))
    return {"NO_PROXY": value, "no_proxy": value}


@contextmanager
def _proxy(agent: str, flags: Sequence[str], variables: Mapping[str, str]) -> Iterator[tuple[str, Launch]]:
    """A proxy on a port of its own, ready; stopped at the end, whatever happens."""
    with tempfile.TemporaryFile() as log, _bound() if _PASSES_SOCKETS else nullcontext() as sock:
        process, url, launch = _start(agent, flags, variables, log, sock)
        over = threading.Event()
        guard = threading.Thread(target=_guard, args=(process, sock, over), daemon=True)
        guard.start()
        try:
            yield url, launch
            if process.poll() is not None:
                raise ContextPruneError(f"the proxy stopped before {agent} did: {_last_line(log)}")
        finally:
            over.set()
            guard.join()
            _stop(process)


def _bound() -> socket.socket:
    """A socket at a free port that is ours alone from now on: without SO_REUSEADDR, nobody else can bind it."""
    sock = socket.socket()
    sock.bind((_HOST, 0))
    return sock


def _start(
    agent: str, flags: Sequence[str], variables: Mapping[str, str], log: IO[bytes], sock: socket.socket | None
) -> tuple[subprocess.Popen[bytes], str, Launch]:
    """A proxy that is ready and has proved to be ours, its address, and how the agent gets there.

    It listens on `sock`; None where the system passes no sockets on: then it binds a free port, and tells us which.
    """
    inherited = Inherited(secrets.token_bytes(32), sock.fileno() if sock else None)
    port = sock.getsockname()[1] if sock else 0
    serve = command("-m", "contextprune", "serve", "--with-parent", "--inherit", "--host", _HOST, "--port", str(port))
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*serve, "--workers", "1", *prepare(agent, variables, "").flags, *flags],
        stdin=subprocess.PIPE,  # its end tells the proxy that we are gone, however we went
        stdout=log if sock else subprocess.PIPE,
        stderr=log,
        env=dict(variables),
        pass_fds=(sock.fileno(),) if sock else (),
        start_new_session=True,  # Ctrl-C is for the agent
    )

    try:
        _hand_on(process, inherited)
        url = f"http://{_HOST}:{port}" if sock else _address(process)
        if url and _ready(process, url, inherited.secret):
            return process, url, prepare(agent, variables, url)
    except BaseException:
        _stop(process)
        raise
    _stop(process)
    raise ContextPruneError(f"the proxy did not start: {_last_line(log) or 'it did not say why'}")


def _hand_on(process: subprocess.Popen[bytes], inherited: Inherited) -> None:
    assert process.stdin is not None
    with suppress(OSError):  # it has ended already, and its log says why
        process.stdin.write(inherited.line())
        process.stdin.flush()


def _address(process: subprocess.Popen[bytes]) -> str:
    """The address that the proxy names on its standard output; "" where it ended, or does not in time."""
    assert process.stdout is not None
    late = threading.Timer(_READY, process.kill)
    late.start()
    try:
        return process.stdout.readline().decode("ascii", "replace").strip()
    finally:
        late.cancel()


def _ready(process: subprocess.Popen[bytes], url: str, secret: bytes) -> bool:
    """Wait until it is ready. One that lives and is not ready in time relays all the same; False where it ended.

    Raises ContextPruneError where something else listens there: it would be sent the agent's key.
    """
    end = time.monotonic() + _READY
    port = urlsplit(url).port or 0
    lives = False
    while time.monotonic() < end and process.poll() is None:
        challenge = secrets.token_hex(16)
        with suppress(OSError):
            reply = fetch(f"{url}/readyz", headers={CHALLENGE: challenge}, seconds=2.0)
            proof = reply.headers.get(PROOF, "").encode("utf-8", "replace")
            if not hmac.compare_digest(proof, prove(secret, challenge.encode(), _HOST, port)):
                raise ContextPruneError(f"{url} is answered by something else than the proxy that was started for it")
            if reply.status == 200:
                return True
            lives = True
        time.sleep(0.05)
    return lives and process.poll() is None


def _guard(process: subprocess.Popen[bytes], sock: socket.socket | None, over: threading.Event) -> None:
    """Turn away who connects once the proxy has died: nobody else may listen where the agent sends its key."""
    while process.poll() is None and not over.wait(0.1):
        pass
    if sock is None:
        return
    sock.settimeout(0.1)
    while not over.wait(0.01):
        with suppress(OSError):
            sock.accept()[0].close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it: gently, then not. Nobody reads its answers any more, so nothing is worth waiting for."""
    for pipe in filter(None, (process.stdin, process.stdout)):
        with suppress(OSError):
            pipe.close()
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _run(agent: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the agent in the foreground; signals that reach us go on to it."""
    children: list[subprocess.Popen[bytes]] = []

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        if signum == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty():
            return  # the terminal has told the agent already
        for child in children:
            child.send_signal(signum)

    signals = [getattr(signal, name) for name in _PASSED_ON if hasattr(signal, name)]
    before = [signal.signal(number, pass_on) for number in signals]
    try:
        children.append(subprocess.Popen(agent, env=dict(environment)))  # noqa: S603 - what the user asked for
        status = children[0].wait()
    except OSError as exc:
        raise ContextPruneError(f"{agent[0]} cannot be started: {exc.strerror}") from exc
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
    return 128 - status if status < 0 else status


def _stats(url: str) -> Stats | None:
    """The /stats once the requests that the agent left behind are over: all but the one that asks."""
    end = time.monotonic() + _LAST_REQUESTS
    while True:
        stats = Stats.of(fetch(f"{url}/stats").json())
        if stats is None or stats.in_flight <= 1 or time.monotonic() > end:
            return stats
        time.sleep(0.05)


def _last_line(log: IO[bytes]) -> str:
    """The last error in the proxy's log, or else its last line."""
    log.seek(0)
    lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)]
    return errors[-1] if errors else lines[-1] if lines else ""
