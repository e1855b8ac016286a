"""The shapes that a text may have, and a judgement of lines that nothing unmistakable gives away.

A few dozen lines say what a thousand are. In doubt it is a log (lines) or prose (sentences): both cut anything well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from contextprune.splitting.columns import headed_rows
from contextprune.text.letters import is_word


class Shape(StrEnum):
    """What a part of a text is, and so which cutter it goes to."""

    PROSE = "prose"
    MARKDOWN = "markdown"
    PYTHON = "python"
    CODE = "code"
    NUMBERED = "numbered"  # a file as editors and `cat -n` show it
    DIFF = "diff"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TABLE = "table"
    LOG = "log"
    OUTLINE = "outline"  # indentation or sections say what belongs to what: YAML, INI, descriptions, plans
    LISTING = "listing"
    HTML = "html"
    XML = "xml"


_SAMPLE = 40  # lines
_WIDTH = 160  # characters of a line that are looked at
_FEW = 3  # fewer lines than this are never code or data

_SUFFIXES: Mapping[Shape, str] = {
    Shape.MARKDOWN: "md markdown rst mdx",
    Shape.PYTHON: "py pyi",
    Shape.CODE: "js jsx mjs ts tsx go rs java c h cc cpp hpp cs rb php swift kt scala sh bash sql lua css scss",
    Shape.HTML: "html htm xhtml",
    Shape.XML: "xml svg pom csproj plist xsd rss",
    Shape.CSV: "csv tsv",
    Shape.DIFF: "diff patch",
    Shape.LOG: "log",
    Shape.OUTLINE: "yaml yml toml ini cfg conf env properties",
}
_BY_SUFFIX: Mapping[str, Shape] = {suffix: shape for shape, names in _SUFFIXES.items() for suffix in names.split()}

_AROUND = "\"'`.,;:!?()[]*_‘’“”।॥۔،؛؟።։"  # noqa: RUF001 - what stands around words
_SENTENCE = 5  # a line of fewer words may be anything
_LINE_OF_TEXT = 60  # characters of a line of text without blanks between words
_TAG = re.compile(r"\s*<(?!/?contextprune-keep>)[a-zA-Z/!?]")  # a mark of ours is no markup of the text's
_ELEMENT = re.compile(r"<(?!contextprune-keep>)([a-zA-Z][\w:.-]{0,60})")
_OF_PAGES = frozenset(
    re.findall(r"\S+", "html head body div p span a ul ol li table tr td th h1 h2 h3 br img input script style")
)
_HEADING = re.compile(r" {0,3}#{1,6} \S|(?:={4,}|-{4,})\s*$")
_ITEM = re.compile(r"\s{0,12}(?:[-*+] |\d{1,2}\. )\S")
_STAMP = re.compile(
    r"\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d|\b(?:INFO|WARN(?:ING)?|ERROR|DEBUG|FATAL|TRACE)\b|^\[\s*\d|^\s{0,16}[✓✔√✗✘✕○●] "
)
_PYTHON = re.compile(
    r"\s*(?:(?:async )?def \w+\(|class \w+[(:]|import \w|from [\w.]+ import |@[\w.]+(?:\(|$)|return\b|raise \w|self\.\w"
    r"|try:|else:|finally:|except\b.{0,60}:|(?:if|elif|for|while|with)\b.{1,140}:(?:\s*#.*)?$)"
)
_CODE = re.compile(r"\s*(?://|/\*|\*/|#include\b|package [\w.]+;|import [\w.{]|(?:pub )?fn |func |export )")
_COMMENT = re.compile(r"\s*\* ")
_FINDING = re.compile(r"[\w./@\\-]{1,150}\.\w{1,8}[:(]\d{1,7}(?:[:,]\d{1,5})?\)?:? \S")
_FINDINGS = 0.15  # of the lines begin with a place in a file: what a compiler says, and the source that it quotes
_KEY = re.compile(r"""[ \t]*+(?:- )*+["']?[\w.$/@<*-][\w.$/@ <>*-]{0,60}["']?[ \t]{0,20}:(?:\s|$)""")
_DASH = re.compile(r"[ \t]*+(?:- \S|#)")
_SECTION = re.compile(r"\[{1,2}[\w.\"' :/@*-]{1,100}\]{1,2}\s*$")
_PAIR = re.compile(r"[ \t]*+[\w.\"'-]{1,80}[ \t]*+=|[ \t]*+[#;]")
_PLANNED = re.compile(
    r"[ \t]+# \S.{0,100} (?:will|must) be |Plan: \d+ to add|\S.{0,100} has (?:changed|been (?:added|removed)):$"
)
_TRACES = ("Traceback (most recent", "goroutine ", "stack backtrace:", "Caused by: ", "at ")
_CODE_ENDS = frozenset(";{}")


def by_name(name: str | None) -> tuple[Shape | None, str | None]:
    """(shape, language) that the suffix of a file's name tells."""
    suffix = name.rpartition(".")[2].lower() if name and "." in name else ""
    shape = _BY_SUFFIX.get(suffix)
    return shape, suffix if shape is Shape.CODE else None


def judge(lines: Sequence[str], hint: Shape | None = None) -> Shape:
    """The shape of `lines` by their looks; `hint` is the shape that the name of the file tells."""
    solid = [line for line in _sampled(lines) if line]
    if hint is not None:
        return hint
    if len(solid) < _FEW:
        return _of_few(solid)
    for shape, looks_like in _QUESTIONS:
        if looks_like(solid):
            return shape
    return Shape.LOG


def is_output(text: str) -> bool:
    """Whether a text is a program's output beyond doubt: times or levels, a stack trace, an aligned table."""
    lines = text.split("\n")
    solid = [line for line in _sampled(lines) if line]
    if not solid or _is_log(solid) or any(line.lstrip().startswith(_TRACES) for line in solid):
        return bool(solid)
    return 2 * len(headed_rows(lines)) >= len(lines) - lines.count("")


def _sampled(lines: Sequence[str]) -> list[str]:
    """Up to `_SAMPLE` lines from all over, cut at `_WIDTH`; half of them in neighbourly runs at the start."""
    half = _SAMPLE // 2
    step = max(1, (len(lines) - half) // half)
    return [line[:_WIDTH].rstrip() for line in (*lines[:half], *lines[half::step])]


def _of_few(lines: Sequence[str]) -> Shape:
    if any(line.startswith("<") and (">" in line) for line in lines) and _is_html(lines):
        return Shape.XML if _is_xml(lines) else Shape.HTML
    return Shape.PROSE if lines and _is_prose(lines) else Shape.LOG


def _share(lines: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.match(line) is not None for line in lines) / len(lines)


def _is_html(lines: Sequence[str]) -> bool:
    tagged = sum(_TAG.match(line) is not None for line in lines)
    return tagged >= 0.4 * len(lines) and any("</" in line or "/>" in line for line in lines)


def _is_xml(lines: Sequence[str]) -> bool:
    """Whether lines are tagged, and hardly with names of HTML."""
    names = [name for line in lines for name in _ELEMENT.findall(line)]
    return _is_html(lines) and 4 * sum(name.lower() in _OF_PAGES for name in names) < len(names)


def _is_log(lines: Sequence[str]) -> bool:
    return sum(_STAMP.search(line, 0, 60) is not None for line in lines) >= 0.3 * len(lines)


def _is_findings(lines: Sequence[str]) -> bool:
    return _share(lines, _FINDING) >= _FINDINGS


def _is_outline(lines: Sequence[str]) -> bool:
    """Whether most lines are keys or items, and some are indented or stand under a section; or changes are planned."""
    if any(_PLANNED.match(line) for line in lines):
        return True
    keys = sum(_KEY.match(line) is not None for line in lines)
    indented = sum(line[0] in " \t" for line in lines)
    sections = sum(_SECTION.match(line) is not None for line in lines)
    if sections and keys + sections + sum(_PAIR.match(line) is not None for line in lines) >= 0.6 * len(lines):
        return True
    items = sum(_DASH.match(line) is not None for line in lines)
    return keys > 0 and keys + items >= 0.7 * len(lines) and 5 * indented >= len(lines)


def _is_python(lines: Sequence[str]) -> bool:
    ends = sum(line[-1] in _CODE_ENDS for line in lines)
    return _share(lines, _PYTHON) >= 0.2 and ends <= 0.25 * len(lines)


def _is_code(lines: Sequence[str]) -> bool:
    ends = sum(line[-1] in _CODE_ENDS for line in lines)
    comments = _share(lines, _COMMENT) if any("/*" in line for line in lines) else 0.0
    return ends / len(lines) + _share(lines, _CODE) + comments >= 0.4


def _is_markdown(lines: Sequence[str]) -> bool:
    headings, items = _share(lines, _HEADING), _share(lines, _ITEM)
    return headings > 0 and headings + items >= 0.1 and (_is_prose(lines) or headings + items >= 0.3)


def _is_prose(lines: Sequence[str]) -> bool:
    """Whether most characters stand in lines that flow: many words, and little but words."""
    flowing = 0
    for line in lines:
        tokens = line.split()
        words = sum(is_word(token.strip(_AROUND)) for token in tokens)
        if (len(tokens) > _SENTENCE and words >= 0.75 * len(tokens)) or _flows_without_blanks(line):
            flowing += len(line)
    return 2 * flowing >= sum(map(len, lines))


def _flows_without_blanks(line: str) -> bool:
    """Whether a line is written text of a script that parts no words: Chinese, Japanese, Thai, Khmer and the like."""
    if "。" in line or "，" in line:  # noqa: RUF001 - full-width on purpose
        return True
    return len(line) > _LINE_OF_TEXT and 2 * sum(character >= "\u0e00" for character in line) > len(line)


_QUESTIONS = (
    (Shape.XML, _is_xml),
    (Shape.HTML, _is_html),
    (Shape.OUTLINE, _is_outline),
    (Shape.LOG, _is_log),
    (Shape.LOG, _is_findings),
    (Shape.PYTHON, _is_python),
    (Shape.CODE, _is_code),
    (Shape.MARKDOWN, _is_markdown),
    (Shape.PROSE, _is_prose),
)
