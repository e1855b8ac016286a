"""One tiny training set for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.tiny import folders


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """(groups to train on, groups to judge by, the BERT)."""
    return folders(tmp_path_factory.mktemp("tiny"))
