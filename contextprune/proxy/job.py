"""Jobs of the front for a scorer process, its answers, and how both travel through the pipe.

A message is a JSON head and raw bytes behind it: nothing that came from outside is ever unpickled. Both processes
import this file, so it imports nothing of the engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from struct import Struct
from typing import Any, Literal, Self, TypeAlias, TypeVar


class Task(StrEnum):
    """What a scorer process is to do with a body."""

    SHORTEN = "shorten"
    COUNT = "count"
    COMPRESS = "compress"
    RETRIEVE = "retrieve"


@dataclass(frozen=True, slots=True)
class Job:
    """One request, as the scorer process needs it.

    number    names the job for the life of the front
    body      decoded JSON as received; of RETRIEVE a JSON object with "key", "query" and "lines"
    dialect   the name of the dialect, by route; "" of RETRIEVE
    tenant    fingerprint of the credential, "" for none
    session   the session's id from a header, or ""
    cold      the session's last request is longer ago than the provider's cache lives
    uncached  the session's last request did not get into that cache: it was refused, or failed
    recall    "off", "tool" or "mcp"
    audit     measure, change nothing and remember nothing
    show      the operator wants content on the dashboard: return the heat map
    seconds   for new decisions, or the time that the sender of a COMPRESS or RETRIEVE waits
    new       about how many tokens the session's last request did not have
    """

    number: int
    task: Task
    body: bytes
    dialect: str = ""
    tenant: str = ""
    session: str = ""
    cold: bool = False
    uncached: bool = False
    recall: str = "off"
    audit: bool = False
    show: bool = False
    seconds: float = 0.15
    new: int = 0


class Process(StrEnum):
    """Kind of process: the front, which relays, or a scorer process, which decides."""

    FRONT = "front"
    SCORER = "scorer"


class Reason(StrEnum):
    """Reason why nothing, or not everything, was shortened; `givers` are the processes that may give it.

    The words stand in headers, logs and metrics, and `telemetry.reasons.ADVICE` explains each of them.
    """

    givers: frozenset[Process]

    def __new__(cls, word: str, *givers: Process) -> Self:
        """Make a member: its word, and the processes that may give it."""
        reason = str.__new__(cls, word)
        reason._value_ = word
        reason.givers = frozenset(givers)
        return reason

    LATE = "late", Process.FRONT, Process.SCORER
    BUSY = "busy", Process.FRONT
    CRASHED = "crashed", Process.FRONT
    STARTING = "starting", Process.FRONT
    BREAKER = "breaker", Process.FRONT
    PAYLOAD = "payload", Process.FRONT, Process.SCORER
    STORE = "store", Process.SCORER
    REFUSED = "refused", Process.FRONT, Process.SCORER
    ERROR = "error", Process.FRONT, Process.SCORER
    TOO_LARGE = "too_large", Process.FRONT
    OFF = "off", Process.FRONT
    BYPASS = "bypass", Process.FRONT
    UNKNOWN_PATH = "unknown_path", Process.FRONT
    NO_UPSTREAM = "no_upstream", Process.FRONT
    NOT_FOUND = "not_found", Process.SCORER
    DENIED = "denied"  # given by none: another tenant's key is "not_found", so that asking for it tells nothing


NO_REASON: Literal[""] = ""
"""In place of a reason, where everything was shortened that could be."""


T = TypeVar("T")
Four: TypeAlias = tuple[T, T, T, T]


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of a job from a scorer process, or why there is none.

    body      None: send what was received; of COMPRESS and RETRIEVE the response body
    status    "applied", "noop", "audit" or "passed"
    reason    a Reason, or NO_REASON; beside "applied" it is "late" where time was short for a part of it
    session   of COMPRESS, the id that the gateway gave in the body, "" for none
    before    tokens of the request, after: of what is sent; both 0 where nobody counted
    kinds     the same by kind of segment
    dollars   without and with contextprune, the cache accounted for; None where prices are unknown
    bills     tokens without and with contextprune: (fresh, written, read, written for an hour); None where not counted
    prices    of the same four, of a million tokens: US dollars where `dollars` are known, else relative to fresh ones
    new       characters of new results that were decided, and of those for which there was no time
    unknown   results of earlier requests of which nothing was known, met here for the first time: they stand
    epoch     old blocks were decided anew
    seconds   by stage; "waited" is the front's queue
    keys      recall keys of what was cut in this very request
    conversation  a short hash of how it begins, "" where nobody read it
    trail     hashes of what the client sent up to the end of each request: see `worker.trail`; "" where nobody read it
    heat      JSON: a list of [kind, name, [[text, action or "marker", reason, score], ...], facts] in reading order;
              facts: "tokens" [before, after], "request" of the conversation that brought it, "cut" "now", "old",
              "epoch" or ""
    notes     JSON: "home", the tenant under whom it was noted, and "entries" of the ledger; for the front's own replay
    """

    number: int
    body: bytes | None
    status: str
    reason: Reason | Literal[""] = NO_REASON
    model: str = ""
    session: str = ""
    before: int = 0
    after: int = 0
    kinds: Mapping[str, tuple[int, int]] = field(default_factory=dict, hash=False)
    dollars: tuple[float, float] | None = None
    bills: tuple[Four[int], Four[int]] | None = None
    prices: Four[float] | None = None
    new: tuple[int, int] = (0, 0)
    unknown: int = 0
    epoch: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict, hash=False)
    keys: tuple[str, ...] = ()
    conversation: str = ""
    trail: str = ""
    heat: bytes | None = None
    notes: bytes | None = None


UNASKED = Answer(0, None, "passed")
"""In place of an answer, where no scorer process was asked."""


def pass_through(job: Job, reason: Reason) -> Answer:
    """Answer that what was received is to be sent, for this reason."""
    return Answer(job.number, None, "passed", reason)


UNDECIDED = frozenset({
    Reason.LATE, Reason.BUSY, Reason.CRASHED, Reason.STARTING, Reason.BREAKER, Reason.STORE, Reason.ERROR,
    Reason.TOO_LARGE,
})  # fmt: skip
"""Reasons for which nothing new is decided; what earlier requests sent is sent again all the same."""


def is_undecided(answer: Answer) -> bool:
    """Tell whether nothing, or not everything, was decided for a reason that says nothing of the request itself."""
    return answer.reason in UNDECIDED


PREFIX = Struct(">IQ")
"""Before each message: bytes of its head, bytes behind the head."""


def pack(head: Mapping[str, Any], *parts: bytes | None) -> list[bytes]:
    """Make a message in pieces, to be written one after the other, so that large bodies are never copied."""
    sizes = [None if part is None else len(part) for part in parts]
    text = json.dumps({**head, "sizes": sizes}, separators=(",", ":")).encode()
    present = [part for part in parts if part]
    return [PREFIX.pack(len(text), sum(map(len, present))) + text, *present]


def unpack(head: bytes | memoryview, body: memoryview) -> tuple[dict[str, Any], list[bytes | None]]:
    """Take a message apart: its head, and the parts that its `body` holds one behind the other."""
    values: dict[str, Any] = json.loads(bytes(head))
    parts: list[bytes | None] = []
    at = 0
    for size in values.pop("sizes"):
        parts.append(None if size is None else bytes(body[at : at + size]))
        at += size or 0
    return values, parts


def pack_job(job: Job, word: str = "job") -> list[bytes]:
    """Make a job a message of the kind `word`."""
    values = {f.name: getattr(job, f.name) for f in fields(Job) if f.name != "body"}
    return pack({"word": word, **values}, job.body)


def read_job(head: Mapping[str, Any], parts: list[bytes | None]) -> Job:
    """Read the job in a message."""
    values = {name: value for name, value in head.items() if name != "word"}
    return Job(**{**values, "task": Task(values["task"]), "body": parts[0] or b""})


def pack_answer(answer: Answer) -> list[bytes]:
    """Make an answer a message."""
    values = {f.name: getattr(answer, f.name) for f in fields(Answer) if f.name not in ("body", "heat", "notes")}
    return pack({"word": "answer", **values}, answer.body, answer.heat, answer.notes)


def read_answer(head: Mapping[str, Any], parts: list[bytes | None]) -> Answer:
    """Read the answer in a message."""
    values = {name: value for name, value in head.items() if name != "word"}
    values["kinds"] = {kind: (tokens[0], tokens[1]) for kind, tokens in values["kinds"].items()}
    values["dollars"] = values["dollars"] and (values["dollars"][0], values["dollars"][1])
    values["new"] = (values["new"][0], values["new"][1])
    values["bills"] = values["bills"] and tuple(tuple(bill) for bill in values["bills"])
    values["prices"] = values["prices"] and tuple(values["prices"])
    values["reason"] = Reason(values["reason"]) if values["reason"] else NO_REASON
    return Answer(**{**values, "keys": tuple(values["keys"]), "body": parts[0], "heat": parts[1], "notes": parts[2]})
