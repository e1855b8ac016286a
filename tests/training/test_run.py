from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.training.run import main, minilm


def test_a_folder_that_is_not_there_is_an_error_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nothing"), "--out", str(tmp_path / "out")]) == 2
    assert "is not a folder with a data kit" in " ".join(capsys.readouterr().err.split())


def test_the_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "contextprune train DATA --out" in capsys.readouterr().out


def test_the_pretrained_weights_are_those_that_everyone_pins() -> None:
    assert (minilm() / "tokenizer.json").is_file()
