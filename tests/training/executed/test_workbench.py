"""Facts about the workbench."""

from __future__ import annotations

from pathlib import Path

from contextprune.training.executed.workbench import Bench, neutral, tells


def test_paths_and_addresses_are_neutral(bench: Bench, tmp_path: Path) -> None:
    text = neutral(f"{tmp_path}/a.py at 0x7f0011223344 and 0x7f0011223344", {str(tmp_path): "/repo"})
    assert text.startswith("/repo/a.py at 0x7f3a")
    assert len(set(text.split()[2::2])) == 1
    assert tells(str(bench.folder / "a"), bench.folder)


def test_a_command_sees_a_fixed_environment(bench: Bench) -> None:
    assert bench.run(["sh", "-c", "pwd; echo $TZ"], bench.place(), "/app") == "/app\nUTC"
