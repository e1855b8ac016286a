"""What a Claude Code log holds beside messages: several conversations in one file, and what the API reported.

Sub-agents may speak in the file of their session, and a compaction starts the context anew: each of these is a
conversation of its own, since each was sent by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contextprune.audit.logged import Logged, count

Record = Mapping[str, Any]

SYNTHETIC = "<synthetic>"  # the model named where the program itself reports an error
HOUR, FIVE_MINUTES = 3600.0, 300.0  # seconds


def conversations(records: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """A label ("" for the first of the main line) and the records of each conversation, in the order of the file."""
    lines: dict[str, list[Any]] = {}
    roots: dict[str, str] = {}
    for record in records:
        if isinstance(record, Mapping) and _message(record).get("model") != SYNTHETIC:
            lines.setdefault(_line(record, roots), []).append(record)
    agents = 0
    alone = len(lines) == 1  # the file of one sub-agent needs no other name than its own
    for line, inside in lines.items():
        agents += bool(line)
        for number, part in enumerate(_parts(inside), start=1):
            label = f"agent {agents}" if line and not alone else ""
            yield " ".join([label, f"part {number}" if number > 1 else ""]).strip(), part


def logged(records: Sequence[Any]) -> Logged | None:
    """What the API reported; records of one call repeat it, so the last one of each counts. None: nothing."""
    calls: dict[Any, Mapping[str, Any]] = {}
    for index, record in enumerate(records):
        usage = _message(record).get("usage")
        if isinstance(usage, Mapping):
            calls[_message(record).get("id") or record.get("requestId") or index] = usage
    total = sum((_usage(usage) for usage in calls.values()), Logged())
    return total if total.tokens else None


def lifetime(records: Sequence[Any]) -> float:
    """Seconds for which the provider kept what it had cached: an hour where that was paid for, else five minutes."""
    for record in records:
        usage = _message(record).get("usage")
        written = usage.get("cache_creation") if isinstance(usage, Mapping) else None
        if isinstance(written, Mapping) and count(written.get("ephemeral_1h_input_tokens")):
            return HOUR
    return FIVE_MINUTES


def _message(record: Any) -> Mapping[str, Any]:
    message = record.get("message") if isinstance(record, Mapping) else None
    return message if isinstance(message, Mapping) else {}


def _line(record: Record, roots: dict[str, str]) -> str:
    """Which conversation a record belongs to: "" for the main line, else a name of the sub-agent's."""
    if not record.get("isSidechain"):
        return ""
    own = str(record.get("uuid"))
    agent = record.get("agentId")
    roots[own] = str(agent) if agent else roots.get(str(record.get("parentUuid")), own)
    return roots[own]


def _parts(records: Sequence[Any]) -> Iterator[list[Any]]:
    """The records between compactions."""
    part: list[Any] = []
    said = False
    for record in records:
        if said and (record.get("subtype") == "compact_boundary" or record.get("isCompactSummary")):
            yield part
            part, said = [], False
        part.append(record)
        said = said or bool(_message(record))
    if said:
        yield part


def _usage(usage: Mapping[str, Any]) -> Logged:
    return Logged(
        requests=1,
        fresh=count(usage.get("input_tokens")),
        written=count(usage.get("cache_creation_input_tokens")),
        read=count(usage.get("cache_read_input_tokens")),
        output=count(usage.get("output_tokens")),
    )
