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
class Entry:
    """A decision about one segment, and about all before it where a request ended with it.

    text      what is sent instead of it; None: it stands as it is
    before    tokens of the segment, after: of what is sent
    changed   (segment, what is sent from now on, tokens) of each block that an epoch changed right after this segment;
              None where nobody asked yet whether one is due here, because no request ended here
    """

    text: str | None
    before: int
    after: int
    changed: tuple[tuple[int, str, int], ...] | None = None

    @property
    def size(self) -> int:
        """About how many bytes it holds."""
        return 200 + 2 * len(self.text or "") + sum(120 + 2 * len(text) for _, text, _ in self.changed or ())


class Ledger:
    """Entries in memory, bounded by `max_bytes`, and behind them in `notes` where a store keeps them. Thread-safe."""

    def __init__(self, notes: Notes | None = None, max_bytes: int = 64 << 20) -> None:
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._notes, self._max_bytes, self._size = notes, max_bytes, 0
        self._lock = threading.Lock()

    def find(self, keys: Sequence[Key], *, in_memory: bool = False) -> list[Entry]:
        """The entries of the longest beginning of `keys` that has any. Raises StoreError where notes cannot be read.

        `in_memory`: then, what is in memory will do.
        """
        with self._lock:
            entries = list(_until_missing(keys, self._entries))
            for key in keys[: len(entries)]:
                self._entries.move_to_end(key)

        if self._notes is not None:
            try:
                stored = self._stored(keys[len(entries) :])
            except StoreError:
                if not in_memory:
                    raise
                return entries
            self._remember(stored)
            entries += stored.values()
        return entries

    def _stored(self, keys: Sequence[Key]) -> dict[Key, Entry]:
        """What the notes hold of a beginning of `keys`. Ever more are asked for at once: most often all are new."""
        stored: dict[Key, Entry] = {}
        batch = 16
        while len(stored) < len(keys) and self._notes is not None:
            wanted = keys[len(stored) : len(stored) + batch]
            notes = self._notes.noted(wanted)
            unpacked = {key: entry for key, value in notes.items() if (entry := _unpacked(value)) is not None}
            entries = list(_until_missing(wanted, unpacked))
            stored.update(zip(wanted, entries, strict=False))
            if len(entries) < len(wanted):
                break
            batch *= 4
        return stored

    def keep(self, entries: Mapping[Key, Entry]) -> None:
        """Remember what was decided. Raises StoreError where the store behind cannot."""
        if self._notes is not None and entries:
            self._notes.note({key: _packed(entry) for key, entry in entries.items()})
        self._remember(entries)

    def forget(self) -> None:
        """Drop what is in memory."""
        with self._lock:
            self._entries.clear()
            self._size = 0

    def _remember(self, entries: Mapping[Key, Entry]) -> None:
        with self._lock:
            for key, entry in entries.items():
                old = self._entries.pop(key, None)
                self._size += entry.size - (old.size if old else 0)
                self._entries[key] = entry
            while self._size > self._max_bytes and self._entries:
                self._size -= self._entries.popitem(last=False)[1].size


def seed(policy: Policy, *names: str) -> str:
    """All that decides besides the conversation, as a text that is the same in every process: sets have no order."""
    values = ((f.name, getattr(policy, f.name)) for f in fields(policy))
    parts = (f"{name}={sorted(value) if isinstance(value, frozenset) else value!r}" for name, value in values)
    return "\0".join((*parts, *names))


def chain(segments: Iterable[Segment], seed: str, keys: Sequence[Key] = ()) -> list[Key]:
    """The keys of the segments before these, and the key of each of these.

    `seed` names all that decides besides: policy, scorer, counter, query; `keys` were made with the same one.
    The version of the package counts, too, so that what another one decided is decided again.
    Breakpoints of the cache are left out: agents move them along, and the provider's own hash ignores them, too.
    """
    chained = list(keys)
    first = f"{__version__}\0{seed}".encode("utf-8", "surrogatepass")
    last = chained[-1] if chained else blake2b(first, digest_size=16).digest()

    for s in segments:
        attributes = (
            s.kind.value,
            s.pair or "",
            s.name or "",
            str(s.cost),
            "01"[s.failed] + "01"[_is_free(s)],
            str(s.turn),
        )
        head, text, source = (
            part.encode("utf-8", "surrogatepass") for part in ("\0".join(attributes), s.text, s.source or "")
        )
        sizes = (len(text).to_bytes(8, "big"), len(source).to_bytes(8, "big"))
        last = blake2b(b"".join((last, head, sizes[0], text, sizes[1], source)), digest_size=16).digest()
        chained.append(last)
    return chained


def alike(a: Segment, b: Segment) -> bool:
    """Tell whether `chain` takes both for equal. Much faster than their hashes: equal texts are often one object."""
    return (
        a.text == b.text
        and a.turn == b.turn
        and a.kind is b.kind
        and (a.pair or "") == (b.pair or "")
        and (a.name or "") == (b.name or "")
        and a.cost == b.cost
        and a.failed is b.failed
        and (a.editable is b.editable or _is_free(a) is _is_free(b))
        and (a.source or "") == (b.source or "")
    )


_EDITABLE = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT, Kind.EXAMPLE, Kind.REASONING})
"""Of these a lock says something; on all others it comes and goes with the breakpoint."""


def _is_free(segment: Segment) -> bool:
    return segment.editable and segment.kind in _EDITABLE


def _until_missing(keys: Sequence[Key], entries: Mapping[Key, Entry]) -> Iterator[Entry]:
    for key in keys:
        entry = entries.get(key)
        if entry is None:
            return
        yield entry


def _packed(entry: Entry) -> bytes:
    return json.dumps([entry.text, entry.before, entry.after, entry.changed]).encode()


def _unpacked(value: bytes) -> Entry | None:
    """The entry in a note; None where it is damaged, which costs a decision made again."""
    try:
        text, before, after, past = json.loads(value)
        changed = None if past is None else tuple((at, new, tokens) for at, new, tokens in past)
        return Entry(text, before, after, changed)
    except (ValueError, TypeError):
        return None
