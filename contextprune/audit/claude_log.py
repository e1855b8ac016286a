"""Claude Code logs: the several conversations of one file, and the usage that the API reported.

Sub-agents may speak in the file of their session, and a compaction starts the context anew: each of these is a
conversation of its own, since each was sent by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contextprune.audit.logged import Logged, count
from contextprune.money.expiry import FIVE_MINUTES, HOUR

Record = Mapping[str, Any]

SYNTHETIC = "<synthetic>"  # the model named where the program itself reports an error


def conversations(records: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """A label ("" for the first of the main line) and the records of each conversation, in the order of the file."""
    threads: dict[str, list[Any]] = {}
    roots: dict[str, str] = {}
    for record in records:
        if isinstance(record, Mapping) and _message(record).get("model") != SYNTHETIC:
            threads.setdefault(_thread(record, roots), []).append(record)

    agents = 0
    single = len(threads) == 1  # the file of one sub-agent needs no other name than its own
    for thread, thread_records in threads.items():
        agents += bool(thread)
        for number, part in enumerate(_parts(thread_records), start=1):
            label = f"agent {agents}" if thread and not single else ""
            yield " ".join([label, f"part {number}" if number > 1 else ""]).strip(), part


def logged(records: Sequence[Any]) -> Logged | None:
    """The usage that the API reported, None where there is none. Records of one call repeat it: the last one counts."""
    calls: dict[Any, Mapping[str, Any]] = {}
    for index, record in enumerate(records):
        usage = _message(record).get("usage")
        if isinstance(usage, Mapping):
            calls[_message(record).get("id") or record.get("requestId") or index] = usage
    total = sum((_usage(usage) for usage in calls.values()), Logged())
    return total if total.tokens else None


def lifetime(records: Sequence[Any]) -> float:
    """Seconds for which the provider kept its cache: an hour where that was paid for, else five minutes."""
    for record in records:
        usage = _message(record).get("usage")
        written = usage.get("cache_creation") if isinstance(usage, Mapping) else None
        if isinstance(written, Mapping) and count(written.get("ephemeral_1h_input_tokens")):
            return HOUR
    return FIVE_MINUTES


def _message(record: Any) -> Mapping[str, Any]:
    message = record.get("message") if isinstance(record, Mapping) else None
    return message if isinstance(message, Mapping) else {}


def _thread(record: Record, roots: dict[str, str]) -> str:
    """The conversation that a record belongs to: "" for the main one, else a name of the sub-agent's."""
    if not record.get("isSidechain"):
        return ""
    uuid = str(record.get("uuid"))
    agent = record.get("agentId")
    roots[uuid] = str(agent) if agent else roots.get(str(record.get("parentUuid")), uuid)
    return roots[uuid]


def _parts(records: Sequence[Any]) -> Iterator[list[Any]]:
    """The records between compactions."""
    part: list[Any] = []
    has_message = False
    for record in records:
        if has_message and (record.get("subtype") == "compact_boundary" or record.get("isCompactSummary")):
            yield part
            part, has_message = [], False
        part.append(record)
        has_message = has_message or bool(_message(record))
    if has_message:
        yield part


def _usage(usage: Mapping[str, Any]) -> Logged:
    return Logged(
        requests=1,
        fresh=count(usage.get("input_tokens")),
        written=count(usage.get("cache_creation_input_tokens")),
        read=count(usage.get("cache_read_input_tokens")),
        output=count(usage.get("output_tokens")),
    )
