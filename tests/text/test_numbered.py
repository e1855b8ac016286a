"""Lines with their numbers are known in every style, and tables of ids are none."""

from __future__ import annotations

import pytest

from contextprune.text.numbered import numbered_share

CODE = ("package main", "", "func main() {", '\tx := "a|b"', "\tif x == nil {", "\t\treturn", "\t}", "}", "// end")
STYLES = (
    "{:>6}→{}",
    "{:>6}\t{}",
    "{}: {}",
    "{}:{}",
    "{:>4} | {}",
    "{}|{}",
    "{:05d}| {}",
    "  {} │ {}",
    "L{}: {}",
    "{:3}⋮{}",
)


@pytest.mark.parametrize("style", STYLES)
def test_numbered_lines_of_any_style_are_known(style: str) -> None:
    text = "\n".join(style.format(number, line) for number, line in enumerate(CODE, start=98))
    assert numbered_share(text) > 0.9


@pytest.mark.parametrize("style", STYLES)
def test_headers_and_gaps_may_stand_between(style: str) -> None:
    first = [style.format(number, line) for number, line in enumerate(CODE, start=1)]
    second = [style.format(number, line) for number, line in enumerate(CODE, start=40)]
    assert numbered_share("\n".join(["==> a.go <==", *first, "", "--- b.go ---", *second, "..."])) > 0.7


@pytest.mark.parametrize(
    "rows",
    [
        [f"{n} | alice{n} | {n * 7} | open" for n in range(1, 30)],
        [f"{n}\tpod-{n}\tRunning\t{n}d" for n in range(1, 30)],
        [f" {n} │ eu-west-{n} │ {n}.5" for n in range(1, 30)],
        [f"12:{n:02}:07 started" for n in range(10, 40)],
        [f"{n} apples" for n in range(30)],
        [f"{30 - n}: falls" for n in range(30)],
        ["1: one", "2: two"],
        [],
    ],
)
def test_tables_of_ids_and_times_are_none(rows: list[str]) -> None:
    assert numbered_share("\n".join(rows)) == 0


def test_a_short_view_in_a_long_text_has_its_share() -> None:
    view = "\n".join(f"{number:>6}→{line}" for number, line in enumerate(CODE, start=1))
    assert 0.2 < numbered_share(view + "\n" + "the tests passed in good time\n" * 10) < 0.5
