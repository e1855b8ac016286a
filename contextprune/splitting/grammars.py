"""Ask a tree-sitter grammar, where one is installed, which headers span several lines.

Only whole, well-formed files are asked about: indentation is the better guide to fragments.
"""

from __future__ import annotations

import importlib
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
    if language not in _GRAMMARS or len(text) > _MOST_CHARACTERS:
        return {}
    grammar = _load(language)
    if grammar is None:
        return {}
    tree = grammar.parser(grammar.language).parse(text.encode("utf-8", "surrogatepass"))
    if tree.root_node.has_error:
        return {}
    cursor = grammar.cursor(grammar.blocks)
    cursor.set_max_start_depth(_DEEPEST)
    rows: dict[int, int] = {}
    for _, found in cursor.matches(tree.root_node):
        first, last = found["header"][0].start_point[0], found["block"][0].start_point[0]
        rows[first] = min(last, rows.get(first, last))
    return {first: last for first, last in rows.items() if first < last <= first + _MOST_ROWS}


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
