"""The trained scorer of the base install: reads every piece of a context and lets all spans see one another, by NumPy.

Documents, results and traces go one way: what signals and words say are features of the network, and no half beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from contextprune.context import Context, Kind, Span
from contextprune.errors import ScorerError
from contextprune.scoring.base import READ
from contextprune.scoring.calibration import Calibration
from contextprune.scoring.features import Column, features
from contextprune.scoring.folder import SPANS, Files, read_folder
from contextprune.scoring.network import Network
from contextprune.scoring.network_inputs import UNKNOWN, inputs_of
from contextprune.scoring.network_weights import weights_of
from contextprune.scoring.signals import Signals
from contextprune.scoring.threads import threads
from contextprune.scoring.windows import is_foreign
from contextprune.scoring.wordpiece import WordPiece

DECIMALS = 4  # of a score: what differs between machines lies below


class Trained:
    """The scorer of a folder with a network `SPANS`. Nothing in it is of a process: it may be forked, and copied."""

    def __init__(self, network: Network, wordpiece: WordPiece, calibration: Calibration, name: str) -> None:
        """Raises ValueError where the table of the network has not one row for each piece, and one for the gap."""
        if network.gap <= UNKNOWN or len(wordpiece.vocabulary) != network.gap:
            raise ValueError(
                f"its table has {network.gap} pieces beside the gap, and its vocabulary {len(wordpiece.vocabulary)}"
            )
        self.name = name
        self.calibration = calibration
        self._network, self._wordpiece = network, wordpiece

    @classmethod
    def load(cls, folder: Path, pinned: Mapping[str, str] = MappingProxyType({})) -> Trained:
        """Read a folder that training wrote; `pinned` are SHA-256 of its files.

        Raises ScorerError where `read_folder` does, where the weights do not fit, and where some are no numbers.
        """
        return cls.of(read_folder(folder, pinned), folder)

    @classmethod
    def of(cls, files: Files, folder: Path) -> Trained:
        """From what `read_folder` gave for `folder`; raises as `load` does."""
        if files.network != SPANS:
            raise ScorerError(
                f"the scorer in {folder} has a network of another kind ({files.network!r}), not {SPANS!r}"
            )
        try:
            network = Network(weights_of(files.weights))
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
        wanted = {i for i, segment in enumerate(context.segments) if segment.kind in READ}
        read = [i for i, span in enumerate(spans) if span.segment in wanted]
        if not read:
            return Signals()(context, spans)

        rows = features(context, spans)
        logits = self.logits(context, spans, read, rows)
        classes = self.calibration.classes(context, spans)
        scores = [row[Column.SIGNALS] for row in rows]
        for i, logit in zip(read, logits, strict=True):
            segment = spans[i].segment
            score = self.calibration.probability(classes[segment], logit)
            is_result = context.segments[segment].kind is Kind.TOOL_RESULT
            if context.query and not is_result and is_foreign(spans[i].text):
                score = rows[i][Column.LEXICAL]
            scores[i] = round(score, DECIMALS)
        return scores

    def logits(
        self, context: Context, spans: Sequence[Span], read: Sequence[int], rows: Sequence[Sequence[float]]
    ) -> list[float]:
        """The uncalibrated scores of the spans with the indices `read`, in order; `rows` are the features of all."""
        logits = self._network(inputs_of(context, spans, read, rows, self._wordpiece, self._network.gap))
        if not np.isfinite(logits).all():
            raise ScorerError(
                f"{self.name} gives logits that are no numbers, so its weights are damaged: install it or train it anew"
            )
        numbers: list[float] = logits.tolist()
        return numbers

    def threshold(self, context: Context, spans: Sequence[Span], segment: int, recall: float) -> float:
        """The least score with which a span of `segment` is to be kept so that `recall` of what is needed survives."""
        return self.calibration.threshold(self.calibration.classes(context, spans)[segment], recall)

    @property
    def runs_on(self) -> str:
        """Device and number format, for people."""
        return f"cpu, fp32, {threads().count} threads, without torch"

    def forget(self) -> None:
        """Drop the remembered words."""
        self._wordpiece.forget()
