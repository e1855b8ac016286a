"""The trained scorer: reads goal and text together and says how likely each span is to be needed.

On a CPU every window is computed by itself on one thread, several at a time: no padding, no waiting of threads for one
another, and bit for bit the same scores whatever else is scored beside it. Outputs of the encoder are remembered by the
content of their window, so that an unchanged block costs only its features.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from math import isfinite
from pathlib import Path
from threading import Barrier, Lock, Thread
from types import MappingProxyType
from typing import Any, TypeVar

try:
    import numpy as np
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load
    from tokenizers import Tokenizer
except ImportError as exc:
    from contextprune.errors import MissingExtra

    raise MissingExtra("the neural scorer", extra="torch") from exc

from contextprune.context import Context, Kind, Reading, Span
from contextprune.errors import ScorerError
from contextprune.scoring.base import READ
from contextprune.scoring.calibration import Calibration
from contextprune.scoring.encoder import HEAD_WIDTH, MATCH_SCALARS, Model, Shape, batch_of, has_bf16
from contextprune.scoring.features import FEATURES, Column, features
from contextprune.scoring.folder import read_folder
from contextprune.scoring.listwise import PREFIX, Listwise, listwise_inputs
from contextprune.scoring.signals import Signals
from contextprune.scoring.windows import Cutter, Window, is_foreign

T = TypeVar("T")
R = TypeVar("R")

REMEMBERED = 200_000  # spans: about 60 MB
GPU_TOKENS = 60_000  # of one batch there
GPU_WINDOWS = 64  # how far ahead in the order by length the longest of a batch is looked for
SIGNALS_SHARE = 0.5  # of signals.v1 in a trace, the rest is the model's; equal parts were the only ones tried
DECIMALS = 4  # of a score: what differs between devices lies below


class Neural:
    """The scorer of a folder that `read_folder` reads."""

    def __init__(
        self,
        model: Model,
        cutter: Cutter,
        calibration: Calibration,
        name: str,
        device: str = "auto",
        listwise: Listwise | None = None,
    ) -> None:
        self.name = name
        self.calibration = calibration
        self.device = _device(device)
        self._cutter = cutter
        self._bf16 = self.device.type == "cuda" or has_bf16()

        self._model = model.eval().requires_grad_(False).to(self.device)
        self._listwise = listwise.eval().requires_grad_(False) if listwise else None
        if self._bf16:
            self._model.reader.encoder.bfloat16()

        self._remembered: OrderedDict[bytes, np.ndarray] = OrderedDict()  # by the hash of a window, oldest use first
        self._remembered_spans = 0
        self._begin()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what belongs to this process, and what is remembered."""
        local = ("_process", "_lock", "_workers", "_remembered", "_remembered_spans")
        return {key: value for key, value in vars(self).items() if key not in local}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on in another process, or as a copy."""
        vars(self).update(state)
        self._remembered, self._remembered_spans = OrderedDict(), 0
        self._begin()

    def _begin(self) -> None:
        self._process, self._lock, self._workers = os.getpid(), Lock(), _Workers()

    @classmethod
    def load(cls, folder: Path, device: str = "auto", pinned: Mapping[str, str] = MappingProxyType({})) -> Neural:
        """Read a folder that training wrote; `pinned` are SHA-256 of its files.

        Raises ScorerError where `read_folder` does, where the weights do not fit, and where some are no numbers.
        """
        files = read_folder(folder, pinned)
        calibration = Calibration.of(files.calibration)
        try:
            tensors = {name: tensor.to(torch.float32, copy=True) for name, tensor in load(files.weights).items()}
            _require_numbers(tensors)
            listwise = _pop_listwise(tensors)
            with torch.device("meta"):  # draws no weights, which would take a while and the caller's random numbers
                model = Model(Shape(**files.shape))
            model.load_state_dict(tensors, assign=True)
            cutter = Cutter(_tokenizer(files.tokenizer))
        except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as exc:
            raise ScorerError(f"the scorer in {folder} does not fit this version: {exc}") from exc
        return cls(model, cutter, calibration, files.name, device, listwise)

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """One calibrated probability for each span.

        Of a trace (several results of tools, and no query of the caller's) it is a mean of that and signals.v1: few
        traces were there to learn from, and what stands late and in a view of a file is quoted more than they show. A
        span of a document in a script that the encoder never learnt has the score of lexical.v1.
        """
        wanted = {i for i, segment in enumerate(context.segments) if segment.kind in READ}
        read = [i for i, span in enumerate(spans) if span.segment in wanted]
        if not read:
            return Signals()(context, spans)

        rows = features(context, spans)
        logits = self.logits(context, spans, wanted, rows)
        classes = self.calibration.classes(context, spans)
        results = {i for i in wanted if context.segments[i].kind is Kind.TOOL_RESULT}
        trace = context.reading is Reading.TRACE
        scores = [row[Column.SIGNALS] for row in rows]
        for i, logit in zip(read, logits, strict=True):
            segment = spans[i].segment
            score = self.calibration.probability(classes[segment], logit)
            if context.query and segment not in results and is_foreign(spans[i].text):
                score = rows[i][Column.LEXICAL]
            if trace and segment in results:
                score = SIGNALS_SHARE * scores[i] + (1 - SIGNALS_SHARE) * score
            scores[i] = round(score, DECIMALS)
        return scores

    def threshold(self, context: Context, spans: Sequence[Span], segment: int, recall: float) -> float:
        """The least score with which a span of `segment` is to be kept so that `recall` of what is needed survives."""
        return self.calibration.threshold(self.calibration.classes(context, spans)[segment], recall)

    @property
    def runs_on(self) -> str:
        """Device and number format, for people."""
        kind = "bf16" if self._bf16 else "fp32"
        threads = f", {torch.get_num_threads()} threads" if self.device.type == "cpu" else ""
        return f"{self.device.type}, {kind}{threads}"

    def forget(self) -> None:
        """Drop the remembered outputs of the encoder."""
        with self._lock:
            self._remembered.clear()
            self._remembered_spans = 0

    def logits(
        self, context: Context, spans: Sequence[Span], wanted: Iterable[int], everything: Sequence[Sequence[float]]
    ) -> list[float]:
        """The uncalibrated scores of the spans of the segments `wanted`, in order; `everything` are features of all."""
        read, of_windows, rows = self.window_logits(context, spans, wanted, everything)
        logits = [float(logit) for logit in of_windows]
        if self._listwise is not None and read:
            inputs = listwise_inputs([spans[i] for i in read], of_windows, rows)
            logits = self._workers.map(self._add_listwise, [inputs])[0]
        if not all(map(isfinite, logits)):
            raise ScorerError(
                f"{self.name} gives logits that are no numbers, so its weights are damaged: train it anew"
            )
        return logits

    def window_logits(
        self,
        context: Context,
        spans: Sequence[Span],
        wanted: Iterable[int],
        everything: Sequence[Sequence[float]] | None = None,
    ) -> tuple[list[int], np.ndarray, np.ndarray]:
        """Of the spans of the segments `wanted`: indices, logits from their windows alone, and features.

        `everything` are the features of all spans where they are known already.
        """
        if self._process != os.getpid():  # forked: the parent's threads are not here, and its lock may be held
            self._begin()
        windows = self._cutter(context, spans, wanted)
        everything = features(context, spans) if everything is None else everything
        read = [i for window in windows for i, _, _ in window.spans]
        rows = np.array([everything[i] for i in read], np.float32).reshape(-1, FEATURES)
        if not read:
            return read, np.zeros(0), rows

        logits = self._workers.map(self._add_head, [(np.concatenate(self._encode(windows)), rows)])[0]
        return read, np.array(logits), rows

    def _add_head(self, vectors_and_rows: tuple[np.ndarray, np.ndarray]) -> list[float]:
        vectors, rows = (torch.from_numpy(array).to(self.device) for array in vectors_and_rows)
        with torch.inference_mode():
            return [float(logit) for logit in self._model.judge(vectors, rows).cpu()]

    def _add_listwise(self, inputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> list[float]:
        assert self._listwise is not None
        with torch.inference_mode():
            return [float(logit) for logit in self._listwise(*inputs)]

    def _encode(self, windows: Sequence[Window]) -> list[np.ndarray]:
        """[spans of the window, HEAD_WIDTH + MATCH_SCALARS] for each window: remembered, or computed now."""
        keys = [_key(window) for window in windows]
        vectors: dict[bytes, np.ndarray] = {}
        with self._lock:
            for key in keys:
                if key in self._remembered:
                    self._remembered.move_to_end(key)
                    vectors[key] = self._remembered[key]

        # Without the lock, so that threads compute side by side; two may then compute the same window.
        fresh = {key: window for key, window in zip(keys, windows, strict=True) if key not in vectors}
        encode = self._on_cpu if self.device.type == "cpu" else self._in_batches
        vectors.update(zip(fresh, encode(list(fresh.values())), strict=True))

        with self._lock:
            for key in fresh:
                if key not in self._remembered:
                    self._remembered[key] = vectors[key]
                    self._remembered_spans += len(vectors[key])
            while self._remembered_spans > REMEMBERED:
                self._remembered_spans -= len(self._remembered.popitem(last=False)[1])
        return [vectors[key] for key in keys]

    def _on_cpu(self, windows: Sequence[Window]) -> list[np.ndarray]:
        return self._workers.map(self._encode_one, windows)

    def _encode_one(self, window: Window) -> np.ndarray:
        with torch.inference_mode():
            vectors: np.ndarray = self._model.reader(batch_of([window])).numpy()
        return vectors

    def _in_batches(self, windows: Sequence[Window]) -> list[np.ndarray]:
        """Windows of like length go together, so that little is padded."""
        order = sorted(range(len(windows)), key=lambda k: len(windows[k].ids))
        vectors: list[np.ndarray] = [np.zeros((0, HEAD_WIDTH + MATCH_SCALARS), np.float32)] * len(windows)
        at = 0
        while at < len(order):
            longest = len(windows[order[min(len(order), at + GPU_WINDOWS) - 1]].ids)
            chosen = order[at : at + max(1, GPU_TOKENS // longest)]
            at += len(chosen)

            batch = batch_of([windows[k] for k in chosen]).to(self.device)
            with torch.inference_mode():
                together = self._model.reader(batch).float().cpu().numpy()
            ends = np.cumsum([len(windows[k].spans) for k in chosen])
            for k, of_window in zip(chosen, np.split(together, ends[:-1]), strict=True):
                vectors[k] = of_window
        return vectors


class _Workers:
    """Threads that compute with one thread of torch each; as many as torch may use when they are first needed.

    The caller's own thread never computes: after a fork, OpenMP would wait there for threads that are gone. While any
    of them computes, MKL has one thread in the whole process: its number is no thread's own, and with more of them bf16
    sums differ in the third digit.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._count = 1
        self._under_way = 0
        self._lock = Lock()

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """The results of `work` for each item, in order."""

        def alone(item: T) -> R:
            torch.set_num_threads(1)
            return work(item)

        with self._lock:
            if self._pool is None:
                self._count = torch.get_num_threads()
                self._pool = _started(self._count)
            self._under_way += 1
        try:
            return list(self._pool.map(alone, items))
        finally:
            with self._lock:
                self._under_way -= 1
                if not self._under_way:
                    _set_threads(self._count)


def _started(count: int) -> ThreadPoolExecutor:
    """A pool whose threads all run by now."""
    all_run = Barrier(count)
    pool = ThreadPoolExecutor(count, "contextprune")
    list(pool.map(lambda _: all_run.wait(), range(count)))
    return pool


def _set_threads(count: int) -> None:
    """Give torch its threads back, for threads that start later; those that run keep their own number."""
    setter = Thread(target=torch.set_num_threads, args=(count,))
    setter.start()
    setter.join()


def _key(window: Window) -> bytes:
    bounds = [bound for _, first, last in window.spans for bound in (first, last)]
    return blake2b(np.array([window.goal, *bounds, -1, *window.ids], "<i4").tobytes(), digest_size=16).digest()


def _pop_listwise(tensors: dict[str, torch.Tensor]) -> Listwise | None:
    """Take the listwise network out of the tensors of a scorer; None where it has none."""
    state = {name.removeprefix(PREFIX): tensors.pop(name) for name in list(tensors) if name.startswith(PREFIX)}
    if not state:
        return None
    with torch.device("meta"):
        network = Listwise()
    network.load_state_dict(state, assign=True)
    return network


def _require_numbers(tensors: Mapping[str, torch.Tensor]) -> None:
    """Raise ValueError where a weight is infinite or none: the scores would be, too, now and then."""
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise ValueError("some of its weights are no numbers")


def _tokenizer(text: str) -> Any:
    try:
        return Tokenizer.from_str(text)
    except Exception as exc:  # the library has no narrower one
        if isinstance(exc, MemoryError):
            raise
        raise ValueError(f"its tokenizer cannot be read ({exc})") from exc


def _device(name: str) -> torch.device:
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if name != "cpu" and not (torch.cuda if name == "cuda" else torch.backends.mps).is_available():
        raise ScorerError(f"device {name!r} was asked for, and torch sees none here: use 'auto' or 'cpu'")
    return torch.device(name)
