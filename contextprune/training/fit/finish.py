"""After training: the listwise head from whole samples of the training half, curves from one half of the held-out ones;
the other half of the held-out samples judges both.
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
from contextprune.training.fit.calibrate import ScoredBlock, achieved_recall, calibrate
from contextprune.training.fit.evaluate import recall_at, summary
from contextprune.training.fit.export import NAME, export
from contextprune.training.fit.groups import labels_of
from contextprune.training.fit.listwise import ListwiseSample, listwise_logits, train_listwise
from contextprune.training.samples import Sample, for_calibration, read_samples

REPORTED_RECALLS = (0.9, 0.95, 0.99)
UNCALIBRATED = Calibration({ALL: Curve((-1.0, 1.0), (0.0, 1.0), (0.5,), (0.0,))})
"""Identity: what is fitted here reads logits, not probabilities."""
MAX_SAMPLES = 70  # of a source and kind
MAX_CHARS = 220_000  # of their judged text together: long documents cost most and say least a token

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ScoredSample:
    """A sample with the encoder's logits of its judged spans."""

    sample: Sample
    listwise: ListwiseSample

    @property
    def source(self) -> str:
        """Name of the set, or of the kind of tool."""
        return f"tool:{self.sample.kind}" if self.sample.source == "tools" else self.sample.source


def finish(
    run: Path, tokenizer: Path, train: Sequence[Path], held_out: Sequence[Path], out: Path, report: Report = print
) -> dict[str, Any]:
    """Write the scorer of the training `run` to `out`; returns its figures on samples that nothing was fitted to."""
    settings = json.loads((run / "about.json").read_text(encoding="utf-8"))
    model = Model(Shape(**settings["shape"]))
    model.load_state_dict(load_file(run / "best.safetensors"))
    model.half().float()  # judge what will be shipped
    scorer = Neural(model, Cutter(Tokenizer.from_file(str(tokenizer))), UNCALIBRATED, NAME, "auto")

    learning = score_samples(scorer, subsample(train), report)
    network = train_listwise([scored.listwise for scored in learning], report).half().float()

    fitting: list[ScoredSample] = []
    judging: list[ScoredSample] = []
    for scored in score_samples(scorer, subsample(held_out), report):
        (fitting if for_calibration(scored.sample.id) else judging).append(scored)
    calibration = calibrate([block for scored in fitting for block in _blocks(scored, network)])
    blocks = [block for scored in judging for block in _blocks(scored, network)]

    results: dict[str, Any] = {str(recall): achieved_recall(calibration, blocks, recall) for recall in REPORTED_RECALLS}
    results["ranking"] = {"alone": ranking(judging, None), "joined": ranking(judging, network)}
    for name, figures in results["ranking"].items():
        report(f"{name}: " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))

    export(model, tokenizer, calibration.to_json(), out, listwise=network)
    (run / "achieved.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


def score_samples(scorer: Neural, samples: Iterator[Sample], report: Report) -> list[ScoredSample]:
    """Score samples by the encoder alone, before the listwise head."""
    scored = []
    for number, sample in enumerate(samples, start=1):
        spans = split(sample.context)
        judged, logits, rows = scorer.window_logits(sample.context, spans, sample.judged)
        scorer.forget()
        if judged:
            labels = np.array(labels_of(sample, spans))[judged]
            scored.append(ScoredSample(sample, ListwiseSample([spans[i] for i in judged], logits, rows, labels)))
        if number % 200 == 0:
            report(f"{number} samples read")
    return scored


def _blocks(scored: ScoredSample, network: Listwise | None) -> Iterator[ScoredBlock]:
    """Cut a sample into its blocks, for the curves."""
    logits = listwise_logits(network, scored.listwise)
    names = classes(scored.sample.context, scored.listwise.spans)
    segments = np.array([span.segment for span in scored.listwise.spans])
    for segment in dict.fromkeys(segments.tolist()):
        of_segment = segments == segment
        yield ScoredBlock(scored.source, names[segment], logits[of_segment], scored.listwise.labels[of_segment])


def ranking(samples: Sequence[ScoredSample], network: Listwise | None) -> dict[str, float]:
    """Measure budgeted recall, as training reports it; without a network, of the encoder alone."""
    rows = []
    for scored in samples:
        labels = scored.listwise.labels
        if labels.any():
            logits = listwise_logits(network, scored.listwise)
            size = np.array([len(span.text) for span in scored.listwise.spans])
            rows += [(scored.source, budget, recall_at(logits, labels, size, budget)) for budget in (0.1, 0.3, 0.5)]
    return summary(rows)


def subsample(paths: Sequence[Path], max_samples: int = MAX_SAMPLES, max_chars: int = MAX_CHARS) -> Iterator[Sample]:
    """Draw samples of each source and kind by a hash of their ids, so that all sources count alike."""
    by_kind: dict[tuple[str, str], list[tuple[bytes, int]]] = defaultdict(list)
    for sample in _samples(paths):
        by_kind[sample.source, sample.kind].append((_draw_key(sample), _judged_chars(sample)))
    chosen = {key for drawn in by_kind.values() for key in _within(sorted(drawn)[:max_samples], max_chars)}
    yield from (sample for sample in _samples(paths) if _draw_key(sample) in chosen)


def _within(drawn: Sequence[tuple[bytes, int]], room: int) -> Iterator[bytes]:
    for key, size in drawn:
        if size <= room:
            room -= size
            yield key


def _samples(paths: Sequence[Path]) -> Iterator[Sample]:
    for path in paths:
        yield from read_samples(path)


def _judged_chars(sample: Sample) -> int:
    return sum(len(sample.context.segments[i].text) for i in sample.judged)


def _draw_key(sample: Sample) -> bytes:
    return blake2b(f"finish:{sample.id}".encode(), digest_size=8).digest()
