"""Later use: what an agent copies from the results of its tools into its next actions, which hindsight shows.

One definition serves the benches and the audit. Nobody has to label anything, and nothing is right by luck of wording:
the identifier is there or it is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from contextprune.text.identifiers import identifiers

LINE = 20  # characters: shorter lines (a brace, a keyword) are everywhere


def needed(results: str, elsewhere: str, actions: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values and the lines that the actions use and that stand in `results` and not `elsewhere`.

    actions   texts of the actions: see `leaves`
    """

    def only_in_results(texts: Iterator[str]) -> tuple[str, ...]:
        return tuple(text for text in dict.fromkeys(texts) if text in results and text not in elsewhere)

    values = only_in_results(value for action in actions for value in identifiers(action))
    stripped = (line.strip() for action in actions for line in action.splitlines())
    return values, only_in_results(line for line in stripped if len(line) >= LINE)


def leaves(argument: Any) -> Iterator[str]:
    """Strings and numbers in tool arguments; JSON inside strings is parsed, for some agents nest it."""
    if isinstance(argument, str):
        parsed = _parse_json(argument)
        if parsed is None:
            yield argument
        else:
            yield from leaves(parsed)
    elif isinstance(argument, dict):
        for value in argument.values():
            yield from leaves(value)
    elif isinstance(argument, list):
        for value in argument:
            yield from leaves(value)
    elif argument is not None:
        yield str(argument)


def _parse_json(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
