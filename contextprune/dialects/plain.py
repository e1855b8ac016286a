"""Plain text: the output of a command, a log, a page, data; one result of a tool, whatever stands in it."""

from __future__ import annotations

from typing import Any

from contextprune.context import Context, Kind, Segment


class Plain:
    """A text that is no conversation; the new text takes its place."""

    name = "text"

    def accepts(self, payload: Any) -> bool:
        """It is a string."""
        return isinstance(payload, str)

    def read(self, payload: Any, query: str | None = None) -> Context:
        """One result, for what was asked."""
        return Context((Segment(Kind.TOOL_RESULT, str(payload), ()),), query or "")
