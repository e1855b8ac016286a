"""A folder of documents, read for a question."""

from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.cli.folder import compress_folder
from contextprune.errors import ContextPruneError
from contextprune.policy import Budget
from tests.strategies import pruner

FILLER = "The weather was fine on that day. Nobody remarked on it in the minutes of the meeting. "


def silent(_: str) -> None:
    return None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "keys.md").write_text(FILLER * 9 + "Keys are rotated on the first of May. " + FILLER * 9)
    (tmp_path / "other.txt").write_text(FILLER * 12)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    (tmp_path / ".hidden.md").write_text("Keys are rotated in secret.")
    return tmp_path


def test_the_documents_that_have_something_stand_under_their_names(folder: Path) -> None:
    query = "When are keys rotated?"
    compressed, texts = compress_folder(str(folder), Budget(tokens=60), query, pruner(), silent)
    assert "==> guide/keys.md <==\n" in compressed.text
    assert "Keys are rotated on the first of May." in compressed.text
    assert "secret" not in compressed.text
    assert len(texts) == 2


def test_a_folder_without_a_question_says_what_to_add(folder: Path) -> None:
    with pytest.raises(ContextPruneError, match="add --query"):
        compress_folder(str(folder), None, None, pruner(), silent)


def test_a_folder_without_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContextPruneError, match="no text files"):
        compress_folder(str(tmp_path), None, "why?", pruner(), silent)
