"""Speed on texts and conversations that are made to be slow: time grows with their size, whatever they hold.

Each is measured at two sizes, four times apart, alone and shortened as it arrives, without a model. Where time is
linear its exponent is 1; a loop that looks at the same characters again and again has 2.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import median
from time import process_time

import contextprune as cp
from contextprune.bench.slow_texts import CONVERSATIONS, TEXTS, Maker, Messages, MessagesMaker, as_result
from contextprune.splitting import cut

SIZES = (1_000_000, 4_000_000)
"""Characters of the small and of the large text."""
RUNS = 3
"""Runs of each, of which the median counts; one that takes long is not repeated."""
LONG = 10.0
"""CPU seconds of a run that takes long."""
CHARACTERS = 4
"""Characters that a token has, about: what speed in tokens is reckoned with."""
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Growth:
    """What a text costs.

    characters     of the large text
    cut            CPU seconds in which the large text is cut; 0 for a conversation
    small, large   CPU seconds in which each is shortened
    memory         bytes that the process grew by at its peak, by byte of the large text; 0 where that is not known
    """

    name: str
    characters: int
    cut: float
    small: float
    large: float
    memory: float

    @property
    def exponent(self) -> float:
        """The power of the size that time grows with: 1 where it is linear."""
        return log(self.large / self.small) / log(SIZES[1] / SIZES[0]) if self.small and self.large else 0.0

    @property
    def per_megabyte(self) -> float:
        """CPU seconds for a million characters of the large text."""
        return self.large / self.characters * _MEGABYTE

    @property
    def rate(self) -> float:
        """Tokens of the large text a second."""
        return self.characters / CHARACTERS / self.large if self.large else 0.0


def measure_adversarial(
    texts: Mapping[str, Maker] = TEXTS, conversations: Mapping[str, MessagesMaker] = CONVERSATIONS
) -> Iterator[Growth]:
    """Shorten each at both sizes; yields each figure as soon as it is there."""
    shorten([{"role": "user", "content": "Warm up."}])
    for name, make in texts.items():
        small, large = (make(size) for size in SIZES)
        cutting = _seconds(lambda large=large: cut(large))  # type: ignore[misc]  # bound here and now
        yield _growth(name, as_result(small), as_result(large), len(large), cutting)
    for name, make_messages in conversations.items():
        yield _growth(name, make_messages(SIZES[0]), make_messages(SIZES[1]), SIZES[1], 0.0)


def shorten(messages: Messages) -> None:
    """Shorten a conversation whose messages have all just arrived, with nothing remembered and without a model."""
    pruner = cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), cp.Tiktoken(), cp.MemoryStore())
    cp.compress(messages, pruner=pruner)


def _growth(name: str, small: Messages, large: Messages, characters: int, cutting: float) -> Growth:
    before = _reset_peak()
    seconds = _seconds(lambda: shorten(large))
    grown = max(0, _memory("VmHWM") - before) / characters if before else 0.0
    return Growth(name, characters, cutting, _seconds(lambda: shorten(small)), seconds, grown)


def _seconds(work: Callable[[], object]) -> float:
    """CPU seconds of the median run."""
    seconds: list[float] = []
    while len(seconds) < RUNS and sum(seconds) < LONG:
        gc.collect()
        began = process_time()
        work()
        seconds.append(process_time() - began)
    return median(seconds)


def _reset_peak() -> int:
    """Bytes of memory in use, from where on the peak is counted anew; 0 where the system cannot tell."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return 0
    return _memory("VmRSS")


def _memory(field: str) -> int:
    """A figure of this process's memory as Linux gives it, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)
