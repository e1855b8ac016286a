"""Tools and packages that training never sees: whole ones, so that figures speak of tools that nobody tuned for."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Literal, TypeAlias

from contextprune.training.executed.pipelines import pipelines
from contextprune.training.mix import HELD_OUT_TOOLS, is_held_out
from contextprune.training.samples import Sample, read_samples, write_samples

SHARE_OF_PIPELINES = 0.25
"""Pipelines, as a share of the samples of single runs."""

Part: TypeAlias = Literal["train", "dev", "unseen"]


def part_of(sample: Sample) -> Part | None:
    """Part of a sample: train (both known), dev (package unknown), unseen (both unknown), None (tool unknown)."""
    tools = {name for name in sample.groups if name.startswith("tool:")}
    unknown_tool = not {f"tool:{name}" for name in HELD_OUT_TOOLS}.isdisjoint(tools)
    unknown_package = any(is_held_out(name) for name in sample.groups if name not in tools)
    if unknown_tool:
        return "unseen" if unknown_package else None
    return "dev" if unknown_package else "train"


def write_parts(path: Path, out: Path) -> dict[str, int]:
    """Write tools_train, tools_dev and tools_unseen from one file of tool samples; returns how many each.

    Pipelines are made of the samples of each part, so that no text is in two of them.
    """
    parts: dict[Part, list[Sample]] = {"train": [], "dev": [], "unseen": []}
    for sample in read_samples(path):
        part = part_of(sample)
        if part is not None:
            parts[part].append(sample)
    for samples in parts.values():
        samples += list(pipelines(samples, int(SHARE_OF_PIPELINES * len(samples))))
    return {
        part: write_samples(out / f"tools_{part}.jsonl.gz", _in_hash_order(samples)) for part, samples in parts.items()
    }


def _in_hash_order(samples: Iterable[Sample]) -> list[Sample]:
    """Order samples by a hash, so that any beginning of the file is a fair sample."""
    return sorted(samples, key=lambda sample: blake2b(sample.id.encode(), digest_size=8).digest())
