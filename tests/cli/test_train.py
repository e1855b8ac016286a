from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.cli.app import main
from contextprune.cli.train import _show
from contextprune.training.finetune.compare import InSight
from contextprune.training.finetune.run import Comparison


def test_the_help_shows_defaults_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "contextprune train ~/.claude/projects --out my-scorer" in text
    assert "[default: 24000]" in text


def test_sessions_that_are_not_there_are_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path / "nothing"), "--out", str(tmp_path / "out")]) == 1
    assert "cannot be read: No such file or directory" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_a_kit_beside_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "qa_mine.jsonl.gz").touch()
    assert main(["train", str(tmp_path), str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "give its folder alone" in " ".join(capsys.readouterr().err.split())


def test_sessions_start_from_the_shipped_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path), "--out", str(tmp_path / "out"), "--start", str(tmp_path)]) == 1
    assert "--start is for data kits" in " ".join(capsys.readouterr().err.split())


def test_a_number_that_cannot_be_is_refused_in_a_plain_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(tmp_path), "--out", str(tmp_path / "out"), "--processes", "0"]) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert "Invalid value for '--processes': '0' is not a whole number of at least 1" in message


@pytest.mark.parametrize(("lines", "words"), [(9, 'scorer = "/runs/mine/scorer"'), (4, "stay with that one")])
def test_the_figures_end_in_what_to_do(lines: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = (InSight(5, 6, kept, 10, 2, 3, 1000, 300) for kept in (4, lines))
    _show(Comparison(3, 2, before, after), Path("/runs/mine/scorer"))
    printed = capsys.readouterr().out
    assert words in printed
    assert "2 of 3" in printed
    assert "30.0%" in printed
