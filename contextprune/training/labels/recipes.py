"""The training set: which sources, how much of each, in which forms.

To make it alone: `python -m contextprune.training.labels.recipes DATA OUT`.

Each source gives its training half and at most DEV samples of its dev half; what nearly repeats a dev text is dropped.
The same data and seed give the same files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple, TypeAlias

import typer
from rich.console import Console
from rich.progress import Progress

from contextprune.training.labels import commits, hindsight, kit, questions
from contextprune.training.labels.distractors import DistractorIndex
from contextprune.training.labels.kit import Half, rng_for
from contextprune.training.labels.lookups import as_result
from contextprune.training.labels.questions import Row
from contextprune.training.samples import Sample, write_samples

MAX_DEV_SAMPLES = 150  # samples of a source; sources weigh alike in the figures that choose between models
MAX_FILE_VIEWS = 3000  # files that an agent looks at before it edits one
SHARE_WITHOUT_GOLD = 0.08  # of rows, also given without the documents that answer them
SHARE_MISDIRECTED = 0.08  # of rows of one document, whose question is also put to another document

Source: TypeAlias = Callable[[Path, Half, int], Iterator[Sample]]
"""(file, half, seed) -> its samples of that half, in any order."""


class QuestionRecipe(NamedTuple):
    """How to use a question set.

    max_rows          rows with evidence
    copies            variants of each row, in another order or with other distractors
    distractor_share  share of the variants to which distractors are added; the first of several variants has none
    result_share      share of the rows also given as a tool's result
    negative_share    rows in which nothing is needed, as a share of those with evidence
    """

    kind: str
    max_rows: int
    copies: int = 1
    distractor_share: float = 0.0
    result_share: float = 0.0
    negative_share: float = 0.1


QUESTION_RECIPES: Mapping[str, QuestionRecipe] = {
    "squad2": QuestionRecipe("prose", 4700, copies=2, distractor_share=1.0, result_share=0.15, negative_share=0.2),
    "nq20": QuestionRecipe("prose", 1700, result_share=0.3),
    "hotpot500": QuestionRecipe("prose", 400, copies=2, result_share=0.3),
    "hotpotqa": QuestionRecipe("prose", 100, copies=2, result_share=0.3),
    "musique": QuestionRecipe("prose", 100, copies=2, result_share=0.3),
    "qmsum": QuestionRecipe("prose", 1500),
    "evinf": QuestionRecipe("prose", 2000),
    "covidqa": QuestionRecipe("prose", 1100, result_share=0.1),
    "lihua": QuestionRecipe("prose", 400),
    "selqa": QuestionRecipe("prose", 800, copies=2, distractor_share=1.0, result_share=0.2),
    "qed": QuestionRecipe("prose", 700, copies=2, distractor_share=1.0),
    "quotesum": QuestionRecipe("prose", 200, copies=2, distractor_share=1.0),
    "medquad": QuestionRecipe("prose", 3500, result_share=0.05),
    "doc_section": QuestionRecipe("prose", 3500, result_share=0.15),
    "wtq": QuestionRecipe("table", 4500, result_share=0.3),
    "tatqa": QuestionRecipe("table", 1700, result_share=0.4),
    "sgd_toolresult": QuestionRecipe("json", 4500, result_share=0.4),
    "kv": QuestionRecipe("json", 250, result_share=0.5),
    "irc": QuestionRecipe("prose", 2000),
    "code_edit": QuestionRecipe("code", 4500),
    "code_search": QuestionRecipe("code", 4500, result_share=0.15),
    "ares_synth": QuestionRecipe("prose", 1500, distractor_share=1.0, result_share=0.2),
}


def write_halves(data: Path, out: Path, seed: int = 0) -> Mapping[str, int]:
    """Write `train.jsonl.gz` and `dev.jsonl.gz` into `out`; returns counts by half and source, and of those dropped."""
    # the benchmark reads the recipes alone, and does without the `train` extra
    from contextprune.training.labels.near_duplicates import without_leaks  # noqa: PLC0415

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
    """List the files of the kit to train on, each with its source."""
    for name, recipe in QUESTION_RECIPES.items():
        path = data / f"qa_{name}.jsonl.gz"
        if path.exists():
            yield path, _question_source(name, recipe)
    if (path := data / "compress_scitldr.jsonl.gz").exists():
        yield path, _abstracts
    if (path := data / "qa_code_edit.jsonl.gz").exists():
        yield path, _views
    for name, plan in hindsight.SESSION_PLANS.items():
        if (path := data / f"traj_{name}.jsonl.gz").exists():
            yield path, _session_source(name, plan)


def _question_source(name: str, recipe: QuestionRecipe) -> Source:
    def source(path: Path, half: Half, seed: int) -> Iterator[Sample]:
        parsed = (questions.parse(raw, name, recipe.kind) for raw in kit.rows(path))
        rows = _in_hash_order([row for row in parsed if row is not None and kit.half(row.groups) == half], seed)
        positive = [row for row in rows if row.evidence][: recipe.max_rows]
        negative = [row for row in rows if not row.evidence][: int(recipe.negative_share * len(positive))]
        index = DistractorIndex(rows if recipe.distractor_share else ())
        for row in positive + negative:
            yield from _variants(row, recipe, index, seed)
        for row in positive:
            if len(row.docs) == 1 and (rng := rng_for(seed, row.id, "astray")).random() < SHARE_MISDIRECTED:
                misdirected = questions.misdirected(row, rng.choice(positive))
                if misdirected is not None:
                    yield (
                        as_result(misdirected, rng)
                        if rng.random() < recipe.result_share
                        else questions.as_documents(misdirected)
                    )

    return source


def _variants(row: Row, recipe: QuestionRecipe, index: DistractorIndex, seed: int) -> Iterator[Sample]:
    """Make all variants of a row that the recipe wants."""
    variant = row
    for copy in range(recipe.copies):
        rng = rng_for(seed, row.id, copy)
        variant = row
        if (copy or recipe.copies == 1) and rng.random() < recipe.distractor_share:
            variant = questions.with_distractors(row, index.closest(row, rng.randint(1, 4), rng), rng)
        elif len(row.docs) > 1 and (copy or rng.random() < 0.5):
            variant = questions.shuffled(row, rng)
        elif copy:
            break  # a single document has no other order
        yield questions.as_documents(variant, f"#{copy}")

    rng = rng_for(seed, row.id, "more")
    if rng.random() < recipe.result_share:
        yield as_result(variant, rng)
    if rng.random() < SHARE_WITHOUT_GOLD and (bare := questions.without_gold(variant)) is not None:
        yield questions.as_documents(bare, "#bare")


def _abstracts(path: Path, half: Half, seed: int) -> Iterator[Sample]:
    rows = [questions.parse_abstract(raw, "scitldr") for raw in kit.read(path)]
    for row in _in_hash_order([row for row in rows if row.evidence and kit.half(row.groups) == half], seed)[:1000]:
        yield questions.as_documents(row)


def _views(path: Path, half: Half, seed: int) -> Iterator[Sample]:
    parsed = (questions.parse(raw, "code_edit", "code") for raw in kit.rows(path))
    rows = [row for row in parsed if row is not None and kit.half(row.groups) == half]
    return commits.views(_in_hash_order(rows, seed + 1), MAX_FILE_VIEWS, seed)


def _session_source(name: str, plan: hindsight.SessionPlan) -> Source:
    def source(path: Path, half: Half, seed: int) -> Iterator[Sample]:
        return hindsight.samples(kit.read(path), name, plan, half, seed)

    return source


def _in_hash_order(rows: list[Row], seed: int) -> list[Row]:
    return sorted(rows, key=lambda row: kit.digest(f"{seed}:{row.id}"))


def _capped(samples: Iterator[Sample], seed: int) -> list[Sample]:
    """Draw at most MAX_DEV_SAMPLES of each source in a file."""
    counts: Counter[str] = Counter()
    kept = []
    for sample in sorted(samples, key=lambda sample: kit.digest(f"{seed}:{sample.id}")):
        counts[sample.source] += 1
        if counts[sample.source] <= MAX_DEV_SAMPLES:
            kept.append(sample)
    return kept


def main(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The data kit's folder with the files to train on.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write into.")],
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of all random draws.")] = 0,
) -> None:
    """Write train.jsonl.gz and dev.jsonl.gz for the scorer."""
    console = Console(stderr=True)
    for name, count in write_halves(data, out, seed).items():
        console.print(f"{name:40} {count:7,}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
