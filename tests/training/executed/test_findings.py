"""Facts about findings: which lines a tool's complaint is made of."""

from __future__ import annotations

from contextprune.training.executed.findings import Form, find, summary_rows
from contextprune.training.executed.output import Lines

COMPILER = Form(
    r"(?P<file>\w+\.c):(?P<line>\d+): (?P<level>error|warning): |(?P<alone>ld: )",
    more=r"\s",
    heading=r"(?P<file>\S+): In ",
    summary=r"\d+ errors",
)
RUN = (
    "cc -c a.c\na.c: In function 'f':\na.c:3: error: 'total' is not declared\n    3 | total\n      | ^~~~~\n"
    "a.c:9: warning: unused\ncc -c b.c\nb.c:1: error: what\nld: no main\n2 errors"
)


def rows(text: str, form: Form) -> list[tuple[int, ...]]:
    return [finding.rows for finding in find(Lines(text), form)]


def test_a_finding_has_its_heading_its_lines_and_no_heading_of_another_file() -> None:
    assert rows(RUN, COMPILER) == [(1, 2, 3, 4), (1, 5), (7,), (8,)]


def test_a_finding_knows_its_place_its_level_and_its_names() -> None:
    first, second, *_ = find(Lines(RUN), COMPILER)
    assert (first.file, first.line, first.is_mild, first.names) == ("a.c", 3, False, ("total",))
    assert second.is_mild


def test_the_outcome_is_apart() -> None:
    assert summary_rows(Lines(RUN), COMPILER) == [9]


def test_frames_of_libraries_are_left_out_and_own_ones_stay() -> None:
    form = Form(r"FAILED", more=r"(?!ok)", frame=r'  File "', user_frame=r'  File "app\.py"')
    text = 'FAILED\n  File "app.py", line 3\n    run()\n  File "/usr/lib/x.py", line 9\n    raise E\nE: no\nok'
    assert rows(text, form) == [(0, 1, 2, 5)]


def test_lines_above_and_the_last_line_belong_to_it() -> None:
    above = Form(r"--- FAIL", more=r"(?!)", before=r"  a_test")
    assert rows("=== RUN\n  a_test: got 3\n--- FAIL: A\n  a_test: got 4\n--- FAIL: B", above) == [(1, 2), (3, 4)]
    torn = Form("<<<", more="(?!>>>)", last=">>>")
    assert rows("a\n<<<\nb\n>>>\nc", torn) == [(1, 2, 3)]
