"""Lines of failure in the results of tools, by a wide floor of forms: selection keeps them first.

Beside it stands `failures.failing`, which is narrower and part of what the trained scorer was trained on. Here a line
is read as a person reads it (see `plain_line`). Source code, imports, counts of nothing and tests that passed are no
failures. A form is tried only on lines that hold one of its hints, and a long line is looked at in windows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any

from contextprune.context import Context, Kind, Span, Syntax, Unit
from contextprune.text.alternatives import Search, search_in_small_letters, search_of
from contextprune.text.failure_forms import CODED, SUSPECT
from contextprune.text.failure_words import LANGUAGES, SAID, SCRIPTS
from contextprune.text.failures import failing
from contextprune.text.plain_line import plain_lines

FORMS = (*CODED, LANGUAGES, SCRIPTS, SAID, *SUSPECT)
"""All forms, the sure ones first."""
WINDOW, MARGIN = 1000, 120
"""Characters of a long line that are read at once, and how far windows overlap: no form is longer."""
FEW, SMALL_SHARE, MOST_SHARE = 12, 0.03, 0.3
"""Lines that only may tell of a failure count where they are few: so many, or such a share, and no more than a part."""

_QUOTED = frozenset({Syntax.HASH_CODE, Syntax.SLASH_CODE, Syntax.DASH_CODE, Syntax.DIFF, Syntax.HTML})
"""Source, in which errors are handled and not met."""

_CONFLICT = "<<<<<<< "
"""How a version control system opens what two sides wrote differently, in source or a diff."""

_NAME = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL|OFF)"
_HARMLESS = re.compile(
    r"\b(?:0|no|zero|without(?: any)?|keine?|aucune?|sin|sem|ohne|nessun|если) (?:\w{1,20} ){0,2}?"
    r"(?:err(?:ors?|eurs?|ores?|os)\b|fail(?:ures?|ed|ing)\b|fehler|exceptions?\b|problems?\b|issues?\b"
    r"|vulnerabilit\w{1,4}|conflicts?\b)"
    r"|\b(?:errors?|failures?|failed|failing|fehler|conflicts?|problems?)[\"']?\s?[:=]\s{0,8}[\"']?"
    r"(?:0\b|none\b|null\b|nil\b|false\b|\"\"|\[\]|\{\}|-$)"
    r"|-[\w-]{0,20}(?:error|fail)[\w-]{0,20}\b|\b(?:fail|error)[-_](?:fast|on|if|when|level|page|log|handl\w{0,4})\b"
    rf"|\b{_NAME}(?:[\"']?\s?[,|/]\s?[\"']?{_NAME}){{1,8}}\b"
    r"|\bPASS(?:ED)?\s?[|/]\s?FAIL(?:ED)?\b|\b(?:if|on|when|until|unless|log|handle|catch|the"
    r"|any) (?:an? )?errors?\b(?! occurred)"
    r"|\b(?:fixe?[sd]?|resolve[sd]?|close[sd]?|avoid(?:s|ed)?|prevent(?:s|ed)?|handle[sd]?|improve[sd]?"
    r"|ignor(?:e[sd]?|ing)|retry) "
    r"(?:\w{1,20} ){0,3}?(?:errors?|failures?|crash(?:es)?|exceptions?)\b",
    re.IGNORECASE,
)  # fmt: skip
_PASSED = re.compile(
    r"^(?:ok\b|[✓✔√✅]|--- PASS|\[?\s{0,7}(?:OK|PASS(?:ED)?)\b)|\bPASS(?:ED)?\b|\.\.\.\s?ok$|\bok$|\bpassed(?: in|$"
    r"| \()|\bSUCCESS\b"
)
_YET_FAILED = re.compile(
    r"(?i)(?<![\w.-])[1-9]\d{0,6} (?:\w{1,20} )?(?:failed|failures?|failing|errors?)\b|(?-i:\bFAIL(?:ED|URES?)?\b)"
)

_LOCATION = r"(?:[\w./@\\-]{1,200}\.\w{1,8}[:(]\d{1,7}[:),-]{1,2}\s{0,40}|\d{1,7}\s?[|:→]\s{0,40})?"
_SOURCE = re.compile(
    _LOCATION + r"(?:import [\w{*\"'.]|from \S{1,200} import"
    r"|export (?:default|const|class|function|type|interface|async|abstract|\{|\*)"
    r"|(?:async )?def \w|class \w{1,80}\s?(?:[(:{<]|extends|implements|$)|(?:async )?function\b.{0,200}[({]"
    r"|func [\w(]|fn \w|pub[ (]"
    r"|(?:public|private|protected|internal|static|final|abstract|override|virtual) .{1,300}[({;,]$|(?:const|let|var"
    r"|val) [\w{\[(].{0,200}[=:]"
    r"|return\b(?! code| status|ed)|raise\b|throws?\b|except\b.{0,120}:|\}?\s?catch\b|rescue\b|\}?\s?(?:if|elif|else"
    r"|for|while|with|switch|match)\b.{0,300}[:{]$"
    r"|try\b|finally\b|@\w|//|/\*|#include|\#(?![#\d])|use \w{1,80}::|using \w|require[ (]|package [\w.]{1,200};?$"
    r"|namespace |(?:type|interface|struct|enum) \w{1,80}\s?[={(<]"
    r"|case .{1,200}:|(?:self|this|cls)\.|(?:print|println|printf|assert|echo)[ (]|expect\(.{0,300}\);?$"
    r"|[\w.]{0,60}log(?:ger"
    r"|ging)?\.\w{1,20}\(|console\.|<!--|\"\"\"|`{3}"
    r"|[\w.]{1,80} ?[:+]?= ?(?:new |await |\w{1,80}[.(]))"
)
"""How lines of source code and of comments begin."""
_SOURCE_END = re.compile(r"[;{]\s*$|\)\s*(?:->|=>).{0,80}[:{]\s*$")
_LOCATED = re.compile(
    r"(?i)\d\)?\]?:?\s{1,8}(?:-\s)?(?:fatal |parse )?error\b|^(?:fatal )?(?:error|fatal)\b(?=[: \[(])(?!.*[;,]\s*$)"
    r"|^E {3}|^CONFLICT|near [\"'`]"
)
"""A compiler's own words: what it quotes may end as source does."""


def failure_lines(context: Context, spans: Sequence[Span]) -> set[int]:
    """Indices of the spans of tools' results that tell of a failure, those of `failures.failing` included."""
    firsts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for i, span in enumerate(spans):
        firsts.setdefault(span.segment, i)
        ends[span.segment] = i + 1

    failures = failing(context, spans)
    for segment, first in firsts.items():
        if context.segments[segment].kind is Kind.TOOL_RESULT:
            failures |= _of_text(context.segments[segment].text, spans, range(first, ends[segment]))
    return failures


def tells_failure(line: str) -> bool | None:
    """Whether a line surely tells of a failure (True), or may (False); None where it does not."""
    return max((verdict for part in plain_lines(line) if (verdict := _verdict(part)) is not None), default=None)


def _of_text(text: str, spans: Sequence[Span], block: range) -> set[int]:
    """The failures among the spans of one text."""
    sure: set[int] = set()
    perhaps: set[int] = set()
    verdicts: dict[str, bool | None] = {}  # lines that repeat are read once
    for i, line in _suspects(text, spans, block):
        span = spans[i]
        if i in sure or span.syntax in _QUOTED:
            continue
        if line not in verdicts:
            verdicts[line] = tells_failure(line)
        verdict, flows = verdicts[line], _flows(span, text)
        if verdict and not flows:
            sure.add(i)
        elif verdict or (verdict is False and not flows):
            perhaps.add(i)

    sure.update(_conflicts(text, spans, block))
    perhaps -= sure
    few = len(perhaps) <= max(FEW, SMALL_SHARE * len(block)) and len(perhaps) <= max(1, MOST_SHARE * len(block))
    return sure | perhaps if few else sure


def _conflicts(text: str, spans: Sequence[Span], block: range) -> Iterator[int]:
    """The spans in which a conflict of two sides opens."""
    starts: list[int] = []
    at = text.find(_CONFLICT)
    while at >= 0:
        if not text[max(0, at - 3) : at].rpartition("\n")[2].strip(" +-"):
            starts = starts or [spans[i].start for i in block]
            yield block.start + bisect_right(starts, at) - 1
        at = text.find(_CONFLICT, at + 1)


def _flows(span: Span, text: str) -> bool:
    """Whether a span is a sentence among others, and no line by itself."""
    if span.unit is not Unit.SENTENCE or span.syntax is not Syntax.PROSE:
        return False
    opens = span.start == 0 or text[span.start - 1] == "\n"
    return not (opens and (span.text.endswith("\n") or span.end == len(text)))


def _suspects(text: str, spans: Sequence[Span], block: range) -> Iterator[tuple[int, str]]:
    """(span, line or window of a long line) wherever a hint stands, each once."""
    starts = [spans[i].start for i in block]
    lines = [0, *(match.end() for match in re.finditer("\n", text)), len(text)]
    read: set[int] = set()  # starts of windows
    for at in _hints(text):
        i = block.start + bisect_right(starts, at) - 1
        row = bisect_right(lines, at, 0, len(lines) - 1) - 1
        start = max(spans[i].start, lines[row])
        start += (at - start) // WINDOW * WINDOW
        if start not in read:
            read.add(start)
            yield i, text[start : min(spans[i].end, lines[row + 1], start + WINDOW + MARGIN)]


def _hints(text: str) -> Iterator[int]:
    """Offsets of hints in `text`; more than one of a line, fewer than all."""
    lower = "\n" + _lowered(text)  # a probe for what starts a line looks for the line end before it
    for hints in (_HINTS, *_PROBES) if lower.isascii() else (_HINTS, _FOREIGN_HINTS, *_PROBES):
        for match in hints.finditer(lower):
            yield match.end() - 2


def _lowered(text: str) -> str:
    """The text in lower case, each character in its place: one letter of Unicode grows when it is made small."""
    return text.replace("\u0130", "I").lower()


def _any_of(hints: Collection[str]) -> re.Pattern[str]:
    """An expression for the shortest hint at a place: a tree of letters is many times quicker than a list."""
    tree: dict[str, Any] = {}
    for hint in hints:
        node = tree
        for letter in hint:
            node = node.setdefault(letter, {})
        node[""] = {}

    def written(node: dict[str, Any]) -> str:
        if "" in node:
            return ""
        branches = [re.escape(letter) + written(below) for letter, below in sorted(node.items())]
        return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"

    return re.compile(written(tree))


def _by_start() -> dict[str, frozenset[int]]:
    """For each hint the numbers of the forms that have it, or a longer one that begins with it."""
    hints = {hint for form in FORMS for hint in form.hints}
    forms = list(enumerate(FORMS))
    return {
        start: frozenset(number for number, form in forms if any(hint.startswith(start) for hint in form.hints))
        for start in hints
    }


_HINTS = _any_of({hint for form in FORMS for hint in form.hints if hint.isascii()})
_FOREIGN_HINTS = _any_of({hint for form in FORMS for hint in form.hints if not hint.isascii()})
_PLACE_OF_HINT, _PLACE_OF_FOREIGN_HINT = (re.compile(f"(?=({tree.pattern}))") for tree in (_HINTS, _FOREIGN_HINTS))
_BY_START = _by_start()
_PROBED = frozenset(number for number, form in enumerate(FORMS) if form.probe is not None)
_PROBES = tuple({form.probe for form in FORMS if form.probe is not None})


def _verdict(line: str) -> bool | None:
    """Whether a plain line surely tells of a failure (True), or may (False); None where it does not."""
    lower = _lowered(line)
    forms = _hinted(lower)
    if not any(_matches(number, line, lower) for number in forms):
        return None
    if _PASSED.search(line) and not _YET_FAILED.search(line):
        return None
    if (_SOURCE.match(line) or _SOURCE_END.search(line)) and not _LOCATED.search(line):
        return None
    line = _HARMLESS.sub(" ", line)
    lower = _lowered(line)
    return next((FORMS[number].sure for number in forms if _matches(number, line, lower)), None)


def _matches(number: int, line: str, lower: str) -> bool:
    """Whether a form, by its number, stands in a line; `lower` is that line in small letters."""
    exact, in_small_letters = _searches(number)
    if in_small_letters is not None and line.isascii():
        return in_small_letters(lower) is not None
    return exact(line) is not None


@cache
def _searches(number: int) -> tuple[Search, Search | None]:
    """A form's search in a line, and in one in small letters: made when it is first needed, for a quick import."""
    pattern = FORMS[number].pattern
    return search_of(pattern), search_in_small_letters(pattern)


def _hinted(lower: str) -> list[int]:
    """The numbers of the forms of which a line in lower case holds a hint, in their order."""
    numbers = set(_PROBED)
    for hinted_at in (_PLACE_OF_HINT,) if lower.isascii() else (_PLACE_OF_HINT, _PLACE_OF_FOREIGN_HINT):
        for match in hinted_at.finditer(lower):
            numbers.update(_BY_START[match[1]])
    return [n for n in sorted(numbers) if (within := FORMS[n].within) is None or within.search(lower)]
