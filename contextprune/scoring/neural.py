"""The trained scorer: reads goal and text together and says how likely each span is to be needed.

On a CPU every window is computed by itself on one thread, several at a time: no padding, no waiting of threads for one
another, and bit for bit the same scores whatever else is scored beside it. What was read is remembered by content, so
that an unchanged block costs only its features.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b, sha256
from pathlib import Path
from threading import Barrier, Lock, Thread
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
from contextprune.scoring.encoder import LOOK, MIX, Batch, Blank, Model, Shape, has_bf16
from contextprune.scoring.features import FEATURES, features
from contextprune.scoring.listwise import PREFIX, Surroundings, inputs_of
from contextprune.scoring.signals import Signals
from contextprune.scoring.windows import Cutter, Window

T = TypeVar("T")
R = TypeVar("R")

REMEMBERED = 200_000  # spans: about 60 MB
GPU_TOKENS = 60_000  # of one batch there
DECIMALS = 4  # of a score: what differs between devices lies below


class Neural:
    """The scorer of a folder with `scorer.json`, `model.safetensors`, `tokenizer.json` and `calibration.json`."""

    def __init__(
        self,
        model: Model,
        cutter: Cutter,
        calibration: Calibration,
        name: str,
        device: str = "auto",
        surroundings: Surroundings | None = None,
    ) -> None:
        self.name = name
        self.calibration = calibration
        self.device = _device(device)
        self._cutter = cutter
        self._bf16 = self.device.type == "cuda" or has_bf16()
        self._model = model.eval().requires_grad_(False).to(self.device)
        self._surroundings = surroundings.eval().requires_grad_(False) if surroundings else None
        if self._bf16:
            self._model.reader.encoder.bfloat16()
        self._seen: OrderedDict[bytes, np.ndarray] = OrderedDict()
        self._held = 0
        self._begin()

    def _begin(self) -> None:
        self._process, self._lock, self._workers = os.getpid(), Lock(), _Workers()

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> Neural:
        """Read a folder that training wrote. Raises ScorerError where it is incomplete or not what its hash says."""
        about = _json(folder / "scorer.json")
        try:
            raw = (folder / "model.safetensors").read_bytes()
        except OSError as exc:
            raise ScorerError(f"no weights in {folder}: {exc.strerror}") from exc
        if sha256(raw).hexdigest() != about.get("sha256"):
            raise ScorerError(f"{folder / 'model.safetensors'} is not the file that scorer.json names: install it anew")
        calibration = Calibration.of(_json(folder / "calibration.json"))
        try:
            with Blank():
                model = Model(Shape(**about["shape"]))
            full = {name: tensor.to(torch.float32, copy=True) for name, tensor in load(raw).items()}
            surroundings = _surroundings(full)
            model.load_state_dict(full, assign=True)
            cutter = Cutter(_tokenizer(folder / "tokenizer.json"))
            name = f"{about['name']}.{about['sha256'][:8]}"
        except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as exc:
            raise ScorerError(f"the scorer in {folder} does not fit this version: {exc}") from exc
        return cls(model, cutter, calibration, name, device, surroundings)

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """One calibrated probability for each span.

        Of a trace (several results of tools, and no query of the caller's) it is the mean of that and signals.v1: few
        traces were there to learn from, and what stands late and in a view of a file is quoted more than they show.
        """
        wanted = {i for i, segment in enumerate(context.segments) if segment.kind in READ}
        read = [i for i, span in enumerate(spans) if span.segment in wanted]
        results = {i for i in wanted if context.segments[i].kind is Kind.TOOL_RESULT}
        trace = context.reading is Reading.TRACE
        scores = Signals()(context, spans) if trace or len(read) < len(spans) else [0.0] * len(spans)
        if read:
            logits = self.logits(context, spans, wanted)
            classes = self.calibration.classes(context, spans)
            for i, logit in zip(read, logits, strict=True):
                segment = spans[i].segment
                found = self.calibration.probability(classes[segment], logit)
                scores[i] = round((found + scores[i]) / 2 if trace and segment in results else found, DECIMALS)
        return scores

    def threshold(self, context: Context, spans: Sequence[Span], segment: int, recall: float) -> float:
        """The least score with which a span of `segment` is to be kept so that `recall` of what is needed survives."""
        return self.calibration.threshold(self.calibration.classes(context, spans)[segment], recall)

    @property
    def about(self) -> str:
        """Device and number format, for people."""
        kind = "bf16" if self._bf16 else "fp32"
        threads = f", {torch.get_num_threads()} threads" if self.device.type == "cpu" else ""
        return f"{self.device.type}, {kind}{threads}"

    def forget(self) -> None:
        """Drop what is remembered of texts that were read."""
        with self._lock:
            self._seen.clear()
            self._held = 0

    def logits(self, context: Context, spans: Sequence[Span], wanted: Iterable[int]) -> list[float]:
        """The uncalibrated scores of the spans of the segments `wanted`, in order."""
        read, alone, rows = self.alone(context, spans, wanted)
        if self._surroundings is None or not read:
            return [float(logit) for logit in alone]
        return self._workers.map(self._join, [inputs_of([spans[i] for i in read], alone, rows)])[0]

    def alone(
        self, context: Context, spans: Sequence[Span], wanted: Iterable[int]
    ) -> tuple[list[int], np.ndarray, np.ndarray]:
        """Of the spans of the segments `wanted`: indices, logits before their surroundings count, and features."""
        if self._process != os.getpid():  # forked: the parent's threads are not here, and its lock may be held
            self._begin()
        windows = self._cutter(context, spans, wanted)
        everything = features(context, spans)
        read = [i for window in windows for i, _, _ in window.spans]
        rows = np.array([everything[i] for i in read], np.float32).reshape(-1, FEATURES)
        if not read:
            return read, np.zeros(0), rows
        return read, np.array(self._workers.map(self._judge, [(np.concatenate(self._read(windows)), rows)])[0]), rows

    def _judge(self, both: tuple[np.ndarray, np.ndarray]) -> list[float]:
        seen, facts = (torch.from_numpy(part).to(self.device) for part in both)
        with torch.inference_mode():
            return [float(value) for value in self._model.judge(seen, facts).cpu()]

    def _join(self, inputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> list[float]:
        assert self._surroundings is not None
        with torch.inference_mode():
            return [float(value) for value in self._surroundings(*inputs)]

    def _read(self, windows: Sequence[Window]) -> list[np.ndarray]:
        """[spans of the window, MIX + LOOK] for each window: remembered, or read now."""
        keys = [_key(window) for window in windows]
        found: dict[bytes, np.ndarray] = {}
        with self._lock:
            for key in keys:
                if key in self._seen:
                    self._seen.move_to_end(key)
                    found[key] = self._seen[key]
        fresh = {key: window for key, window in zip(keys, windows, strict=True) if key not in found}
        read = self._on_cpu if self.device.type == "cpu" else self._in_batches
        found.update(zip(fresh, read(list(fresh.values())), strict=True))
        with self._lock:
            for key in fresh:
                if key not in self._seen:
                    self._seen[key] = found[key]
                    self._held += len(found[key])
            while self._held > REMEMBERED:
                self._held -= len(self._seen.popitem(last=False)[1])
        return [found[key] for key in keys]

    def _on_cpu(self, windows: Sequence[Window]) -> list[np.ndarray]:
        return self._workers.map(self._alone, windows)

    def _alone(self, window: Window) -> np.ndarray:
        with torch.inference_mode():
            seen: np.ndarray = self._model.reader(_batch([window])).numpy()
        return seen

    def _in_batches(self, windows: Sequence[Window]) -> list[np.ndarray]:
        order = sorted(range(len(windows)), key=lambda k: len(windows[k].ids))
        found: list[np.ndarray] = [np.zeros((0, MIX + LOOK), np.float32)] * len(windows)
        at = 0
        while at < len(order):
            most = max(1, GPU_TOKENS // len(windows[order[min(len(order), at + 64) - 1]].ids))
            chosen = order[at : at + most]
            at += len(chosen)
            with torch.inference_mode():
                seen = self._model.reader(_batch([windows[k] for k in chosen]).to(self.device)).float().cpu().numpy()
            ends = np.cumsum([len(windows[k].spans) for k in chosen])
            for k, part in zip(chosen, np.split(seen, ends[:-1]), strict=True):
                found[k] = part
        return found


class _Workers:
    """Threads that compute with one thread of torch each; as many as torch may use when they are first needed.

    The caller's own thread never computes: after a fork, OpenMP would wait there for threads that are gone.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """What `work` makes of each item, in order."""
        with self._lock:
            if self._pool is None:
                self._pool = _started(torch.get_num_threads())
        return list(self._pool.map(work, items))


def _started(count: int) -> ThreadPoolExecutor:
    """A pool whose threads all run by now, each set to one thread of torch; every other thread keeps `count`."""
    met = Barrier(count)

    def begin() -> None:
        torch.set_num_threads(1)
        met.wait()

    pool = ThreadPoolExecutor(count, "contextprune")
    list(pool.map(lambda _: begin(), range(count)))
    back = Thread(target=torch.set_num_threads, args=(count,))  # what threads that start later will find
    back.start()
    back.join()
    return pool


def _batch(windows: Sequence[Window]) -> Batch:
    longest = max(len(window.ids) for window in windows)
    spans = sum(len(window.spans) for window in windows)
    ids = torch.zeros(len(windows), longest, dtype=torch.long)
    owner = torch.full((len(windows), longest), spans)
    goal = torch.zeros(len(windows), longest, dtype=torch.bool)
    of: list[int] = []
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = torch.tensor(window.ids)
        goal[row, 1 : 1 + window.goal] = True
        for _, first, last in window.spans:
            owner[row, first:last] = len(of)
            of.append(row)
    return Batch(ids, torch.tensor([len(window.ids) for window in windows]), owner, goal, torch.tensor(of))


def _key(window: Window) -> bytes:
    marks = [place for _, first, last in window.spans for place in (first, last)]
    return blake2b(np.array([window.goal, *marks, -1, *window.ids], "<i4").tobytes(), digest_size=16).digest()


def _surroundings(tensors: dict[str, torch.Tensor]) -> Surroundings | None:
    """Taken out of the tensors of a scorer; None where it has none."""
    own = {name.removeprefix(PREFIX): tensors.pop(name) for name in list(tensors) if name.startswith(PREFIX)}
    if not own:
        return None
    found = Surroundings()
    found.load_state_dict(own)
    return found


def _tokenizer(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    try:
        return Tokenizer.from_str(text)
    except Exception as exc:  # the library has no narrower one
        if isinstance(exc, MemoryError):
            raise
        raise ScorerError(f"{path} is not a tokenizer: {exc}") from exc


def _device(name: str) -> torch.device:
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if name != "cpu" and not (torch.cuda if name == "cuda" else torch.backends.mps).is_available():
        raise ScorerError(f"device {name!r} was asked for, and torch sees none here: use 'auto' or 'cpu'")
    return torch.device(name)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        about: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ScorerError(f"{path.parent} holds no scorer: {path.name} cannot be read ({exc.strerror})") from exc
    except ValueError as exc:
        raise ScorerError(f"{path} is not JSON: {exc}") from exc
    if not isinstance(about, dict):
        raise ScorerError(f"{path} holds no JSON object")
    return about
