"""Options of commands, and the values that they take: read from a text, or refused in one sentence.

Numbers and choices have parsers of ours: typer's own checks speak in the words of its libraries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from enum import StrEnum
from math import inf
from typing import Any, TypeVar

import typer

from contextprune.errors import ContextPruneError
from contextprune.policy import Budget, Policy
from contextprune.settings import load_settings

Choice = TypeVar("Choice", bound=StrEnum)
Number = TypeVar("Number", int, float)


def option(metavar: str, meaning: str, parser: Callable[[str], Any] | None = None) -> Any:
    """An option that takes a value, shown as `metavar`; `parser` reads it where typer should not."""
    return typer.Option(metavar=metavar, help=meaning, parser=parser)


def budget_of(text: str) -> Budget:
    """A share (`0.4`, `40%`, `1`) or a number of tokens (`8000`, `8_000`)."""
    match = re.fullmatch(r"(\d[\d_]*)?(\.\d+)?(%)?", text.strip())
    if not match or not (match[1] or match[2]):
        raise typer.BadParameter(f"{text!r} is neither a share (0.4, 40%) nor a number of tokens (8000)")
    number = float(f"{match[1] or '0'}{match[2] or ''}")
    try:
        if match[3]:
            return Budget(ratio=number / 100)
        return Budget(ratio=number) if match[2] or number <= 1 else Budget(tokens=int(number))
    except ContextPruneError as exc:
        raise typer.BadParameter(str(exc)) from exc


def policy_of(budget: Budget | None = None, *, repetitions_only: bool) -> Policy:
    """The policy of the settings, with what a flag says over it. Raises typer.BadParameter beside a budget."""
    if budget is not None and repetitions_only:
        raise typer.BadParameter("--repetitions-only is for a run without --budget, which may ask for more to go")
    policy = load_settings().policy
    return replace(policy, repetitions_only=True) if repetitions_only else policy


def whole_number(least: float = -inf) -> Callable[[str], int]:
    """A parser of whole numbers, of at least `least`."""
    return _number(int, "a whole number", least)


def number(least: float = -inf) -> Callable[[str], float]:
    """A parser of finite numbers, of at least `least`."""
    return _number(float, "a number", least)


def _number(kind: Callable[[str], Number], name: str, least: float) -> Callable[[str], Number]:
    words = name if least == -inf else f"{name} of at least {least:g}"

    def parse(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError as exc:
            raise typer.BadParameter(f"{text!r} is not {words}") from exc
        if not -inf < value < inf or value < least:  # which no NaN passes
            raise typer.BadParameter(f"{text!r} is not {words}")
        return value

    return parse


def choice_of(choices: type[Choice]) -> Callable[[str], Choice]:
    """A parser of the names in an enum."""

    def parse(text: str) -> Choice:
        try:
            return choices(text)
        except ValueError as exc:
            raise typer.BadParameter(f"{text!r} is not one of {', '.join(choices)}") from exc

    return parse


def names_of(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def arms_of(text: str, arms: Collection[str]) -> tuple[str, ...]:
    """Names out of `arms`, with commas between them. Raises typer.BadParameter on others."""
    names = names_of(text)
    unknown = [name for name in names if name not in arms]
    if unknown:
        raise typer.BadParameter(
            f"no arm is called {', '.join(unknown)}; there are {', '.join(arms)}", param_hint="--arms"
        )
    return names


def shares_of(text: str) -> tuple[float, ...]:
    """Shares above 0 and at most 1, with commas between them. Raises typer.BadParameter on others."""
    try:
        shares = tuple(map(float, names_of(text)))
    except ValueError as error:
        raise typer.BadParameter(
            f"shares are numbers with commas between, not {text!r}", param_hint="--budgets"
        ) from error
    if not all(0.0 < share <= 1.0 for share in shares):
        raise typer.BadParameter(f"a share lies above 0 and at most at 1, not {text!r}", param_hint="--budgets")
    return shares
