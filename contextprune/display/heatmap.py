"""An HTML page that shows a compression: every span with its score, its decision and why, and the text sent instead.

The page needs nothing but itself, forbids itself everything else (a content security policy with the script's hash),
and stays quick with long contexts: no listener for each span, no layout for what is off screen.
"""

from __future__ import annotations

import re
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import NamedTuple

from contextprune.context import Segment, Span
from contextprune.display.amounts import OUTCOMES
from contextprune.plan import Action, Decision, Plan
from contextprune.report import Report

_LOOKS: Mapping[Action, str] = {Action.KEEP: "", Action.DIGEST: " x g", Action.MERGE: " x m", Action.DROP: " x"}
_SHORT, _LONG = 60, 240  # characters: spans shorter than the first share an element with their like up to the second
_FOLDED = 600  # characters from which an unchanged segment is folded
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class _Item(NamedTuple):
    """A span and its decision, with its number in the plan, and 0..9 for the rank of its score."""

    number: int
    span: Span
    decision: Decision
    level: int


def render_page(
    plan: Plan,
    report: Report,
    title: str,
    texts: Mapping[int, str] | None = None,
    count: Callable[[str], int] | None = None,
) -> str:
    """The page as text, to be written as UTF-8.

    texts   the new text of each segment that has one, by index; without it markers are shown as ellipses
    count   counts the tokens of those; without it markers are not part of a segment's number
    """
    blocks = {segment: list(_runs(items)) for segment, items in _blocks(plan).items()}
    links = _links([run for runs in blocks.values() for run, _ in runs])
    body = [
        _segment(i, segment, blocks.get(i, ()), links, (texts or {}).get(i), count)
        for i, segment in enumerate(plan.context.segments)
    ]

    script, style = _asset("heatmap.js"), _asset("page.css")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return _PAGE.format(
        title=shown(title),
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        style=style,
        script=script,
        head=_head(report, shown(title)),
        body="\n".join(body),
    )


def shown(text: str) -> str:
    """`text` for HTML: escaped, with visible stand-ins for what no browser shows (NUL, controls, lone surrogates)."""
    text = text.replace("\r\n", "\n").replace("\r", "\u240d")
    return escape(_UNSEEN.sub(_stand_in, text), quote=False)


def with_code(text: str) -> str:
    """`text` for HTML, with what stands between backquotes as code."""
    pieces = shown(text).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def _asset(name: str) -> str:
    return (files("contextprune.display") / name).read_text(encoding="utf-8")


def _head(report: Report, title: str) -> str:
    """The totals, the table by kind, and the number of spans of each outcome."""
    rows = [
        f"<tr><th>{shown(kind.value)}<td>{before:,}<td>{after:,}<td class=bar>{_bar(before, after)}"
        for kind, (before, after) in report.by_kind.items()
    ]
    counts = {action: report.actions.get(action, (0, 0)) for action in Action}
    facts = ", ".join(f"{n:,} {OUTCOMES[action]}" for action, (n, _) in counts.items() if n)
    seconds = sum(report.seconds.values())
    return (
        f"<h1>{title}</h1><p class=big><b>{report.before:,}</b> → <b>{report.after:,}</b> tokens "
        f"<span class=dim>{report.ratio:.1%} kept</span>"
        f"<table><thead><tr><th>kind<th>before<th>after<th>kept<tbody>{''.join(rows)}</table>"
        f"<p class=dim>Spans: {facts or 'none'}. {seconds:.2f} s. "
        f"Tokens: {shown(report.counter)}. Scores: {shown(report.scorer)}."
    )


def _bar(before: int, after: int) -> str:
    share = after / before if before else 1.0
    return f"<meter value={share:.3f}></meter> {share:.0%}"


def _blocks(plan: Plan) -> dict[int, list[_Item]]:
    """The spans of each segment, with their decisions.

    Scores of one context often lie close together, so levels are tenths of the spans in segments that changed.
    """
    pairs = list(zip(plan.spans, plan.decisions, strict=True))
    changed = {span.segment for span, decision in pairs if decision.action is not Action.KEEP}
    ranked = sorted(decision.score for span, decision in pairs if span.segment in changed)
    steps = [ranked[len(ranked) * tenth // 10] for tenth in range(1, 10)] if ranked else []
    blocks: dict[int, list[_Item]] = {}
    for i, (span, decision) in enumerate(pairs):
        blocks.setdefault(span.segment, []).append(_Item(i, span, decision, bisect_left(steps, decision.score)))
    return blocks


def _segment(
    index: int,
    segment: Segment,
    runs: Sequence[tuple[list[_Item], bool]],
    links: Mapping[int, int],
    text: str | None,
    count: Callable[[str], int] | None,
) -> str:
    items = [item for run, _ in runs for item in run]
    changed = any(item.decision.action is not Action.KEEP for item in items)
    before = (segment.cost or 0) + sum(item.decision.cost for item in items)
    after = (segment.cost or 0) + sum(item.decision.cost for item in items if item.decision.action is Action.KEEP)
    if changed and text is not None and count:
        after = count(text)

    tokens = f"{before:,} → {after:,} tokens" if changed else f"{before:,} tokens"
    name = f" <code>{shown(segment.name)}</code>" if segment.name else ""
    failed = " <em>failed</em>" if segment.failed else ""
    label = f"<b>{shown(segment.kind.value)}</b>{name}{failed} <span>turn {segment.turn}</span> <span>{tokens}</span>"
    notes = iter(markers([(_kept(item), item.span.text) for item in items], text))
    spans = "".join(_run(run, links, next(notes, "[…]") if closes else "") for run, closes in runs)

    classes = f"k-{segment.kind.value}{' c' if changed else ''}"
    if not changed and len(segment.text) > _FOLDED:
        return f"<details class={_quoted(classes)} id=s{index}><summary>{label}</summary><pre>{spans}</pre></details>"
    return f"<section class={_quoted(classes)} id=s{index}><h2>{label}</h2><pre>{spans}</pre></section>"


def _quoted(classes: str) -> str:
    return f'"{classes}"' if " " in classes else classes


def _runs(items: Sequence[_Item]) -> Iterator[tuple[list[_Item], bool]]:
    """Items that share an element, and whether a gap ends there: short neighbours that look alike, or one item."""
    run: list[_Item] = []
    length = 0
    for item in items:
        short = len(item.span.text) < _SHORT
        if run and not (short and length < _LONG and _look(run[-1]) == _look(item)):
            kept_now, kept_next = _kept(run[-1]), _kept(item)
            yield run, kept_next and not kept_now
            run, length = [], 0
        run.append(item)
        length += len(item.span.text) if short else _LONG
    if run:
        yield run, not _kept(run[-1])


def _kept(item: _Item) -> bool:
    return item.decision.action is Action.KEEP


def _look(item: _Item) -> tuple[object, ...]:
    decision = item.decision
    distance = None if decision.into is None else item.number - decision.into  # the same along a copied stretch
    return decision.action, item.level, decision.reason, distance, bool(decision.digest)


def _links(runs: Sequence[Sequence[_Item]]) -> dict[int, int]:
    """The element that shows each span which a run was merged into, by index; elements also map to themselves."""
    homes = {item.number: run[0].number for run in runs for item in run}
    merged = (run[0].decision.into for run in runs)
    links = {into: homes[into] for into in merged if into is not None}
    return links | {home: home for home in links.values()}


def _run(items: Sequence[_Item], links: Mapping[int, int], marker: str) -> str:
    """An element: text, colour, reason; after the last one of a gap, the marker that is sent in its place."""
    first = items[0].decision
    low, high = (f"{end(item.decision.score for item in items):.2g}" for end in (min, max))
    tokens = sum(item.decision.cost for item in items)
    reason = shown(first.reason).replace('"', "&quot;")
    title = f"{low if low == high else f'{low}-{high}'} · {tokens} tok · {reason}"
    text = _marked("".join(item.span.text for item in items), [n for item in items for n in item.decision.digest])
    name = f" id=p{items[0].number}" if items[0].number in links else ""
    classes = _quoted(f"s{items[0].level}{_LOOKS[first.action]}")
    link = f"<a class=x href=#p{links[first.into]}>↗</a>" if first.into is not None else ""
    note = f"<ins>{shown(marker)}</ins>" if marker else ""
    body = text.rstrip("\n")  # a link belongs to the line that it follows
    return f'<span class={classes}{name} title="{title}">{body}{link}{text[len(body) :]}</span>{note}'


def _marked(text: str, names: Sequence[str]) -> str:
    """The text with the identifiers that survive highlighted."""
    if not names:
        return shown(text)
    pattern = "|".join(map(re.escape, sorted(set(names), key=len, reverse=True)))
    parts = re.split(rf"(?<!\w)({pattern})(?!\w)", text)
    return "".join(f"<mark>{shown(part)}</mark>" if i % 2 else shown(part) for i, part in enumerate(parts))


def markers(kept: Sequence[tuple[bool, str]], text: str | None) -> list[str]:
    """The markers in `text`, one for each gap between the kept runs of a segment; [] where they cannot be told.

    kept   of each span, whether it stays, and its text
    A marker holds one `]` at least, so the kept text after it is looked for behind that.
    """
    if text is None:
        return []

    notes: list[str] = []
    at = i = 0
    while i < len(kept):
        stays, end = kept[i][0], i
        while end < len(kept) and kept[end][0] is stays:
            end += 1
        if stays:
            run = "".join(part for _, part in kept[i:end])
            start = at if not i else text.find(run, text.find("]", at) + 1)
            if start < 0 or not text.startswith(run, start):
                return []
            if i:
                notes.append(text[at:start])
            at = start + len(run)
        i = end

    if kept and not kept[-1][0]:
        notes.append(text[at:])
    return notes


_PAGE = """<!doctype html>
<html lang=en><head><meta charset=utf-8><meta name=viewport content="width=device-width">
<meta name=color-scheme content="light dark">
<meta http-equiv=Content-Security-Policy content="{policy}">
<title>{title} - contextprune</title><style>{style}</style></head><body>
<header>{head}</header>
<nav><button id=toggle type=button aria-pressed=false><b>as read</b> | <i>as sent</i></button>
<span class=legend>score <span class=s0>lowest</span><span class=s3>&nbsp;</span><span class=s5>&nbsp;</span>\
<span class=s7>&nbsp;</span><span class=s9>highest</span> <span class=x>dropped</span> <span class="x m">merged</span> \
<span class="x g">digested, <mark>id</mark> stays</span> <ins>marker</ins></span>
<span class=keys><kbd>j</kbd> <kbd>k</kbd> next, previous change; <kbd>s</kbd> as read or as sent</span></nav>
<main>
{body}
</main><script>{script}</script></body></html>
"""
