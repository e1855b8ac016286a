"""What a prompt costs when the provider's cache is counted: prices of models, and bills of tokens read and written.

Prices come from the package genai-prices, which carries its data and asks no network. Nothing here reads a clock: a
day is given, or the latest prices announced are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.util import find_spec
from math import inf
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from contextprune.errors import SettingsError

Piece: TypeAlias = tuple[str | bytes | int, int]
"""One block of a prompt: an identity of its bytes, and its tokens."""

MTOK = 1_000_000
T = TypeVar("T")

LEAST: Mapping[str, int] = MappingProxyType(
    {
        r"opus-5|fable-5|mythos-5": 512,
        r"opus-4-[56]|haiku-4-5": 4096,
        r"opus-4-7|claude-3-haiku|haiku-3|claude-3-5-haiku": 2048,
        r"gemini-2-5-flash": 1024,
        r"gemini": 4096,
    }
)
"""Pattern of a model's name (dots as hyphens) -> tokens below which a prefix is not cached; 1024 where none matches.

From the providers' pages on prompt caching, as of November 2026. genai-prices does not have it.
"""

BEDROCK = re.compile(r"^(?:[a-z-]+\.)?[a-z][a-z0-9]*\.[a-z]")  # us.anthropic.claude-..., amazon.nova-...
CONTEXT_LENGTH = re.compile(r"\[\w+\]$")  # some agents write the window behind the name: claude-opus-4-6[1m]


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of one model in US dollars per million tokens.

    input    input that neither comes from the cache nor enters it
    read     input that the cache already has
    write    input that enters the cache
    output   what the model writes
    least    tokens below which a prefix is not cached
    hour     input that enters the cache for an hour instead of minutes; 0: as `write`
    """

    name: str
    input: float
    read: float
    write: float
    output: float = 0.0
    least: int = 1024
    hour: float = 0.0

    def __post_init__(self) -> None:
        prices = self.input, self.read, self.write, self.output, self.least, self.hour
        if not all(0 <= price < inf for price in prices):
            raise SettingsError(f"prices and least of the tariff {self.name!r} are finite numbers of 0 or more")


FAMILIES: Mapping[str, Tariff] = MappingProxyType(
    {
        name: Tariff(name, 1.0, read, write, hour=hour)
        for name, read, write, hour in (
            ("anthropic-fable", 0.025, 1.25, 2.0),
            ("anthropic-5.5", 0.05, 1.25, 2.0),
            ("anthropic", 0.1, 1.25, 2.0),
            ("openai-5.6", 0.1, 1.25, 0.0),
            ("openai", 0.1, 1.0, 0.0),
            ("openai-4o", 0.5, 1.0, 0.0),
            ("uncached", 1.0, 1.0, 0.0),
        )
    }
)
"""Prices relative to the input price, for families of models: what a decision needs where no price is known."""

KIN: Mapping[str, str] = MappingProxyType(
    {
        r"(?:fable|mythos)-5-[1-9]": "anthropic-fable",
        r"(?:opus|sonnet)-5-[5-9]|gpt-6-[1-9]|gemini-[4-9]": "anthropic-5.5",
        r"claude": "anthropic",
        r"gpt-5-[6-9]|gpt-6": "openai-5.6",
        r"gpt-4o|\bo1\b|\bo3-mini\b": "openai-4o",
        r"gpt-[345]|\bo[34]\b|gemini-[123]": "openai",
    }
)
"""Pattern of a model's name (dots as hyphens) -> the family with its prices, or else the next with cheaper reads."""


@dataclass(frozen=True, slots=True)
class Bill:
    """Tokens of prompts by how they are paid.

    fresh     at the input price
    written   to the cache, for the shortest lifetime that the provider offers
    read      from the cache
    hour      to the cache, for an hour
    """

    fresh: int = 0
    written: int = 0
    read: int = 0
    hour: int = 0

    def __add__(self, more: Bill) -> Bill:
        return Bill(self.fresh + more.fresh, self.written + more.written, self.read + more.read, self.hour + more.hour)

    @property
    def tokens(self) -> int:
        """All that was sent."""
        return self.fresh + self.written + self.read + self.hour

    @property
    def entered(self) -> int:
        """All that entered the cache."""
        return self.written + self.hour

    def priced(self, tariff: Tariff) -> float:
        """Tokens times their prices."""
        short = self.fresh * tariff.input + self.written * tariff.write + self.read * tariff.read
        return short + self.hour * (tariff.hour or tariff.write)

    def dollars(self, tariff: Tariff) -> float:
        """The cost of these tokens in US dollars."""
        return self.priced(tariff) / MTOK


def charge(previous: Sequence[Piece], current: Sequence[Piece], tariff: Tariff, *, hour: bool = False) -> Bill:
    """The bill for sending `current` right after `previous`, while the cache still holds the latter.

    Pieces that both begin with are read, all others are written, for an `hour` where that was asked for; an empty
    `previous` means a cold cache.

    >>> charge([("a", 2000)], [("a", 2000), ("b", 500)], FAMILIES["anthropic"])
    Bill(fresh=0, written=500, read=2000)
    """
    cached = sum(tokens for _, tokens in current[: shared(previous, current)])
    return bill_of(sum(tokens for _, tokens in current), cached, tariff, hour=hour)


def bill_of(tokens: int, cached: int, tariff: Tariff, *, hour: bool = False) -> Bill:
    """The bill for a prompt of `tokens` of which the cache has the first `cached`; the rest enters it.

    A prompt below the tariff's `least` is not cached at all; where fewer are cached, no entry can match.
    """
    if tokens < tariff.least:
        return Bill(fresh=tokens)
    read = cached if cached >= tariff.least else 0
    return Bill(read=read, hour=tokens - read) if hour else Bill(written=tokens - read, read=read)


def shared(previous: Sequence[Piece], current: Sequence[Piece]) -> int:
    """The number of pieces that both begin with."""
    pairs = zip(previous, current, strict=False)
    return next((n for n, (old, new) in enumerate(pairs) if old != new), min(len(previous), len(current)))


def tariff_of(model: str, overrides: Mapping[str, Tariff] | None = None, on: date | None = None) -> Tariff | None:
    """The prices of a model, or None where none is known or the extra `prices` is not installed.

    model       as a request names it: with a provider before it, a date behind it, or as a Bedrock id or ARN
    overrides   name -> prices that count instead, by the name as requested or by the name that the data has for it
    on          the day whose prices count; by default every change announced counts as made

    Prices are the standard ones: those of the shortest prompts where longer ones cost more, without batch or priority
    rates, at noon UTC where the hour matters. Where the data has no price for
    cache writes or reads, the input price stands for it.
    """
    requested, overridden = model.strip(), overrides or {}
    if requested in overridden:
        return overridden[requested]

    for provider, name in _spellings(requested.lower()):
        if name in overridden:
            return overridden[name]
        tariff = _look_up(provider, name, on or date.max)
        if tariff is not None:
            return overridden.get(tariff.name, tariff)
    return None


def family_of(model: str) -> Tariff:
    """The relative prices of a model's family, by its name alone: the same on every machine and every day.

    A name that tells nothing gets the family with the cheapest reads and the dearest writes, under which rewriting
    what is cached pays last.
    """
    return FAMILIES[_first(KIN, model) or "anthropic-fable"]


def unpriced(model: str) -> str:
    """The reason why `tariff_of` has no price for a model, for a reader."""
    if not model:
        return "the request names no model"
    if find_spec("genai_prices") is None:
        return "prices need an extra: pip install 'contextprune-ai[prices]'"
    return f"no price for model {model!r}"


def _spellings(model: str) -> Iterator[tuple[str | None, str]]:
    """(provider, name) pairs under which a model may be listed, the most telling first."""
    name = CONTEXT_LENGTH.sub("", model)
    if name.startswith("arn:"):
        name = name.rpartition("/")[2]
    provider, slash, bare = name.partition("/")
    if slash:
        yield provider, bare
        if "claude" in bare:
            yield provider, bare.replace(".", "-")
        yield "openrouter", name
        yield from _spellings(bare)
    elif name:
        if BEDROCK.match(name):
            yield "aws", name
        yield None, name
        if "claude" in name:  # some tools write claude-opus-4.6 for claude-opus-4-6
            yield None, name.replace(".", "-")


def _look_up(provider: str | None, name: str, on: date) -> Tariff | None:
    """The tariff that genai-prices has under exactly this provider and name."""
    try:
        from genai_prices import Usage, calc_price  # noqa: PLC0415 - a third of a second, and an extra
    except ImportError:
        return None

    noon = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    try:
        priced = calc_price(Usage(), name, provider_id=provider, genai_request_timestamp=noon)
    except LookupError:
        return None
    fresh = _base(priced.model_price, "input_mtok")
    if fresh is None:
        return None

    read, write, output, hour = (
        _base(priced.model_price, f"{key}_mtok") for key in ("cache_read", "cache_write", "output", "cache_write_1h")
    )
    return Tariff(
        name=priced.model.id,
        input=fresh,
        read=fresh if read is None else read,
        write=fresh if write is None else write,
        output=output or 0.0,
        least=_first(LEAST, priced.model.id) or 1024,
        hour=hour or 0.0,
    )


def _base(prices: object, key: str) -> float | None:
    """A price, that of the first tier where there are several."""
    price = getattr(prices, key, None)
    return None if price is None else float(getattr(price, "base", price))


def _first(table: Mapping[str, T], model: str) -> T | None:
    """The value of the first pattern of a table that matches a model's name."""
    name = model.lower().replace(".", "-")
    return next((value for pattern, value in table.items() if re.search(pattern, name)), None)
