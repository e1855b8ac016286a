from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from contextprune.errors import ScorerError
from contextprune.scoring.features import FEATURES_VERSION
from contextprune.scoring.folder import read_folder, write_manifest
from contextprune.scoring.load import SHIPPED, WEIGHTS

SHAPE = {"vocab": 4, "width": 8}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a scorer as far as nothing but their bytes counts."""
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "tokenizer.json").write_text("words")
    (tmp_path / "calibration.json").write_text('{"all": {}}')
    write_manifest(tmp_path, "tiny.v1", SHAPE)
    return tmp_path


def change_manifest(folder: Path, **changes: Any) -> None:
    """Write `scorer.json` with some keys changed; those that are None are left out."""
    manifest = json.loads((folder / "scorer.json").read_text()) | changes
    (folder / "scorer.json").write_text(
        json.dumps({key: value for key, value in manifest.items() if value is not None})
    )


def test_what_was_written_is_read(folder: Path) -> None:
    files = read_folder(folder)
    assert files.name.startswith("tiny.v1.")
    assert (files.shape, files.weights, files.tokenizer, files.calibration) == (SHAPE, b"weights", "words", {"all": {}})


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "calibration.json"])
def test_a_file_that_changed_is_refused(folder: Path, file: str) -> None:
    with (folder / file).open("ab") as opened:
        opened.write(b" ")
    with pytest.raises(ScorerError, match=rf"{file} is not the file that scorer\.json names"):
        read_folder(folder)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "calibration.json"])
def test_a_file_that_changed_together_with_its_manifest_is_refused_where_it_is_pinned(folder: Path, file: str) -> None:
    pinned = {name: sha256((folder / name).read_bytes()).hexdigest() for name in SHIPPED}
    (folder / file).write_text('{"all": {"planted": 1}}')
    write_manifest(folder, "tiny.v1", SHAPE)
    read_folder(folder)
    with pytest.raises(ScorerError, match=f"{file} is not the file that this release ships"):
        read_folder(folder, pinned)


def test_the_code_pins_the_files_that_are_shipped() -> None:
    assert read_folder(WEIGHTS, SHIPPED).name.startswith("neural.v2.")
    assert {name: sha256((WEIGHTS / name).read_bytes()).hexdigest() for name in SHIPPED} == dict(SHIPPED)


@pytest.mark.parametrize("file", ["scorer.json", "model.safetensors", "tokenizer.json", "calibration.json"])
def test_a_file_that_is_missing_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ScorerError, match=f"{file} cannot be read"):
        read_folder(folder)


def test_features_of_another_version_are_refused_with_what_to_do(folder: Path) -> None:
    change_manifest(folder, features=FEATURES_VERSION + 1)
    with pytest.raises(
        ScorerError, match=rf"version {FEATURES_VERSION + 1}, .* version {FEATURES_VERSION}: train it anew"
    ):
        read_folder(folder)


def test_a_folder_from_before_versions_were_written_has_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_manifest(folder, features=None)
    monkeypatch.setattr("contextprune.scoring.folder.FEATURES_VERSION", 1)
    assert read_folder(folder).shape == SHAPE
    monkeypatch.setattr("contextprune.scoring.folder.FEATURES_VERSION", 2)
    with pytest.raises(ScorerError, match="features of version 1,"):
        read_folder(folder)


def test_a_folder_from_before_all_files_were_hashed_is_read(folder: Path) -> None:
    change_manifest(folder, files=None)
    (folder / "calibration.json").write_text("{}")
    assert read_folder(folder).calibration == {}


@pytest.mark.parametrize("key", ["name", "sha256", "shape"])
def test_a_manifest_that_lacks_something_says_what(folder: Path, key: str) -> None:
    change_manifest(folder, **{key: None})
    with pytest.raises(ScorerError, match=f"lacks '{key}'"):
        read_folder(folder)


@pytest.mark.parametrize("text", ["[]", "no JSON", "3"])
def test_a_manifest_that_is_no_object_is_refused(folder: Path, text: str) -> None:
    (folder / "scorer.json").write_text(text)
    with pytest.raises(ScorerError, match=r"scorer\.json (is not JSON|holds no JSON object)"):
        read_folder(folder)


@pytest.mark.parametrize(("kind", "words"), [(None, "the first kind"), ("spans.v9", "the kind 'spans.v9'")])
def test_a_network_of_another_kind_is_refused_with_what_to_do(folder: Path, kind: str | None, words: str) -> None:
    change_manifest(folder, network=kind)
    with pytest.raises(ScorerError, match=rf"{words}, .* train it anew with this one \(contextprune train\)"):
        read_folder(folder)
