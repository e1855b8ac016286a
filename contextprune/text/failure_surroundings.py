"""What belongs to a failure: what stands below it and further in, carets and notes, what was expected, its caption.

Told from the lines around it alone: indentation, a few words and marks that all tools share, and no tool's grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from contextprune.context import Span, Syntax

BELOW = 14
"""Lines below a failure that may belong to it."""
LEVEL = 6
"""Lines below an indented failure that may belong to it though they are indented no more than it is."""
ABOVE = 12
"""Lines above a verdict that may say why."""
CAPTION = 60
"""Lines above an indented finding among which its caption is looked for."""
GOES_ON = 2
"""Lines as far in as a failure that ends with a colon, which they go on from."""
PLACES = 6
"""Lines above a failure that say where it was met, without a break."""

FRAME = 6
"""Lines below a failure among which a line that points at the source above it may stand."""

_READABLE = frozenset({Syntax.LINES, Syntax.PROSE})
_DETAIL = re.compile(
    r"(?:==\d{1,9}==)?\s{0,60}(?:[\^~|│]|-{1,3}>|\d{1,7}\s?\||=\s|[-+>#]\s|(?:note|help|hint|info|detail|line|context"
    r"|statement|where"
    r"|reason|cause"
    r"|expected|received|actual|got|want|wanted|left|right|diff|difference|suggestion|see|caused by|required by|found"
    r"|code|errno"
    r"|syscall|stderr|stdout|exit code|location|source)\b[^\n]{0,40}?[:=(]|at |by |in |from |#\d|0x\d|File |\(Use "
    r"|\*\*\*)",
    re.IGNORECASE,
)
_VERDICT = re.compile(r"\s{0,40}(?:-{3} FAIL|FAIL\b|FAILED\b|not ok\b|E {3}|[✗✕✖×✘❌])|.{0,300}\bFAILED\b")  # noqa: RUF001
_BOUNDARY = re.compile(r"\s{0,40}(?:=== |-{3} (?:PASS|SKIP)|PASS\b|ok\b|[✓✔√]|test \S+ \.\.\. ok)|\s*$")
_LOCATION = re.compile(r"\s{0,60}[\w./@\\-]{1,200}\.\w{1,8}(?::|\()\d{1,7}\b|>\s|\s{0,8}assert")
_CAPTION = re.compile(
    r"\s{0,40}(?:[\w@.\\~-]{0,200}[/\\.][\w./\\@~ -]{1,300}:?\s*$|In file included"
    r"|.{1,300}: In (?:function|member|\w{1,20}))"
)
_PLACE = re.compile(
    r"[^\s:]{1,200}:\d{1,7}(?::\d{1,5})?:?[ \t]{2,8}(?:\w{1,20} )?(?:required|in|from|by|at|called"
    r"|expanded)\b|\s{1,40}from \S{1,200}:\d{1,7}[,:]|In file included|.{1,300}: In \w{1,20}"
)
"""Where a compiler met what it complains about, said before the complaint."""
_SOURCE_AT = re.compile(r"(?:\W{0,20}File \"|\s{0,40}[^\s:]{1,200}\.\w{1,8}[:(]\d{1,7}\b)")
"""The place of the source that is shown below it: what stands above it is another finding's."""
_CARETS = re.compile(r"(?:^|\n)[ \t]{0,200}[\^~]+\s*$")
_CODES = r"(?:\x1b\[[\d;]{0,20}m)"  # of a colour
_POINTER = re.compile(rf"(?:^|\n)(?:{_CODES}|[ \t]){{0,400}}-{{0,400}}\^[-~^]{{0,200}}(?:{_CODES}|\s){{0,40}}$")
"""A last line that does nothing but point at a place in the line above it."""
_BLANK = re.compile(r"\n[ \t]*\r?\n\Z|\A\s*\Z")
"""A blank line at the end of a span, or for all of it."""
_POINTING = re.compile(r"\s{0,200}\^[-~^]{0,200}\s\S")
"""A finding that points at the source above it."""


def belonging(spans: Sequence[Span], block: range, failure: int) -> Iterator[int]:
    """Indices of the spans of a block that belong to the failure at index `failure`, without it."""
    if spans[failure].syntax in _READABLE:
        yield from _below(spans, block, failure)
        yield from _frame(spans, block, failure)
        yield from _above(spans, block, failure)


def neighbours(spans: Sequence[Span], block: range, failure: int, reach: int) -> Iterator[int]:
    """Indices of the lines up to `reach` before and after a failure."""
    for i in range(max(block.start, failure - reach), min(block.stop, failure + reach + 1)):
        if i != failure and spans[i].syntax in _READABLE:
            yield i


def tells_success(text: str) -> bool:
    """Whether a line says that a test or a step passed."""
    return text.strip() != "" and _BOUNDARY.match(text) is not None


def _below(spans: Sequence[Span], block: range, failure: int) -> Iterator[int]:
    """What stands further in, or as far in for a few lines, and notes; up to what tells of something else."""
    depth = _depth(spans[failure].text)
    level = 0
    most = LEVEL if depth else GOES_ON if spans[failure].text.rstrip().endswith(":") else 0
    for i in range(failure + 1, min(block.stop, failure + 1 + BELOW)):
        text = spans[i].text
        further_in, detail = _depth(text) > depth, _DETAIL.match(text) is not None
        level += not (further_in or detail)
        if spans[i].syntax not in _READABLE or _BOUNDARY.match(text) or level > most:
            return
        yield i


def _frame(spans: Sequence[Span], block: range, failure: int) -> Iterator[int]:
    """The source at which a line points that stands below: that line, and the one above it.

    No blank line stands between, but below a colon.
    """
    for i in range(failure + 1, min(block.stop, failure + 1 + FRAME)):
        before, text = spans[i - 1].text, spans[i].text
        is_apart = _BLANK.search(before) is not None and not before.rstrip().endswith(":")
        if spans[i].syntax not in _READABLE or is_apart:
            return
        if pointer := _POINTER.search(text):
            yield i
            if pointer.start() == 0 and i - 1 > failure:  # else the two are one span
                yield i - 1
            return


def _above(spans: Sequence[Span], block: range, failure: int) -> Iterator[int]:
    """What a verdict is about, the source above a message, and the caption over what is indented."""
    verdict = _VERDICT.match(spans[failure].text) is not None
    pointing = _POINTING.match(spans[failure].text) is not None
    placed, located = True, False
    carets = any(_CARETS.search(spans[i].text) for i in range(max(block.start, failure - 3), failure))
    for i in range(failure - 1, max(block.start, failure - ABOVE) - 1, -1):
        text = spans[i].text
        if _BOUNDARY.match(text) and not carets:
            break
        near = failure - i <= (5 if carets else 2 * pointing) and not located
        placed = placed and failure - i <= PLACES and _PLACE.match(text) is not None
        if near or placed or (verdict and _LOCATION.match(text)) or (failure - i <= 2 and _CAPTION.match(text)):
            yield i
        located = located or _SOURCE_AT.match(text) is not None

    depth = _depth(spans[failure].text)
    if depth:
        above = range(failure - 1, max(block.start, failure - CAPTION) - 1, -1)
        caption = next((i for i in above if _depth(spans[i].text) < depth), None)
        if caption is not None and _CAPTION.match(spans[caption].text):
            yield caption


def _depth(text: str) -> int:
    """Blanks at the start of a line."""
    return len(text) - len(text.lstrip(" \t"))
