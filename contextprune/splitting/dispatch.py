"""Cut a context into spans: each text falls into parts by shape, and each part goes to the cutter of its shape.

A cutter is any `Callable[[str], list[Cut]]` whose cuts tile its text; it knows nothing of contexts or of other shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from contextprune.context import Context, Cut, Kind, Segment, Span, Syntax, Unit
from contextprune.splitting.code import cut_code, cut_numbered
from contextprune.splitting.data import cut_json, cut_jsonl
from contextprune.splitting.diff import cut_diff
from contextprune.splitting.html import cut_html
from contextprune.splitting.listing import cut_listing
from contextprune.splitting.logs import cut_log
from contextprune.splitting.markdown import cut_markdown
from contextprune.splitting.outline import cut_outline
from contextprune.splitting.pieces import rebase
from contextprune.splitting.prose import cut_prose
from contextprune.splitting.sniff import Shape, parts
from contextprune.splitting.tables import cut_csv, cut_table

Cutter: TypeAlias = Callable[[str], list[Cut]]

_SHORT = 80  # characters: a single line up to this is not worth a choice

_CUTTERS: Mapping[Shape, Cutter] = {
    Shape.PROSE: cut_prose,
    Shape.MARKDOWN: cut_markdown,
    Shape.PYTHON: partial(cut_code, language="python"),
    Shape.CODE: cut_code,
    Shape.NUMBERED: cut_numbered,
    Shape.DIFF: cut_diff,
    Shape.JSON: cut_json,
    Shape.JSONL: cut_jsonl,
    Shape.CSV: cut_csv,
    Shape.TABLE: cut_table,
    Shape.LOG: cut_log,
    Shape.OUTLINE: cut_outline,
    Shape.LISTING: cut_listing,
    Shape.HTML: cut_html,
}


def split(context: Context, start: int = 0) -> list[Span]:
    """Cut the segments of `context` from index `start` on; the spans of each segment tile its text.

    `anchors` index the list returned. A text that may not be edited, an example, and a single short line are one span;
    an empty text has none.
    """
    spans: list[Span] = []
    for index in range(start, len(context.segments)):
        segment = context.segments[index]
        if segment.text:
            spans.extend(_spans(index, segment, len(spans)))
    return spans


def cut(text: str, name: str | None = None) -> list[Cut]:
    """Cut one text whatever its shape; `name` is the tool or the file that it came from. The cuts tile `text`."""
    by_shape = parts(text, name)
    if len(by_shape) == 1:
        return _cut_part(text, by_shape[0].shape, by_shape[0].language)
    cuts: list[Cut] = []
    for begin, end, shape, language in by_shape:
        cuts += rebase(_cut_part(text[begin:end], shape, language), begin, len(cuts))
    return cuts


def _cut_part(text: str, shape: Shape, language: str | None) -> list[Cut]:
    if shape is Shape.CODE and language:
        return cut_code(text, language)
    return _CUTTERS[shape](text)


def _spans(index: int, segment: Segment, base: int) -> list[Span]:
    """The spans of one segment, the first of which will be number `base`."""
    text = segment.text
    cuts: Sequence[Cut]
    if _is_whole(segment):
        cuts = [Cut(0, len(text), Unit.WHOLE, Syntax.LINES if "\n" in text else Syntax.PROSE)]
    else:
        cuts = cut(text, segment.name)

    spans = []
    for begin, end, unit, syntax, anchors, group in cuts:
        rebased = tuple([anchor + base for anchor in anchors]) if anchors else ()
        spans.append(Span(index, begin, end, unit, text[begin:end], syntax, rebased, group))
    return spans


def _is_whole(segment: Segment) -> bool:
    if not segment.editable or segment.kind is Kind.EXAMPLE:
        return True
    return len(segment.text) < _SHORT and "\n" not in segment.text.rstrip("\r\n")
