"""Samples made ready for the network: token ids, features and labels, in flat arrays on disk.

One group is one sample: the windows of its judged blocks. Training takes a few of them, those with evidence and the
likeliest wrong ones; the development half keeps all, because budgeted recall means nothing on a part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from contextprune.scoring.features import FEATURES, Column, features
from contextprune.scoring.windows import Cutter, Window
from contextprune.splitting import split
from contextprune.training.fit.flat_arrays import read_records, write_records
from contextprune.training.samples import Need, Sample

MAX_WINDOWS = 3  # of a training sample; at least one of them, where there are more, holds no evidence
GROUPS_PER_FILE = 4000  # groups in one file


@dataclass(frozen=True, slots=True)
class Group:
    """One sample as arrays. W windows, T tokens in all of them, S spans.

    ids       [T] token ids of the windows, one after another
    lengths   [W] tokens of each window
    goals     [W] tokens of its goal
    window    [S] index of the window of each span
    first     [S] its first token within the window; last [S] the end
    features  [S, FEATURES]
    label     [S] 0..1
    size      [S] characters
    """

    source: str
    kind: str
    ids: Any
    lengths: Any
    goals: Any
    window: Any
    first: Any
    last: Any
    features: Any
    label: Any
    size: Any


_ARRAYS = ("ids", "lengths", "goals", "window", "first", "last", "features", "label", "size")


def group_of(sample: Sample, cut: Cutter, max_windows: int | None = MAX_WINDOWS) -> Group | None:
    """Make the group of a sample with at most `max_windows` windows (None: all); None where nothing of it is judged."""
    spans = split(sample.context)
    windows = cut(sample.context, spans, sample.judged)
    if not windows:
        return None

    labels = labels_of(sample, spans)
    rows = features(sample.context, spans)
    if max_windows is not None and len(windows) > max_windows:
        windows = _choose_windows(windows, labels, rows, max_windows, sample.id)

    marks = [(w, *mark) for w, window in enumerate(windows) for mark in window.spans]
    index = [mark[1] for mark in marks]
    return Group(
        sample.source,
        sample.kind,
        ids=np.array([i for window in windows for i in window.ids], "u2"),
        lengths=np.array([len(window.ids) for window in windows], "i2"),
        goals=np.array([window.goal for window in windows], "i2"),
        window=np.array([mark[0] for mark in marks], "i2"),
        first=np.array([mark[2] for mark in marks], "i2"),
        last=np.array([mark[3] for mark in marks], "i2"),
        features=np.array([rows[i] for i in index], "f2").reshape(-1, FEATURES),
        label=np.array([labels[i] for i in index], "f2"),
        size=np.array([len(spans[i].text) for i in index], "i4"),
    )


def labels_of(sample: Sample, spans: Sequence[Any]) -> list[float]:
    """Label each span: the greatest weight of a need that it holds half of, or that holds half of it; else 0."""
    needs: dict[int, list[Need]] = {}
    for need in sample.needs:
        needs.setdefault(need.segment, []).append(need)
    labels = []
    for span in spans:
        best = 0.0
        for need in needs.get(span.segment, ()):
            common = min(span.end, need.end) - max(span.start, need.start)
            if common > 0 and 2 * common >= min(len(span.text.strip()) or 1, need.end - need.start):
                best = max(best, need.weight)
        labels.append(best)
    return labels


def _choose_windows(
    windows: Sequence[Window], labels: Sequence[float], rows: Sequence[Sequence[float]], max_windows: int, name: str
) -> list[Window]:
    """Choose windows with evidence, and negatives: half of them hard, by the likeness of their words to the goal."""
    with_evidence = [w for w in windows if any(labels[i] for i, _, _ in w.spans)]
    without = [w for w in windows if not any(labels[i] for i, _, _ in w.spans)]
    with_evidence.sort(key=lambda w: _draw_key(name, w.ids))
    by_likeness = sorted(without, key=lambda w: -max(rows[i][Column.LEXICAL] for i, _, _ in w.spans))
    negatives = max(1, max_windows - len(with_evidence)) if without else 0
    hard_negatives = by_likeness[: (negatives + 1) // 2]
    random_negatives = sorted(
        (w for w in without if not any(w is h for h in hard_negatives)), key=lambda w: _draw_key(name, w.ids)
    )
    return [
        *with_evidence[: max_windows - negatives],
        *hard_negatives,
        *random_negatives[: negatives - len(hard_negatives)],
    ]


def _draw_key(name: str, ids: Sequence[int]) -> bytes:
    """Key of a window, in whose order windows are drawn: the same for the same sample."""
    return blake2b(f"{name}:{ids}".encode(), digest_size=8).digest()


def write_groups(folder: Path, groups: Iterable[Group]) -> int:
    """Write the groups to `folder`, in the place of those there; returns how many."""
    return write_records(folder, groups, _ARRAYS, GROUPS_PER_FILE)


def read_groups(folder: Path) -> Iterator[Group]:
    """Read all groups of a folder, in order."""
    return read_records(folder, Group, _ARRAYS)
