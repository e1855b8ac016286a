"""Questions over tool results: the same labels, in the form in which a block arrives in an agent's context.

The user asks, a tool is called, its result holds the evidence: records, a table, a file, a page of search hits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from contextprune.context import Context, Kind, Segment
from contextprune.training.labels.questions import Doc, Piece, Row, all_judged
from contextprune.training.samples import Need, Sample

PAIR = "call_1"


class Result(NamedTuple):
    """A tool's call and the text that it returned; `needs` are ranges of the text."""

    tool: str
    arguments: dict[str, Any]
    text: str
    needs: tuple[tuple[int, int], ...]


def as_result(row: Row, rng_for: Random) -> Sample:
    """Make the row's sample as a view of an arriving result: the goal, the call, the result."""
    result = _RESULT_FORMS.get(row.kind, _search_hits)(all_judged(row), rng_for)
    return Sample(
        id=f"{row.id}#call",
        source=f"{row.source}_call",
        kind=row.kind,
        groups=row.groups,
        context=arrival(row.question, result.tool, result.arguments, result.text),
        judged=(2,),
        needs=tuple(Need(2, start, end, row.weight) for start, end in result.needs),
    )


def arrival(goal: str, tool: str, arguments: dict[str, Any], text: str) -> Context:
    """Build the context in which a tool's result arrives: the goal, the call, the result."""
    call_text = json.dumps(arguments, ensure_ascii=False)
    segments = (
        Segment(Kind.USER, goal, (0,)),
        Segment(Kind.TOOL_CALL, call_text, (1,), turn=1, pair=PAIR, name=tool),
        Segment(Kind.TOOL_RESULT, text, (2,), turn=1, pair=PAIR, name=tool),
    )
    return Context(segments, goal)


def _records(row: Row, rng_for: Random) -> Result:
    """Show JSON: records as lines, as a list, or as an indented list; anything else as it stands."""
    doc = row.docs[0]
    if row.call is None:
        tool, key = rng_for.choice((("http_get", "url"), ("read_file", "path"), ("get_config", "name")))
        return Result(tool, {key: doc.title}, doc.text, tuple((p.start, p.end) for p in row.evidence))
    indent = rng_for.choice((None, 0, 2))
    opening, separator, closing = _LIST_SYNTAX[indent]
    text, needs = opening, []

    for start, record in _nonempty_lines(doc.text):
        shown = json.dumps(json.loads(record), indent=2, ensure_ascii=False).replace("\n", "\n  ") if indent else record
        text += separator if len(text) > len(opening) else ""
        if any(_overlap(piece, start, start + len(record)) for piece in row.evidence):
            needs.append((len(text), len(text) + len(shown)))
        text += shown
    return Result(str(row.call["method"]), dict(row.call["parameters"]), text + closing, tuple(needs))


_LIST_SYNTAX = {None: ("", "\n", ""), 0: ("[", ", ", "]"), 2: ("[\n  ", ",\n  ", "\n]")}


def _table(row: Row, rng_for: Random) -> Result:
    """Show a table, with the document's text around it."""
    text, offsets = _join(row.docs, lambda _, doc: ("", doc.text))
    name = row.docs[0].title if len(row.docs) == 1 else "report.txt"
    tool, arguments = rng_for.choice(
        (
            ("bash", {"command": f"cat {name}"}),
            ("read_file", {"path": name}),
            ("query_table", {"table": name, "select": "*"}),
        )
    )
    return Result(tool, arguments, text, _shift(row.evidence, offsets))


def _file(row: Row, rng_for: Random) -> Result:
    """Show a source file."""
    text, offsets = _join(row.docs, lambda _, doc: ("", doc.text))
    path = row.docs[0].title
    tool, arguments = rng_for.choice(
        (("read_file", {"path": path}), ("bash", {"command": f"cat {path}"}), ("open", {"path": path}))
    )
    return Result(tool, arguments, text, _shift(row.evidence, offsets))


def _search_hits(row: Row, rng_for: Random) -> Result:
    """Show search hits, as text or as JSON; a single document is a page that was fetched."""
    if len(row.docs) == 1:
        doc = row.docs[0]
        tool, key = rng_for.choice((("fetch_page", "url"), ("read_document", "title"), ("open", "path")))
        return Result(tool, {key: doc.title or "page"}, doc.text, tuple((p.start, p.end) for p in row.evidence))
    tool = rng_for.choice(("search", "web_search", "retrieve"))
    arguments = {"query": row.question, "top_k": len(row.docs)}
    if rng_for.random() < 0.35:
        return Result(tool, arguments, *_json_hits(row))
    form: Callable[[int, Doc], tuple[str, str]] = rng_for.choice(_HIT_FORMS)
    text, offsets = _join(row.docs, form)
    return Result(tool, arguments, text, _shift(row.evidence, offsets))


_HIT_FORMS: tuple[Callable[[int, Doc], tuple[str, str]], ...] = (
    lambda i, doc: (f"[{i + 1}] {doc.title}\n", doc.text),
    lambda i, doc: (f"Result {i + 1}: {doc.title}\nContent: ", doc.text),
    lambda _, doc: (f"## {doc.title}\n\n", doc.text),
)

_RESULT_FORMS: dict[str, Callable[[Row, Random], Result]] = {"json": _records, "table": _table, "code": _file}


def _json_hits(row: Row) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Write hits as a JSON list. Escaping goes by characters: an escaped prefix is as long as the offset after it."""
    text, needs = "[", []
    for i, doc in enumerate(row.docs):
        text += (", " if i else "") + f'{{"title": {_json_string(doc.title)}, "snippet": "'
        for piece in row.evidence:
            if piece.doc == i:
                start, end = (len(text) + len(_json_string(doc.text[:at])) - 2 for at in (piece.start, piece.end))
                needs.append((start, end))
        text += _json_string(doc.text)[1:] + "}"
    return text + "]", tuple(needs)


def _json_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _join(docs: tuple[Doc, ...], form: Callable[[int, Doc], tuple[str, str]]) -> tuple[str, list[int]]:
    """Join the documents to one text; returns it with the offset of each document."""
    text, offsets = "", []
    for i, doc in enumerate(docs):
        head, body = form(i, doc)
        text += ("\n\n" if i else "") + head
        offsets.append(len(text))
        text += body
    return text, offsets


def _shift(evidence: tuple[Piece, ...], offsets: list[int]) -> tuple[tuple[int, int], ...]:
    return tuple((offsets[p.doc] + p.start, offsets[p.doc] + p.end) for p in evidence)


def _nonempty_lines(text: str) -> Iterator[tuple[int, str]]:
    """List the lines that are not empty, each with its offset."""
    at = 0
    for line in text.split("\n"):
        if line:
            yield at, line
        at += len(line) + 1


def _overlap(piece: Piece, start: int, end: int) -> bool:
    return piece.start < end and start < piece.end
