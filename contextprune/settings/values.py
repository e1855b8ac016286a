"""Settings as plain values: cheap to import, since every process of ours has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from contextprune.policy import Policy
from contextprune.settings.groups import Group

_PASSWORD = re.compile(r"([?&](?:password|username)=)[^&#]+")  # as a Redis URL may have them behind its path


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings in force; arguments given in code win over all of it.

    scorer       "auto" (the shipped model), "neural" (it, too), "lexical", or a folder
    store        "" (a file in the user's data folder), "memory", a path, or "redis://..."
    tokenizer    "o200k_base" or "estimate"
    device       "auto", "cpu", "cuda" or "mps"
    policy       how to decide
    """

    scorer: str = "auto"
    store: str = ""
    tokenizer: str = "o200k_base"
    device: str = "auto"
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and where they come from.

    origins   where each setting that is not the default was set: a variable, or a key and its file
    files     the configuration files that were read, the user's own first
    ignored   names in the project's file that do not count
    notice    what a user should know of them, or of a project's file that was not read; "" where there is nothing
    """

    settings: Settings
    origins: Mapping[str, str] = field(default_factory=dict, hash=False)
    files: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    notice: str = ""


def masked(value: str) -> str:
    """A setting fit to be shown: of a URL neither user nor password."""
    scheme, separator, rest = value.partition("://")
    credentials, at, address = rest.rpartition("@")
    shown = f"{scheme}{separator}{'***' if credentials else ''}{at}{address}" if separator else value
    return _PASSWORD.sub(r"\1***", shown)


_SHARE: Mapping[str, Any] = MappingProxyType({"exclusiveMinimum": 0, "maximum": 1})
_COUNT: Mapping[str, Any] = MappingProxyType({"minimum": 0})

SETTINGS = Group(
    parts=(Settings, Policy),
    prefix="CONTEXTPRUNE_",
    noun="setting",
    without=("policy",),
    inner=("serve",),
    paths=("scorer", "store"),
    bounds=MappingProxyType(
        {
            "recall": _SHARE, "high_water": _SHARE, "low_water": _SHARE, "recent_turns": _COUNT, "min_tokens": _COUNT,
            "images": _COUNT, "window": MappingProxyType({"minimum": 1}),
        }
    ),
)  # fmt: skip
"""What is read everywhere; the table `serve` is the proxy's."""
