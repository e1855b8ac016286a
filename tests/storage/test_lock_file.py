"""The lock file: free again whatever becomes of its holder, and nothing of another user is taken for a store."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from contextprune.errors import StoreError
from contextprune.storage.lock_file import locked
from contextprune.storage.sqlite import Patience, SQLiteStore


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such permissions")
def test_a_file_that_others_may_write_to_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    path.chmod(0o666)
    with pytest.raises(StoreError, match="other users may write"):
        SQLiteStore(path).put({"k": "text"})


def test_a_process_killed_while_it_holds_the_lock_file_leaves_it_free(path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from contextprune.storage.lock_file import locked
with locked(Path(sys.argv[1]), 5.0):
    print(flush=True)
    time.sleep(60)
"""
    path.parent.mkdir()
    lock = path.with_name(path.name + ".lock")
    with subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StoreError, match="locked by another process"):
            SQLiteStore(path, patience=Patience(0.05)).key("text")
        holder.send_signal(signal.SIGKILL)
    assert SQLiteStore(path, patience=Patience(0.05)).key("text")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such permissions")
def test_a_lock_file_is_made_readable_by_its_owner_alone(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    lock.chmod(0o666)
    with locked(lock, 1.0) as descriptor:
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.touch(mode=0o600)
    os.chown(path, 12345, 12345)
    with pytest.raises(StoreError, match="belongs to another user"):
        SQLiteStore(path).put({"k": "text"})


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a link away")
@pytest.mark.parametrize("planted", ["store/originals.sqlite3", "store"])
def test_a_link_of_another_user_is_refused(tmp_path: Path, planted: str) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    link = tmp_path / planted
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target if planted == "store" else target / "originals.sqlite3")
    SQLiteStore(tmp_path / "store" / "originals.sqlite3").put({"k": "text"})
    os.lchown(link, 12345, 12345)
    with pytest.raises(StoreError, match="symbolic link of another user"):
        SQLiteStore(tmp_path / "store" / "originals.sqlite3")
