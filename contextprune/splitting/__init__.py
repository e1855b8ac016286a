"""From segments to spans: `split` finds the shape of each part of a text and hands it to that shape's cutter.

The cutters are imported at the first cut: compiling their expressions is a third of the engine's import.
"""

from __future__ import annotations

from contextprune.context import Context, Cut, Span

__all__ = ["cut", "split"]


def split(context: Context, start: int = 0) -> list[Span]:
    """Cut the segments of `context` from index `start` on; the spans of each segment tile its text.

    `anchors` index the list returned. A text that may not be edited, an example, and a single short line are one span;
    an empty text has none.
    """
    from contextprune.splitting import dispatch  # noqa: PLC0415 - see above

    return dispatch.split(context, start)


def cut(text: str, name: str | None = None) -> list[Cut]:
    """Cut one text whatever its shape; `name` is the tool or the file that it came from. The cuts tile `text`."""
    from contextprune.splitting import dispatch  # noqa: PLC0415 - see above

    return dispatch.cut(text, name)
