"""Fine-tuning in steps: samples, examples, training from the shipped weights, curves, and what it is worth.

A step whose result stands in the folder is skipped, so the same command goes on after Ctrl-C.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from contextprune.errors import SettingsError
from contextprune.scoring.calibration import Calibration
from contextprune.scoring.folder import TOKENIZER, WEIGHTS, read_folder
from contextprune.scoring.load import SHIPPED, load_scorer
from contextprune.scoring.load import WEIGHTS as SHIPPED_FOLDER
from contextprune.training.finetune.compare import InSight, measure, points_of
from contextprune.training.finetune.recorded import write_halves
from contextprune.training.run import processes_or_default, require_packages

RATE = 4e-4  # highest learning rate: a fifth of that from scratch, so that what the weights know stays
PIECES = 4000  # of a step
MINUTES = 12.0
RUN = "run.json"
NAME = "own.v2"
JUDGED = 150  # samples that weights are chosen by

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a run.

    paths      files and folders with sessions, as `contextprune audit` reads them
    minutes    of training; reading, curves and the comparison come on top
    processes  None: one on a GPU, else one for each core
    """

    paths: Sequence[str]
    out: Path
    minutes: float = MINUTES
    processes: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What stays in sight on held-out sessions with the shipped scorer and with the new one."""

    points: int
    sessions: int
    shipped: InSight
    tuned: InSight

    @property
    def is_better(self) -> bool:
        """Whether the new one loses no edit that the shipped one kept, and more stays in sight in all."""
        more = self.tuned.values + self.tuned.lines > self.shipped.values + self.shipped.lines
        return self.tuned.edits >= self.shipped.edits and (more or self.tuned.edits > self.shipped.edits)


def run(options: Options, report: Report) -> Comparison:
    """Make a scorer in `options.out / "scorer"`, and compare it with the shipped one.

    Raises SettingsError where the shipped weights are not there, or too few sessions are.
    """
    require_packages()
    from contextprune.training.network.finish import finish  # noqa: PLC0415 - torch takes seconds
    from contextprune.training.network.learn import Recipe, learn  # noqa: PLC0415 - as above

    if not (SHIPPED_FOLDER / WEIGHTS).exists():
        raise SettingsError("this installation has no weights to start from: install contextprune-ai anew")
    out, processes = options.out, processes_or_default(options.processes)
    settings = json.dumps({"sessions": sorted(map(str, options.paths)), "seed": options.seed})
    _check_same_run(options, settings)
    report("1 of 4: what was used later in your sessions")
    halves = write_halves(options.paths, out / "samples", report)
    (out / RUN).write_text(settings, encoding="utf-8")
    tokenizer = SHIPPED_FOLDER / TOKENIZER
    train, dev = (_examples(path, out, tokenizer, processes, report) for path in (halves.train, halves.dev))

    report(f"2 of 4: training for {options.minutes:g} minutes")
    recipe = Recipe(
        minutes=options.minutes, pieces=PIECES, rate=RATE, judged=JUDGED, seed=options.seed, processes=processes
    )
    learn([train], [dev], SHIPPED_FOLDER / WEIGHTS, out / "network", recipe, report)

    report("3 of 4: how sure the new scorer may be")
    shipped = Calibration.of(read_folder(SHIPPED_FOLDER, SHIPPED).calibration)
    finish(out / "network" / "best.safetensors", tokenizer, [halves.dev], out / "scorer", report, shipped, NAME)

    report("4 of 4: held-out sessions with the shipped scorer and with the new one")
    points = points_of(halves.held_out)
    before, after = (
        measure(points, load_scorer(name), lambda number: report(f"{number} of {len(points)} points"))
        for name in ("neural", str(out / "scorer"))
    )
    return Comparison(len(points), len(halves.held_out), before, after)


def _check_same_run(options: Options, settings: str) -> None:
    """Raise SettingsError where the folder holds a run on other sessions, whose results would count for this one."""
    path = options.out / RUN
    if path.exists() and path.read_text(encoding="utf-8") != settings:
        raise SettingsError(f"{options.out} holds a run on other sessions: give another --out, or remove that folder")


def _examples(samples: Path, out: Path, tokenizer: Path, processes: int, report: Report) -> Path:
    """The folder of the examples of a half, made where they are not there."""
    from contextprune.training.network.examples import prepare  # noqa: PLC0415 - as in `run`
    from contextprune.training.samples import read_samples  # noqa: PLC0415 - as in `run`

    half = samples.name.split(".")[0]
    folder = out / "examples" / half
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        count = prepare(read_samples(samples), folder, tokenizer, cut=half == "train", processes=processes)
        report(f"{count:,} examples prepared")
        (folder / "done").touch()
    return folder
