"""Tool-output recall: the share of the lines needed for a goal that is left when most of an output is dropped.

The outputs come from tools that were really run, with goals whose answer is known by construction; training saw neither
those tools nor those packages. Shares are of lines, as in the published figures for such pruners.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import contextprune as cp
from contextprune.bench.documents.baselines import rank_bm25, rank_hybrid, rank_lead, rank_randomly, rank_recency
from contextprune.bench.documents.minilm import similarities
from contextprune.bench.ours import fitted, pruner
from contextprune.training.samples import Sample, read_samples

SHARES = (0.5, 0.3, 0.1)
"""Lines that may remain: half, three and one in ten."""

ToolArm: TypeAlias = Callable[["Output", float], Sequence[str]]
"""(output, share of its lines that may remain) -> the lines that do."""


@dataclass(frozen=True, slots=True)
class Output:
    """The output of one call, and the lines of it that the goal needs."""

    id: str
    tool: str
    goal: str
    name: str
    arguments: str
    text: str
    needed: tuple[str, ...]


def find_outputs(root: Path) -> Path | None:
    """The file of samples under `root`, if there is one."""
    return next(iter(sorted(root.rglob("tools_unseen.jsonl.gz"))), None)


def load_outputs(path: Path, count: int | None = None) -> list[Output]:
    """Up to `count` outputs of each tool in which something is needed, in the file's order."""
    counts: dict[str, int] = {}
    outputs = []
    for sample in read_samples(path):
        if sample.needs and (count is None or counts.get(sample.kind, 0) < count):
            counts[sample.kind] = counts.get(sample.kind, 0) + 1
            outputs.append(_output(sample))
    return outputs


def _output(sample: Sample) -> Output:
    _, call, result = sample.context.segments
    lines, at = [], 0
    for line in result.text.splitlines(keepends=True):
        end = at + len(line)
        if line.strip() and any(min(end, need.end) - max(at, need.start) > 0 for need in sample.needs):
            lines.append(line.strip())
        at = end
    name = result.name or "tool"
    return Output(sample.id, sample.kind, sample.context.query, name, call.text, result.text, tuple(lines))


def recall(output: Output, arm: ToolArm, share: float) -> float:
    """Share of the needed lines that stand in what the arm keeps."""
    left = {line.strip() for line in arm(output, share)}
    return sum(line in left for line in output.needed) / len(output.needed)


def by_rank(rank: Callable[[str, Sequence[str]], Sequence[float]]) -> ToolArm:
    """An arm that keeps the lines that `rank` scores highest for the goal."""

    def arm(output: Output, share: float) -> Sequence[str]:
        lines = output.text.splitlines()
        scores = rank(output.goal, lines)
        order = sorted(range(len(lines)), key=lambda i: -scores[i])
        return [lines[i] for i in order[: int(share * len(lines))]]

    return arm


def oracle(output: Output, share: float) -> Sequence[str]:
    """The needed lines first: of an output of a few lines even they may not fit."""
    lines = output.text.splitlines()
    order = sorted(range(len(lines)), key=lambda i: lines[i].strip() not in output.needed)
    return [lines[i] for i in order[: int(share * len(lines))]]


def on_outputs(scorer: str | None) -> ToolArm:
    """Our arm, through the public face: goal, call and result as an agent sends them, under a ceiling of tokens."""

    def arm(output: Output, share: float) -> Sequence[str]:
        messages = _messages(output)
        report = cp.compress(messages, budget=cp.Budget(ratio=1.0), pruner=pruner(scorer)).report
        in_results = report.by_kind.get(cp.Kind.TOOL_RESULT, (0, 0))[0]
        original = [line.strip() for line in output.text.splitlines()]

        def cut(target: float) -> list[str]:
            ceiling = int(report.before - in_results * (1 - target))
            try:
                out = cp.compress(messages, budget=cp.Budget(tokens=max(0, ceiling)), pruner=pruner(scorer))
            except cp.BudgetError as refused:
                out = cp.compress(messages, budget=cp.Budget(tokens=refused.needed), pruner=pruner(scorer))
            return str(out.payload[-1]["content"]).splitlines()

        def left(lines: list[str]) -> float:
            """Share of the original's lines that stand; markers are no lines of it, what they cost is in tokens."""
            standing = Counter(line.strip() for line in lines)
            return (Counter(original) & standing).total() / len(original)

        return fitted(cut, left, share)

    return arm


def _messages(output: Output) -> list[dict[str, Any]]:
    call = {"id": "call_1", "type": "function", "function": {"name": output.name, "arguments": output.arguments}}
    return [
        {"role": "user", "content": output.goal},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": output.text},
    ]


TOOL_BASELINES: Mapping[str, ToolArm] = {
    "random": by_rank(rank_randomly(0)),
    "lead": by_rank(rank_lead),
    "tail": by_rank(rank_recency),
    "bm25": by_rank(rank_bm25),
    "minilm": by_rank(similarities),
    "hybrid": by_rank(rank_hybrid),
    "oracle": oracle,
}
