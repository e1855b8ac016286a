from __future__ import annotations

import os
from pathlib import Path

import pytest

from contextprune.audit.find import find
from contextprune.errors import ContextPruneError


def touched(path: Path, time: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"{}")
    os.utime(path, (time, time))
    return path


def test_files_of_folders_come_newest_first(tmp_path: Path) -> None:
    for name, time in (("a.json", 10.0), ("sub/b.jsonl", 30.0), ("sub/deep/c.ndjson", 20.0)):
        touched(tmp_path / name, time)
    files, skipped = find([str(tmp_path)])
    assert [file.name for file in files] == ["sub/b.jsonl", "sub/deep/c.ndjson", "a.json"]
    assert skipped == []


def test_other_files_of_a_folder_are_left_out_with_a_reason(tmp_path: Path) -> None:
    touched(tmp_path / "notes.md", 1.0)
    files, skipped = find([str(tmp_path)])
    assert files == []
    assert [tuple(each)[:2] for each in skipped] == [("notes.md", "neither .json nor .jsonl")]


def test_a_file_named_by_itself_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    path = touched(tmp_path / "trace.log", 1.0)
    assert [file.path for file in find([str(path)])[0]] == [path]


def test_a_file_named_twice_is_taken_once(tmp_path: Path) -> None:
    path = touched(tmp_path / "a.json", 1.0)
    (tmp_path / "link.json").symlink_to(path)
    assert len(find([str(tmp_path), str(path)])[0]) == 1


def test_what_was_written_before_is_left_out(tmp_path: Path) -> None:
    touched(tmp_path / "old.json", 10.0)
    touched(tmp_path / "new.json", 30.0)
    files, skipped = find([str(tmp_path)], since=20.0)
    assert [file.name for file in files] == ["new.json"]
    assert skipped[0].reason == "older than asked for"


def test_a_link_that_leads_nowhere_and_a_pipe_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.json")
    files, skipped = find([str(tmp_path)])
    assert files == []
    assert {each.name: each.reason for each in skipped} == {
        "gone.json": "cannot be read: No such file or directory",
        "pipe.json": "no regular file",
    }


@pytest.mark.parametrize("path", ["missing", "a\0b"])
def test_a_path_that_leads_nowhere_is_an_error(path: str) -> None:
    with pytest.raises(ContextPruneError, match="cannot be read"):
        find([path])
