"""Decisions already sent, by what identifies a conversation up to each segment: see `identity`.

Losing the ledger costs time, never correctness: a decision is a function of the prefix, and comes out equal again.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from contextprune.errors import StoreError
from contextprune.session.identity import Key
from contextprune.storage.store import FirstNotes, Notes

LATE_CHECKED = 64  # blocks that were late here and are looked up again, the newest


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision about one segment, and about all before it where a request ended with it.

    text      what is sent instead of it; None: it stands as it is
    before    tokens of the segment, after: of what is sent
    changed   (key of the segment, what is sent from now on, tokens) of each block that an epoch changed right after
              this segment; None where nobody asked yet whether one is due here, because no request ended here
    late      it stands as it is for want of time, and may yet be shortened while no cache holds it
    """

    text: str | None
    before: int
    after: int
    changed: tuple[tuple[Key, str, int], ...] | None = None
    late: bool = False

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

    def holds(self, key: Key) -> bool:
        """Tell whether the entry of a key is in memory: it was decided or looked up here."""
        with self._lock:
            return key in self._entries

    def find(self, keys: Sequence[Key], *, in_memory: bool = False) -> list[Entry]:
        """The entries of the longest beginning of `keys` that has any. Raises StoreError where notes cannot be read.

        `in_memory`: then, what is in memory will do.
        """
        entries = self._in_memory(keys)
        if self._notes is not None:
            try:
                if not self.agrees(keys[: len(entries)]):
                    entries = self._in_memory(keys)
                stored = self._stored(keys[len(entries) :])
                entries = self._corrected(keys, entries)
            except StoreError:
                if not in_memory:
                    raise
                return entries
            self.remember(stored)
            entries += stored.values()
        return entries

    def agrees(self, keys: Sequence[Key]) -> bool:
        """Tell whether the notes still say what is in memory of the last of these keys. Raises StoreError.

        Else the store was wiped, and another process may have gone on without knowing what was in it. Then what is
        noted of all the keys counts, and what is in memory alone is noted, so that all processes come to agree.
        """
        with self._lock:
            entry = self._entries.get(keys[-1]) if keys else None
        if self._notes is None or entry is None:
            return True
        value = self._notes.noted(keys[-1:]).get(keys[-1])
        stored = unpacked(value) if value is not None else None
        if stored is not None and (stored.text, stored.changed or ()) == (entry.text, entry.changed or ()):
            return True

        with self._lock:
            entries = {key: self._entries[key] for key in keys if key in self._entries}
        self.keep_first(entries)
        noted = ((key, unpacked(value)) for key, value in self._notes.noted(list(entries)).items())
        self.remember({key: stored for key, stored in noted if stored is not None})
        return False

    def _in_memory(self, keys: Sequence[Key]) -> list[Entry]:
        """The entries in memory of the longest beginning of `keys` that has any."""
        with self._lock:
            entries = list(_until_missing(keys, self._entries))
            for key in keys[: len(entries)]:
                self._entries.move_to_end(key)
        return entries

    def _corrected(self, keys: Sequence[Key], entries: Sequence[Entry]) -> list[Entry]:
        """The entries, with the notes of those that were late here: another process may have shortened them since."""
        late = [keys[i] for i, entry in enumerate(entries) if entry.late][-LATE_CHECKED:]
        if not late or self._notes is None:
            return list(entries)
        stored = {key: entry for key, value in self._notes.noted(late).items() if (entry := unpacked(value))}
        self.remember(stored)
        return [stored.get(key, entry) for key, entry in zip(keys, entries, strict=False)]

    def _stored(self, keys: Sequence[Key]) -> dict[Key, Entry]:
        """What the notes hold of a beginning of `keys`. Ever more are asked for at once: most often all are new."""
        stored: dict[Key, Entry] = {}
        batch = 16
        while len(stored) < len(keys) and self._notes is not None:
            wanted = keys[len(stored) : len(stored) + batch]
            notes = self._notes.noted(wanted)
            known = {key: entry for key, value in notes.items() if (entry := unpacked(value)) is not None}
            entries = list(_until_missing(wanted, known))
            stored.update(zip(wanted, entries, strict=False))
            if len(entries) < len(wanted):
                break
            batch *= 4
        return stored

    def blocks(self, keys: Sequence[Key]) -> dict[Key, Entry]:
        """The entries that are known of these keys, in any order. Where notes cannot be read, those in memory."""
        with self._lock:
            entries = {key: self._entries[key] for key in keys if key in self._entries}
        missing = [key for key in keys if key not in entries]
        if self._notes is not None and missing:
            with suppress(StoreError):
                stored = ((key, unpacked(value)) for key, value in self._notes.noted(missing).items())
                entries |= {key: entry for key, entry in stored if entry is not None}
        return entries

    def keep(self, entries: Mapping[Key, Entry]) -> None:
        """Remember what was decided. Raises StoreError where the store behind cannot."""
        if self._notes is not None and entries:
            self._notes.note({key: packed(entry) for key, entry in entries.items()})
        self.remember(entries)

    def keep_first(self, entries: Mapping[Key, Entry]) -> bool:
        """Remember what was decided unless another process was first; then False, and its entries count.

        Raises StoreError where the store behind cannot.
        """
        if isinstance(self._notes, FirstNotes) and entries:
            if self._notes.note_first({key: packed(entry) for key, entry in entries.items()}):
                self.remember(entries)
                return True
            stored = {key: unpacked(value) for key, value in self._notes.noted(list(entries)).items()}
            self.remember({key: stored.get(key) or entry for key, entry in entries.items()})
            return all(stored.get(key) == entry for key, entry in entries.items())
        self.keep(entries)
        return True

    def forget(self, keys: Sequence[Key] | None = None) -> None:
        """Drop from memory the entries of these keys; without any, all of them."""
        with self._lock:
            for key in list(self._entries) if keys is None else keys:
                entry = self._entries.pop(key, None)
                self._size -= entry.size if entry else 0

    def remember(self, entries: Mapping[Key, Entry]) -> None:
        """Remember entries in memory alone."""
        with self._lock:
            for key, entry in entries.items():
                old = self._entries.pop(key, None)
                self._size += entry.size - (old.size if old else 0)
                self._entries[key] = entry
            while self._size > self._max_bytes and self._entries:
                self._size -= self._entries.popitem(last=False)[1].size


def _until_missing(keys: Sequence[Key], entries: Mapping[Key, Entry]) -> Iterator[Entry]:
    for key in keys:
        entry = entries.get(key)
        if entry is None:
            return
        yield entry


def packed(entry: Entry) -> bytes:
    """An entry as a note."""
    changed = None if entry.changed is None else [(key.hex(), text, tokens) for key, text, tokens in entry.changed]
    return json.dumps([entry.text, entry.before, entry.after, changed, entry.late]).encode()


def unpacked(value: bytes) -> Entry | None:
    """The entry in a note; None where it is damaged, which costs a decision made again."""
    try:
        text, before, after, past, late = json.loads(value)
        changed = None if past is None else tuple((bytes.fromhex(key), new, tokens) for key, new, tokens in past)
        return Entry(text, before, after, changed, late)
    except (ValueError, TypeError):
        return None
