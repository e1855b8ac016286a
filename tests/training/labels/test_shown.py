"""Facts about finding lines again."""

from __future__ import annotations

import pytest

from contextprune.context import Kind, Segment
from contextprune.training.labels.shown import Shown, line_keys, paths_in, sentence_key


@pytest.mark.parametrize(
    "line",
    [
        "    return total - base",
        "  41\t    return total - base",
        "    41\u2192    return total - base",
        "app.py:41:    return total - base",
        "-    return total - base",
        "+    return total - base",
        "  41:     return total - base",
    ],
)
def test_a_line_is_the_same_whatever_stands_before_it(line: str) -> None:
    assert "return total - base" in line_keys(line)


def test_a_heading_of_a_diff_is_no_removed_line() -> None:
    assert list(line_keys("--- a/app.py")) == ["--- a/app.py"]


def test_a_line_of_a_report_is_the_same_without_its_marks() -> None:
    assert sentence_key("  - **Retries** are never `counted`.") == sentence_key("1. Retries are never counted.")


def test_the_latest_result_that_shows_a_line_is_taken() -> None:
    texts = ("  1\tdef total(base):", "+def total(base):", "nothing like it")
    shown = Shown([Segment(Kind.TOOL_RESULT, text, (i,)) for i, text in enumerate(texts)], range(3))
    place = shown.line_before("def total(base):", 3)
    assert place is not None
    assert place.segment == 1
    assert shown.line_before("def total(base):", 0) is None
    assert shown.value_before("no_value", 3) is None


def test_paths_are_found_with_their_folders() -> None:
    assert [match[0] for match in paths_in("see src/app/main.go:12 and README.md.")] == ["src/app/main.go", "README.md"]
