from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.errors import SettingsError
from contextprune.training.finetune.recorded import write_halves
from contextprune.training.samples import read_samples
from tests.training.finetune.recordings import write_sessions


def test_a_fifth_of_the_files_is_held_out_whole(tmp_path: Path) -> None:
    lines: list[str] = []
    halves = write_halves([str(write_sessions(tmp_path / "logs", 10))], tmp_path / "out", lines.append)
    train, dev = (list(read_samples(path)) for path in (halves.train, halves.dev))
    assert len(halves.held_out) == 2
    assert {sample.groups[0] for sample in dev} == {recording.name for recording in halves.held_out}
    assert not {sample.groups for sample in train} & {sample.groups for sample in dev}
    assert lines[0] == "10 of 10 files read, 10 of them with something that was used later"


def test_what_the_edit_quotes_is_needed(tmp_path: Path) -> None:
    halves = write_halves([str(write_sessions(tmp_path / "logs", 6))], tmp_path / "out", lambda _: None)
    views = [sample for sample in read_samples(halves.train) if sample.kind == "view:read_file"]
    assert views
    for sample in views:
        texts = [sample.context.segments[n.segment].text[n.start : n.end] for n in sample.needs]
        assert any("return ship.length" in text for text in texts)


def test_files_that_hold_no_session_are_left_out(tmp_path: Path) -> None:
    folder = write_sessions(tmp_path / "logs", 5)
    (folder / "notes.json").write_text('{"a": 1}')
    (folder / "torn.jsonl").write_text('{"a": ')
    assert write_halves([str(folder)], tmp_path / "out", lambda _: None).held_out


def test_too_few_sessions_are_an_error_that_says_how_many_are_needed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"4 of 4 files have tool results .* training needs 5 at least"):
        write_halves([str(write_sessions(tmp_path / "logs", 4))], tmp_path / "out", lambda _: None)
