"""Lines that a conversation shows already are found again, however a tool numbers them and whoever wrote them."""

from __future__ import annotations

import pytest

from contextprune.context import Context, Kind, Segment
from contextprune.session.shown_lines import LEAST_RUN, ShownLines, plain_lines
from contextprune.splitting import split

FILE = [f"    total_{n} = add(total_{n - 1}, order[{n * 7}])" for n in range(1, 41)]


def text(first: int = 1, last: int = 40, style: str = "{line}") -> str:
    """Lines of the file, as a tool with this style of numbers prints them."""
    return "".join(f"{style.format(n=n, line=FILE[n - 1])}\n" for n in range(first, last + 1))


def repeated(shown: ShownLines, again: str) -> str:
    """The part of a text that is shown already."""
    spans = split(Context((Segment(Kind.TOOL_RESULT, again, ()),)))
    sources = shown.find(again, spans)
    return "".join(spans[i].text for i in sorted(sources))


def after(earlier: str) -> ShownLines:
    shown = ShownLines()
    shown.add(3, earlier)
    return shown


STYLES = ["{n:>6}→{line}", "{n:>6}\t{line}", "{n:05}| {line}", "{n}: {line}", "{n:>5} │ {line}", "{line}"]


@pytest.mark.parametrize("before", STYLES)
@pytest.mark.parametrize("now", STYLES)
def test_another_style_of_numbers_is_no_other_text(before: str, now: str) -> None:
    again = text(style=now)
    assert repeated(after(text(style=before)), again) == again


def test_a_part_of_a_view_is_found_within_it() -> None:
    again = text(10, 30, "{n:>6}\t{line}")
    assert repeated(after(text(style="{n:>6}→{line}")), again) == again


def test_of_ranges_that_overlap_only_what_both_show_is_found() -> None:
    assert repeated(after(text(1, 25)), text(15, 40)) == text(15, 25)


def test_lines_that_an_edit_moved_down_are_found_and_the_new_ones_are_not() -> None:
    edited = [*FILE[:20], "    check(total_20)", *FILE[20:]]
    again = "".join(f"{n:>6}→{line}\n" for n, line in enumerate(edited, 1))
    assert "check(total_20)" not in repeated(after(text(style="{n:>6}→{line}")), again)
    assert len(repeated(after(text(style="{n:>6}→{line}")), again).splitlines()) == len(FILE)


def test_another_indentation_is_another_text() -> None:
    assert repeated(after(text()), "".join(f"    {line}\n" for line in FILE)) == ""


def test_a_line_or_two_are_not_worth_a_reference() -> None:
    assert len(text(1, 2)) < LEAST_RUN
    assert repeated(after(text()), text(1, 2)) == ""


def test_the_segment_that_shows_most_in_a_row_is_named() -> None:
    shown = after(text(1, 5))
    shown.add(8, text(1, 20))
    spans = split(Context((Segment(Kind.TOOL_RESULT, text(), ()),)))
    assert set(shown.find(text(), spans).values()) == {8}


def test_lines_with_numbers_of_their_own_keep_them() -> None:
    ports = "8080: the web server\n9090: the metrics\n5432: the database\n"
    assert plain_lines(ports) == [*ports.splitlines(), ""]


def test_text_of_equal_lines_is_compared_in_linear_time() -> None:
    same = "the very same line of text\n" * 3_000
    assert repeated(after(same), same) == same
