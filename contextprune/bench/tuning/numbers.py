"""The tuned numbers of the decision path: where each stands, the task that it acts in, and the values to try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from contextprune.bench.tuning.constants import constants

Task: TypeAlias = Literal["sessions", "traces", "epochs", "tools", "recall", "evidence"]
Arm: TypeAlias = Literal["ours", "ours-lexical"]

TASKS: Mapping[str, Task] = {
    "selection.targets": "sessions",
    "money.payback": "epochs",
    "text.goal": "sessions",
    "scoring.lexical": "evidence",
    "scoring.signals": "traces",
    "scoring.digest": "traces",
}
"""Modules of which every constant that is a number was tuned, and the task that most of them act in."""

EPOCHS = (
    "EPOCH_WORTH", "EPOCH_WORTH_FREE", "EPOCH_RECENT_TURNS", "EPOCH_BLOCK_TOKENS", "EPOCH_SHARE", "VIEW_IDLE",
    "LONG_PAST_SHARE", "LONG_PAST", "LAST_RESORT_SHARE", "CACHE_CUSHION", "MARKER_ALLOWANCE",
)  # fmt: skip
OTHER_TASKS: Mapping[str, Task] = {**dict.fromkeys(EPOCHS, "epochs"), "LINE_WORTH": "traces", "RECENT_WORTH": "traces"}
"""Numbers of those modules that act in another task."""

SINGLE: Sequence[tuple[str, str, Task, Arm]] = (
    ("policy", "Policy.recall", "sessions", "ours-lexical"),
    ("policy", "Policy.recall", "sessions", "ours"),
    ("policy", "Policy.min_tokens", "sessions", "ours-lexical"),
    ("policy", "Policy.min_tokens", "sessions", "ours"),
    ("policy", "Policy.recent_turns", "traces", "ours-lexical"),
    ("policy", "Policy.high_water", "epochs", "ours-lexical"),
    ("policy", "Policy.low_water", "epochs", "ours-lexical"),
    ("selection.targets", "LARGE_RESULT_SLACK", "recall", "ours"),
    ("selection.targets", "LEAST_SAVING", "recall", "ours"),
    ("selection.targets", "KEPT_PER_ROOT", "sessions", "ours"),
    ("selection.targets", "KEPT_PER_ROOT", "recall", "ours"),
    ("scoring.load", "_SINGLE", "tools", "ours-lexical"),
    ("scoring.load", "_QUERIED", "recall", "ours-lexical"),
)
"""Numbers of other modules, and those that act in a second task or under the model."""

SHARES = frozenset(
    {
        "Policy.recall", "Policy.low_water", "LEAST_RECALL", "LEAST_SAVING", "IDENTIFIER_SHARE", "EPOCH_WORTH",
        "EPOCH_WORTH_FREE", "EPOCH_SHARE", "LONG_PAST_SHARE", "LAST_RESORT_SHARE", "B", "BLOCK", "UNMATCHED", "RARE",
    }
)  # fmt: skip
"""Numbers that stay below 1."""

TRIED: Mapping[str, tuple[Any, Any]] = {
    "Policy.high_water": (0.65, 0.9),  # it lies above the low one
    "_SINGLE": ({"lexical.v1": 0.4, "signals.v1": 0.6}, {"lexical.v1": 0.9, "signals.v1": 0.1}),
    "_QUERIED": ({"lexical.v1": 0.025, "signals.v1": 0.975}, {"lexical.v1": 0.1, "signals.v1": 0.9}),
}
"""Values to try where half and twice would mean nothing."""


@dataclass(frozen=True, slots=True)
class Number:
    """A tuned number with the task and the arm that it acts in.

    module   its name below the package; `name` is that of the constant there, `Class.field` for a default
    tried    the two values to try beside its own
    """

    module: str
    name: str
    value: Any
    task: Task
    arm: Arm

    @property
    def label(self) -> str:
        """The name for readers: weights of scorers share names, so theirs stand with the module."""
        file = self.module.rpartition(".")[2]
        return f"{file}.{self.name}" if self.module.startswith("scoring.") else self.name.removeprefix("Policy.")

    @property
    def tried(self) -> tuple[Any, Any]:
        """Half and twice; where a share cannot be doubled, half as much again, or half-way to 1."""
        if self.name in TRIED:
            return TRIED[self.name]
        if isinstance(self.value, tuple):
            return tuple(_half(each) for each in self.value), tuple(2 * each for each in self.value)
        more = 2 * self.value
        if self.name in SHARES and more >= 1:
            more = 1.5 * self.value if 1.5 * self.value < 1 else (1 + self.value) / 2
        return _half(self.value), round(more, 6)


def numbers() -> Iterator[Number]:
    """Every tuned number with each task that it acts in, module by module."""
    for module, usual in TASKS.items():
        for name, value in constants(module).items():
            if name.isupper() and _is_tuned(value):
                yield Number(module, name, value, OTHER_TASKS.get(name, usual), "ours-lexical")
    for module, name, task, arm in SINGLE:
        yield Number(module, name, constants(module)[name], task, arm)


def _is_tuned(value: object) -> bool:
    numbers_in = value if isinstance(value, tuple) else (value,)
    return bool(numbers_in) and all(isinstance(each, int | float) for each in numbers_in)


def _half(value: float) -> float:
    return value // 2 if isinstance(value, int) else value / 2
