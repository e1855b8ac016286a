"""Originals in LangGraph's own store: where an agent's long-term memory is, on every host that shares it."""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import contextprune as cp
from langgraph.store.base import BaseStore, GetOp, PutOp

_ORIGINALS, _NOTES, _SECRETS = "originals", "notes", "secrets"
_SECRET = "key"  # noqa: S105 - the name of the item


class LangGraphStore:
    """Keeps originals, and what was decided, in a LangGraph `BaseStore`: give it to `Pruner(store=...)`.

    The methods block, and are called in threads: a store with an event loop of its own (`AsyncPostgresStore`) is to be
    reached from there. Nothing is indexed for search.

    Args:
        store: The store that the agent has, too (`create_agent(store=...)`).
        namespace: Under which originals stand. One namespace for each tenant keeps them apart.
        ttl: Minutes after which what is not used is forgotten, where the store can do that; None: never.
    """

    def __init__(
        self, store: BaseStore, namespace: tuple[str, ...] = ("contextprune",), *, ttl: float | None = None
    ) -> None:
        if not namespace:
            raise ValueError("a namespace has at least one part")
        self._store, self._namespace = store, tuple(namespace)
        self._ttl = ttl if ttl is not None and store.supports_ttl else None
        self._keys: cp.MemoryStore | None = None  # it makes keys alone, and holds nothing

    def key(self, text: str) -> str:
        """Make the key of a text, by a secret of the namespace; the first call reads or writes that."""
        if self._keys is None:
            self._keys = cp.MemoryStore(self._secret())
        return self._keys.key(text)

    def put(self, texts: Mapping[str, str]) -> None:
        """Keep each original under its key. Raises StoreError."""
        self._write(
            _ORIGINALS, {key: {"text": _encoded(text.encode("utf-8", "surrogatepass"))} for key, text in texts.items()}
        )

    def get(self, key: str) -> str | None:
        """Find the original under a key; None where there is none. Raises StoreError."""
        found = self._read(_ORIGINALS, [key]).get(key)
        return None if found is None else _decoded(found["text"]).decode("utf-8", "surrogatepass")

    def note(self, notes: Mapping[bytes, bytes]) -> None:
        """Keep decisions, so that another process sends the same. Raises StoreError."""
        self._write(_NOTES, {key.hex(): {"note": _encoded(value)} for key, value in notes.items()})

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Find the decisions that are known. Raises StoreError."""
        values = self._read(_NOTES, [key.hex() for key in keys])
        return {key: _decoded(values[key.hex()]["note"]) for key in keys if key.hex() in values}

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the maker of keys, which the secret in the store makes again."""
        return {**vars(self), "_keys": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> LangGraphStore:
        """Give the same one: the store behind it is shared."""
        return self

    def _secret(self) -> bytes:
        """The secret of the namespace. Of two processes that make one, the later one's counts for both from then on."""
        found = self._read(_SECRETS, [_SECRET])
        if not found:
            self._write(_SECRETS, {_SECRET: {"secret": secrets.token_hex(16)}}, lasting=True)
            found = self._read(_SECRETS, [_SECRET])
        return bytes.fromhex(found[_SECRET]["secret"])

    def _write(self, kind: str, values: Mapping[str, dict[str, Any]], *, lasting: bool = False) -> None:
        space, ttl = (*self._namespace, kind), None if lasting else self._ttl
        operations = [PutOp(space, key, value, index=False, ttl=ttl) for key, value in values.items()]
        try:
            if operations:
                self._store.batch(operations)
        except Exception as exc:
            raise cp.StoreError(f"the store of the graph cannot be written: {exc}") from exc

    def _read(self, kind: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        space = (*self._namespace, kind)
        try:
            items: list[Any] = self._store.batch([GetOp(space, key) for key in keys]) if keys else []
        except Exception as exc:
            raise cp.StoreError(f"the store of the graph cannot be read: {exc}") from exc
        return {key: dict(item.value) for key, item in zip(keys, items, strict=True) if item is not None}


def _encoded(data: bytes) -> str:
    """Bytes as a text that every database takes: Postgres takes no NUL in a text, and no lone surrogate."""
    return b64encode(data).decode("ascii")


def _decoded(text: str) -> bytes:
    return b64decode(text)
