"""What stays of a case under a budget and on arrival, and whether it is enough."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import contextprune as cp
from contextprune.bench.field.baselines import keep_error_lines
from contextprune.bench.field.cases import Case, Half
from contextprune.markers import marker_ranges
from contextprune.tokens import open_counter

ARRIVAL = "arrival"
SHARES = (0.1, 0.3)
"""Shares of the result's tokens that may stay."""
ARRIVAL_SHARE = 0.45
"""What baselines get where ours decide themselves: the most that ours may leave on average."""
SLACK = 0.01  # of the result's tokens: a budget counts the whole request, in which texts join
PIECE = 48
"""Characters: so long a piece of what is to stay whole is a piece of it, not a chance."""

Arm: TypeAlias = Callable[[Case, float | None], "Remains"]
"""(case, share of its tokens that may stay; None: on arrival) -> what stays."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What stays of a result: the text with its markers, and its share of the tokens."""

    text: str
    share: float


@dataclass(frozen=True, slots=True)
class FieldResult:
    """One case, arm and mode.

    mode      a share such as "30 %", or "arrival"
    missing   the needs that do not stay
    faults    whatever else is wrong: torn pieces, invalid JSON, more than the budget
    share     tokens of the result afterwards over before
    markers   tokens of our markers over those of all that stays
    """

    name: str
    family: str
    half: Half
    arm: str
    mode: str
    missing: tuple[str, ...]
    faults: tuple[str, ...]
    share: float
    markers: float

    @property
    def passed(self) -> bool:
        """Whether all needs stay, and nothing is torn."""
        return not self.missing and not self.faults


def compressing(scorer: str | None) -> Arm:
    """Our arm, through the public face: goal, call and result as an agent sends them."""
    from contextprune.bench.ours import pruner  # noqa: PLC0415 - baselines run without us

    def arm(case: Case, share: float | None) -> Remains:
        messages = _messages(case)
        budget = None
        if share is not None:
            uncut = cp.compress(messages, cp.Budget(ratio=1.0), pruner=pruner(scorer)).report
            in_result = uncut.by_kind[cp.Kind.TOOL_RESULT][0]
            budget = cp.Budget(tokens=int(uncut.before - in_result * (1 - share)))
        try:
            out = cp.compress(messages, budget, pruner=pruner(scorer))
        except cp.BudgetError as refused:
            out = cp.compress(messages, cp.Budget(tokens=refused.needed), pruner=pruner(scorer))
        before, after = out.report.by_kind[cp.Kind.TOOL_RESULT]
        return Remains(str(out.payload[-1]["content"]), after / before)

    return arm


def error_lines(case: Case, share: float | None) -> Remains:
    """The script of twenty lines."""
    count = open_counter()
    text = keep_error_lines(case.text, ARRIVAL_SHARE if share is None else share)
    return Remains(text, count(text) / count(case.text))


FIELD_BASELINES: Mapping[str, Arm] = {"error-lines": error_lines}


def judge(case: Case, name: str, arm: Arm, share: float | None) -> FieldResult:
    """Run one arm in one mode, and compare what stays with what is needed."""
    remains = arm(case, share)
    seen = _without_markers(remains.text, case.text)
    missing = tuple(need for need in case.needs if need not in seen)

    faults = [f"torn: {piece[:PIECE]!r}" for piece in case.unbroken if piece not in seen and is_torn(piece, seen)]
    if case.valid_json and not _is_json(remains.text):
        faults.append("no valid JSON")
    if share is not None and remains.share > share + SLACK:
        faults.append(f"{remains.share:.0%} stays")
    mode = ARRIVAL if share is None else f"{share:.0%}"
    markers = _marker_share(remains.text, case.text)
    return FieldResult(case.name, case.family, case.half, name, mode, missing, tuple(faults), remains.share, markers)


def is_torn(piece: str, text: str) -> bool:
    """Tell whether a part of the piece stands in the text, though not all of it does."""
    if piece in text:
        return False
    return any(piece[i : i + PIECE] in text for i in range(0, max(1, len(piece) - PIECE), PIECE // 2))


def _messages(case: Case) -> list[dict[str, Any]]:
    call = {"id": "call_1", "type": "function", "function": {"name": case.call, "arguments": case.arguments}}
    return [
        {"role": "user", "content": case.goal},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": case.text},
    ]


def _without_markers(text: str, original: str) -> str:
    at, parts = 0, []
    for start, end in marker_ranges(text, original):
        parts.append(text[at:start])
        at = end
    return "\0".join([*parts, text[at:]])


def _marker_share(text: str, original: str) -> float:
    """The share of the tokens of what stays that are those of markers."""
    count = open_counter()
    markers = sum(count(text[start:end]) for start, end in marker_ranges(text, original))
    return markers / max(1, count(text))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
