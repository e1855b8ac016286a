from __future__ import annotations

from pathlib import Path

import torch

from contextprune.scoring.encoder import batch_of
from contextprune.training.fit.encode import scores_of, windows_of
from contextprune.training.fit.groups import read_groups
from contextprune.training.fit.train import initial_model


def test_the_control_reads_no_text(tiny_folders: tuple[Path, Path, Path]) -> None:
    groups = list(read_groups(tiny_folders[1]))
    model = initial_model(tiny_folders[2], ())
    changed = [type(g)(**{**_fields(g), "ids": g.ids[::-1].copy()}) for g in groups]
    first, second = (scores_of(model, part, torch.device("cpu")) for part in (groups, changed))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_windows_come_back_to_their_spans(tiny_folders: tuple[Path, Path, Path]) -> None:
    groups = list(read_groups(tiny_folders[1]))[:3]
    windows = list(windows_of(groups))
    assert sorted(i for window in windows for i, _, _ in window.spans) == list(range(sum(len(g.label) for g in groups)))
    batch = batch_of(windows)
    assert batch.spans == sum(len(group.label) for group in groups)
    assert int(batch.goal.sum()) == sum(window.goal for window in windows)


def _fields(group: object) -> dict[str, object]:
    return {name: getattr(group, name) for name in group.__dataclass_fields__}  # type: ignore[attr-defined]
