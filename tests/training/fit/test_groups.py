from __future__ import annotations

from pathlib import Path

import numpy as np

from contextprune.context import Context, Kind, Segment
from contextprune.scoring.features import FEATURES
from contextprune.scoring.windows import Cutter
from contextprune.splitting import split
from contextprune.training.fit.groups import group_of, labels_of, read_groups, write_groups
from contextprune.training.samples import Need, Sample
from tests.scoring.folders import tokenizer

CUT = Cutter(tokenizer())
LINES = [f"2024-01-01 10:{i // 60:02}:{i % 60:02} INFO payment order {i} was refused at night" for i in range(120)]
TEXT = "\n".join(LINES) + "\n"


def sample(*needs: Need, name: str = "a") -> Sample:
    context = Context((Segment(Kind.DOCUMENT, TEXT, (0,)),), "why payment", asked=True)
    return Sample(name, "set", "prose", ("doc",), context, (0,), needs)


def line(number: int, weight: float = 1.0) -> Need:
    start = sum(len(text) + 1 for text in LINES[:number])
    return Need(0, start, start + len(LINES[number]), weight)


def test_the_needed_line_is_labelled_and_no_other() -> None:
    labelled_sample = sample(line(7, 0.5), line(100))
    spans = split(labelled_sample.context)
    labelled = {spans[i].text.strip(): label for i, label in enumerate(labels_of(labelled_sample, spans)) if label}
    assert labelled == {LINES[7]: 0.5, LINES[100]: 1.0}


def test_a_need_that_only_touches_a_span_does_not_label_it() -> None:
    start = line(7).start
    labelled_sample = sample(Need(0, start - 3, start + 30))
    spans = split(labelled_sample.context)
    assert [spans[i].text.strip() for i, label in enumerate(labels_of(labelled_sample, spans)) if label] == [LINES[7]]


def test_a_group_keeps_the_windows_with_what_is_needed_and_one_without() -> None:
    whole = group_of(sample(line(7)), CUT, None)
    few = group_of(sample(line(7)), CUT, 2)
    assert whole is not None
    assert few is not None
    assert len(whole.lengths) > 2
    assert len(few.lengths) == 2
    assert few.label.max() == 1.0
    assert {int(w) for w in few.window[few.label > 0]} != {int(w) for w in few.window}
    assert few.features.shape == (len(few.label), FEATURES)


def test_groups_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    groups = [group for i in range(5) if (group := group_of(sample(line(i), name=str(i)), CUT)) is not None]
    assert write_groups(tmp_path, groups) == 5
    for written, read_back in zip(groups, read_groups(tmp_path), strict=True):
        assert (written.source, written.kind) == (read_back.source, read_back.kind)
        for name in ("ids", "lengths", "goals", "window", "first", "last", "features", "label", "size"):
            assert np.array_equal(getattr(written, name), getattr(read_back, name)), name


def test_where_nothing_is_judged_there_is_no_group() -> None:
    context = Context((Segment(Kind.DOCUMENT, TEXT, (0,)),), "why", asked=True)
    assert group_of(Sample("a", "set", "prose", ("doc",), context, ()), CUT) is None
