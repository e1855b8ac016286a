"""Decisions already sent, by prefix chain hash, as provider caches are keyed: a segment's key covers all before it.

Losing the ledger costs time, never correctness: a decision is a function of the prefix, and comes out equal again.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b

from contextprune._version import __version__
from contextprune.context import Kind, Segment
from contextprune.errors import StoreError
from contextprune.policy import Policy
from contextprune.storage.store import Notes

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


class Ledger:
    """Records in memory, bounded by `max_bytes`, and behind them in `notes` where a store keeps them. Thread-safe."""

    def __init__(self, notes: Notes | None = None, max_bytes: int = 64 << 20) -> None:
        self._records: OrderedDict[Key, Record] = OrderedDict()
        self._notes, self._max_bytes, self._size = notes, max_bytes, 0
        self._lock = threading.Lock()

    def known(self, keys: Sequence[Key], *, at_hand: bool = False) -> list[Record]:
        """The records of the longest beginning of `keys` that is known. Raises StoreError where notes cannot be read.

        `at_hand`: then, what is in memory will do.
        """
        with self._lock:
            found = list(_while_known(keys, self._records))
            for key in keys[: len(found)]:
                self._records.move_to_end(key)
        if self._notes is not None:
            try:
                more = self._stored(keys[len(found) :])
            except StoreError:
                if not at_hand:
                    raise
                return found
            self._hold(more)
            found += more.values()
        return found

    def _stored(self, keys: Sequence[Key]) -> dict[Key, Record]:
        """What the notes know of a beginning of `keys`. Ever more are asked for at once: most often all are new."""
        found: dict[Key, Record] = {}
        some = 16
        while len(found) < len(keys) and self._notes is not None:
            asked = keys[len(found) : len(found) + some]
            notes = self._notes.noted(asked)
            read = {key: record for key, value in notes.items() if (record := _unpacked(value)) is not None}
            known = list(_while_known(asked, read))
            found.update(zip(asked, known, strict=False))
            if len(known) < len(asked):
                break
            some *= 4
        return found

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


def seed(policy: Policy, *names: str) -> str:
    """All that decides besides the conversation, as a text that is the same in every process: sets have no order."""
    values = ((f.name, getattr(policy, f.name)) for f in fields(policy))
    told = (f"{name}={sorted(value) if isinstance(value, frozenset) else value!r}" for name, value in values)
    return "\0".join((*told, *names))


def chain(segments: Iterable[Segment], seed: str, keys: Sequence[Key] = ()) -> list[Key]:
    """The keys of the segments before these, and the key of each of these.

    `seed` names all that decides besides: policy, scorer, counter, query; `keys` were made with the same one.
    The version of the package counts, too, so that what another one decided is decided again.
    Breakpoints of the cache are left out: agents move them along, and the provider's own hash ignores them, too.
    """
    found = list(keys)
    first = f"{__version__}\0{seed}".encode("utf-8", "surrogatepass")
    last = found[-1] if found else blake2b(first, digest_size=16).digest()
    for s in segments:
        parts = (s.kind.value, s.pair or "", s.name or "", str(s.cost), "01"[s.failed] + "01"[_is_free(s)], str(s.turn))
        head, text, source = (
            part.encode("utf-8", "surrogatepass") for part in ("\0".join(parts), s.text, s.source or "")
        )
        sizes = (len(text).to_bytes(8, "big"), len(source).to_bytes(8, "big"))
        last = blake2b(b"".join((last, head, sizes[0], text, sizes[1], source)), digest_size=16).digest()
        found.append(last)
    return found


def alike(one: Segment, other: Segment) -> bool:
    """Whether `chain` cannot tell the two apart. Much faster than their hashes: equal texts are often one object."""
    return (
        one.text == other.text
        and one.turn == other.turn
        and one.kind is other.kind
        and (one.pair or "") == (other.pair or "")
        and (one.name or "") == (other.name or "")
        and one.cost == other.cost
        and one.failed is other.failed
        and (one.editable is other.editable or _is_free(one) is _is_free(other))
        and (one.source or "") == (other.source or "")
    )


_EDITABLE = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT, Kind.EXAMPLE, Kind.REASONING})
"""Of these a lock says something; on all others it comes and goes with the breakpoint."""


def _is_free(segment: Segment) -> bool:
    return segment.editable and segment.kind in _EDITABLE


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
