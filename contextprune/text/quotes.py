"""Quotes in edits: the lines of a file that a call repeats to say where it changes it, whatever the agent's edit tool.

Edits by replacement name the old text, patches give context and removed lines, SEARCH blocks the lines to be found, and
`sed` a pattern, which is taken where it reads as plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_OLD_TEXTS = frozenset({"old_string", "oldString", "old_str", "oldStr", "oldText", "old_text", "old_content", "search"})
_SEARCH = re.compile(r"^(?:<{5,9}|-{5,9}) ?SEARCH>?\n(.*?)^={5,9}$", re.MULTILINE | re.DOTALL)
_SED = re.compile(r"\bsed\b[^|;\n]{0,200}?[\"' ](?:\d{1,7}(?:,\d{1,7})?)?s([/|#,@])((?:(?!\1)[^\\\n]|\\.){1,400})\1")
_ESCAPED = re.compile(r"\\(.)")
_SPECIAL = re.compile(r"[.*\[\]^$]|\\[^\W\d_]|\\[(){}|+?]")  # of sed's patterns, where it is no escaped sign


def quoted_lines(arguments: str) -> tuple[str, ...]:
    """The lines, stripped, that a call with these arguments quotes of what it edits; none where it edits nothing."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        value = arguments
    lines = (line.strip() for text in _quotes(value, "") for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


def _quotes(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _quotes(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _quotes(inner, key)
    elif isinstance(value, str):
        if key in _OLD_TEXTS:
            yield value
        yield from _in_text(value)


def _in_text(text: str) -> Iterator[str]:
    """The quotes of patches, SEARCH blocks and `sed` in one string."""
    if "*** Begin Patch" in text:
        patch = text[text.index("*** Begin Patch") :]
        yield "\n".join(_of_patch(patch if "\n" in patch.strip() else patch.replace("\\n", "\n")))
    if "SEARCH" in text:
        yield from (match[1] for match in _SEARCH.finditer(text))
    if "sed" in text:
        for match in _SED.finditer(text):
            if not _SPECIAL.search(match[2]):
                yield _ESCAPED.sub(r"\1", match[2])


def _of_patch(patch: str) -> Iterator[str]:
    """Context and removed lines of the files that a patch updates, without their marks."""
    updates = False
    for line in patch.splitlines():
        if line.startswith("***"):
            updates = line.startswith(("*** Update File", "*** End of File")) or (
                updates and line.startswith("*** Move to")
            )
        elif updates and line.startswith((" ", "-")):
            yield line[1:]
