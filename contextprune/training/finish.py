"""After training: fit surroundings and curves on one half of the held-out samples, judge on the other half."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from tokenizers import Tokenizer

from contextprune.context import Context, Span
from contextprune.scoring.calibration import ALL, Calibration, Curve, classes
from contextprune.scoring.encoder import Model, Shape
from contextprune.scoring.neural import Neural
from contextprune.scoring.surroundings import PLAIN, joined
from contextprune.scoring.windows import Cutter
from contextprune.splitting import split
from contextprune.training.calibrate import Judged, achieved, calibrate
from contextprune.training.evaluate import recall_at, summary
from contextprune.training.export import NAME, export
from contextprune.training.groups import labels_of
from contextprune.training.join import fit
from contextprune.training.samples import Sample, for_calibration, read_samples

ASKED = (0.9, 0.95, 0.99)
FLAT = Calibration({ALL: Curve((-1.0, 1.0), (0.0, 1.0), (0.5,), (0.0,))})
"""Stands in until there is a calibration."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A held-out sample: its judged spans with their logits, features and labels."""

    sample: Sample
    context: Context
    spans: list[Span]
    logits: np.ndarray
    rows: np.ndarray
    labels: np.ndarray

    @property
    def source(self) -> str:
        """The set, or the kind of tool."""
        return f"tool:{self.sample.kind}" if self.sample.source == "tools" else self.sample.source


def finish(
    run: Path, tokenizer: Path, held_out: Sequence[Path], out: Path, report: Callable[[str], None] = print
) -> dict[str, Any]:
    """Write the scorer of the training `run` to `out`; what it achieves on the half that nothing was fitted to."""
    about = json.loads((run / "about.json").read_text(encoding="utf-8"))
    model = Model(Shape(**about["shape"]))
    model.load_state_dict(load_file(run / "best.safetensors"))
    model.half().float()  # judge what will be shipped
    scorer = Neural(model, Cutter(Tokenizer.from_file(str(tokenizer))), FLAT, NAME, "auto")
    fitted: list[Scored] = []
    others: list[Scored] = []
    for number, sample in enumerate(thinned(held_out)):
        scored = _scored(scorer, sample)
        if len(scored.spans):
            (fitted if for_calibration(sample.id) else others).append(scored)
        if number % 200 == 199:
            report(f"{number + 1} held-out samples scored")
    weights = _surroundings(fitted)
    calibration = calibrate(list(_crosswise(fitted)))
    blocks = [block for one in others for block in _blocks(one, weights)]
    found: dict[str, Any] = {str(asked): achieved(calibration, blocks, asked) for asked in ASKED}
    found["ranking"] = {"alone": _ranking(others, PLAIN), "joined": _ranking(others, weights)}
    for name, figures in found["ranking"].items():
        report(f"{name}: " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    export(model, tokenizer, calibration.to_json(), out, weights=weights)
    (run / "achieved.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def _surroundings(scored: Iterable[Scored]) -> list[list[float]]:
    return fit([(one.context, one.spans, one.logits, one.rows, one.labels) for one in scored])


def _crosswise(fitted: Sequence[Scored]) -> Iterator[Judged]:
    """Blocks to fit thresholds to, with surroundings fitted to other samples, so that neither flatters the other."""
    even, odd = fitted[::2], fitted[1::2]
    for mine, others in ((even, odd), (odd, even)):
        weights = _surroundings(others or mine)
        for one in mine:
            yield from _blocks(one, weights)


def _scored(scorer: Neural, sample: Sample) -> Scored:
    spans = split(sample.context)
    read, logits, rows = scorer.alone(sample.context, spans, sample.judged)
    labels = np.array(labels_of(sample, spans))[read]
    return Scored(sample, sample.context, [spans[i] for i in read], logits, rows, labels)


def _blocks(one: Scored, weights: Sequence[Sequence[float]]) -> Iterator[Judged]:
    """The blocks of a sample, for the curves."""
    logits = joined(one.context, one.spans, one.logits, one.rows, weights)
    names = classes(one.context, one.spans)
    segments = np.array([span.segment for span in one.spans])
    for segment in dict.fromkeys(segments.tolist()):
        inside = segments == segment
        yield Judged(one.source, names[segment], logits[inside], one.labels[inside])


def _ranking(scored: Sequence[Scored], weights: Sequence[Sequence[float]]) -> dict[str, float]:
    """Budgeted recall, as training reports it."""
    rows = []
    for one in scored:
        if one.labels.any():
            logits = joined(one.context, one.spans, one.logits, one.rows, weights)
            size = np.array([len(span.text) for span in one.spans])
            rows += [(one.source, budget, recall_at(logits, one.labels, size, budget)) for budget in (0.1, 0.3, 0.5)]
    return summary(rows)


def thinned(paths: Iterable[Path], each: int = 60, longest: int = 60_000) -> Iterator[Sample]:
    """Up to `each` samples of a source and kind: all count alike, however many there are."""
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for path in paths:
        for sample in read_samples(path):
            key = sample.source, sample.kind
            if taken[key] < each and sum(len(segment.text) for segment in sample.context.segments) <= longest:
                taken[key] += 1
                yield sample
