"""Facts about near-duplicates between the halves."""

from __future__ import annotations

from pathlib import Path
from random import Random

from contextprune.context import Context, Kind, Segment
from contextprune.training.labels.near_duplicates import (
    MIN_SIMILARITY,
    NearDuplicateIndex,
    blocks,
    shingles,
    similarity,
    without_leaks,
)
from contextprune.training.labels.recipes import write_halves
from contextprune.training.samples import Need, Sample, read_samples

WORDS = [f"word{i}" for i in range(500)]
BENCH = Path(__file__).parents[3] / "examples" / "data" / "bench"


def text(seed: int, count: int = 120) -> str:
    return " ".join(Random(seed).choices(WORDS, k=count))


def sample(name: str, *texts: str, needed: int | None = 0) -> Sample:
    segments = tuple(Segment(Kind.DOCUMENT, each, (i,)) for i, each in enumerate(texts))
    needs = () if needed is None else (Need(needed, 0, 4),)
    return Sample(name, "made", "prose", (name,), Context(segments, "?", asked=True), tuple(range(len(texts))), needs)


def test_a_planted_near_duplicate_is_found_and_others_stay() -> None:
    planted = text(1).replace("word", "Word", 3) + " and a little more"
    train = [sample("planted", planted), sample("other", text(2)), sample("half", text(1, 60) + text(3, 60))]
    kept, dropped = without_leaks(train, [sample("dev", text(1))])
    assert [each.id for each in kept] == ["other", "half"]
    assert dropped == {"made": 1}


def test_a_distractor_that_both_halves_show_is_no_leak() -> None:
    kept, _ = without_leaks([sample("a", text(5), text(1))], [sample("dev", text(6), text(1))])
    assert len(kept) == 1


def test_where_nothing_is_needed_only_a_text_by_itself_counts() -> None:
    assert list(blocks(sample("a", "one", "two", needed=None))) == []
    assert list(blocks(sample("a", "one", needed=None))) == ["one"]
    assert list(blocks(sample("a", "one", "two", needed=1))) == ["two"]


def test_similarity_is_that_of_the_runs_of_words() -> None:
    assert similarity(shingles(text(1)), shingles(text(1))) == 1
    assert similarity(shingles(text(1)), shingles(text(2))) == 0
    shorter = text(1).rsplit(" ", 12)[0]
    assert MIN_SIMILARITY < similarity(shingles(text(1)), shingles(shorter)) < 1


def test_texts_of_few_words_are_like_no_other() -> None:
    assert not NearDuplicateIndex(["ok", ""]).contains_near_duplicate("ok")
    assert not NearDuplicateIndex([]).contains_near_duplicate(text(1))


def test_nearly_all_pairs_above_the_bound_are_found() -> None:
    known = NearDuplicateIndex(text(i) for i in range(200))
    changed = [" ".join(text(i).split()[6:]) for i in range(200)]
    assert sum(map(known.contains_near_duplicate, changed)) > 190


def test_the_split_of_the_committed_samples_has_no_leak(tmp_path: Path) -> None:
    write_halves(BENCH, tmp_path)
    dev = NearDuplicateIndex(each for sample in read_samples(tmp_path / "dev.jsonl.gz") for each in blocks(sample))
    train = list(read_samples(tmp_path / "train.jsonl.gz"))
    assert len(train) > 50
    assert not any(dev.contains_near_duplicate(each) for sample in train for each in blocks(sample))
