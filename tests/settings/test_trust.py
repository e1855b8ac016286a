"""Whose configuration files are read: owner, mode, and what is no file at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from contextprune.cli.doctor import canary
from contextprune.errors import SettingsError
from contextprune.policy import Policy, Rule
from contextprune.settings import Settings, load_settings, resolve_settings
from contextprune.settings.trust import FROM_A_PROJECT, find_sources, limit

NOBODY = 65_534
ROOT = Path(__file__).parents[2]

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owner and mode here")
root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The user's own file."""
    file = tmp_path / "home" / "contextprune.toml"
    file.parent.mkdir()
    file.write_text("recall = 0.5\n")
    file.chmod(0o644)
    return file


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's file."""
    file = tmp_path / "project" / "contextprune.toml"
    file.parent.mkdir()
    file.write_text("recall = 0.99\n")
    file.chmod(0o644)
    return file


def test_a_project_has_a_say_in_nothing_else_than_this() -> None:
    assert set(FROM_A_PROJECT) == {
        "recall", "min_tokens", "recent_turns", "window", "high_water", "images", "exclude_tools", "tools", "epochs",
        "images_on_arrival", "shorten_views", "repetitions_only",
    }  # fmt: skip
    assert set(FROM_A_PROJECT) < {field.name for field in fields(Policy)}
    assert set(FROM_A_PROJECT).isdisjoint(field.name for field in fields(Settings))


def test_the_reference_names_what_a_project_may_set_and_no_more() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    section = page.split("## What a project may set")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")][1:]
    assert {name.strip() for row in rows for name in row.split(",")} == set(FROM_A_PROJECT)


def test_a_field_that_nobody_has_thought_about_is_the_users_alone() -> None:
    assert limit(Policy(), {"low_water": 0.6, "invented": 1}) == ({}, ("low_water", "invented"))


@posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_a_project_is_read_with_the_modes_that_git_gives_its_files(project: Path, mode: int) -> None:
    project.chmod(mode)
    assert find_sources(project.parent, None).project is not None


@posix
def test_a_project_that_everybody_may_write_to_is_ignored_with_a_sentence(project: Path) -> None:
    project.chmod(0o646)
    resolved = resolve_settings(project.parent, {})
    assert resolved.settings == Settings()
    assert resolved.notice == f"contextprune: {project} is ignored: others may write to it (mode 0646)"


@root
def test_a_project_of_somebody_else_is_ignored_with_a_sentence(project: Path) -> None:
    os.chown(project, NOBODY, -1)
    sources = find_sources(project.parent / "below", None)
    assert sources.project is None
    assert sources.refusal == f"contextprune: {project} is ignored: it belongs to another user (uid {NOBODY})"


@root
def test_a_file_of_somebody_else_that_has_no_table_of_ours_is_not_mentioned(project: Path) -> None:
    file = project.parent / "inner" / "pyproject.toml"
    file.parent.mkdir()
    file.write_text("[project]\ndependencies = ['contextprune-ai']\n")
    os.chown(file, NOBODY, -1)
    sources = find_sources(file.parent, None)
    assert sources.refusal == ""
    assert sources.project is not None
    assert sources.project.path == project


@root
def test_the_users_own_file_belongs_to_the_user(home: Path, tmp_path: Path) -> None:
    os.chown(home, NOBODY, -1)
    with pytest.raises(SettingsError, match=r"another user .uid 65534.*copy it to a file of yours"):
        find_sources(tmp_path, home)


@root
@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_nobody_else_may_write_to_the_users_own_file(home: Path, tmp_path: Path, mode: int) -> None:
    os.chown(home, -1, NOBODY)
    home.chmod(mode)
    with pytest.raises(SettingsError, match=rf"mode {mode:04o}.*chmod go-w '.*contextprune.toml'"):
        find_sources(tmp_path, home)
    with pytest.raises(SettingsError, match="chmod go-w"):
        load_settings(tmp_path, {}, home)


@root
def test_the_users_own_group_without_other_members_is_the_user(home: Path, tmp_path: Path) -> None:
    home.chmod(0o664)  # as a umask of 002 has it, with the group that bears the user's name
    assert find_sources(tmp_path, home).user is not None


@posix
def test_a_link_to_a_file_of_ones_own_is_followed(home: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(home)
    source = find_sources(tmp_path, link).user
    assert source is not None
    assert source.table == {"recall": 0.5}


@posix
def test_a_pipe_or_a_device_in_place_of_a_file_holds_nobody_up(project: Path, home: Path) -> None:
    project.unlink()
    os.mkfifo(project)
    assert find_sources(project.parent, None).refusal.endswith("it is not a regular file")
    home.unlink()
    home.symlink_to("/dev/zero")
    with pytest.raises(SettingsError, match="not a regular file"):
        find_sources(project.parent, home)


def test_a_folder_in_place_of_a_file_is_no_file(project: Path, home: Path) -> None:
    for path in (project, home):
        path.unlink()
        path.mkdir()
    sources = find_sources(project.parent, home)
    assert (sources.user, sources.project, sources.refusal) == (None, None, "")


def test_a_user_without_a_file_of_their_own_has_none(tmp_path: Path) -> None:
    assert find_sources(tmp_path, tmp_path / "absent" / "contextprune.toml").user is None


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that asks for what it may not have, with a session to compress."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        "[tool.contextprune]\nstore = './stolen.sqlite3'\nscorer = './model'\nprotect = ['tools']\nrecall = 0.1\n"
        "[tool.contextprune.serve]\ntoken = 'known'\n"
    )
    (folder / "session.json").write_text(json.dumps(canary()))
    (folder / "sessions.jsonl").write_text(f"{json.dumps(canary())}\n{json.dumps(canary())}\n")
    return folder


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["-m", "contextprune", "compress", "session.json", "-o", "out.json"], 0),
        (["-m", "contextprune", "compress", "sessions.jsonl", "-o", "out.jsonl"], 0),
        (["-m", "contextprune", "audit", "session.json"], 0),
        (["-m", "contextprune", "recall", "2gk5hq3m7xvo"], 1),
        (["-m", "contextprune", "mcp"], 0),
        (["-m", "contextprune", "doctor"], 0),
        (["-W", "error", "-c", "import contextprune as cp; [cp.Pruner() for _ in range(3)]"], 0),
    ],
    ids=["compress", "batch", "audit", "recall", "mcp", "doctor", "library"],
)
def test_no_door_gives_a_repository_what_it_asks_for(repository: Path, command: list[str], status: int) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(repository.parent / "data")}
    environ = {name: value for name, value in environ.items() if name != "CONTEXTPRUNE_STORE"} | {
        "CONTEXTPRUNE_DEVICE": "cpu", "CONTEXTPRUNE_SCORER": "lexical",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-P", *command],
        cwd=repository, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert done.stderr.count("Ignored: store, scorer, protect, serve.token, recall. ") == 1, done.stderr
    assert not (repository / "stolen.sqlite3").exists()


@pytest.mark.parametrize(("user", "wish", "ignored"), [(False, True, ()), (True, False, ("repetitions_only",))])
def test_a_project_may_ask_for_repetitions_only_and_not_for_more(
    user: bool, wish: bool, ignored: tuple[str, ...]
) -> None:
    asked = limit(Policy(repetitions_only=user), {"repetitions_only": wish})
    assert asked == ({"repetitions_only": True}, ignored)


def test_a_project_may_not_say_how_much_of_a_result_stays_at_most() -> None:
    allowed, ignored = limit(Policy(), {"tools": {"bash": Rule(recall=1.0, max_tokens=10)}})
    assert (allowed["tools"], ignored) == ({"bash": Rule(recall=1.0)}, ("tools.bash.max_tokens",))
