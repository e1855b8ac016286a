"""What the network reads of a text: of long ones both ends, without punctuation and the commonest English words.

These are a third of the text and say little, and the network is trained without them.
"""

from __future__ import annotations

from collections.abc import Mapping

from contextprune.context import Context, Kind

_MARKS = frozenset("_/\"'()[]{},:;\\|*#=<>.~^`-")
_COMMON = (
    "the of and a to in is was for on as by with at from that it an be are this which or were his her its has had have "
    "their also but he she they been will would can could may some any such than then there these those into other "
    "more most all each we you i my our your me him them"
)
_READ = 1200  # characters at the beginning of a text that can matter, and half as many at its end


def shortened(text: str) -> str:
    """What is read of a text: all of it, or its beginning and its end."""
    return text if len(text) <= _READ else text[:_READ] + " " + text[-_READ // 2 :]


def silent(vocabulary: Mapping[str, int]) -> frozenset[int]:
    """Ids of the pieces that say nothing: punctuation and the commonest words."""
    common = frozenset(_COMMON.split())
    return frozenset(
        index
        for piece, index in vocabulary.items()
        if piece in common or (piece[-1:] in _MARKS and _MARKS.issuperset(piece.removeprefix("##")))
    )


def header(context: Context, at: int) -> str:
    """The heading of a block: its title, or the call that it answers."""
    segment = context.segments[at]
    if segment.kind is not Kind.TOOL_RESULT:
        return segment.name or ""
    call = context.call_of(at)
    return f"{segment.name or ''} {call.text if call else ''}"


def is_foreign(text: str) -> bool:
    """Whether most of a text is in letters of which a network that learnt English knows little but the names."""
    return not text.isascii() and 2 * sum(character >= "\u0370" for character in text) > len(text)
