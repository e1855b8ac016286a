"""The lexical scorer and a store in memory, in this process and in those that it starts: fast, nothing on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("CONTEXTPRUNE_SCORER", "lexical")
os.environ["CONTEXTPRUNE_STORE"] = "memory"

_HOMES = ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


@pytest.fixture(scope="session", autouse=True)
def nothing_is_written_at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty home for all tests, and for what they start; it is empty at the end."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in _HOMES:
            patch.setenv(name, str(home))
        yield
    assert [str(path.relative_to(home)) for path in home.rglob("*")] == []
