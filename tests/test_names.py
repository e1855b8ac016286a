"""Two habits that a machine can check: things are called what they are, and long functions have paragraphs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.sources import Functions, Source, offences, sources

VAGUE = frozenset(
    {
        "about", "alone", "ask", "asked", "asks", "beside", "done", "found", "gone", "got", "held", "info", "inside",
        "it", "known", "made", "mine", "most", "obj", "one", "other", "others", "ours", "own", "place", "places",
        "rest", "said", "same", "seen", "something", "stuff", "such", "taken", "tell", "temp", "thing", "things",
        "tmp", "told", "what", "whatever", "whole",
    }
)  # fmt: skip
"""Names that do not say what they name. Now and then nothing better exists, so they are counted, not forbidden."""
VAGUE_PER_THOUSAND_LINES = 7.0  # may only fall
LONG = 20  # lines of a function from which on its steps stand in paragraphs
LONG_WITHOUT_PARAGRAPHS = 0  # may only fall


def names_in(source: Source) -> Iterator[str]:
    """Every use of a name: of variables, arguments, attributes, functions and classes."""
    for node in source.nodes:
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, (ast.arg, ast.keyword)):
            yield node.arg or ""
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, (Functions, ast.ClassDef)):
            yield node.name


def is_vague(name: str) -> bool:
    return name.strip("_").lower() in VAGUE


def has_paragraphs(function: Functions, lines: list[str]) -> bool:
    """Whether a blank line stands anywhere in a function's body behind its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    assert not body or function.end_lineno is not None
    return bool(body) and any(not line.strip() for line in lines[body[0].lineno - 1 : function.end_lineno])


def test_vague_names_only_become_fewer() -> None:
    lines = sum(source.text.count("\n") for source in sources())
    uses = {source.name: sum(map(is_vague, names_in(source))) for source in sources()}
    worst = sorted(uses.items(), key=lambda use: -use[1])[:10]
    assert sum(uses.values()) / lines * 1000 <= VAGUE_PER_THOUSAND_LINES, f"most in {worst}"


def test_long_functions_without_paragraphs_only_become_fewer() -> None:
    def walls(source: Source) -> Iterator[str]:
        lines = source.text.split("\n")
        for function in source.functions:
            assert function.end_lineno is not None
            is_long = function.end_lineno - function.lineno + 1 > LONG
            if is_long and not has_paragraphs(function, lines):
                yield f"{source.name}: {function.name}"

    assert len(offences(walls)) <= LONG_WITHOUT_PARAGRAPHS, offences(walls)
