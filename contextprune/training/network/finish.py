"""After training: curves from one half of the held-out samples, figures from the other, and the scorer's folder."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save
from tokenizers import Tokenizer

from contextprune.scoring.calibration import Calibration, classes
from contextprune.scoring.folder import CALIBRATION, SPANS, TOKENIZER, WEIGHTS, write_manifest
from contextprune.scoring.torch_network import TorchNetwork, packed
from contextprune.scoring.trained import with_words
from contextprune.splitting import split
from contextprune.training.network.calibrate import ScoredBlock, achieved_recall, calibrate
from contextprune.training.network.evaluate import BUDGETS, recall_at, summary
from contextprune.training.network.examples import Encode, example_of
from contextprune.training.network.fast_wordpiece import FastWordPiece
from contextprune.training.samples import Sample, for_calibration, read_samples

NAME = "neural.v2"
REPORTED_RECALLS = (0.9, 0.95, 0.99)
MAX_SAMPLES, MAX_CHARS = 150, 2_000_000  # of a source and kind, and characters of their judged text together

Report = Callable[[str], None]


class Scored(NamedTuple):
    """The judged spans of one sample: logits, labels 0..1, characters and segments, each [S], and class by segment."""

    sample: Sample
    logits: np.ndarray
    labels: np.ndarray
    sizes: np.ndarray
    segments: np.ndarray
    names: Mapping[int, str]

    @property
    def source(self) -> str:
        """Name of the set, or of the kind of tool."""
        return f"tool:{self.sample.kind}" if self.sample.source == "tools" else self.sample.source


def finish(
    weights: Path,
    tokenizer: Path,
    held_out: Sequence[Path],
    out: Path,
    report: Report = print,
    fallback: Calibration | None = None,
    name: str = NAME,
) -> dict[str, Any]:
    """Write the scorer with these weights to `out`; returns its figures on samples that nothing was fitted to.

    fallback   curves of the classes of which `held_out` has too little
    name    of the scorer
    """
    tensors = {name: tensor.half() for name, tensor in load_file(weights).items()}
    network = TorchNetwork(len(tensors["table.weight"])).eval()
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})  # judge what will be shipped
    encode = FastWordPiece(Tokenizer.from_file(str(tokenizer))).encode

    fitting: list[Scored] = []
    judging: list[Scored] = []
    for number, sample in enumerate(subsample(held_out), start=1):
        scored = score_sample(network, sample, encode)
        if scored is not None:
            (fitting if for_calibration(sample.id) else judging).append(scored)
        if number % 200 == 0:
            report(f"{number} samples read")

    calibration = calibrate([block for scored in fitting for block in blocks_of(scored)], fallback)
    blocks = [block for scored in judging for block in blocks_of(scored)]
    figures: dict[str, Any] = {str(recall): achieved_recall(calibration, blocks, recall) for recall in REPORTED_RECALLS}
    figures["ranking"] = ranking(judging)
    report("  ".join(f"{key} {value:.3f}" for key, value in figures["ranking"].items()))

    export({key: tensor.contiguous() for key, tensor in tensors.items()}, tokenizer, calibration, out, name)
    return figures


@torch.inference_mode()
def score_sample(network: TorchNetwork, sample: Sample, encode: Encode) -> Scored | None:
    """Score the judged spans of a sample, beside all others of its context; None where there are none."""
    example = example_of(sample, encode, max_pieces=None)
    if example is None:
        return None
    of_network = network(packed([example.inputs(network.table.num_embeddings - 1)]))[-1].tolist()
    spans = split(sample.context)
    logits = np.array(with_words(sample.context, example.features.tolist(), of_network))
    judged = example.judged
    segments = np.array([span.segment for span in spans])[judged]
    label, size = example.label[judged].astype(float), example.size[judged].astype(float)
    return Scored(sample, logits[judged], label, size, segments, classes(sample.context, spans))


def blocks_of(scored: Scored) -> Iterator[ScoredBlock]:
    """Cut a sample into its blocks, for the curves."""
    for segment in dict.fromkeys(scored.segments.tolist()):
        of_segment = scored.segments == segment
        yield ScoredBlock(scored.source, scored.names[segment], scored.logits[of_segment], scored.labels[of_segment])


def ranking(samples: Sequence[Scored]) -> dict[str, float]:
    """Recall at budgets of characters, as training reports it."""
    needing = [scored for scored in samples if scored.labels.any()]
    return summary(
        [
            (scored.source, budget, recall_at(scored.logits, scored.labels, scored.sizes, budget))
            for scored in needing
            for budget in BUDGETS
        ]
    )


def export(
    tensors: Mapping[str, torch.Tensor], tokenizer: Path, calibration: Calibration, out: Path, name: str = NAME
) -> Path:
    """Write the files of a scorer into `out` and return it; other files in it stay. `tensors` are half precision."""
    out.mkdir(parents=True, exist_ok=True)
    (out / WEIGHTS).write_bytes(save(dict(tensors)))
    tokens = json.loads(tokenizer.read_text(encoding="utf-8"))
    tokens["truncation"] = tokens["padding"] = None  # the upstream file cuts at 128, silently
    (out / TOKENIZER).write_text(json.dumps(tokens, ensure_ascii=False), encoding="utf-8", newline="\n")
    (out / CALIBRATION).write_text(json.dumps(calibration.to_json()), encoding="utf-8", newline="\n")
    write_manifest(out, name, {"pieces": len(tensors["table.weight"])}, SPANS)
    return out


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
