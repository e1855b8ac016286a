"""Old images at an epoch: all but the last few become a note of what they were, and one seen before a reference.

Agents look at the same screen again and again, and only what it shows now is worth its tokens. What a note stands for
is the image's own source, data or address, as it was sent.
"""

from __future__ import annotations

from collections.abc import Collection

from contextprune import pictures
from contextprune.arrival import Tools, size
from contextprune.context import Kind, Segment
from contextprune.past import Past


def stale(tools: Tools, past: Past, recent: int) -> dict[int, str]:
    """A note for each image at least `recent` turns old that is not among the last ones of the policy."""
    shown = _shown(past)
    last = past.segments[-1].turn
    found = {}
    for at in shown[: max(0, len(shown) - tools.policy.images)]:
        segment = past.segments[at]
        pixels = None if segment.source is None else pictures.size(segment.source)
        note = _note(tools, segment, f"cut, {pixels[0]}x{pixels[1]}" if pixels else "cut")
        if note is not None and last - segment.turn >= recent:
            found[at] = note
    return found


def seen_before(tools: Tools, past: Past, gone: Collection[int], first: int) -> dict[int, str]:
    """A reference for each image from segment `first` on that looks like an earlier one which stays.

    `gone` are those that do not. The newest turn is left alone. Each image costs about 20 ms to compare.
    """
    last = past.segments[-1].turn
    looks: list[str | int] = []
    found = {}
    for at in _shown(past):
        segment = past.segments[at]
        if at in gone or segment.source is None:
            continue
        seen = pictures.fingerprint(segment.source)
        look = segment.source if seen is None else seen
        if any(pictures.same(look, other) for other in looks):
            note = _note(tools, segment, "as above")
            if note is not None and at >= first and segment.turn < last:
                found[at] = note
        else:
            looks.append(look)
    return found


def _shown(past: Past) -> list[int]:
    """The images that are still sent as such."""
    return [at for at, s in enumerate(past.segments) if s.kind is Kind.IMAGE and past.texts[at] is None]


def _note(tools: Tools, segment: Segment, what: str) -> str | None:
    """What stands in place of an image; None where it may not go, or cannot be given back, or would be longer."""
    if not segment.editable or segment.marked or segment.source is None or tools.policy.excludes(segment.name):
        return None
    recall = f", recall={tools.store.key(segment.source)}" if tools.recallable else ""
    note = f"[image {what}{recall}]"
    return note if size(note) <= size(segment.source) else None
