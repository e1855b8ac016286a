"""How long a provider keeps a prompt in its cache: by the model, and by what a request asks for.

One rule for the proxy, the audit and the benchmark. Seconds count from the last request that used the entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

FIVE_MINUTES, TEN_MINUTES, HALF_HOUR, HOUR, DAY = 300.0, 600.0, 1_800.0, 3_600.0, 86_400.0

LIFETIMES: Mapping[str, float] = MappingProxyType(
    {
        r"gpt-5-[5-9]|gpt-[6-9]": HALF_HOUR,
        r"gpt-|\bo[1-9]\b": TEN_MINUTES,
    }
)
"""Pattern of a model's name (dots as hyphens) -> seconds; five minutes where none matches, as Claude's and Gemini's.

From the providers' pages on prompt caching and, for GPT, from real usage: of what GPT-5.4 had cached, 74 % was read
after a pause of 5 to 10 minutes and 24 % after 10 to 30; of what GPT-5.5 had, 83 % and 82 %; of what GPT-5.6 had, less
than half after more than 30.
"""

_HOUR = re.compile(rb'"ttl"\s*:\s*"1h"')
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]{1,100})"')
_DAY = re.compile(rb'"prompt_cache_retention"\s*:\s*"24h"')


def lifetime_of(model: str) -> float:
    """Seconds that a model's provider keeps a prompt where no longer time was asked for."""
    name = model.lower().replace(".", "-")
    return next((seconds for pattern, seconds in LIFETIMES.items() if re.search(pattern, name)), FIVE_MINUTES)


def asks_for_hour(body: bytes) -> bool:
    """Whether a request's JSON has a cache breakpoint that lasts for an hour, so that what enters the cache is dearer.

    Quotes inside of texts are escaped, so no text can look like one.
    """
    return _HOUR.search(body) is not None


def asked_lifetime(body: bytes) -> float:
    """Seconds that the provider is to keep the prompt of a request, by its JSON: what it asks for, or else its model.

    Nothing is parsed. Where it could be read in two ways, the longer time would only put a rewriting off.
    """
    if _DAY.search(body):
        return DAY
    named = _MODEL.search(body)
    usual = lifetime_of(named[1].decode("utf-8", "replace")) if named else FIVE_MINUTES
    return max(HOUR, usual) if asks_for_hour(body) else usual
