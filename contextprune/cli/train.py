"""`contextprune train`: its options. The workshop itself is loaded only where it runs, not for the help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contextprune.cli.values import number, option, whole_number
from contextprune.errors import SettingsError
from contextprune.training.run import SAMPLES_OF_TOOLS

if TYPE_CHECKING:
    from rich.console import Console

    from contextprune.training.finetune.compare import InSight
    from contextprune.training.finetune.run import Comparison


def train(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Session files and folders of them; or the folder of one data kit."),
    ],
    out: Annotated[Path, option("DIR", "Folder of the run; the scorer is in its folder scorer.")],
    minutes: Annotated[
        float | None, option("N", "Minutes of training.  [12 on sessions, 90 on a kit]", number(0))
    ] = None,
    start: Annotated[
        Path | None, option("DIR", "On a kit: the scorer to go on from.  [a table made of all-MiniLM-L6-v2]")
    ] = None,
    seed: Annotated[int, option("N", "Seed of all random draws.", whole_number())] = 0,
    processes: Annotated[
        int | None, option("N", "Processes.  [1 on a GPU, else one for each core]", whole_number(1))
    ] = None,
    tools: Annotated[
        int, option("N", "On a kit: samples of tools that are run on the spot.", whole_number(0))
    ] = SAMPLES_OF_TOOLS,
) -> None:
    """Train the scorer on your own sessions, or a new one on a data kit.

    Sessions are read as by `contextprune audit`. The shipped weights learn what later calls used of earlier results; a
    fifth of the files is held out, and what stays in sight there is printed for both scorers. Nothing leaves this
    machine. After Ctrl-C the same command goes on from the last checkpoint.

    \b
    Examples:
      contextprune train ~/.claude/projects --out my-scorer
      contextprune train ~/.claude/projects ~/.codex/sessions --out my-scorer --minutes 5
      contextprune train DATA --out runs/one
      contextprune train DATA --out runs/more --start runs/one/scorer --minutes 30
    """  # noqa: D301 - \b is click's mark for lines that are not to be refilled
    from rich.console import Console  # noqa: PLC0415 - `--help` does without

    _train(paths, out, minutes, start, seed, processes, tools, Console(stderr=True))


def _train(
    paths: list[str], out: Path, minutes: float | None, start: Path | None, seed: int, processes: int | None,
    tools: int, console: Console,
) -> None:  # fmt: skip
    """Train, with a line on standard error for each step, and one on how to go on after Ctrl-C."""
    from contextprune.training import run as kit  # noqa: PLC0415 - as above
    from contextprune.training.finetune import run as sessions  # noqa: PLC0415 - as above

    def report(line: str) -> None:
        console.print(line, highlight=False)

    of_kit = any(kit.is_kit(Path(path)) for path in paths)
    if of_kit and len(paths) > 1:
        raise SettingsError("a data kit is trained on by itself: give its folder alone")
    if start is not None and not of_kit:
        raise SettingsError("--start is for data kits: on sessions, training goes on from the shipped weights")
    try:
        if of_kit:
            time = kit.MINUTES if minutes is None else minutes
            kit.run(kit.Options(Path(paths[0]), out, start, time, seed, processes, tools), report)
        else:
            time = sessions.MINUTES if minutes is None else minutes
            comparison = sessions.run(sessions.Options(paths, out, time, processes, seed), report)
            _show(comparison, (out / "scorer").absolute())
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from the last checkpoint")
        raise


def _show(comparison: Comparison, scorer: Path) -> None:
    """Print what stays in sight with both scorers, and how to use the new one."""
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(title="in sight of what was used later, in sessions held out", title_justify="left")
    for heading in ("", "shipped scorer", "new scorer"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, row in _ROWS.items():
        table.add_row(name, row(comparison.shipped), row(comparison.tuned))
    console = Console()
    console.print(table)

    points, sessions = comparison.points, comparison.sessions
    console.print(f"{points} points of {sessions} sessions at which results are cut to a share of their tokens")
    if comparison.is_better:
        setting = f'scorer = "{scorer.as_posix()}"'
        console.print(f"To use the new scorer everywhere, put this into your settings: {setting}", soft_wrap=True)
    else:
        console.print(
            "The new scorer keeps no more than the shipped one here: stay with that one, or train on more sessions",
            soft_wrap=True,
        )


_ROWS: Mapping[str, Callable[[InSight], str]] = {
    "edits, all lines that they quote": lambda sight: f"{sight.edits} of {sight.edits_used}",
    "values of later calls": lambda sight: f"{sight.values} of {sight.values_used}",
    "lines of later calls": lambda sight: f"{sight.lines} of {sight.lines_used}",
    "tokens of the results left": lambda sight: f"{sight.share:.1%}",
}
