"""Budgets and policies: how much may remain, and how it is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from contextprune.context import Kind
from contextprune.errors import SettingsError
from contextprune.money.tariff import Tariff

PROTECTED = frozenset({Kind.SYSTEM, Kind.TOOLS, Kind.USER, Kind.ASSISTANT, Kind.REASONING, Kind.TOOL_CALL, Kind.IMAGE})
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
class Rule:
    """What holds for the results of some tools; None: as for all.

    recall       share of needed spans that must survive, 1.0 for all
    min_tokens   smaller results are left alone
    max_tokens   the most that a result may keep as it arrives, views of files included; failure lines come first
    """

    recall: float | None = None
    min_tokens: int | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.recall is not None and not 0.0 < self.recall <= 1.0:
            raise SettingsError(f"recall lies above 0 and at most at 1, not {self.recall}")
        if self.min_tokens is not None and self.min_tokens < 0:
            raise SettingsError(f"min_tokens is 0 or more, not {self.min_tokens}")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise SettingsError(f"max_tokens is 1 or more, not {self.max_tokens}")


@dataclass(frozen=True, slots=True)
class Policy:
    """How to decide; every field has a default that is safe for agents.

    recall           share of needed spans that must survive where no budget is given
    protect          kinds that stay byte-identical
    recent_turns     how many of the latest turns are preferred over older ones of equal worth
    min_tokens       blocks smaller than this are left alone where no budget is given
    exclude_tools    names of tools whose results are never touched; `*` and `?` stand for any characters
    tools            rules for some tools, by the same patterns; the first that fits counts
    shorten_views    whether views of files and diffs may lose lines as they arrive: an edit may have to match them
    high_water       share of the window at which old blocks are re-decided
    low_water        share of the window that such an epoch goes down to
    window           tokens that the model can read
    epochs           whether old blocks are ever re-decided
    images           how many of the latest images an epoch leaves
    images_on_arrival  whether an image equal to one of them becomes a reference as it arrives
    prices           a model's name, or that of a table of prices, for what is not said in the context
    tariffs          prices of your own, by the name of the model
    repetitions_only  whether, where no budget is given, only what stands byte for byte earlier in the prompt may go;
                     `recall`, `shorten_views` and the recall of `tools` have no say then, and no epoch happens
    ignore_marks     names of tools, by the same patterns, in whose results `<contextprune-keep>` keeps nothing:
                     what they bring was written by strangers
    """

    recall: float = 0.95
    protect: frozenset[Kind] = PROTECTED
    recent_turns: int = 2
    min_tokens: int = 100
    exclude_tools: tuple[str, ...] = ()
    high_water: float = 0.8
    low_water: float = 0.5
    tools: Mapping[str, Rule] = field(default_factory=dict, hash=False)
    shorten_views: bool = False
    window: int = 200_000
    epochs: bool = True
    images: int = 3
    images_on_arrival: bool = False
    prices: str = ""
    tariffs: Mapping[str, Tariff] = field(default_factory=dict, hash=False)
    repetitions_only: bool = False
    ignore_marks: tuple[str, ...] = ()

    def rule(self, tool: str | None) -> Rule:
        """What holds for the results of `tool`."""
        return next((rule for name, rule in self.tools.items() if fnmatchcase(tool or "", name)), Rule())

    @property
    def redecides(self) -> bool:
        """Whether old blocks are ever re-decided."""
        return self.epochs and not self.repetitions_only

    def excludes(self, tool: str | None) -> bool:
        """Whether the results of `tool` are never touched."""
        return tool is not None and any(fnmatchcase(tool, name) for name in self.exclude_tools)

    def hears_marks(self, tool: str | None) -> bool:
        """Whether `<contextprune-keep>` in the results of `tool` keeps anything."""
        return tool is None or not any(fnmatchcase(tool, name) for name in self.ignore_marks)

    def __post_init__(self) -> None:
        if not 0.0 < self.recall <= 1.0:
            raise SettingsError(f"recall lies above 0 and at most at 1, not {self.recall}")
        if not 0.0 < self.low_water <= self.high_water <= 1.0:
            raise SettingsError(
                f"0 < low_water <= high_water <= 1 must hold, not {self.low_water} and {self.high_water}"
            )
        if min(self.recent_turns, self.min_tokens, self.images) < 0:
            raise SettingsError("recent_turns, min_tokens and images are 0 or more")
        if self.window < 1:
            raise SettingsError(f"window is a number of tokens above 0, not {self.window}")
