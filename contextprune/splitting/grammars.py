"""Ask a tree-sitter grammar, where one is installed, which headers span several lines.

Only whole, well-formed files are asked about: indentation is the better guide to fragments.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

# Not bash: its headers do not span lines, and its grammar takes minutes over many heredocs.
# language -> (module, function that makes it, node types of the blocks under a header)
_GRAMMARS: Mapping[str, tuple[str, str, str]] = {
    "c": ("tree_sitter_c", "language", "compound_statement field_declaration_list enumerator_list"),
    "cpp": (
        "tree_sitter_cpp",
        "language",
        "compound_statement field_declaration_list declaration_list",
    ),
    "go": ("tree_sitter_go", "language", "block field_declaration_list"),
    "java": ("tree_sitter_java", "language", "block class_body interface_body enum_body constructor_body"),
    "javascript": ("tree_sitter_javascript", "language", "statement_block class_body switch_body"),
    "rust": ("tree_sitter_rust", "language", "block declaration_list field_declaration_list enum_variant_list"),
    "typescript": ("tree_sitter_typescript", "language_typescript", "statement_block class_body interface_body"),
    "tsx": ("tree_sitter_typescript", "language_tsx", "statement_block class_body interface_body"),
}
_MOST_CHARACTERS = 100_000  # parsers take time with the square of what is nested in earnest
_BYTES_A_REPORT = 25  # the parser reports its progress once in 50 to 70 bytes of code that is as it should be
_LONG_LINE = re.compile(r"[^\n]{1000}")  # minified
_DEEPEST = 60  # a query takes time with the square of the depth
_MOST_ROWS = 12  # a longer "header" is something else


class _Grammar(NamedTuple):
    parser: Any
    cursor: Any
    language: Any
    blocks: Any


def header_rows(text: str, language: str) -> dict[int, int]:
    """First row -> last row of each header (signature, condition) that spans several lines, with its opening brace.

    Rows are counted from 0 and end at line feeds. Empty where the grammar is missing or does not accept the text.
    """
    if language not in _GRAMMARS or len(text) > _MOST_CHARACTERS or _LONG_LINE.search(text):
        return {}
    grammar = _load(language)
    root = grammar and _parse(grammar, text.encode("utf-8", "surrogatepass"))
    if not grammar or not root:
        return {}

    cursor = grammar.cursor(grammar.blocks)
    cursor.set_max_start_depth(_DEEPEST)
    rows: dict[int, int] = {}
    for _, nodes in cursor.matches(root):
        first, last = nodes["header"][0].start_point[0], nodes["block"][0].start_point[0]
        rows[first] = min(last, rows.get(first, last))
    return {first: last for first, last in rows.items() if first < last <= first + _MOST_ROWS}


def _parse(grammar: _Grammar, source: bytes) -> Any:
    """The root node; None where the source does not parse, or not within the steps that code of its size needs."""
    left = 100 + len(source) // _BYTES_A_REPORT

    def give_up(_offset: int, has_error: bool) -> bool:
        nonlocal left
        left -= 1
        return has_error or left < 0

    def read(offset: int, _point: Any) -> bytes:
        return source[offset : offset + 65_536]

    try:
        tree = grammar.parser(grammar.language).parse(read, progress_callback=give_up)
    except ValueError:  # given up
        return None
    return None if tree.root_node.has_error else tree.root_node


@lru_cache(maxsize=len(_GRAMMARS))
def _load(language: str) -> _Grammar | None:
    module, maker, blocks = _GRAMMARS[language]
    try:
        tree_sitter = importlib.import_module("tree_sitter")
        grammar = tree_sitter.Language(getattr(importlib.import_module(module), maker)())
    except ImportError:
        return None
    kinds = " ".join(f"({kind})" for kind in blocks.split())
    query = tree_sitter.Query(grammar, f"(_ [{kinds}] @block) @header")
    return _Grammar(tree_sitter.Parser, tree_sitter.QueryCursor, grammar, query)
