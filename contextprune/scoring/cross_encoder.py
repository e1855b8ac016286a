"""A cross-encoder in the format of sentence-transformers as a scorer: it reads the query beside each span by itself.

For those who have such a model, and to compare with. Nothing is fetched, and nothing but safetensors is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from math import tanh
from pathlib import Path
from threading import Lock
from typing import Any

try:
    import sentence_transformers
    from safetensors import SafetensorError
except ImportError as exc:
    from contextprune.errors import MissingExtra

    raise MissingExtra("a cross-encoder", extra="sentence-transformers") from exc

from contextprune.context import Context, Span
from contextprune.errors import ScorerError
from contextprune.scoring.base import READ
from contextprune.scoring.inspection import inspect_folder
from contextprune.scoring.reading import header
from contextprune.scoring.signals import Signals

BATCH = 32
QUERY, HEADER, BODY = 800, 120, 2000  # characters that are read: half a model's usual 512 tokens is left to the span
DECIMALS = 4  # of a score: what differs between batches of other lengths lies below

_UNUSABLE = (
    AssertionError, AttributeError, ImportError, LookupError, OSError, RuntimeError, SafetensorError, TypeError,
    ValueError,
)  # fmt: skip
"""The errors of the libraries where a folder's files do not fit together."""


class CrossEncoder:
    """Sigmoid of the one logit of (query, header and span), whatever activation was saved with the model."""

    def __init__(self, model: Any, name: str) -> None:
        self.name = name
        self._model = model
        self._lock = Lock()  # a tokenizer holds the padding of its present batch

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> CrossEncoder:
        """Read a folder. `name` is its own and a hash of the weights.

        Raises ScorerError where it cannot be used, and where anything in it names code.
        """
        inspect_folder(folder)
        try:
            model = sentence_transformers.CrossEncoder(
                str(folder),
                device=None if device == "auto" else device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except _UNUSABLE as exc:
            raise ScorerError(f"the cross-encoder in {folder} cannot be loaded on {device!r}: {exc}") from exc
        return cls(model, f"{folder.resolve().name}.{_hash(folder)[:8]}")

    @property
    def runs_on(self) -> str:
        """The device, for people."""
        return str(self._model.device)

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """One score for each span; without a query, those of signals.v1."""
        scores = Signals()(context, spans)
        query = _ends(context.query.strip(), QUERY)
        read = [i for i, span in enumerate(spans) if query and context.segments[span.segment].kind in READ]
        headers = {s: _ends(header(context, s).strip(), HEADER) for s in {spans[i].segment for i in read}}
        pairs = [(query, f"{headers[spans[i].segment]}\n{_ends(spans[i].text, BODY)}".strip()) for i in read]
        by_pair = self._score(list(dict.fromkeys(pairs))) if pairs else {}
        for i, pair in zip(read, pairs, strict=True):
            scores[i] = by_pair[pair]
        return scores

    def _score(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
        """Each pair with its score."""
        with self._lock:
            logits = self._model.predict(pairs, batch_size=BATCH, show_progress_bar=False, activation_fn=_bare)
        return {pair: round((1 + tanh(float(x) / 2)) / 2, DECIMALS) for pair, x in zip(pairs, logits, strict=True)}


def _bare(logits: Any) -> Any:
    return logits


def _ends(text: str, limit: int) -> str:
    """The beginning and the end of a long text, without lone surrogates, which tokenizers refuse."""
    cut = text if len(text) <= limit else f"{text[: limit * 3 // 4]} {text[-(limit // 4) :]}"
    return cut.encode("utf-8", "replace").decode()


def _hash(folder: Path) -> str:
    digest = sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
