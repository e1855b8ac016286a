"""After training: surroundings from whole samples of the training half, curves from one half of the held-out samples;
the other half judges both.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from tokenizers import Tokenizer

from contextprune.scoring.calibration import ALL, Calibration, Curve, classes
from contextprune.scoring.encoder import Model, Shape
from contextprune.scoring.listwise import Listwise
from contextprune.scoring.neural import Neural
from contextprune.scoring.windows import Cutter
from contextprune.splitting import split
from contextprune.training.fit.calibrate import Judged, achieved, calibrate
from contextprune.training.fit.evaluate import recall_at, summary
from contextprune.training.fit.export import NAME, export
from contextprune.training.fit.groups import labels_of
from contextprune.training.fit.listwise import Whole, fit, joined
from contextprune.training.samples import Sample, for_calibration, read_samples

ASKED = (0.9, 0.95, 0.99)
FLAT = Calibration({ALL: Curve((-1.0, 1.0), (0.0, 1.0), (0.5,), (0.0,))})
"""Stands in until there is a calibration."""
EACH = 70  # samples of a source and kind,
CHARS = 220_000  # of judged text, all of them together: long documents cost most and say least a token

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scored:
    """A sample and what the encoder makes of its judged spans."""

    sample: Sample
    whole: Whole

    @property
    def source(self) -> str:
        """The set, or the kind of tool."""
        return f"tool:{self.sample.kind}" if self.sample.source == "tools" else self.sample.source


def finish(
    run: Path, tokenizer: Path, train: Sequence[Path], held_out: Sequence[Path], out: Path, report: Report = print
) -> dict[str, Any]:
    """Write the scorer of the training `run` to `out`; what it achieves on the half that nothing was fitted to."""
    about = json.loads((run / "about.json").read_text(encoding="utf-8"))
    model = Model(Shape(**about["shape"]))
    model.load_state_dict(load_file(run / "best.safetensors"))
    model.half().float()  # judge what will be shipped
    scorer = Neural(model, Cutter(Tokenizer.from_file(str(tokenizer))), FLAT, NAME, "auto")
    learned = scored(scorer, thinned(train), report)
    network = fit([one.whole for one in learned], report).half().float()
    fitted: list[Scored] = []
    others: list[Scored] = []
    for one in scored(scorer, thinned(held_out), report):
        (fitted if for_calibration(one.sample.id) else others).append(one)
    calibration = calibrate([block for one in fitted for block in _blocks(one, network)])
    blocks = [block for one in others for block in _blocks(one, network)]
    found: dict[str, Any] = {str(asked): achieved(calibration, blocks, asked) for asked in ASKED}
    found["ranking"] = {"alone": ranking(others, None), "joined": ranking(others, network)}
    for name, figures in found["ranking"].items():
        report(f"{name}: " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    export(model, tokenizer, calibration.to_json(), out, listwise=network)
    (run / "achieved.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def scored(scorer: Neural, samples: Iterator[Sample], report: Report) -> list[Scored]:
    """The samples with what the encoder makes of them, before their surroundings count."""
    found = []
    for number, sample in enumerate(samples, start=1):
        spans = split(sample.context)
        read, logits, rows = scorer.window_logits(sample.context, spans, sample.judged)
        scorer.forget()
        if read:
            labels = np.array(labels_of(sample, spans))[read]
            found.append(Scored(sample, Whole([spans[i] for i in read], logits, rows, labels)))
        if number % 200 == 0:
            report(f"{number} samples read")
    return found


def _blocks(one: Scored, network: Listwise | None) -> Iterator[Judged]:
    """The blocks of a sample, for the curves."""
    logits = joined(network, one.whole)
    names = classes(one.sample.context, one.whole.spans)
    segments = np.array([span.segment for span in one.whole.spans])
    for segment in dict.fromkeys(segments.tolist()):
        inside = segments == segment
        yield Judged(one.source, names[segment], logits[inside], one.whole.labels[inside])


def ranking(samples: Sequence[Scored], network: Listwise | None) -> dict[str, float]:
    """Budgeted recall, as training reports it."""
    rows = []
    for one in samples:
        labels = one.whole.labels
        if labels.any():
            logits = joined(network, one.whole)
            size = np.array([len(span.text) for span in one.whole.spans])
            rows += [(one.source, budget, recall_at(logits, labels, size, budget)) for budget in (0.1, 0.3, 0.5)]
    return summary(rows)


def thinned(paths: Sequence[Path], each: int = EACH, chars: int = CHARS) -> Iterator[Sample]:
    """Some of the samples of each source and kind, drawn by a hash of their ids: all sources count alike."""
    by: dict[tuple[str, str], list[tuple[bytes, int]]] = defaultdict(list)
    for sample in _samples(paths):
        by[sample.source, sample.kind].append((_draw(sample), _judged(sample)))
    chosen = {draw for drawn in by.values() for draw in _fitting(sorted(drawn)[:each], chars)}
    yield from (sample for sample in _samples(paths) if _draw(sample) in chosen)


def _fitting(drawn: Sequence[tuple[bytes, int]], chars: int) -> Iterator[bytes]:
    for draw, size in drawn:
        if size <= chars:
            chars -= size
            yield draw


def _samples(paths: Sequence[Path]) -> Iterator[Sample]:
    for path in paths:
        yield from read_samples(path)


def _judged(sample: Sample) -> int:
    return sum(len(sample.context.segments[i].text) for i in sample.judged)


def _draw(sample: Sample) -> bytes:
    return blake2b(f"finish:{sample.id}".encode(), digest_size=8).digest()
