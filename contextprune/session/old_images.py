"""Images that need not be sent: all but the last few become a note of what they were, and one seen before a reference.

Agents look at the same screen again and again, and only what it shows now is worth its tokens. What a note stands for
is the image's own source, data or address, as it was sent. Old ones go at an epoch. On arrival, where that is asked
for, only the new image itself can go, since all before it was sent already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from contextprune import images as pictures
from contextprune.context import Kind, Segment
from contextprune.markers import recall_note
from contextprune.policy import Policy
from contextprune.session.state import Past, size

_BACK = re.compile(r"^\[image as above, (\d+) back")


class Means(Protocol):
    """What is needed to replace an image; `arrival.Tools` has it."""

    @property
    def policy(self) -> Policy:
        """What was asked."""

    @property
    def key(self) -> Callable[[str], str] | None:
        """Names an original in a note; None where nobody can ask for it."""


def repeating(means: Means, past: Past, segment: Segment) -> str | None:
    """What stands in place of an image that arrives now; None: itself.

    It becomes a reference if one of the last images of the policy shows just the same, and where the policy leaves none
    at all a mere note. What was sent earlier stays, however many images there are: that is for an epoch. The model is
    about to act on what it sees, so here images are the same to the pixel or not at all: a hash misses a ticked box.
    """
    last = means.policy.images
    if not last:
        return _cut(means, segment)
    shown = sorted(_latest(past).items(), key=lambda item: -item[1])[:last]
    if not shown or segment.source is None:
        return None
    look = past.pixels(len(past.segments), segment)
    like = next((at for at, _ in shown if past.pixels(at, past.segments[at]) == look), None)
    return None if like is None else _reference(means, past, segment, len(past.segments), like)


def stale(means: Means, past: Past, recent: int) -> dict[int, str]:
    """A note for each image not seen for `recent` turns that is not among the last ones of the policy."""
    latest = _latest(past)
    shown = sorted(latest, key=lambda at: latest[at])
    last = past.segments[-1].turn
    found = {}
    for at in shown[: max(0, len(shown) - means.policy.images)]:
        note = _cut(means, past.segments[at])
        if note is not None and not past.segments[at].marked and last - past.segments[latest[at]].turn >= recent:
            found[at] = note
    return dict(sorted(found.items()))


def seen_before(means: Means, past: Past, gone: Collection[int], first: int) -> dict[int, str]:
    """A reference for each image from segment `first` on that looks like an earlier one which stays.

    `gone` are those that do not. The newest turn is left alone. Each image costs about 20 ms to compare.
    """
    last = past.segments[-1].turn
    looks: dict[int, str | int] = {}
    found = {}
    for at in sorted(_latest(past)):
        segment = past.segments[at]
        if at in gone or segment.source is None:
            continue
        print_ = pictures.fingerprint(segment.source)
        look = segment.source if print_ is None else print_
        like = next((other for other, seen in looks.items() if pictures.same(look, seen)), None)
        if like is None:
            looks[at] = look
            continue
        note = _reference(means, past, segment, at, like)
        if note is not None and at >= first and segment.turn < last and not segment.marked:
            found[at] = note
    return found


def _latest(past: Past) -> Mapping[int, int]:
    """The images that are still sent as such, and where each was last shown or referred to."""
    images = [at for at, s in enumerate(past.segments) if s.kind is Kind.IMAGE]
    stands: dict[int, int] = {}  # image -> the one that shows it
    latest: dict[int, int] = {}
    for place, at in enumerate(images):
        text = past.texts[at]
        back = None if text is None else _BACK.match(text)
        if text is None:
            stands[at] = at
        elif back is not None and (like := stands.get(images[max(0, place - int(back[1]))])) is not None:
            stands[at] = like
        if at in stands:
            latest[stands[at]] = at
    return latest


def _reference(means: Means, past: Past, segment: Segment, at: int, like: int) -> str | None:
    """A note that says how many images ago the same was shown."""
    between = sum(s.kind is Kind.IMAGE for s in past.segments[like + 1 : at])
    return _note(means, segment, f"as above, {between + 1} back")


def _cut(means: Means, segment: Segment) -> str | None:
    pixels = None if segment.source is None else pictures.size(segment.source)
    return _note(means, segment, f"cut, {pixels[0]}x{pixels[1]}" if pixels else "cut")


def _note(means: Means, segment: Segment, what: str) -> str | None:
    """What stands in place of an image; None where it may not go, or cannot be given back, or would be longer."""
    if not segment.editable or segment.source is None or means.policy.excludes(segment.name):
        return None
    recall = recall_note(means.key(segment.source)) if means.key else ""
    note = f"[image {what}{recall}]"
    return note if size(note) <= size(segment.source) else None
