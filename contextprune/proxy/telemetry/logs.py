"""One JSON object a line on stderr: one line for each request, without content, credentials or tenants.

Lines are written by a thread of their own: a full pipe behind stderr must not hold up a request. What does not fit
into the queue is dropped and counted.
"""

from __future__ import annotations

import json
import logging
import queue
import re
import threading
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, TextIO

from contextprune.proxy.job import Reason
from contextprune.proxy.telemetry.canary import Warned
from contextprune.proxy.telemetry.reasons import advice
from contextprune.proxy.telemetry.record import RequestRecord

NAME = "contextprune"
LEVELS = ("debug", "info", "warning", "error")

_SERIOUS = {Reason.CRASHED, Reason.STORE, Reason.REFUSED, Reason.ERROR}  # somebody should look into these
_WAITING = 10_000  # lines
_LONGEST = 200  # characters of a text that came from outside
_SECRET = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[^\s\"']+|\b(?:sk|pk|rk|key|api|ghp|gho|xox[abp]|AIza|AKIA|eyJ)[-_\w]{12,}[-.\w]*"
    r"|\b(authorization|x-api-key|api-key|password|token)(\"?\s*[:=]\s*\"?)(?:(?:bearer|basic)\s+)?[^\s\"',}]+"
)


class Log:
    """Tells the log of requests that are over, and that nothing has been shortened for long."""

    def __init__(self, name: str = f"{NAME}.requests") -> None:
        self._log = logging.getLogger(name)

    def finished(self, record: RequestRecord) -> None:
        """One line; a warning where somebody should look into it."""
        level = logging.WARNING if record.reason in _SERIOUS else logging.INFO
        if self._log.isEnabledFor(level):
            self._log.log(level, "request", extra={"fields": fields_of(record)})

    def silent(self, warned: Warned) -> None:
        """The canary's line."""
        self._log.warning(said(warned), extra={"fields": {"requests": warned.requests, **dict(warned.reasons)}})


def said(warned: Warned) -> str:
    """The canary's warning in words, with the most frequent reasons and what helps."""
    reasons = "; ".join(
        f"{number:,} x {reason}: {advice(reason).why} {advice(reason).what}" for reason, number in warned.reasons[:3]
    )
    minutes = warned.seconds / 60
    return f"nothing was shortened for {minutes:,.0f} minutes, although {warned.requests:,} requests came. {reasons}"


def fields_of(record: RequestRecord) -> dict[str, Any]:
    """What the line of a request has; empty values are left out."""
    told: dict[str, Any] = {
        "number": record.number,
        "route": record.route,
        "provider": record.provider,
        "model": record.model,
        "session": record.session,
        "mode": record.mode,
        "status": record.status,
        "reason": record.reason,
        "tokens_before": record.before,
        "tokens_after": record.after,
        "usd_before": record.dollars[0] if record.dollars else None,
        "usd_after": record.dollars[1] if record.dollars else None,
        "epoch": record.epoch,
        "overhead_ms": round(record.overhead * 1000, 2),
        "upstream": record.upstream,
        "first_byte_ms": None if record.first_byte is None else round(record.first_byte * 1000, 1),
        "total_ms": round(record.total * 1000, 1),
        "streamed": record.streamed,
        "bytes_in": record.bytes_in,
        "bytes_out": record.bytes_out,
        "retried": record.retried,
        "gone": record.gone,
    }
    if record.usage is not None:
        names = ("fresh", "written", "read", "output", "reasoning")
        told |= {f"provider_{name}": getattr(record.usage, name) for name in names}
    return {name: value for name, value in told.items() if value is not None and value is not False and value != ""}


class JsonLines(logging.Formatter):
    """A log record as one line of ASCII. Of an exception it has the kind and the places, not the message.

    Messages of exceptions may quote what came in; texts that look like credentials are blacked out wherever they are.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line without its end."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": when.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _safe(record.getMessage(), most=2000),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, Mapping):
            line |= {str(name): _safe(value) for name, value in fields.items() if name not in line}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["at"] = _places(record.exc_info[1])
        return json.dumps(line, default=lambda value: type(value).__name__)


def _safe(value: Any, most: int = _LONGEST) -> Any:
    return _SECRET.sub(_blacked, value)[:most] if isinstance(value, str) else value


def _blacked(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}[redacted]" if match[1] else "[redacted]"


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def log_to(stream: TextIO, level: str = "info") -> Callable[[], None]:
    """Send all that contextprune and its server log to `stream`, from `level` on. Returns what ends that.

    The end waits up to a second for lines that are still to be written.
    """
    lines = _Lines(stream)
    loggers = [logging.getLogger(name) for name in (NAME, "uvicorn")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(level.upper())
        logger.propagate = False
        logger.addHandler(lines)

    def end() -> None:
        for logger, (old, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(lines)
            logger.setLevel(old)
            logger.propagate = propagate
        lines.close()

    return end


def log_at_once(stream: TextIO) -> Callable[[], None]:
    """The same for a scorer process, which has little to say: without a thread, lines are written as they come."""
    lines, logger = logging.StreamHandler(stream), logging.getLogger(NAME)
    lines.setFormatter(JsonLines())
    before, logger.propagate = logger.propagate, False
    logger.addHandler(lines)

    def end() -> None:
        logger.removeHandler(lines)
        logger.propagate = before

    return end


class _Lines(logging.Handler):
    """Hands lines over to a thread that writes them; never blocks, never raises."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self._stream = stream
        self._dropped = 0
        self._queue: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._write, name="contextprune-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the line, or drop it where too many wait."""
        try:
            self._queue.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1
        except (TypeError, ValueError):
            self._dropped += 1  # arguments that do not fit their message

    def close(self) -> None:
        """Let the thread write what waits, then end it."""
        super().close()
        try:
            self._queue.put(None, timeout=1)
        except queue.Full:
            return
        self._thread.join(1)

    def _write(self) -> None:
        while (line := self._queue.get()) is not None:
            try:
                self._stream.write(line + "\n")
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    self._stream.write(json.dumps({"level": "warning", "message": f"{dropped} lines dropped"}) + "\n")
                if self._queue.empty():
                    self._stream.flush()
            except (OSError, ValueError):
                continue  # nobody reads any more
