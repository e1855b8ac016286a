from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.errors import SettingsError
from contextprune.training.run import Options, minilm, run


def test_a_folder_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    options = Options(tmp_path / "nothing", tmp_path / "out", None, (0, 1, 2), 10, None, 0, None, 20)
    with pytest.raises(SettingsError, match="is not a folder with a data kit"):
        run(options, lambda _: None)


def test_the_pretrained_weights_are_those_that_everyone_pins() -> None:
    assert (minilm() / "tokenizer.json").is_file()
