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
from contextprune.training.samples import Need, Sample

WINDOWS = 3  # of a training sample; one of them, where there are more, holds no evidence
SHARD = 4000  # groups in one file


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


def group_of(sample: Sample, cut: Cutter, most: int | None = WINDOWS) -> Group | None:
    """The group of a sample with at most `most` windows (None: all); None where nothing of it is judged."""
    spans = split(sample.context)
    windows = cut(sample.context, spans, sample.judged)
    if not windows:
        return None
    labels = labels_of(sample, spans)
    rows = features(sample.context, spans)
    if most is not None and len(windows) > most:
        windows = _chosen(windows, labels, rows, most, sample.id)
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
    """For each span, the greatest weight of a need that it holds half of, or that holds half of it."""
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


def _chosen(
    windows: Sequence[Window], labels: Sequence[float], rows: Sequence[Sequence[float]], most: int, name: str
) -> list[Window]:
    """Windows with evidence, and beside them what the words of the goal point to without reason."""
    having = [w for w in windows if any(labels[i] for i, _, _ in w.spans)]
    others = [w for w in windows if not any(labels[i] for i, _, _ in w.spans)]
    having.sort(key=lambda w: _dice(name, w.ids))
    likeliest = sorted(others, key=lambda w: -max(rows[i][Column.LEXICAL] for i, _, _ in w.spans))
    wrong = max(1, most - len(having)) if others else 0
    hard = likeliest[: (wrong + 1) // 2]
    rest = sorted((w for w in others if not any(w is h for h in hard)), key=lambda w: _dice(name, w.ids))
    return [*having[: most - wrong], *hard, *rest[: wrong - len(hard)]]


def _dice(name: str, ids: Sequence[int]) -> bytes:
    """A fixed draw."""
    return blake2b(f"{name}:{ids}".encode(), digest_size=8).digest()


def write_groups(folder: Path, groups: Iterable[Group]) -> int:
    """Shards `NNNN.npz` in `folder`; how many groups."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.npz"):
        old.unlink()
    held: list[Group] = []
    count = 0
    for group in groups:
        held.append(group)
        if len(held) == SHARD:
            _write(folder / f"{count // SHARD:04}.npz", held)
            held = []
        count += 1
    if held:
        _write(folder / f"{count // SHARD:04}.npz", held)
    return count


def _write(path: Path, groups: Sequence[Group]) -> None:
    arrays: dict[str, Any] = {
        "sources": np.array([group.source for group in groups], "U"),
        "kinds": np.array([group.kind for group in groups], "U"),
    }
    for name in _ARRAYS:
        parts = [getattr(group, name) for group in groups]
        arrays[name] = np.concatenate(parts)
        arrays[f"{name}_ends"] = np.cumsum([len(part) for part in parts])
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.replace(path)


def read_groups(folder: Path) -> Iterator[Group]:
    """All groups of a folder, in order."""
    for path in sorted(folder.glob("[0-9]*.npz")):
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        for k, (source, kind) in enumerate(zip(arrays["sources"], arrays["kinds"], strict=True)):
            parts = {}
            for name in _ARRAYS:
                ends = arrays[f"{name}_ends"]
                parts[name] = arrays[name][ends[k - 1] if k else 0 : ends[k]]
            yield Group(str(source), str(kind), **parts)
