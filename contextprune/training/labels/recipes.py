"""The training set: which sources, how much of each, in which forms.

To make it alone: `python -m contextprune.training.labels.recipes DATA OUT`.

Each source gives its training half and at most DEV samples of its dev half; what nearly repeats a dev text is dropped.
The same data and seed give the same files.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from rich.console import Console
from rich.progress import Progress

from contextprune.training.labels import commits, hindsight, kit, questions
from contextprune.training.labels.distractors import Pool
from contextprune.training.labels.kit import Half, dice
from contextprune.training.labels.lookups import as_result
from contextprune.training.labels.near_duplicates import without_leaks
from contextprune.training.labels.questions import Row
from contextprune.training.samples import Sample, write_samples

DEV = 150  # samples of a source; sources weigh alike in the figures that choose between models
VIEWS = 3000  # files that an agent looks at before it edits one
STRIPPED = 0.08  # share of rows also told without the documents that answer them
ASTRAY = 0.08  # share of rows of one document whose question is also put to another document

Source: TypeAlias = Callable[[Path, Half, int], Iterator[Sample]]
"""(file, half, seed) -> its samples of that half, in any order."""


class Recipe(NamedTuple):
    """How a question set is told.

    cap         rows of the training half
    copies      times that each row is told, in another order or with other distractors
    distract    share of the tellings to which distractors are added; the first of several tellings has none
    called      share of the rows also told as a tool's result
    negatives   rows in which nothing is needed, as a share of the others
    """

    kind: str
    cap: int
    copies: int = 1
    distract: float = 0.0
    called: float = 0.0
    negatives: float = 0.1


RECIPES: Mapping[str, Recipe] = {
    "squad2": Recipe("prose", 4700, copies=2, distract=1.0, called=0.15, negatives=0.2),
    "nq20": Recipe("prose", 1700, called=0.3),
    "hotpot500": Recipe("prose", 400, copies=2, called=0.3),
    "hotpotqa": Recipe("prose", 100, copies=2, called=0.3),
    "musique": Recipe("prose", 100, copies=2, called=0.3),
    "qmsum": Recipe("prose", 1500),
    "evinf": Recipe("prose", 2000),
    "covidqa": Recipe("prose", 1100, called=0.1),
    "lihua": Recipe("prose", 400),
    "selqa": Recipe("prose", 800, copies=2, distract=1.0, called=0.2),
    "qed": Recipe("prose", 700, copies=2, distract=1.0),
    "quotesum": Recipe("prose", 200, copies=2, distract=1.0),
    "medquad": Recipe("prose", 3500, called=0.05),
    "doc_section": Recipe("prose", 3500, called=0.15),
    "wtq": Recipe("table", 4500, called=0.3),
    "tatqa": Recipe("table", 1700, called=0.4),
    "sgd_toolresult": Recipe("json", 4500, called=0.4),
    "kv": Recipe("json", 250, called=0.5),
    "irc": Recipe("prose", 2000),
    "code_edit": Recipe("code", 4500),
    "code_search": Recipe("code", 4500, called=0.15),
    "ares_synth": Recipe("prose", 1500, distract=1.0, called=0.2),
}


def make(data: Path, out: Path, seed: int = 0) -> Mapping[str, int]:
    """Write `train.jsonl.gz` and `dev.jsonl.gz` into `out`; counts by half and source, and of what was dropped."""
    train: list[Sample] = []
    dev: list[Sample] = []
    with Progress(console=Console(stderr=True)) as progress:
        for path, source in progress.track(list(_sources(data)), description="sources"):
            train += source(path, "train", seed)
            dev += _capped(source(path, "dev", seed), seed)
    train, dropped = without_leaks(train, dev)
    train.sort(key=lambda sample: kit.digest(f"{seed}:{sample.id}"))
    counts = Counter({f"dropped/{name}": count for name, count in dropped.items()})
    for half, samples in (("train", train), ("dev", dev)):
        write_samples(out / f"{half}.jsonl.gz", samples)
        counts.update(f"{half}/{sample.source}" for sample in samples)
    return dict(sorted(counts.items()))


def _sources(data: Path) -> Iterator[tuple[Path, Source]]:
    """The files of the kit that we train on, each with what makes samples of it."""
    for name, recipe in RECIPES.items():
        path = data / f"qa_{name}.jsonl.gz"
        if path.exists():
            yield path, _asked(name, recipe)
    if (path := data / "compress_scitldr.jsonl.gz").exists():
        yield path, _abstracts
    if (path := data / "qa_code_edit.jsonl.gz").exists():
        yield path, _views
    for name, plan in hindsight.PLANS.items():
        if (path := data / f"traj_{name}.jsonl.gz").exists():
            yield path, _sessions(name, plan)


def _asked(name: str, recipe: Recipe) -> Source:
    def source(path: Path, half: Half, seed: int) -> Iterator[Sample]:
        parsed = (questions.parse(raw, name, recipe.kind) for raw in kit.rows(path))
        rows = _ranked([row for row in parsed if row is not None and kit.half(row.groups) == half], seed)
        positive = [row for row in rows if row.evidence][: recipe.cap]
        negative = [row for row in rows if not row.evidence][: int(recipe.negatives * len(positive))]
        pool = Pool(rows if recipe.distract else ())
        for row in positive + negative:
            yield from _tellings(row, recipe, pool, seed)
        for row in positive:
            if len(row.docs) == 1 and (roll := dice(seed, row.id, "astray")).random() < ASTRAY:
                other = questions.astray(row, roll.choice(positive))
                if other is not None:
                    yield as_result(other, roll) if roll.random() < recipe.called else questions.as_documents(other)

    return source


def _tellings(row: Row, recipe: Recipe, pool: Pool, seed: int) -> Iterator[Sample]:
    """All forms in which the recipe tells a row."""
    told = row
    for copy in range(recipe.copies):
        roll = dice(seed, row.id, copy)
        told = row
        if (copy or recipe.copies == 1) and roll.random() < recipe.distract:
            told = questions.among(row, pool.near(row, roll.randint(1, 4), roll), roll)
        elif len(row.docs) > 1 and (copy or roll.random() < 0.5):
            told = questions.shuffled(row, roll)
        elif copy:
            break  # nothing to tell otherwise
        yield questions.as_documents(told, f"#{copy}")
    roll = dice(seed, row.id, "more")
    if roll.random() < recipe.called:
        yield as_result(told, roll)
    if roll.random() < STRIPPED and (bare := questions.without_gold(told)) is not None:
        yield questions.as_documents(bare, "#bare")


def _abstracts(path: Path, half: Half, seed: int) -> Iterator[Sample]:
    rows = [questions.parse_abstract(raw, "scitldr") for raw in kit.read(path)]
    for row in _ranked([row for row in rows if row.evidence and kit.half(row.groups) == half], seed)[:1000]:
        yield questions.as_documents(row)


def _views(path: Path, half: Half, seed: int) -> Iterator[Sample]:
    parsed = (questions.parse(raw, "code_edit", "code") for raw in kit.rows(path))
    rows = [row for row in parsed if row is not None and kit.half(row.groups) == half]
    return commits.views(_ranked(rows, seed + 1), VIEWS, seed)


def _sessions(name: str, plan: hindsight.Plan) -> Source:
    def source(path: Path, half: Half, seed: int) -> Iterator[Sample]:
        return hindsight.samples(kit.read(path), name, plan, half, seed)

    return source


def _ranked(rows: list[Row], seed: int) -> list[Row]:
    return sorted(rows, key=lambda row: kit.digest(f"{seed}:{row.id}"))


def _capped(samples: Iterator[Sample], seed: int) -> list[Sample]:
    """At most DEV samples of each source that a file gives."""
    taken: Counter[str] = Counter()
    kept = []
    for sample in sorted(samples, key=lambda sample: kit.digest(f"{seed}:{sample.id}")):
        taken[sample.source] += 1
        if taken[sample.source] <= DEV:
            kept.append(sample)
    return kept


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write train.jsonl.gz and dev.jsonl.gz for the scorer.")
    parser.add_argument("data", type=Path, help="the data kit's folder with the files to train on")
    parser.add_argument("out", type=Path, help="the folder to write into")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    console = Console(stderr=True)
    for name, count in make(asked.data, asked.out, asked.seed).items():
        console.print(f"{name:40} {count:7,}", highlight=False)


if __name__ == "__main__":
    main()
