"""The store as the front uses it: after it kept one request waiting, it is left alone for a while.

Replays stand in one line. Were each to wait for a store that is locked or hangs, those at the end would be too late.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from time import monotonic
from typing import TypeVar

from contextprune.errors import StoreError
from contextprune.storage.store import FirstNotes, Notes, SharedNotes, Store, stored

SLOW = 0.5  # seconds after which a failure counts as one that kept a request waiting
PAUSE = 5.0  # seconds for which it is left alone

_Result = TypeVar("_Result")


class ImpatientStore:
    """A store that raises StoreError at once while it is left alone. Thread-safe.

    clock   monotonic seconds
    """

    def __init__(self, store: Store, notes: Notes, clock: Callable[[], float] = monotonic) -> None:
        self._store, self._notes, self._clock = store, notes, clock
        self._until = 0.0

    def leave_alone(self) -> None:
        """Ask it nothing for a while: it does not answer."""
        self._until = self._clock() + PAUSE

    def key(self, text: str) -> str:
        """See `Store`."""
        return self._use(lambda: self._store.key(text))

    def put(self, texts: Mapping[str, str]) -> None:
        """See `Store`."""
        self._use(lambda: self._store.put(texts))

    def stored(self, keys: Sequence[str]) -> Collection[str]:
        """See `Knowing`."""
        return self._use(lambda: stored(self._store, keys))

    def get(self, key: str) -> str | None:
        """See `Store`."""
        return self._use(lambda: self._store.get(key))

    def note(self, notes: Mapping[bytes, bytes]) -> None:
        """See `Notes`."""
        self._use(lambda: self._notes.note(notes))

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """See `Notes`."""
        return self._use(lambda: self._notes.noted(keys))

    def note_first(self, notes: Mapping[bytes, bytes]) -> bool:
        """See `FirstNotes`; where the store does not tell who was first, the last one counts."""
        first = self._notes
        if isinstance(first, FirstNotes):
            return self._use(lambda: first.note_first(notes))
        self.note(notes)
        return True

    def note_for(self, tenant: str, notes: Mapping[bytes, bytes]) -> None:
        """See `SharedNotes`; where the store tells no tenants apart, the notes are nobody's."""
        shared = self._notes
        if isinstance(shared, SharedNotes):
            self._use(lambda: shared.note_for(tenant, notes))
        else:
            self.note(notes)

    def note_first_for(self, tenant: str, notes: Mapping[bytes, bytes]) -> bool:
        """See `SharedNotes`, likewise."""
        shared = self._notes
        if isinstance(shared, SharedNotes):
            return self._use(lambda: shared.note_first_for(tenant, notes))
        return self.note_first(notes)

    def _use(self, work: Callable[[], _Result]) -> _Result:
        began = self._clock()
        if began < self._until:
            raise StoreError("the store did not answer in time, and is left alone for a few seconds")
        try:
            return work()
        except StoreError:
            if self._clock() - began > SLOW:
                self.leave_alone()
            raise
