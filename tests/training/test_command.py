from __future__ import annotations

from pathlib import Path

import pytest
import typer

from contextprune.cli.app import main
from contextprune.training.command import layers_of


def test_the_help_shows_defaults_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "contextprune train DATA --out runs/one" in text
    assert "[default: 0,1,2]" in text


def test_data_that_is_not_there_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path / "nothing"), "--out", str(tmp_path / "out")]) == 1
    assert "is not a folder with a data kit" in " ".join(capsys.readouterr().err.split())


def test_layers_are_numbers_and_none_is_the_control() -> None:
    assert layers_of("0, 2,5") == (0, 2, 5)
    assert layers_of("") == ()


def test_layers_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(typer.BadParameter, match="numbers with commas between"):
        layers_of("first")
