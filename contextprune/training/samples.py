"""Training samples, each a context and the parts of it that were needed; and the files of them that training reads.

Whatever the source (answers, hindsight, commits, tools that were run), a sample has the form that the engine sees, so
that the model learns on the very spans, headers and features that it will meet.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from contextprune.context import Context, Kind, Segment


class Need(NamedTuple):
    """A piece of a segment's text that was needed; `weight` in 0..1 falls with how late it was."""

    segment: int
    start: int
    end: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One context with its labels.

    source   the set that it comes from
    groups   names of the documents that it rests on; samples that share one belong to the same half
    judged   indices of the segments whose spans are labelled: all else is context, neither needed nor not
    needs    () where nothing of the judged segments is needed
    kind     what its judged text is, for balance and tables: "prose", "table", "json", "code", "trace", or a tool
    """

    id: str
    source: str
    kind: str
    groups: tuple[str, ...]
    context: Context
    judged: tuple[int, ...]
    needs: tuple[Need, ...] = ()


def write_samples(path: Path, samples: Iterable[Sample]) -> int:
    """Write a gzipped JSON-lines file, whole or not at all; returns how many samples."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    count = 0
    with gzip.open(partial, "wt", encoding="utf-8", compresslevel=3) as lines:
        for sample in samples:
            lines.write(json.dumps(_to_json(sample), ensure_ascii=False) + "\n")
            count += 1
    partial.replace(path)
    return count


def read_samples(path: Path) -> Iterator[Sample]:
    """Read the samples of a file, in order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield _from_json(json.loads(line))


def for_calibration(name: str) -> bool:
    """Whether a held-out sample belongs to the half that curves are fitted on; the other half judges them."""
    return bool(blake2b(f"calibrate:{name}".encode(), digest_size=1).digest()[0] & 1)


def _to_json(sample: Sample) -> dict[str, Any]:
    segments = [
        {
            "kind": segment.kind.value,
            "text": segment.text,
            **{name: value for name in _OPTIONAL if (value := getattr(segment, name))},
        }
        for segment in sample.context.segments
    ]
    return {
        "id": sample.id,
        "source": sample.source,
        "kind": sample.kind,
        "groups": sample.groups,
        "query": sample.context.query,
        "asked": sample.context.asked,
        "segments": segments,
        "judged": sample.judged,
        "needs": sample.needs,
    }


_OPTIONAL = ("turn", "pair", "name", "failed")


def _from_json(raw: dict[str, Any]) -> Sample:
    segments = tuple(
        Segment(Kind(s["kind"]), s["text"], (i,), **{name: s[name] for name in _OPTIONAL if name in s})
        for i, s in enumerate(raw["segments"])
    )
    return Sample(
        raw["id"],
        raw["source"],
        raw["kind"],
        tuple(raw["groups"]),
        Context(segments, raw["query"], raw["asked"]),
        tuple(raw["judged"]),
        tuple(Need(*need) for need in raw["needs"]),
    )
