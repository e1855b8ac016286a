"""Cut a context into spans: each text falls into parts by shape, and each part goes to the cutter of its shape.

A cutter is any `Callable[[str], list[Cut]]` whose cuts tile its text; it knows nothing of contexts or of other shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from contextprune.context import Context, Cut, Kind, Segment, Span, Syntax, Unit
from contextprune.splitting.coarse import coarsened, short_lines
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
from contextprune.splitting.shapes import is_output
from contextprune.splitting.sniff import Part, Shape, parts
from contextprune.splitting.tables import cut_csv, cut_table
from contextprune.splitting.xml import cut_xml

Cutter: TypeAlias = Callable[[str], list[Cut]]

_SHORT = 80  # characters: a single line up to this is not worth a choice

_PLAIN_CUTTERS: Mapping[Shape, Cutter] = {
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
    Shape.XML: cut_xml,
}
_SELF_EVIDENT = frozenset(_PLAIN_CUTTERS) - {Shape.PROSE, Shape.MARKDOWN, Shape.PYTHON, Shape.CODE, Shape.LOG}
"""Shapes that a fence need not name."""


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
    return _cut_parts(text, parts(text, name), _CUTTERS)


def _cut_parts(text: str, by_shape: Sequence[Part], cutters: Mapping[Shape, Cutter]) -> list[Cut]:
    if len(by_shape) == 1:
        return _cut_part(text, by_shape[0], cutters)
    cuts: list[Cut] = []
    for part in by_shape:
        cuts += rebase(_cut_part(text[part.start : part.end], part, cutters), part.start, len(cuts))
    return cuts


def _cut_part(text: str, part: Part, cutters: Mapping[Shape, Cutter]) -> list[Cut]:
    if part.shape is Shape.CODE and part.language:
        return cut_code(text, part.language)
    return cutters[part.shape](text)


def _cut_spelled(text: str) -> list[Cut]:
    """Cut what stands in a string of JSON or an element of XML; what stands within that is not looked into."""
    return _cut_parts(text, parts(text), _PLAIN_CUTTERS)


def _cut_fenced(text: str) -> list[Cut] | None:
    """Cut what stands in a fence where it is unmistakable, as data, diffs and logs are; else None."""
    by_shape = parts(text)
    evident = any(
        part.shape in _SELF_EVIDENT or (part.shape is Shape.LOG and is_output(text[part.start : part.end]))
        for part in by_shape
    )
    return _cut_parts(text, by_shape, _PLAIN_CUTTERS) if evident else None


_CUTTERS: Mapping[Shape, Cutter] = {
    **_PLAIN_CUTTERS,
    Shape.MARKDOWN: partial(cut_markdown, cut_inner=_cut_fenced),
    Shape.XML: partial(cut_xml, cut_inner=_cut_spelled),
    Shape.JSON: partial(cut_json, cut_inner=_cut_spelled),
    Shape.JSONL: partial(cut_jsonl, cut_inner=_cut_spelled),
}


def _spans(index: int, segment: Segment, base: int) -> list[Span]:
    """The spans of one segment, the first of which will be number `base`."""
    text = segment.text
    cuts: Sequence[Cut]
    if _is_whole(segment):
        cuts = [Cut(0, len(text), Unit.WHOLE, Syntax.LINES if "\n" in text else Syntax.PROSE)]
    else:
        cuts = short_lines(text) or coarsened(text, cut(text, segment.name))

    spans = []
    for begin, end, unit, syntax, anchors, group in cuts:
        rebased = tuple([anchor + base for anchor in anchors]) if anchors else ()
        spans.append(Span(index, begin, end, unit, text[begin:end], syntax, rebased, group))
    return spans


def _is_whole(segment: Segment) -> bool:
    if not segment.editable or segment.kind is Kind.EXAMPLE:
        return True
    return len(segment.text) < _SHORT and "\n" not in segment.text.rstrip("\r\n")
