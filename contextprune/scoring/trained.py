"""The trained scorer of the base install: reads every piece of a context and lets all spans see one another, by NumPy.

Documents, results and traces go one way: what signals and words say are features of the network, and no half beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from math import exp, log
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from contextprune.context import Context, Kind, Reading, Span
from contextprune.errors import MissingExtra, ScorerError
from contextprune.scoring.base import READ
from contextprune.scoring.calibration import Calibration, rounded
from contextprune.scoring.features import Column, features
from contextprune.scoring.folder import Files, read_folder
from contextprune.scoring.network import Network
from contextprune.scoring.network_inputs import UNKNOWN, inputs_of
from contextprune.scoring.network_weights import Array, weights_of
from contextprune.scoring.reading import is_foreign
from contextprune.scoring.signals import Signals
from contextprune.scoring.wordpiece import WordPiece

if TYPE_CHECKING:
    from contextprune.scoring.torch_network import OnGpu

GPUS = ("/dev/nvidiactl", "/dev/dxg")
"""Files that show that there is a GPU, on Linux and on Linux within Windows."""
WORDS_SHARE = 0.5  # of the goal's words beside the network, where no trace is read
LEXICAL_SHARE = 0.8  # of lexical.v1 in what words say; the rest is signals.v1
SMALLEST = 1e-6  # share, so that log odds are finite
LEAST_LOGIT = -500.0  # of which the exponential is finite


class Trained:
    """The scorer of a folder with a network `SPANS`. Nothing in it is of a process: it may be forked, and copied."""

    def __init__(self, network: Network | OnGpu, wordpiece: WordPiece, calibration: Calibration, name: str) -> None:
        """Raises ValueError where the table of the network has not one row for each piece, and one for the gap."""
        if network.gap <= UNKNOWN or len(wordpiece.vocabulary) != network.gap:
            raise ValueError(
                f"its table has {network.gap} pieces beside the gap, and its vocabulary {len(wordpiece.vocabulary)}"
            )
        self.name = name
        self.calibration = calibration
        self._network, self._wordpiece = network, wordpiece

    @classmethod
    def load(cls, folder: Path, device: str = "auto", pinned: Mapping[str, str] = MappingProxyType({})) -> Trained:
        """Read a folder that training wrote; `pinned` are SHA-256 of its files.

        device   "cuda" computes with torch on that GPU, and so does "auto" where there is one; all others with NumPy

        Raises ScorerError where `read_folder` does, where the weights do not fit, where some are no numbers, and where
        the device is not there; MissingExtra for "cuda" without torch.
        """
        return cls.of(read_folder(folder, pinned), folder, device)

    @classmethod
    def of(cls, files: Files, folder: Path, device: str = "auto") -> Trained:
        """From what `read_folder` gave for `folder`; raises as `load` does."""
        try:
            weights = weights_of(files.weights)
            network = _on_gpu(weights, device) or Network(weights)
            return cls(network, WordPiece.of(files.tokenizer), Calibration.of(files.calibration), files.name)
        except ValueError as exc:
            raise ScorerError(
                f"the scorer in {folder} does not fit this version: {exc}. Install it anew, or train it anew"
            ) from exc

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """One calibrated probability for each span.

        A span of a document in a script that the network never learnt has the score of lexical.v1, and one of a kind
        that it does not read that of signals.v1.
        """
        if not is_read(context, spans):
            return Signals()(context, spans)
        rows = features(context, spans)
        return probabilities(context, spans, rows, self.logits(context, spans, rows), self.calibration)

    def logits(self, context: Context, spans: Sequence[Span], rows: Sequence[Sequence[float]]) -> list[float]:
        """The uncalibrated scores of all spans, beside what words say of them; `rows` are their features."""
        read = range(len(spans))
        logits = self._network(inputs_of(context, spans, read, rows, self._wordpiece, self._network.gap))
        if not np.isfinite(logits).all():
            raise ScorerError(
                f"{self.name} gives logits that are no numbers, so its weights are damaged: install it or train it anew"
            )
        return with_words(context, rows, logits.tolist())

    def threshold(self, context: Context, spans: Sequence[Span], segment: int, recall: float) -> float:
        """The least score with which a span of `segment` is to be kept so that `recall` of what is needed survives."""
        return self.calibration.threshold(self.calibration.classes(context, spans)[segment], recall)

    @property
    def runs_on(self) -> str:
        """Device and number format, for people."""
        return self._network.runs_on

    def forget(self) -> None:
        """Drop the remembered words."""
        self._wordpiece.forget()


def _on_gpu(weights: Mapping[str, Array], device: str) -> OnGpu | None:
    """The network on the GPU that is wanted, or that is there; importing torch only to find none takes a second."""
    if device == "auto" and not any(Path(gpu).exists() for gpu in GPUS):
        return None
    if device not in {"auto", "cuda"} or (device == "auto" and find_spec("torch") is None):
        return None
    try:
        from contextprune.scoring.torch_network import OnGpu  # noqa: PLC0415 - imports torch
    except ImportError as exc:
        if device == "auto":
            return None
        raise MissingExtra("scoring on a GPU", extra="torch") from exc
    return OnGpu.on(weights, device)


def with_words(context: Context, rows: Sequence[Sequence[float]], logits: Sequence[float]) -> list[float]:
    """Join the logits of all spans with their words' likeness to the goal, as the log odds of the mean of both.

    The network is sure of little among what is unlikely, and there the words of the goal decide. In traces likeness to
    the goal misleads, so nothing is joined.
    """
    if context.reading in {Reading.TRACE, Reading.ASKED_TRACE}:
        return list(logits)
    joined = []
    for row, logit in zip(rows, logits, strict=True):
        words = LEXICAL_SHARE * row[Column.LEXICAL] + (1 - LEXICAL_SHARE) * row[Column.SIGNALS]
        share = (1 - WORDS_SHARE) / (1 + exp(-max(logit, LEAST_LOGIT))) + WORDS_SHARE * words
        share = min(1 - SMALLEST, max(SMALLEST, share))
        joined.append(log(share / (1 - share)))
    return joined


def is_read(context: Context, spans: Sequence[Span]) -> bool:
    """Whether any span is of a kind that models read."""
    return any(context.segments[span.segment].kind in READ for span in spans)


def probabilities(
    context: Context, spans: Sequence[Span], rows: Sequence[Sequence[float]], logits: Sequence[float],
    calibration: Calibration,
) -> list[float]:  # fmt: skip
    """Make scores of logits and features, both of all spans: what the model cannot read is scored without it."""
    classes = calibration.classes(context, spans)
    scores = [row[Column.SIGNALS] for row in rows]
    for i, span in enumerate(spans):
        kind = context.segments[span.segment].kind
        if kind not in READ:
            continue
        score = calibration.probability(classes[span.segment], logits[i])
        if context.query and kind is not Kind.TOOL_RESULT and is_foreign(span.text):
            score = rows[i][Column.LEXICAL]
        scores[i] = rounded(score)
    return scores
