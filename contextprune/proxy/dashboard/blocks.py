"""The context of a request as it was sent, block by block: new decisions piece by piece, earlier ones as their text.

The scorer process tells it as JSON (`Answer.heat`). What has another form is left out, so that nothing fails here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from contextprune.display.amounts import plural
from contextprune.display.heatmap import shown
from contextprune.proxy.dashboard.format import named

_CLASSES: Mapping[str, str] = {"keep": "", "digest": "x g", "merge": "x m", "drop": "x"}
_PAST_TENSE: Mapping[str, str] = {"keep": "kept", "digest": "digested", "merge": "merged", "drop": "dropped"}
_MARKER = "marker"
_SPANS = 20_000  # pieces of text of one page; browsers get slow beyond
_FOLDED = 600  # characters from which a block that this request did not cut is folded


@dataclass(frozen=True, slots=True)
class _Block:
    """One block.

    pieces   [text, action or "marker", reason, perhaps a score], those that are shown
    is_long  there are more of them
    cut      "now" by this request, "old" by an earlier one, "epoch" where old blocks were decided anew, "" not at all
    request  the request of the session that brought it, 0 where unknown
    tokens   received and sent; None where unknown
    """

    kind: str
    name: str
    pieces: Sequence[Sequence[Any]]
    is_long: bool
    cut: str
    request: int
    tokens: tuple[int, int] | None

    @classmethod
    def of(cls, row: Any, left: int) -> Self | None:
        """Read a block, with `left` pieces at most; None where it has another form."""
        if not isinstance(row, list) or len(row) not in (3, 4) or not isinstance(row[2], list):
            return None
        pieces = [piece for piece in row[2][:left] if _is_piece(piece)]
        facts = row[3] if len(row) == 4 and isinstance(row[3], dict) else {}
        is_cut = any(action not in ("keep", _MARKER) for _, action, *_ in pieces)
        return cls(
            kind=str(row[0]),
            name=str(row[1] or ""),
            pieces=pieces,
            is_long=len(pieces) < len(row[2]),
            cut=str(facts.get("cut") or ("now" if is_cut else "")),
            request=_number(facts.get("request")),
            tokens=_pair(facts.get("tokens")),
        )

    @property
    def length(self) -> int:
        """Characters that are shown."""
        return sum(len(piece[0]) for piece in self.pieces)


def context_html(heat: bytes) -> str:
    """The blocks with a legend, and a sentence on how many were cut when."""
    try:
        rows = json.loads(heat)
    except (ValueError, RecursionError):
        return "<p class=dim>The text of this request cannot be shown."
    blocks = list(_blocks(rows if isinstance(rows, list) else ()))
    return f"{_count(blocks)}{_LEGEND}{''.join(_block(number, block) for number, block in enumerate(blocks))}"


def _blocks(rows: Sequence[Any]) -> Iterator[_Block]:
    left = _SPANS
    for row in rows:
        block = _Block.of(row, left)
        if block is not None:
            left -= len(block.pieces)
            yield block


def _count(blocks: Sequence[_Block]) -> str:
    cuts = Counter(block.cut for block in blocks)
    words = {
        "now": "cut in this request",
        "old": "cut in earlier requests",
        "epoch": "cut by an epoch",
        "": "left alone",
    }
    counts = ", ".join(f"{cuts[cut]:,} {word}" for cut, word in words.items() if cuts[cut])
    return f"<p class=dim>{plural(len(blocks), 'block')} as sent: {counts}." if blocks else ""


def _block(number: int, block: _Block) -> str:
    """One block: open where this request cut it, else folded where it is long."""
    label = f"<b>{shown(block.kind)}</b> {named(block.name)} <span>{_size(block)}</span>"
    text = "".join(map(_piece, block.pieces)) + ("<ins>… more is not shown</ins>" if block.is_long else "")
    if block.cut == "now":
        return (
            f"<section class=c id=b{number}><h3>{label}</h3><p class=dim>{_why(block.pieces)}</p><pre>{text}</pre>"
            "</section>"
        )
    css_class = ' class="c"' if block.cut else ""
    opened = "" if block.length > _FOLDED else " open"
    summary = f"{label} <span>{_since(block)}</span>"
    return f"<details{css_class} id=b{number}{opened}><summary>{summary}</summary><pre>{text}</pre></details>"


def _size(block: _Block) -> str:
    """Tokens as received and as sent, or else the number of pieces."""
    if block.tokens is None:
        return plural(len(block.pieces), "piece")
    before, after = block.tokens
    return f"{before:,} → {after:,} tokens" if after != before else plural(before, "token")


def _since(block: _Block) -> str:
    if not block.cut:
        return "left alone"
    of_session = f"request {block.request:,} of this session" if block.request else "an earlier request"
    if block.cut == "epoch":
        return f"cut by an epoch; {of_session} brought it"
    return f"cut in {of_session}"


def _why(pieces: Sequence[Sequence[Any]]) -> str:
    """Reasons with the number of pieces that went for each."""
    cut_out = Counter((action, reason) for _, action, reason, *_ in pieces if action not in ("keep", _MARKER))
    why = "; ".join(
        f"{n:,} {_PAST_TENSE.get(action, shown(action))}: {shown(reason)}" for (action, reason), n in cut_out.items()
    )
    return why or "cut in this request"


def _piece(piece: Sequence[Any]) -> str:
    text, action, reason, *scores = piece
    if action == _MARKER:
        return f"<ins>{shown(text)}</ins>"
    score = scores[0] if scores and isinstance(scores[0], int | float) and 0 <= scores[0] <= 1 else None
    css_class = _CLASSES.get(action, "x")
    classes = " ".join(filter(None, (f"s{min(9, int(score * 10))}" if score is not None else "", css_class)))
    title = shown(f"{_PAST_TENSE.get(action, action)}: {reason}").replace('"', "&quot;")
    return f'<span class="{classes}" title="{title}">{shown(text)}</span>'


def _is_piece(piece: Any) -> bool:
    return isinstance(piece, list) and len(piece) >= 3 and all(isinstance(part, str) for part in piece[:3])


def _number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _pair(value: Any) -> tuple[int, int] | None:
    is_pair = isinstance(value, list) and len(value) == 2 and all(isinstance(tokens, int) for tokens in value)
    return (value[0], value[1]) if is_pair else None


_LEGEND = (
    "<p class=legend>likely to be needed <span class=s0>least</span> <span class=s3>&nbsp;</span><span class=s5>&nbsp;"
    "</span><span class=s7>&nbsp;</span> <span class=s9>most</span> <span class=x>dropped</span> "
    '<span class="x m">merged into an equal one</span> <span class="x g">digested: its names stay in the marker</span>'
    " <ins>marker, sent in place of what went</ins>"
)
