"""Command lines of shells cut into pipelines of programs with their words, without running or expanding anything.

A line falls apart at `|`, `;`, `&&`, `&` and line ends; quotes and here-documents are read as the shell would, and what
is written to a file is left out. PowerShell's words are read the same way. Linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

LONGEST = 20_000  # characters of a command that are read: behind them stand here-documents

_TOKEN = re.compile(
    r"""(?P<blank>(?:[ \t\r]|\\\r?\n)++)
    |(?P<comment>(?<![^\s;&|(])\#[^\n]*+)
    |(?P<here><<-?[ \t]*+(?P<quote>["']?)(?P<end>[\w.!-]++)(?P=quote))
    |(?P<redirect>(?:&>>?|\d?[<>]{1,3}[&|]?)[ \t]*+(?:\d\b|[^\s;&|()<>"']*+))
    |(?P<operator>\|\||&&|\|&?|;;?|[&()\n])
    |(?P<word>(?:[^\s;&|()<>"'\\$`]|\\.|'[^']*+'|\$?"(?:[^"\\$`]|\\.|\$\([^()]*+\)|[$`])*+"
        |\$\([^()]*+\)|`[^`]*+`|\$'(?:[^'\\]|\\.)*+'|\$)++)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)""", re.DOTALL)
_KEPT_FROM_SHELL = re.compile(r"\\([\\\"$`\n])")
_ASSIGNMENT = re.compile(r"\w+\+?=")
_KEYWORDS = frozenset({"do", "then", "else", "elif", "if", "while", "until", "{", "!", "time"})

Pipeline: TypeAlias = list[list[str]]
"""The words of each program, in the order in which they feed one another."""


def pipelines(command: str) -> Iterator[Pipeline]:
    """Yield the pipelines of a command line that print something, with the words of their programs unquoted.

    A here-document is the last word of the program that reads it.
    """
    pipeline: Pipeline = [[]]
    hidden = False  # the output goes to a file
    for kind, text in _tokens(command[:LONGEST]):
        if kind == "word":
            pipeline[-1].append(text)
        elif kind == "document":
            pipeline[0].append(text)
        elif kind == "redirect":
            hidden = hidden or _is_to_file(text)

        elif text in ("|", "|&"):
            pipeline.append([])
        else:
            if any(pipeline) and not hidden:
                yield pipeline
            pipeline, hidden = [[]], False


def _tokens(command: str) -> Iterator[tuple[str, str]]:
    """Words unquoted, here-documents, redirections and operators, in order; a line end closes the last line."""
    ends: list[str] = []  # of here-documents that begin on the next line
    at = 0
    while at < len(command):
        match = _TOKEN.match(command, at)
        assert match is not None
        at = match.end()
        if match["word"]:
            yield "word", _unquoted(match["word"])
        elif match["here"]:
            ends.append(match["end"])
        elif match["redirect"]:
            yield "redirect", match["redirect"]
        elif match["operator"]:
            if match["operator"] == "\n" and ends:
                body, at = _here_documents(command, at, ends)
                yield "document", body
            yield "operator", match["operator"]
    yield "operator", "\n"


def program(words: list[str]) -> tuple[str, list[str]] | None:
    """The name of the program that words run and its own words, without the keywords and assignments before it."""
    at = 0
    while at < len(words) and (words[at] in _KEYWORDS or _ASSIGNMENT.match(words[at])):
        at += 1
    return (name_of(words[at]), words[at + 1 :]) if at < len(words) else None


def name_of(word: str) -> str:
    """The name of a program, without its folder and suffix: `/usr/bin/cat` is `cat`."""
    return re.split(r"[/\\]", word)[-1].lower().removesuffix(".exe")


def _is_to_file(redirect: str) -> bool:
    return redirect.lstrip("1").startswith((">", "&>")) and "&" not in redirect.lstrip("&")


def _here_documents(command: str, at: int, ends: list[str]) -> tuple[str, int]:
    """The here-documents that begin at `at`, and the place behind them."""
    start = at
    for end in ends:
        closing = command.find(f"\n{end}\n", at - 1)
        at = len(command) if closing < 0 else closing + len(end) + 1
    ends.clear()
    return command[start:at], at


def _unquoted(word: str) -> str:
    if not any(mark in word for mark in "'\"\\"):
        return word
    return _QUOTED.sub(lambda m: m[1] if m[1] is not None else _plain(m[2]) if m[2] is not None else m[3], word)


def _plain(quoted: str) -> str:
    """The text between double quotes, without the marks that keep the shell from reading it."""
    return _KEPT_FROM_SHELL.sub(lambda m: "" if m[1] == "\n" else m[1], quoted) if "\\" in quoted else quoted
