"""Decisions already sent, by prefix chain hash, as provider caches are keyed: a segment's key covers all before it.

Losing the ledger costs time, never correctness: a decision is a function of the prefix, and comes out equal again.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, runtime_checkable

from contextprune.context import Kind, Segment

Key = bytes
"""The hash of a segment and of everything before it."""


@dataclass(frozen=True, slots=True)
class Record:
    """What was decided about one segment, and about the past at its end.

    text     what is sent instead of it; None: it stands as it is
    before   tokens of the segment, after: of what is sent
    past     (segment, what is sent from now on, tokens) of each block that an epoch changed right after this segment;
             None where nobody asked yet whether one is due here, because no request ended here
    """

    text: str | None
    before: int
    after: int
    past: tuple[tuple[int, str, int], ...] | None = None

    @property
    def size(self) -> int:
        """About how many bytes it holds."""
        return 200 + 2 * len(self.text or "") + sum(120 + 2 * len(text) for _, text, _ in self.past or ())


@runtime_checkable
class Notes(Protocol):
    """A store that also keeps decisions, so that they outlive the process."""

    def note(self, notes: Mapping[bytes, bytes]) -> None:
        """Keep each value under its key. Raises StoreError."""
        ...

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values that are known. Raises StoreError."""
        ...


class Ledger:
    """Records in memory, bounded by `max_bytes`, and behind them in `notes` where a store keeps them. Thread-safe."""

    def __init__(self, notes: Notes | None = None, max_bytes: int = 64 << 20) -> None:
        self._records: OrderedDict[Key, Record] = OrderedDict()
        self._notes, self._max_bytes, self._size = notes, max_bytes, 0
        self._lock = threading.Lock()

    def known(self, keys: Sequence[Key]) -> list[Record]:
        """The records of the longest beginning of `keys` that is known."""
        with self._lock:
            found = list(_while_known(keys, self._records))
            for key in keys[: len(found)]:
                self._records.move_to_end(key)
        if self._notes is None or len(found) == len(keys):
            return found
        stored = self._notes.noted(keys[len(found) :])
        read = {key: record for key, value in stored.items() if (record := _unpacked(value)) is not None}
        more = dict(zip(keys[len(found) :], _while_known(keys[len(found) :], read), strict=False))
        self._hold(more)
        return [*found, *more.values()]

    def keep(self, records: Mapping[Key, Record]) -> None:
        """Remember what was decided. Raises StoreError where the store behind cannot."""
        if self._notes is not None and records:
            self._notes.note({key: _packed(record) for key, record in records.items()})
        self._hold(records)

    def forget(self) -> None:
        """Drop what is in memory."""
        with self._lock:
            self._records.clear()
            self._size = 0

    def _hold(self, records: Mapping[Key, Record]) -> None:
        with self._lock:
            for key, record in records.items():
                old = self._records.pop(key, None)
                self._size += record.size - (old.size if old else 0)
                self._records[key] = record
            while self._size > self._max_bytes and self._records:
                self._size -= self._records.popitem(last=False)[1].size


def chain(segments: Iterable[Segment], seed: str) -> list[Key]:
    """The key of each segment. `seed` names all that decides besides: policy, scorer, counter, query.

    Breakpoints of the cache are left out: agents move them along, and the provider's own hash ignores them, too.
    """
    keys: list[Key] = []
    last = blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    for s in segments:
        free = s.editable and s.kind in _EDITABLE
        parts = (s.kind.value, s.pair or "", s.name or "", str(s.cost), "01"[s.failed] + "01"[free], str(s.turn))
        state = blake2b(last, digest_size=16)
        state.update("\0".join(parts).encode("utf-8", "surrogatepass"))
        for text in (s.text, s.source or ""):
            data = text.encode("utf-8", "surrogatepass")
            state.update(len(data).to_bytes(8, "big"))
            state.update(data)
        last = state.digest()
        keys.append(last)
    return keys


_EDITABLE = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT, Kind.EXAMPLE})
"""Of these a lock says something; on all others it comes and goes with the breakpoint."""


def _while_known(keys: Sequence[Key], records: Mapping[Key, Record]) -> Iterator[Record]:
    for key in keys:
        record = records.get(key)
        if record is None:
            return
        yield record


def _packed(record: Record) -> bytes:
    return json.dumps([record.text, record.before, record.after, record.past]).encode()


def _unpacked(value: bytes) -> Record | None:
    """The record in a note; None where it is damaged, which costs a decision made again."""
    try:
        text, before, after, past = json.loads(value)
        changed = None if past is None else tuple((at, new, tokens) for at, new, tokens in past)
        return Record(text, before, after, changed)
    except (ValueError, TypeError):
        return None
