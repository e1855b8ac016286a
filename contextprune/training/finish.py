"""After training: calibrate on one half of the held-out samples, judge on the other, write the folder that is shipped."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from tokenizers import Tokenizer

from contextprune.scoring.calibration import ALL, Calibration, Curve, classes
from contextprune.scoring.encoder import Model, Shape
from contextprune.scoring.neural import Neural
from contextprune.scoring.windows import Cutter
from contextprune.splitting import split
from contextprune.training.calibrate import Judged, achieved, calibrate
from contextprune.training.export import NAME, export
from contextprune.training.groups import labels_of
from contextprune.training.samples import Sample, for_calibration, read_samples

ASKED = (0.9, 0.95, 0.99)
FLAT = Calibration({ALL: Curve((-1.0, 1.0), (0.0, 1.0), (0.5,), (0.0,))})
"""Stands in until there is a calibration."""


def finish(
    run: Path, tokenizer: Path, held_out: Sequence[Path], out: Path, report: Callable[[str], None] = print
) -> dict[str, Any]:
    """Write the scorer of the training `run` to `out`; the recalls achieved on the half that nothing was fitted to."""
    about = json.loads((run / "about.json").read_text(encoding="utf-8"))
    model = Model(Shape(**about["shape"]))
    model.load_state_dict(load_file(run / "best.safetensors"))
    model.half().float()  # calibrate what will be shipped
    scorer = Neural(model, Cutter(Tokenizer.from_file(str(tokenizer))), FLAT, NAME, "auto")
    fitted: list[Judged] = []
    others: list[Judged] = []
    for number, sample in enumerate(_thinned(held_out)):
        (fitted if for_calibration(sample.id) else others).extend(judged(scorer, sample))
        if number % 200 == 199:
            report(f"{number + 1} held-out samples scored")
    calibration = calibrate(fitted)
    found = {str(asked): achieved(calibration, others, asked) for asked in ASKED}
    export(model, tokenizer, calibration.to_json(), out)
    (run / "achieved.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def judged(scorer: Neural, sample: Sample) -> Iterator[Judged]:
    """The judged blocks of a sample with their logits."""
    spans = split(sample.context)
    inside = [i for i, span in enumerate(spans) if span.segment in sample.judged]
    if not inside:
        return
    logits = scorer.logits(sample.context, spans, sample.judged)
    labels = labels_of(sample, spans)
    names = classes(sample.context, spans)
    blocks: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for i, logit in zip(inside, logits, strict=True):
        blocks[spans[i].segment].append((logit, labels[i]))
    for segment, pairs in blocks.items():
        both = np.array(pairs)
        yield Judged(sample.source, names[segment], both[:, 0], both[:, 1])


def _thinned(paths: Iterable[Path], each: int = 40, longest: int = 60_000) -> Iterator[Sample]:
    """Up to `each` samples of a source and kind: all count alike, however many there are."""
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for path in paths:
        for sample in read_samples(path):
            key = sample.source, sample.kind
            if taken[key] < each and sum(len(segment.text) for segment in sample.context.segments) <= longest:
                taken[key] += 1
                yield sample

