"""Speed: tokens of context per second, end to end and by stage, and how it grows with the context.

Everything is measured beside a baseline in the same run, plain BM25 over the lines of the same text, because seconds
from another machine or another minute say little. Sessions are real ones, joined until they are long enough.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, cycle, pairwise
from pathlib import Path
from statistics import linear_regression, median, quantiles
from time import perf_counter, process_time
from typing import Any, NamedTuple

import contextprune as cp
from contextprune.bench.data import Message, find_sets, load_rows, load_sessions
from contextprune.bench.documents import minilm
from contextprune.bench.documents.baselines import rank_bm25
from contextprune.bench.sessions.stories import renamed
from contextprune.bench.traces.future_use import visible_text
from contextprune.errors import SettingsError
from contextprune.interpreter import command
from contextprune.splitting import split
from contextprune.tokens import Tiktoken
from contextprune.training.transcript import text_of

RUNS = 5
SIZES = (10_000, 100_000, 1_000_000)
SHARE = 0.5
HISTORY = 100_000  # tokens of history that the overhead of a call is measured at
CALLS = 100
SCORED = 30_000  # tokens that the scorer alone is timed on
TINY = [{"role": "user", "content": "What is 2 + 2?"}]

_IMPORT = "from time import perf_counter as t; a = t(); import contextprune; print(t() - a)"
_FIRST = (
    "import importlib.util as u; u.find_spec('torch') and __import__('torch');"
    "from time import perf_counter as t; a = t(); import contextprune as c;"
    "c.prune_documents([c.Document(text='One fact. Another fact.')], query='fact', budget=c.Budget(ratio=0.5));"
    "print(t() - a)"
)


class Timing(NamedTuple):
    """A line of the table; `ratio` is baseline seconds over these seconds: above 1 is faster than the baseline."""

    what: str
    tokens: int
    seconds: float
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Speed:
    """All timings of one run."""

    runs: int
    lines: tuple[Timing, ...]


def time_engine(root: Path, largest: int = SIZES[-1], runs: int = RUNS) -> Speed:
    """Time everything at every size up to `largest` tokens. Raises SettingsError where there are no sessions."""
    lines = [
        Timing("import contextprune, fresh process", 0, _fresh(_IMPORT, runs)),
        Timing("import and first call, fresh process with torch imported", 0, _fresh(_FIRST, runs)),
    ]

    scorer = cp.load_scorer()
    pruner = cp.Pruner(scorer=scorer, store=cp.MemoryStore())
    lines.append(
        Timing("overhead of a call on one short message", 0, median_seconds(lambda: _compress(TINY, pruner), runs))
    )
    lines += time_overhead(root)
    lines += _time_scoring(root, scorer, runs)
    for size in [size for size in SIZES if size <= largest] or [largest]:
        lines += _time_size(size, session_of(root, size), scorer, runs)
    return Speed(runs, tuple(lines))


def session_of(root: Path, tokens: int) -> list[dict[str, Any]]:
    """Real sessions joined into one of about `tokens` tokens (four characters each), with tool-call ids made unique."""
    room = 4 * tokens
    joined: list[dict[str, Any]] = []
    for number, messages in enumerate(_sessions(root, longest=room // 4)):
        for message in messages:
            fresh = renamed(message, number)
            joined.append(fresh)
            room -= len(text_of(fresh)) + sum(len(str(call["function"])) for call in fresh.get("tool_calls") or ())
        if room <= 0:
            break
    return joined


def time_overhead(root: Path, history: int = HISTORY, count: int = CALLS) -> list[Timing]:
    """Calls without a budget on a session of about `history` tokens that grows by one turn each, no model involved.

    The first call knows nothing of the session; of the others the median and the 99th percentile are given, and by
    least squares what a thousand new tokens add. Epochs, which decide old blocks anew, are a line of their own.
    """
    messages = session_of(root, 2 * history)
    sizes = list(accumulate(len(visible_text([message])) // 4 for message in messages))
    turns = [i for i in range(1, len(messages)) if messages[i]["role"] == "assistant" != messages[i - 1]["role"]]
    turns = [i for i in turns if sizes[i - 1] >= 2 * history // 3][: count + 1]  # the history is met half-way

    warm, pruner = (cp.Pruner(scorer=cp.load_scorer("lexical"), store=cp.MemoryStore()) for _ in range(2))
    cp.compress(messages[: turns[0]], pruner=warm)  # vocabulary and grammars are read once in a process
    calls = [_call(messages[:end], pruner) for end in turns]
    new = [later.tokens - call.tokens for call, later in pairwise(calls)]
    usual = [(call, more) for call, more in zip(calls[1:], new, strict=True) if not call.epoch]
    epochs = [call for call in calls[1:] if call.epoch]

    walls, size = [call.wall for call, _ in usual], round(median(call.tokens for call in calls))
    cuts = quantiles(walls, n=100, method="inclusive")
    slope = linear_regression([more for _, more in usual], walls).slope
    lines = [
        Timing("a session's first call without a budget, no model", calls[0].tokens, calls[0].wall),
        Timing(f"each of {len(usual)} calls that follow, one turn more, median", size, cuts[49]),
        Timing("  99th percentile", size, cuts[98]),
        Timing("  a thousand new tokens more", 1_000, 1_000 * slope),
        Timing("  median of the processor's time alone", size, median(call.processor for call, _ in usual)),
    ]
    if epochs:
        lines.append(Timing(f"  {len(epochs)} calls with an epoch, median", size, median(call.wall for call in epochs)))
    return lines


class _Call(NamedTuple):
    """A call: seconds on the wall and of the processor, tokens of its context, True where it held an epoch."""

    wall: float
    processor: float
    tokens: int
    epoch: bool


def _call(messages: Sequence[Message], pruner: Any) -> _Call:
    wall, processor = perf_counter(), process_time()
    report = cp.compress(messages, pruner=pruner).report
    return _Call(perf_counter() - wall, process_time() - processor, report.before, report.epoch)


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Median seconds of `runs` calls after one that does not count."""
    work()
    seconds: list[float] = []
    for _ in range(runs):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return median(seconds)


def _time_scoring(root: Path, scorer: Any, runs: int) -> Iterator[Timing]:
    """The scorer by itself over questions with their documents, tokenisation and features included."""
    rows = [row for name, path in find_sets(root, "qa").items() for row in load_rows(name, path, 1)]
    jobs, tokens = [], 0
    for row in sorted((row for row in rows if 2_000 < row.chars < 40_000), key=lambda row: row.id):
        if tokens < SCORED:
            texts = (cp.Segment(cp.Kind.DOCUMENT, d["text"], (i,), name=d["title"]) for i, d in enumerate(row.docs))
            context = cp.Context(tuple(texts), row.question, asked=True)
            jobs.append((context, split(context)))
            tokens += sum(Tiktoken()(segment.text) for segment in context.segments)

    if not jobs:
        return

    def score() -> None:
        if hasattr(scorer, "forget"):
            scorer.forget()
        for context, spans in jobs:
            scorer(context, spans)

    spent = median_seconds(score, runs)
    if minilm.missing():
        yield Timing(f"scorer alone: {scorer.name}", tokens, spent)
        return
    base = median_seconds(lambda: [minilm.similarities(c.query, [s.text for s in spans]) for c, spans in jobs], runs)
    yield Timing(f"scorer alone: {scorer.name}; ratio to MiniLM-L6", tokens, spent, base / spent)
    yield Timing("  baseline: MiniLM-L6 in fp32 over the same spans", tokens, base, 1.0)


def _time_size(size: int, messages: list[dict[str, Any]], scorer: Any, runs: int) -> Iterator[Timing]:
    texts = [text_of(message) for message in messages]
    lines = [line for text in texts for line in text.splitlines()]
    goal = next(text_of(message) for message in messages if message["role"] == "user")
    stages: list[Mapping[str, float]] = []

    def prune() -> None:
        # a fresh pruner and no memory each time, or the second run would measure a cache
        if hasattr(scorer, "forget"):
            scorer.forget()
        out = _compress(messages, cp.Pruner(scorer=scorer, store=cp.MemoryStore()))
        stages.append(out.report.seconds)

    tokens = _compress(messages, cp.Pruner(scorer=scorer, store=cp.MemoryStore())).report.before
    base = median_seconds(lambda: rank_bm25(goal, lines), runs)
    counting = median_seconds(lambda: [Tiktoken()(text) for text in texts], runs)
    seconds = median_seconds(prune, runs)
    yield Timing(f"contextprune, about {size // 1000:,}k", tokens, seconds, base / seconds)
    for stage in stages[-1]:
        spent = median(run.get(stage, 0.0) for run in stages[1:])
        yield Timing(f"  {stage}", tokens, spent, base / spent if spent else None)
    yield Timing("  baseline: BM25 over lines", tokens, base, 1.0)
    yield Timing("  tiktoken alone", tokens, counting, base / counting)


def _compress(messages: Sequence[Mapping[str, Any]], pruner: Any) -> Any:
    return cp.compress(messages, budget=cp.Budget(ratio=_feasible(messages)), pruner=pruner)


def _feasible(messages: Sequence[Mapping[str, Any]]) -> float:
    """The share of the whole that halves the results: a budget that protected text leaves possible."""
    total = sum(len(visible_text([message])) for message in messages)
    results = sum(len(text_of(message)) for message in messages if message["role"] == "tool")
    return 1.0 - (1.0 - SHARE) * results / total if total else 1.0


def _fresh(code: str, runs: int) -> float:
    """The median of the seconds that `code` prints in a fresh interpreter."""

    def run() -> float:
        printed = subprocess.run(command("-c", code), capture_output=True, text=True, check=True).stdout  # noqa: S603  # our own
        return float(printed)

    run()
    return median(run() for _ in range(runs))


def _sessions(root: Path, longest: int) -> Iterator[Sequence[Message]]:
    """Sessions of all families in turn, over and over; those above `longest` characters only where all are."""
    families = [load_sessions(name, path, 60) for name, path in find_sets(root, "traj").items()]
    longest_family = max(map(len, families), default=0)
    if not longest_family:
        raise SettingsError(f"no trajectories under {root}: the speed task needs some (traj_*.jsonl.gz)")

    order = [family[i] for i in range(longest_family) for family in families if i < len(family)]
    short = [s for s in order if sum(len(text_of(message)) for message in s.messages) <= longest]
    return (session.messages for session in cycle(short or order))
