from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.errors import SettingsError
from contextprune.training import run as making
from contextprune.training.run import DEFAULT_MAX_SAMPLES, Options, drawn, is_kit, minilm, run
from contextprune.training.samples import write_samples
from tests.training.tiny import samples


def test_a_folder_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not a folder with a data kit"):
        run(Options(tmp_path / "nothing", tmp_path / "out"), lambda _: None)


def test_the_pretrained_weights_are_those_that_everyone_pins() -> None:
    assert (minilm() / "tokenizer.json").is_file()


def test_a_kit_is_told_by_its_files(tmp_path: Path) -> None:
    assert not is_kit(tmp_path)
    assert not is_kit(tmp_path / "nothing")
    (tmp_path / "qa_mine.jsonl.gz").touch()
    assert is_kit(tmp_path)


def test_a_source_is_thinned_to_what_is_wanted_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "all.jsonl.gz"
    write_samples(path, samples(80))
    assert 25 <= len(list(drawn(path, 40))) <= 55
    assert [sample.id for sample in drawn(path, 40)] == [sample.id for sample in drawn(path, 40)]
    assert len(list(drawn(path, None))) == 80
    monkeypatch.setattr(making, "MAX_SAMPLES", {"small": 20})
    assert 8 <= len(list(drawn(path, DEFAULT_MAX_SAMPLES))) <= 35
