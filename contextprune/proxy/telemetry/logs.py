"""The log: one JSON object a line on stderr, one line for each request, without content, credentials or tenants.

Lines are written by a thread of their own: a full pipe behind stderr must not hold up a request. Lines that do not fit
into the queue are dropped and counted.
"""

from __future__ import annotations

import json
import logging
import queue
import re
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from pathlib import PurePath
from typing import Any, TextIO

from contextprune.proxy.job import Reason
from contextprune.proxy.telemetry.canary import Warned
from contextprune.proxy.telemetry.reasons import advice
from contextprune.proxy.telemetry.record import RequestRecord

NAME = "contextprune"
LEVELS = ("debug", "info", "warning", "error")

_SERIOUS = {Reason.CRASHED, Reason.STORE, Reason.REFUSED, Reason.ERROR}  # somebody should look into these
_QUEUED_LINES = 10_000
_COUNTS = (
    "number", "model", "session", "tokens_before", "tokens_after", "usd_before", "usd_after", "input_modelled",
    "input_billed", "missed",
)  # fmt: skip
_LONGEST = 200  # characters of a text that came from outside
_SECRET = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[^\s\"']+|\b(?:sk|pk|rk|key|api|ghp|gho|xox[abp]|AIza|AKIA|eyJ)[-_\w]{12,}[-.\w]*"
    r"|\b(authorization|x-api-key|api-key|password|token)(\"?\s*[:=]\s*\"?)(?:(?:bearer|basic)\s+)?[^\s\"',}]+"
)


class Log:
    """Logs requests that are over, and that nothing has been shortened for long."""

    def __init__(self, name: str = f"{NAME}.requests") -> None:
        self._log = logging.getLogger(name)

    def finished(self, record: RequestRecord) -> None:
        """One line; a warning where somebody should look into it."""
        level = logging.WARNING if record.answer.reason in _SERIOUS else logging.INFO
        if self._log.isEnabledFor(level):
            self._log.log(level, "request", extra={"fields": fields_of(record)})

    def counted(self, record: RequestRecord) -> None:
        """A second line, with the figures that the first one lacked."""
        if self._log.isEnabledFor(logging.INFO):
            fields = fields_of(record)
            self._log.info("counted", extra={"fields": {name: fields[name] for name in _COUNTS if name in fields}})

    def silent(self, warned: Warned) -> None:
        """The canary's line."""
        self._log.warning(warning_text(warned), extra={"fields": {"requests": warned.requests, **dict(warned.reasons)}})


def warning_text(warned: Warned) -> str:
    """The canary's warning in words, with the most frequent reasons and what helps."""
    reasons = "; ".join(
        f"{number:,} x {reason}: {advice(reason).why} {advice(reason).what}" for reason, number in warned.reasons[:3]
    )
    minutes = warned.seconds / 60
    return f"nothing was shortened for {minutes:,.0f} minutes, although {warned.requests:,} requests came. {reasons}"


def fields_of(record: RequestRecord) -> dict[str, Any]:
    """The fields of a request's line; empty values are left out."""
    fields: dict[str, Any] = {
        "number": record.number,
        "route": record.route,
        "provider": record.provider,
        "model": record.answer.model,
        "session": record.session,
        "mode": record.mode,
        "status": record.answer.status,
        "reason": record.answer.reason,
        "tokens_before": record.answer.before,
        "tokens_after": record.answer.after,
        "usd_before": record.dollars[0] if record.dollars else None,
        "usd_after": record.dollars[1] if record.dollars else None,
        "epoch": record.answer.epoch,
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
        fields |= {f"provider_{name}": getattr(record.usage, name) for name in names}
    if record.billing is not None and record.billing.billed is not None and record.billing.modelled is not None:
        fields["input_modelled"], fields["input_billed"] = map(round, (record.billing.modelled, record.billing.billed))
        fields["missed"] = record.billing.missed

    return {name: value for name, value in fields.items() if value is not None and value is not False and value != ""}


class JsonLines(logging.Formatter):
    """A log record as one line of ASCII. Of an exception it has the kind and the lines of code, not the message.

    Messages of exceptions may quote a request; texts that look like credentials are blacked out wherever they are.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line without its end."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": when.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _safe(record.getMessage(), limit=2000),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, Mapping):
            line |= {str(name): _safe(value) for name, value in fields.items() if name not in line}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["at"] = _frames(record.exc_info[1])
        return json.dumps(line, default=lambda value: type(value).__name__)


def _safe(value: Any, limit: int = _LONGEST) -> Any:
    return _SECRET.sub(_blacked, value)[:limit] if isinstance(value, str) else value


def _blacked(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}[redacted]" if match[1] else "[redacted]"


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def log_to(stream: TextIO, level: str = "info") -> Callable[[], None]:
    """Send all that contextprune and its server log to `stream`, from `level` on. Returns what ends that.

    The end waits up to a second for lines that are still to be written.
    """
    queued = _Queued()
    writer = _Writer(stream, queued)
    writer.start()

    loggers = [logging.getLogger(name) for name in (NAME, "uvicorn")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(level.upper())
        logger.propagate = False
        logger.addHandler(queued)

    def end() -> None:
        for logger, (old, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(queued)
            logger.setLevel(old)
            logger.propagate = propagate
        queued.close()
        stopping = threading.Thread(target=writer.stop, daemon=True)  # waits for as long as nobody reads the stream
        stopping.start()
        stopping.join(1)

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


class _Queued(QueueHandler):
    """Queues finished lines for the writer's thread; never blocks, never raises.

    A line is formatted at once, so that secrets are gone before it waits, and nothing that it was made of is held.
    """

    def __init__(self) -> None:
        self.lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        super().__init__(self.lines)
        self.setFormatter(JsonLines())
        self.dropped = 0  # since the last line that was written

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """A record whose message is the line."""
        return logging.makeLogRecord({"msg": self.format(record)})

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue a line. Raises queue.Full where too many wait; the writer's end of lines has room even then."""
        if self.lines.qsize() >= _QUEUED_LINES:
            raise queue.Full
        self.lines.put_nowait(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's own signature
        """Count a line that is dropped: too many wait, or its arguments do not fit its message."""
        self.dropped += 1


class _Writer(QueueListener):
    """Writes lines to a stream in a thread, and after one of them how many were dropped.

    It does so itself, without a handler: at exit logging waits for the locks of handlers, and a stream that nobody
    reads would never let go of one.
    """

    def __init__(self, stream: TextIO, queued: _Queued) -> None:
        super().__init__(queued.lines)
        self._stream, self._queued = stream, queued

    def handle(self, record: logging.LogRecord) -> None:
        """Write a line; let it go where nobody reads any more."""
        with suppress(OSError, ValueError):
            self._stream.write(f"{record.getMessage()}\n")
            if self._queued.dropped:
                dropped, self._queued.dropped = self._queued.dropped, 0
                note = {"level": "warning", "message": f"{dropped} lines dropped"}
                self._stream.write(f"{json.dumps(note)}\n")
            if self._queued.lines.empty():
                self._stream.flush()
