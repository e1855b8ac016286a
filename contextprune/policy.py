"""What was asked: the budget and the policy. The only reader of the environment and of configuration files."""

from __future__ import annotations

from dataclasses import dataclass

from contextprune.context import Kind
from contextprune.errors import SettingsError

PROTECTED = frozenset(
    {Kind.SYSTEM, Kind.TOOLS, Kind.USER, Kind.ASSISTANT, Kind.REASONING, Kind.TOOL_CALL, Kind.IMAGE}
)
"""Kinds that no default policy touches: instructions, and whatever the model itself produced."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may remain: `tokens`, or `ratio` of the tokens that came in. A ceiling, not a target.

    Exactly one is given. Raises SettingsError otherwise, or where the value cannot be a ceiling.
    """

    tokens: int | None = None
    ratio: float | None = None

    def __post_init__(self) -> None:
        if (self.tokens is None) == (self.ratio is None):
            raise SettingsError("a budget is either tokens=... or ratio=..., one of the two")
        if self.tokens is not None and self.tokens < 0:
            raise SettingsError(f"a budget in tokens is 0 or more, not {self.tokens}")
        if self.ratio is not None and not 0.0 <= self.ratio <= 1.0:
            raise SettingsError(f"a budget's ratio lies between 0 and 1, not {self.ratio}")

    def resolve(self, total: int) -> int:
        """The ceiling in tokens for an input of `total` tokens."""
        if self.tokens is not None:
            return self.tokens
        assert self.ratio is not None
        return int(total * self.ratio)


@dataclass(frozen=True, slots=True)
class Policy:
    """How to decide; every field has a default that is safe for agents.

    recall           share of needed spans that must survive where no budget is given
    protect          kinds that stay byte-identical
    recent_turns     how many of the latest turns are preferred over older ones of equal worth
    min_tokens       blocks smaller than this are left alone where no budget is given
    exclude_tools    names of tools whose results are never touched
    high_water       share of the window at which old blocks are re-decided
    low_water        share of the window that such an epoch goes down to
    """

    recall: float = 0.95
    protect: frozenset[Kind] = PROTECTED
    recent_turns: int = 2
    min_tokens: int = 200
    exclude_tools: tuple[str, ...] = ()
    high_water: float = 0.8
    low_water: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.recall <= 1.0:
            raise SettingsError(f"recall lies above 0 and at most at 1, not {self.recall}")
        if not 0.0 < self.low_water <= self.high_water <= 1.0:
            raise SettingsError(
                f"0 < low_water <= high_water <= 1 must hold, not {self.low_water} and {self.high_water}"
            )
        if self.recent_turns < 0 or self.min_tokens < 0:
            raise SettingsError("recent_turns and min_tokens are 0 or more")
