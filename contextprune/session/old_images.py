"""Images that need not be sent: all but the last few become a note of what they were, and one seen before a reference.

Agents look at the same screen again and again, and only what it shows now is worth its tokens. What a note stands for
is the image's own source, data or address, as it was sent. Old ones go at an epoch. On arrival, where that is asked
for, only the new image itself can go, since all before it was sent already.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from contextprune import images
from contextprune.context import Kind, Segment
from contextprune.markers import recall_note
from contextprune.prepare import Resources
from contextprune.session.state import State

_BACK = re.compile(r"^\[image as above, (\d+) back")


def image_note(resources: Resources, state: State, segment: Segment) -> str | None:
    """The note in place of an image that arrives now; None where it stands itself.

    It becomes a reference if one of the last images of the policy shows just the same, and where the policy leaves none
    at all a mere note. What was sent earlier stays, however many images there are: that is for an epoch. The model is
    about to act on what it sees, so here images are the same to the pixel or not at all: a hash misses a ticked box.
    """
    last = resources.policy.images
    if not last:
        return _cut(resources, segment)
    shown = sorted(_latest(state).items(), key=lambda item: -item[1])[:last]
    if not shown or segment.source is None:
        return None
    look = state.pixels(len(state.segments), segment)
    like = next((at for at, _ in shown if state.pixels(at, state.segments[at]) == look), None)
    return None if like is None else _reference(resources, state, segment, len(state.segments), like)


def stale(resources: Resources, state: State, recent: int) -> dict[int, str]:
    """A note for each image not seen for `recent` turns that is not among the last ones of the policy."""
    latest = _latest(state)
    shown = sorted(latest, key=lambda at: latest[at])
    last = state.segments[-1].turn
    notes = {}
    for at in shown[: max(0, len(shown) - resources.policy.images)]:
        note = _cut(resources, state.segments[at])
        if note is not None and not state.segments[at].marked and last - state.segments[latest[at]].turn >= recent:
            notes[at] = note
    return dict(sorted(notes.items()))


def seen_before(resources: Resources, state: State, replaced: Collection[int], first: int) -> dict[int, str]:
    """A reference for each image from segment `first` on that looks like an earlier one which stays.

    `replaced` are those that do not. The newest turn is left alone. Each image costs about 20 ms to compare.
    """
    last = state.segments[-1].turn
    looks: dict[int, str | int] = {}
    notes = {}

    for at in sorted(_latest(state)):
        segment = state.segments[at]
        if at in replaced or segment.source is None:
            continue
        print_ = images.fingerprint(segment.source)
        look = segment.source if print_ is None else print_
        like = next((earlier for earlier, shown in looks.items() if images.look_alike(look, shown)), None)
        if like is None:
            looks[at] = look
            continue

        note = _reference(resources, state, segment, at, like)
        if note is not None and at >= first and segment.turn < last and not segment.marked:
            notes[at] = note
    return notes


def _latest(state: State) -> Mapping[int, int]:
    """The images that are still sent as such, and where each was last shown or referred to."""
    pictures = [at for at, s in enumerate(state.segments) if s.kind is Kind.IMAGE]
    stands: dict[int, int] = {}  # image -> the one that shows it
    latest: dict[int, int] = {}
    for place, at in enumerate(pictures):
        text = state.texts[at]
        back = None if text is None else _BACK.match(text)
        if text is None:
            stands[at] = at
        elif back is not None and (like := stands.get(pictures[max(0, place - int(back[1]))])) is not None:
            stands[at] = like
        if at in stands:
            latest[stands[at]] = at
    return latest


def _reference(resources: Resources, state: State, segment: Segment, at: int, like: int) -> str | None:
    """A note that says how many images ago the same was shown."""
    between = sum(s.kind is Kind.IMAGE for s in state.segments[like + 1 : at])
    return _note(resources, segment, f"as above, {between + 1} back")


def _cut(resources: Resources, segment: Segment) -> str | None:
    pixels = None if segment.source is None else images.size(segment.source)
    return _note(resources, segment, f"cut, {pixels[0]}x{pixels[1]}" if pixels else "cut")


def _note(resources: Resources, segment: Segment, remark: str) -> str | None:
    """The note in place of an image; None where it may not go, or cannot be given back."""
    if not segment.editable or segment.source is None or resources.policy.excludes(segment.name):
        return None
    recall = recall_note(resources.key(segment.source)) if resources.key else ""
    return f"[image {remark}{recall}]"
