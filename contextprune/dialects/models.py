"""Facts that a model's name tells: its version, and whether its reasoning is bound to the text before it.

Rules hold from a version on, never for a list of names: what was true of a model is taken to be true of later ones.
"""

from __future__ import annotations

import re

Version = tuple[int, int]

BINDING = (5, 1)
"""The first Claude models whose signed thinking is invalid once anything before it has changed: Fable 5.1, then Opus
and Sonnet 5.5 (platform.claude.com, "Preserved thinking", 2026)."""

_CLAUDE = re.compile(r"claude(?:-?[a-z]+)*-?v?(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?")
_GPT = re.compile(r"\bgpt-(\d{1,2})(?!\d)(?:\.(\d{1,2}))?")


def claude_version(model: str) -> Version | None:
    """(5, 5) of `claude-opus-5-5` in any provider's spelling; None where the name tells no version of Claude.

    A date (`-20250514`) is no version, nor is the revision that Bedrock appends (`-v1:0`).
    """
    return _version(_CLAUDE.search(model.lower()))


def gpt_version(model: str) -> Version | None:
    """(5, 6) of `gpt-5.6-sol`; None where the name tells no version of GPT."""
    return _version(_GPT.search(model.lower()))


def binds_reasoning(model: str) -> bool:
    """Whether an edit of the history makes signed reasoning after it invalid; True where the name does not tell."""
    version = claude_version(model)
    return version is None or version >= BINDING


def _version(match: re.Match[str] | None) -> Version | None:
    return (int(match[1]), int(match[2] or 0)) if match else None
