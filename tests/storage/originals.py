"""Originals for tests of stores."""

from __future__ import annotations

from contextprune.storage.store import Store


def keep(store: Store, text: str) -> str:
    """Put a text into a store; its key."""
    key = store.key(text)
    store.put({key: text})
    return key
