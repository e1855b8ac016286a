"""What the front asks of a scorer process, what comes back, and how both travel through the pipe.

A message is a JSON head and raw bytes behind it: nothing that came from outside is ever unpickled. Both processes
import this file, so it imports nothing of the engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from struct import Struct
from typing import Any


class Task(StrEnum):
    """What is to be done with a body."""

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
    recall: str = "off"
    audit: bool = False
    show: bool = False
    seconds: float = 0.15
    new: int = 0


REASONS = (
    "late", "busy", "crashed", "starting", "breaker", "payload", "store", "refused", "error",
    "too_large", "off", "bypass", "not_found", "denied",
)  # fmt: skip
"""Why nothing, or not everything, was shortened: all words that `Answer.reason` takes besides ""."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a scorer process made of a job, or why there is nothing.

    body      None: send what was received; of COMPRESS and RETRIEVE the response body
    status    "applied", "noop", "audit" or "passed"
    reason    one of REASONS, or ""; beside "applied" it is "late" where time was short for a part of it
    final     False: the replay of what earlier requests sent, without new decisions
    before    tokens of the request, after: of what is sent; both 0 where nobody counted
    kinds     the same by kind of segment
    dollars   without and with contextprune, the cache accounted for; None where prices are unknown
    epoch     old blocks were decided anew
    seconds   by stage; "waited" is the front's queue
    keys      recall keys of what was cut in this very request
    heat      JSON: a list of [kind, name, [[text, action, reason, score], ...]] in reading order
    """

    number: int
    body: bytes | None
    status: str
    reason: str = ""
    final: bool = True
    model: str = ""
    before: int = 0
    after: int = 0
    kinds: Mapping[str, tuple[int, int]] = field(default_factory=dict, hash=False)
    dollars: tuple[float, float] | None = None
    epoch: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict, hash=False)
    keys: tuple[str, ...] = ()
    heat: bytes | None = None


def passed(job: Job, reason: str) -> Answer:
    """The answer that says: send what was received, for this reason."""
    return Answer(job.number, None, "passed", reason)


PREFIX = Struct(">IQ")
"""Before each message: bytes of its head, bytes behind the head."""


def pack(head: Mapping[str, Any], *parts: bytes | None) -> list[bytes]:
    """A message in pieces, to be written one after the other, so that large bodies are never copied."""
    sizes = [None if part is None else len(part) for part in parts]
    text = json.dumps({**head, "sizes": sizes}, separators=(",", ":")).encode()
    there = [part for part in parts if part]
    return [PREFIX.pack(len(text), sum(map(len, there))) + text, *there]


def unpack(head: bytes | memoryview, rest: memoryview) -> tuple[dict[str, Any], list[bytes | None]]:
    """The head of a message and its parts."""
    told: dict[str, Any] = json.loads(bytes(head))
    parts: list[bytes | None] = []
    at = 0
    for size in told.pop("sizes"):
        parts.append(None if size is None else bytes(rest[at : at + size]))
        at += size or 0
    return told, parts


def pack_job(job: Job, word: str = "job") -> list[bytes]:
    """A job as a message of the kind `word`."""
    told = {f.name: getattr(job, f.name) for f in fields(Job) if f.name != "body"}
    return pack({"word": word, **told}, job.body)


def read_job(head: Mapping[str, Any], parts: list[bytes | None]) -> Job:
    """The job in a message."""
    told = {name: value for name, value in head.items() if name != "word"}
    return Job(**{**told, "task": Task(told["task"]), "body": parts[0] or b""})


def pack_answer(answer: Answer) -> list[bytes]:
    """An answer as a message."""
    told = {f.name: getattr(answer, f.name) for f in fields(Answer) if f.name not in ("body", "heat")}
    return pack({"word": "answer", **told}, answer.body, answer.heat)


def read_answer(head: Mapping[str, Any], parts: list[bytes | None]) -> Answer:
    """The answer in a message."""
    told = {name: value for name, value in head.items() if name != "word"}
    told["kinds"] = {kind: (tokens[0], tokens[1]) for kind, tokens in told["kinds"].items()}
    told["dollars"] = told["dollars"] and (told["dollars"][0], told["dollars"][1])
    return Answer(**{**told, "keys": tuple(told["keys"]), "body": parts[0], "heat": parts[1]})
