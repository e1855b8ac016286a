"""Facts about the files of coding samples: repositories apart, parts of a set together."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from contextprune.training.labels.sessions import session_files, write_sessions
from contextprune.training.mix import HELD_OUT_REPOSITORIES
from contextprune.training.samples import read_samples
from tests.training.labels.test_coding import EDIT, READ, session


def kit(folder: Path) -> Path:
    held_out = min(HELD_OUT_REPOSITORIES)
    for name, repositories in (
        ("gatomia", [held_out]),
        ("entire_cli", ["a/one"]),
        ("entire_cli_2", ["a/two", "a/three"]),
    ):
        raws = [
            {**session(READ, EDIT, READ, EDIT), "id": f"{name}{i}", "meta": {"repo": repository}}
            for i, repository in enumerate(repositories)
        ]
        with gzip.open(folder / f"traj_{name}.jsonl.gz", "wt") as lines:
            lines.write("".join(json.dumps(raw) + "\n" for raw in raws))
    return folder


def test_a_set_goes_on_in_its_second_file(tmp_path: Path) -> None:
    files = [(path.name, name) for path, name in session_files(kit(tmp_path))]
    assert files[:2] == [("traj_entire_cli.jsonl.gz", "entire_cli"), ("traj_entire_cli_2.jsonl.gz", "entire_cli")]


def test_held_out_repositories_are_in_the_dev_file_alone(tmp_path: Path) -> None:
    write_sessions(kit(tmp_path), tmp_path / "out")
    groups = {
        half: {sample.groups[0] for sample in read_samples(tmp_path / "out" / f"coding_{half}.jsonl.gz")}
        for half in ("train", "dev")
    }
    assert groups["train"] == {"a/one", "a/two", "a/three"}
    assert groups["dev"] == {min(HELD_OUT_REPOSITORIES)}


def test_the_same_files_come_out_again_from_the_pieces(tmp_path: Path) -> None:
    counts = write_sessions(kit(tmp_path), tmp_path / "out")
    for path in tmp_path.glob("traj_*"):
        path.write_bytes(gzip.compress(b""))
    assert write_sessions(tmp_path, tmp_path / "out") == counts
