"""Cut source code into lines that know the header they stand under.

A grammar joins headers that span lines where tree-sitter is installed; indentation tells the rest, because agents
mostly read fragments, which no parser accepts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from contextprune.context import Cut, Syntax
from contextprune.splitting.grammars import header_rows
from contextprune.splitting.nesting import NUMBERED, Line, nest, physical_lines
from contextprune.splitting.python import cut_python

_ALIASES: Mapping[str, str] = {
    "py": "python", "python3": "python", "pycon": "python", "js": "javascript", "jsx": "javascript",
    "mjs": "javascript", "ts": "typescript", "golang": "go", "rs": "rust", "h": "c", "c++": "cpp", "cc": "cpp",
    "cxx": "cpp", "hpp": "cpp", "sh": "bash", "shell": "bash", "zsh": "bash", "rb": "ruby", "yml": "yaml",
    "make": "makefile", "kt": "kotlin", "cs": "csharp", "c#": "csharp", "hs": "haskell", "htm": "html", "pl": "perl",
}  # fmt: skip
_BY_COMMENT: Mapping[Syntax, str] = {
    Syntax.HASH_CODE: "python bash ruby yaml toml perl r makefile dockerfile elixir julia powershell",
    Syntax.SLASH_CODE: "javascript typescript tsx java go rust c cpp csharp swift kotlin scala dart php css scss",
    Syntax.DASH_CODE: "sql lua haskell ada elm",
    Syntax.HTML: "html xml vue svg",
}
_SYNTAXES: Mapping[str, Syntax] = {name: syntax for syntax, names in _BY_COMMENT.items() for name in names.split()}

# Looked for in this order in the first 4 kB; the first that matches names the language.
_SIGNS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.MULTILINE)
    for name, pattern in {
        "bash": r"\A#!\S*(?:sh|env bash)\b",
        "cpp": r"^(?:template\s?<|using namespace |class \w+ (?:final )?[:{]|#include <\w+>)",
        "c": r"^#(?:include|define|ifdef|ifndef) ",
        "go": r"^package \w+\r?$|^func (?:\(\w+ \*?\w+\) )?\w+\(",
        "rust": r"^[ \t]{0,40}(?:pub(?:\(crate\))? )?(?:fn \w+[<(]|impl\b|use \w+::|mod \w+;)",
        "java": r"^(?:package [\w.]+;|import (?:static )?java)|^[ \t]{0,40}(?:public|private) [^\n;=]{1,60}[({]",
        "python": r"^[ \t]{0,40}(?:(?:async )?def \w+\(|class \w+[^\n{;]{0,200}:\r?$|from [\w.]+ import |elif |@\w+)",
        "typescript": r"^(?:export )?(?:interface \w+|type \w+ =|import type )",
        "javascript": r"^(?:import [^\n;]{1,200} from ['\"]|(?:export )?(?:async function|function|const|let)\b)",
        "php": r"\A<\?php",
        "html": r"\A\s{0,20}<(?:!DOCTYPE|html|\?xml)",
        "sql": r"^[ \t]{0,20}(?:SELECT\b[^\n]|CREATE TABLE\b|INSERT INTO\b)|^-- ",
        "css": r"^[.#]?[\w-]{1,60} \{\r?$",
        "ruby": r"^[ \t]{0,40}(?:def \w+[?!]?\r?$|require ['\"]|module [A-Z])",
    }.items()
}


def cut_code(text: str, language: str | None = None) -> list[Cut]:
    """One cut a line (a header that spans lines is one), anchored to the header that it stands under.

    `language` is a name as after a Markdown fence; None or an unknown one is guessed from the text.
    """
    name = (language or "").strip().lower()
    name = _ALIASES.get(name, name) or guess_language(text) or ""
    syntax = _SYNTAXES.get(name, Syntax.LINES)
    if name == "python":
        return cut_python(text)
    return nest(text, _joined(physical_lines(text), header_rows(text, name)), syntax)


def cut_numbered(text: str) -> list[Cut]:
    """A listing whose lines open with their number (`12:code`, `12| code`, `12<tab>code`): one cut a line."""
    return nest(text, physical_lines(text, NUMBERED), Syntax.LINES)


def guess_language(text: str) -> str | None:
    """The language of a piece of code by the look of its first 4 kB; None where nothing tells."""
    head = text[:4096]
    return next((name for name, sign in _SIGNS.items() if sign.search(head)), None)


def _joined(lines: Iterable[Line], headers: Mapping[int, int]) -> Iterable[Line]:
    """Lines, those of one header (first row -> last row) made one."""
    if not headers:
        yield from lines
        return
    open_line: Line | None = None
    last = -1
    for row, (start, end, code, width) in enumerate(lines):
        if open_line is None:
            open_line, last = (start, end, code, width), headers.get(row, row)
        else:
            open_line = (open_line[0], end, *open_line[2:])
        if row >= last:
            yield open_line
            open_line = None
    if open_line is not None:
        yield open_line
