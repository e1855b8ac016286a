from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.cli.app import main


def test_the_help_shows_defaults_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "contextprune train DATA --out runs/one" in text
    assert "[default: 0,1,2]" in text


def test_data_that_is_not_there_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path / "nothing"), "--out", str(tmp_path / "out")]) == 1
    assert "is not a folder with a data kit" in " ".join(capsys.readouterr().err.split())


def test_a_number_of_steps_that_cannot_be_is_refused_in_a_plain_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(tmp_path), "--out", str(tmp_path / "out"), "--steps", "0"]) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert "Invalid value for '--steps': '0' is not a whole number of at least 1" in message
