"""Recordings from files: each conversation that was sent by itself, with its times and the usage reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from contextprune.audit import claude_log, codex_log
from contextprune.audit.billed import uses_of
from contextprune.audit.find import File
from contextprune.audit.logged import Logged, of_steps
from contextprune.context import Context, Ref
from contextprune.dialects import Lines, detect, load, read
from contextprune.errors import ContextPruneError, PayloadError
from contextprune.money.expiry import FIVE_MINUTES, lifetime_of
from contextprune.money.reuse import Use


@dataclass(frozen=True, slots=True)
class Recording:
    """One conversation as it was recorded.

    times      when each segment was written, in seconds since 1970; None where the recording does not say
    logged     the usage that the provider reported; None where the recording does not say
    lifetime   seconds after which the provider's cache has expired
    uses       the same usage call by call; () where the recording does not say
    torn       lines of its file that are not whole, and were left out
    """

    name: str
    format: str
    context: Context
    times: tuple[float | None, ...]
    logged: Logged | None = None
    lifetime: float = FIVE_MINUTES
    uses: tuple[Use, ...] = ()
    torn: int = 0

    @property
    def hour(self) -> bool:
        """True where what entered the cache was paid for an hour."""
        return any(use.bill.hour for use in self.uses)


class _Log(Protocol):
    """A module that knows one agent's own log."""

    def conversations(self, records: Sequence[Any], /) -> Iterator[tuple[str, list[Any]]]: ...

    def logged(self, records: Sequence[Any], /) -> Logged | None: ...


_LOGS: Mapping[str, _Log] = {"claude-code": claude_log, "codex": codex_log}


def read_recordings(file: File) -> Iterator[Recording]:
    """The conversations of a file, the latest first where each line is one. Raises ContextPruneError."""
    try:
        data = file.path.read_bytes()
    except OSError as exc:
        raise ContextPruneError(f"cannot be read: {exc.strerror}") from exc
    payload, name = _loaded(data)

    if isinstance(payload, Lines) and not detect(payload, name).accepts(payload):
        for number in range(len(payload), 0, -1):
            yield _recording(f"{file.name}:{number}", name, payload[number - 1])
        return
    torn = _torn(payload, data)
    if name in _LOGS:
        log = _LOGS[name]
        for label, records in log.conversations(payload):
            recording = _recording(f"{file.name} {label}".strip(), name, records)
            recording = replace(recording, logged=log.logged(records), uses=uses_of(name, records), torn=torn)
            torn = 0  # said once
            yield replace(recording, lifetime=claude_log.lifetime(records)) if name == "claude-code" else recording
    else:
        yield replace(_recording(file.name, name, payload), torn=torn)


def _torn(payload: Any, data: bytes) -> int:
    """Lines that are not whole, but for a last one that is still being written."""
    if not isinstance(payload, Lines):
        return 0
    last = data.count(b"\n") + 1
    return sum(number != last for number in payload.torn)


def _loaded(data: bytes) -> tuple[Any, str]:
    """The payload and its format; a last line that is still being written is left out."""
    try:
        return load(data)
    except PayloadError:
        complete, _, unfinished = data.rpartition(b"\n")
        if not unfinished.strip() or b"\n" not in complete.strip():
            raise
        return load(complete)


def _recording(name: str, format: str, payload: Any) -> Recording:  # noqa: A002 - the word that users know
    context = read(payload, format=format)
    times = tuple(_time(payload, segment.ref) for segment in context.segments)
    usage = of_steps(payload) if format == "atif" else None
    return Recording(name, format, context, times, usage, lifetime_of(context.model))


def _time(payload: Any, ref: Ref) -> float | None:
    """The timestamp of the outermost record on the way to a text."""
    for step in ref:
        if isinstance(payload, Mapping) and isinstance(payload.get("timestamp"), str):
            try:
                return datetime.fromisoformat(payload["timestamp"]).timestamp()
            except (ValueError, OverflowError):
                return None
        if not isinstance(payload, Mapping | Sequence):
            return None
        payload = payload[step]  # type: ignore[index]
    return None
