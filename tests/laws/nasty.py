"""Text that has broken text tools, in fields that are nobody's to shorten: ids, names, titles, prompts, arguments."""

from __future__ import annotations

import random
from typing import Any

from tests.laws.talks import Free
from tests.laws.texts import ASIDES, value

ROLES_OF_THE_WIRE = frozenset(
    {
        "data", "exit", "file_data", "format", "media_type", "mimeType", "mime_type", "role", "source_type", "state",
        "status", "type",
    }
)  # fmt: skip
"""Fields whose texts say what a block is: another one would make it something else, or nothing at all."""


def make_nasty(rng: random.Random, tree: Any, at: str | None) -> None:
    """In one body of three, make texts of fields nasty, the same text everywhere in the same way, so that ids pair.

    Empty texts stay: among them are answers of tools, and those may be shortened.

    at   the key of the messages in `tree`, None where it is their list; some of these get fields that nobody knows
    """
    if rng.random() >= 1 / 3:
        return
    share = rng.choice((0.1, 0.5, 1.0))
    _change(rng, tree, share, {})
    messages = tree if at is None else tree[at]
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and rng.random() < share / 3:
            message[f"x {rng.choice(ASIDES)}"] = value(rng, 2)


def _change(rng: random.Random, tree: Any, share: float, changed: dict[str, str]) -> None:
    for key, item in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        if isinstance(item, dict | list):
            _change(rng, item, share, changed)
        elif isinstance(item, str) and item and not isinstance(item, Free) and key not in ROLES_OF_THE_WIRE:
            if item not in changed:
                changed[item] = _nasty(rng, item) if rng.random() < share else item
            tree[key] = changed[item]


def _nasty(rng: random.Random, text: str) -> str:
    aside = rng.choice(ASIDES)
    return rng.choice((aside + text, text + aside, f"{text}\n{aside}\n{text}"))
