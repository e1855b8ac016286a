"""Facts about the workbench."""

from __future__ import annotations

from pathlib import Path

from contextprune.training.executed.workbench import Workbench, names_this_machine, without_local_paths


def test_paths_and_addresses_are_neutral(bench: Workbench, tmp_path: Path) -> None:
    text = without_local_paths(f"{tmp_path}/a.py at 0x7f0011223344 and 0x7f0011223344", {str(tmp_path): "/repo"})
    assert text.startswith("/repo/a.py at 0x7f3a")
    assert len(set(text.split()[2::2])) == 1
    assert names_this_machine(str(bench.folder / "a"), bench.folder)


def test_a_command_sees_a_fixed_environment(bench: Workbench) -> None:
    assert bench.run(["sh", "-c", "pwd; echo $TZ"], bench.fresh_folder(), "/app") == "/app\nUTC"
