"""Stores for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore, Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "originals.sqlite3"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    opened = SQLiteStore(path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SQLiteStore]:
    opened = SQLiteStore(tmp_path_factory.mktemp("shared") / "originals.sqlite3")
    opened.key("")
    yield opened
    opened.close()
