"""Lines of code, and the headers that they stand under."""

from __future__ import annotations

import importlib.util
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Syntax
from contextprune.splitting.code import cut_code, cut_numbered, guess_language
from tests.splitting.tiling import SILLY, assert_linear_cuts, assert_tiles, nasty, pieces

LANGUAGES = [
    "bash",
    "c",
    "cpp",
    "go",
    "java",
    "javascript",
    "rust",
    "typescript",
    "tsx",
    "ruby",
    "sql",
    "html",
    "nonsense",
]
GO = "func foo(\n\ta int,\n) int {\n\tif a > 1 {\n\t\treturn 2\n\t} else {\n\t\treturn 3\n\t}\n\tbar()\n}\n"
needs_go = pytest.mark.skipif(importlib.util.find_spec("tree_sitter_go") is None, reason="no grammar for Go")


@given(nasty(), st.sampled_from(LANGUAGES) | st.none())
def test_the_cuts_tile_the_text(text: str, language: str | None) -> None:
    assert_tiles(text, cut_code(text, language))


@given(nasty())
def test_the_cuts_of_a_listing_tile_it(text: str) -> None:
    assert_tiles(text, cut_numbered(text))


def test_silly_texts_take_linear_time() -> None:
    assert_linear_cuts(cut_code, *SILLY)


def test_silly_listings_take_linear_time() -> None:
    assert_linear_cuts(cut_numbered, *SILLY)


def test_silly_texts_of_a_language_with_a_grammar_take_linear_time() -> None:
    assert_linear_cuts(partial(cut_code, language="cpp"), *SILLY)


@needs_go
def test_a_signature_that_spans_lines_is_one_cut() -> None:
    cuts = cut_code(GO, "go")
    assert pieces(GO, cuts)[:2] == ["func foo(\n\ta int,\n) int {\n", "\tif a > 1 {\n"]
    assert [cut.anchors for cut in cuts] == [(), (0,), (1,), (1,), (3,), (0,)]


def test_without_a_grammar_indentation_tells_the_headers() -> None:
    text = "class A {\n    fun f() {\n        x()\n    }\n}\n"
    cuts = cut_code(text, "kotlin")
    assert pieces(text, cuts) == ["class A {\n", "    fun f() {\n", "        x()\n    }\n}\n"]
    assert [cut.anchors for cut in cuts] == [(), (0,), (1,)]


def test_an_else_needs_its_if_and_a_lone_brace_goes_with_its_header() -> None:
    text = "if (a)\n{\n    b();\n}\nelse\n{\n    c();\n}\n"
    cuts = cut_code(text, "csharp")
    assert pieces(text, cuts) == ["if (a)\n{\n", "    b();\n}\n", "else\n{\n", "    c();\n}\n"]
    assert [cut.anchors for cut in cuts] == [(), (0,), (0,), (2,)]


@pytest.mark.parametrize(
    ("language", "syntax"),
    [
        ("py", Syntax.HASH_CODE),
        ("sh", Syntax.HASH_CODE),
        ("rs", Syntax.SLASH_CODE),
        ("SQL", Syntax.DASH_CODE),
        ("htm", Syntax.HTML),
    ],
)
def test_the_language_tells_what_a_comment_looks_like(language: str, syntax: Syntax) -> None:
    assert cut_code("x = 1\n", language)[0].syntax == syntax


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("def f(x):\n    pass\n", "python"),
        ("package main\n", "go"),
        ("#include <stdio.h>\nint x;\n", "c"),
        ("pub fn f() {}\n", "rust"),
        ("public class A {\n", "java"),
        ("const a = 1\n", "javascript"),
        ("SELECT * FROM t\n", "sql"),
        ("Just some words.", None),
    ],
)
def test_a_language_is_guessed_from_its_looks(text: str, language: str | None) -> None:
    assert guess_language(text) == language


@pytest.mark.parametrize("template", ["{}:{}", "{:>6}\t{}", "{}| {}"])
def test_a_numbered_listing_is_nested_by_the_code_behind_the_numbers(template: str) -> None:
    code = ["def f():", "    a = 1", "    if a:", "        b()"]
    text = "\n".join(template.format(number, line) for number, line in enumerate(code, 8))
    assert [cut.anchors for cut in cut_numbered(text)] == [(), (0,), (0,), (2,)]


def test_the_pieces_of_a_minified_line_need_its_first() -> None:
    cuts = cut_code("let x = 1; " + "f(a, b);" * 300, "javascript")
    assert len(cuts) > 3
    assert all(cut.anchors == (0,) for cut in cuts[1:])
