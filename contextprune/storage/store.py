"""Where the originals are kept: what a marker stands for, byte for byte, under a short keyed hash.

The write comes before the marker, so `put` returns only when the texts are safe from the death of the process. Keys
are hashed with a secret of the store: nobody can find out by guessing whether a text was seen. Stores that outlive
the process also keep the ledger's notes of what was decided, which may be lost at any time.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from contextprune.errors import SettingsError, StoreError
from contextprune.markers import recall_keys
from contextprune.settings import data_folder
from contextprune.storage.codec import key_of
from contextprune.storage.sqlite import USUAL, Patience, SQLiteStore
from contextprune.tokens import bytes_of


class Store(Protocol):
    """Keeps originals by key."""

    def key(self, text: str) -> str:
        """The key of `text`: 12 characters of a-z and 2-7. Writes no original."""
        ...

    def put(self, texts: Mapping[str, str]) -> None:
        """Keep each original under its key, all or none, durable on return. Raises StoreError."""
        ...

    def get(self, key: str) -> str | None:
        """The original under `key`; None where it expired, was evicted or never was. Raises StoreError."""
        ...


@runtime_checkable
class Knowing(Protocol):
    """A store that tells in one query which of many keys it may know."""

    def stored(self, keys: Sequence[str]) -> Collection[str]:
        """Those of the keys under which an original may stand; under all others there is none. Raises StoreError."""
        ...


@runtime_checkable
class Located(Protocol):
    """A store that names where it keeps originals: a path, or an address without its password."""

    location: str


@runtime_checkable
class Notes(Protocol):
    """A store that also keeps decisions, so that they outlive the process."""

    def note(self, notes: Mapping[bytes, bytes]) -> None:
        """Keep each value under its key. Raises StoreError."""
        ...

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values that are known. Raises StoreError."""
        ...


@runtime_checkable
class FirstNotes(Notes, Protocol):
    """A store of notes in which, of several processes that decide the same, the first one counts."""

    def note_first(self, notes: Mapping[bytes, bytes]) -> bool:
        """Keep each value whose key has none yet; True where none had. Raises StoreError."""
        ...


@runtime_checkable
class Shared(Protocol):
    """A store that several tenants share, in which whoever holds the most gives way first where there is no room."""

    def put_for(self, tenant: str, texts: Mapping[str, str]) -> None:
        """See `Store.put`; the room that the texts take is this tenant's, "" for nobody's. Raises StoreError."""
        ...


@runtime_checkable
class SharedNotes(FirstNotes, Protocol):
    """A store of notes that several tenants share: whoever's notes take the most room give way first."""

    def note_for(self, tenant: str, notes: Mapping[bytes, bytes]) -> None:
        """See `Notes.note`; the room that new notes take is this tenant's, "" for nobody's. Raises StoreError."""
        ...

    def note_first_for(self, tenant: str, notes: Mapping[bytes, bytes]) -> bool:
        """See `FirstNotes.note_first`, likewise."""
        ...


def open_store(location: str | None = None, folder: Path | None = None, patience: Patience = USUAL) -> Store:
    """The store at `location`: "memory", a path, the URL of a Redis, or None (or "") for a file in `folder`.

    The file is created, the Redis asked, at the first use; `patience` is for a file that another process has locked.
    Raises SettingsError for an address of a kind that is not known, MissingExtra where a package for it is missing.
    """
    if location == "memory":
        return MemoryStore()
    if location and location.startswith(("redis://", "rediss://")):
        from contextprune.storage.redis import RedisStore  # noqa: PLC0415 - an extra

        return RedisStore(location)
    if location and "://" in location:
        kind = location.partition("://")[0]
        raise SettingsError(f"the store is 'memory', a path, redis://HOST:PORT or rediss://..., not {kind}://...")
    path = Path(location) if location else (folder or data_folder()) / "originals.sqlite3"
    return SQLiteStore(path, patience=patience)


def stored(store: Store, keys: Sequence[str]) -> Collection[str]:
    """Those of the keys under which an original may stand: all of them, where a store cannot tell at once."""
    return store.stored(keys) if keys and isinstance(store, Knowing) else keys


def is_marked(store: Store, text: str) -> bool:
    """Whether a text carries a marker of ours: one with a key that `store` knows. Raises StoreError.

    A text may quote thousands of keys that look alike, so all are asked for at once.
    """
    keys = list(dict.fromkeys(recall_keys(text)))
    return any(store.get(key) is not None for key in stored(store, keys))


def location_of(store: Store) -> str:
    """The path or the address at which a store keeps originals; the name of its class where it has neither."""
    return store.location if isinstance(store, Located) else type(store).__name__


class MemoryStore:
    """Originals for as long as the process lives, the least recently used of whoever holds the most given up first."""

    def __init__(self, secret: bytes = b"contextprune", max_bytes: int = 256 << 20) -> None:
        self._secret = secret
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._held: dict[str, dict[str, None]] = {}  # keys of each tenant, "" for nobody, in order of last use
        self._sizes: Counter[str] = Counter()  # bytes that each tenant holds

    def __getstate__(self) -> dict[str, Any]:
        """The originals go along to another process, which has no other way to them."""
        with self._lock:
            copies = {
                "_texts": dict(self._texts),
                "_owners": dict(self._owners),
                "_held": {tenant: dict(keys) for tenant, keys in self._held.items()},
                "_sizes": Counter(self._sizes),
            }
            return {key: value for key, value in vars(self).items() if key != "_lock"} | copies

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on with a lock of its own."""
        vars(self).update(state)
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> MemoryStore:
        """Itself: in a copy nobody would find what is stored later."""
        return self

    def key(self, text: str) -> str:
        """See `Store`."""
        return key_of(self._secret, text)

    def put(self, texts: Mapping[str, str]) -> None:
        """See `Store`; StoreError where the texts alone are larger than the store."""
        self.put_for("", texts)

    def put_for(self, tenant: str, texts: Mapping[str, str]) -> None:
        """See `Shared`."""
        if sum(map(bytes_of, texts.values())) > self._max_bytes:
            raise StoreError(f"the originals of one call exceed the {self._max_bytes:,} bytes of the memory store")
        with self._lock:
            for key, text in texts.items():
                if self._texts.get(key, text) != text:
                    raise StoreError(f"the key {key!r} already stands for another text")
            for key, text in texts.items():
                if key not in self._texts:
                    self._texts[key], self._owners[key] = text, tenant
                    self._sizes[tenant] += bytes_of(text)
                self._use(key)
            while self._sizes.total() > self._max_bytes:
                self._drop(self._next_to_go(texts))

    def _use(self, key: str) -> None:
        keys = self._held.setdefault(self._owners[key], {})
        keys.pop(key, None)
        keys[key] = None

    def _next_to_go(self, spared: Collection[str]) -> str:
        """The key of what whoever holds the most used least recently; none of those just written."""
        by_size = sorted(self._held, key=self._sizes.__getitem__, reverse=True)
        return next(key for tenant in by_size for key in self._held[tenant] if key not in spared)

    def _drop(self, key: str) -> None:
        tenant = self._owners.pop(key)
        self._sizes[tenant] -= bytes_of(self._texts.pop(key))
        del self._held[tenant][key]
        if not self._held[tenant]:
            del self._held[tenant], self._sizes[tenant]

    def stored(self, keys: Sequence[str]) -> Collection[str]:
        """See `Knowing`."""
        with self._lock:
            return [key for key in keys if key in self._texts]

    def get(self, key: str) -> str | None:
        """See `Store`."""
        with self._lock:
            text = self._texts.get(key)
            if text is not None:
                self._use(key)
            return text
