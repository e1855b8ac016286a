"""Cut spans into windows that the encoder reads: the goal, a header, then as many spans of one block as fit.

Spans of a block see one another; one that is cut off from its predecessor sees its last words again. Of long spans the
beginning and the end are read. Punctuation and the commonest English words are left out: they are a third of the text,
and the encoder is trained without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from contextprune.context import Context, Kind, Span

GOAL, HEADER, BODY = 40, 24, 224  # tokens of a window's parts, at most
HEAD, TAIL = 40, 16  # tokens read at the two ends of a span
BEFORE = 16  # tokens of the span before, where a window begins in the middle of a block

_MARKS = frozenset("_/\"'()[]{},:;\\|*#=<>.~^`-")
_COMMON = (
    "the of and a to in is was for on as by with at from that it an be are this which or were his her its has had have "
    "their also but he she they been will would can could may some any such than then there these those into other "
    "more most all each we you i my our your me him them"
)


class Window(NamedTuple):
    """Tokens that the encoder reads at once.

    ids    token ids, with [CLS] and [SEP]
    goal   tokens of the goal; they stand at 1 .. goal
    spans  (index of the span in the context, first token, end); a span may have no token
    """

    ids: list[int]
    goal: int
    spans: list[tuple[int, int, int]]


class Cutter:
    """Turns contexts into windows with one vocabulary. `tokenizer` is a `tokenizers.Tokenizer`."""

    def __init__(self, tokenizer: Any) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        vocabulary: Mapping[str, int] = tokenizer.get_vocab()
        self._cls, self._sep = vocabulary["[CLS]"], vocabulary["[SEP]"]
        self._silent = silent(vocabulary)

    def __call__(self, context: Context, spans: Sequence[Span], wanted: Iterable[int] | None = None) -> list[Window]:
        """The windows of all blocks in order, or of the segments `wanted`."""
        chosen = None if wanted is None else set(wanted)
        picked = [i for i, span in enumerate(spans) if chosen is None or span.segment in chosen]
        segments = list(dict.fromkeys(spans[i].segment for i in picked))

        texts = [context.query, *(header(context, s) for s in segments), *(spans[i].text for i in picked)]
        encoded = self.encode(texts)
        goal = _ends(encoded[0], GOAL - GOAL // 3, GOAL // 3)
        headers = {s: encoded[1 + k][:HEADER] for k, s in enumerate(segments)}
        bodies = encoded[1 + len(segments) :]

        windows: list[Window] = []
        start = 0
        for end in range(1, len(picked) + 1):
            if end == len(picked) or spans[picked[end]].segment != spans[picked[start]].segment:
                lead = [self._cls, *goal, self._sep, *headers[spans[picked[start]].segment], self._sep]
                windows += _fill(lead, len(goal), picked[start:end], bodies[start:end], self._sep)
                start = end
        return windows

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids without those that say nothing; of a text that has no others, its first."""
        cut = list(map(shortened, texts))
        if not all(map(str.isascii, cut)):  # a lone surrogate is no text to the tokenizer
            cut = [text.encode("utf-8", "replace").decode() for text in cut]
        encoded = []
        for encoding in self._tokenizer.encode_batch_fast(cut, add_special_tokens=False):
            ids = encoding.ids
            encoded.append([i for i in ids if i not in self._silent] or ids[:1])
        return encoded


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


def _fill(lead: list[int], goal: int, indices: Sequence[int], bodies: Sequence[list[int]], sep: int) -> list[Window]:
    windows: list[Window] = []
    ids, marks = list(lead), list[tuple[int, int, int]]()
    for k, (index, body) in enumerate(zip(indices, bodies, strict=True)):
        read = _ends(body, HEAD, TAIL)
        if marks and len(ids) + len(read) > len(lead) + BODY:
            windows.append(Window([*ids, sep], goal, marks))
            ids, marks = [*lead, *bodies[k - 1][-BEFORE:]], []
        marks.append((index, len(ids), len(ids) + len(read)))
        ids += read
    if marks:
        windows.append(Window([*ids, sep], goal, marks))
    return windows


def _ends(ids: list[int], head: int, tail: int) -> list[int]:
    return ids if len(ids) <= head + tail else [*ids[:head], *ids[len(ids) - tail :]]
