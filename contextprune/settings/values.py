"""Settings as plain values: cheap to import, since every process of ours has them."""

from __future__ import annotations

from dataclasses import dataclass, field

from contextprune.policy import Policy


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings in force; arguments given in code win over all of it.

    scorer       "auto" (the model where torch is installed, else "lexical"), "neural", "lexical", or a folder
    store        "" (a file in the user's data folder), "memory", a path, or "redis://..."
    tokenizer    "o200k_base" or "estimate"
    device       "auto", "cpu", "cuda" or "mps"
    """

    scorer: str = "auto"
    store: str = ""
    tokenizer: str = "o200k_base"
    device: str = "auto"
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and where they come from.

    files     the configuration files that were read, the user's own first
    ignored   names in the project's file that do not count
    notice    what a user should know of them, or of a project's file that was not read; "" where there is nothing
    """

    settings: Settings
    files: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    notice: str = ""
