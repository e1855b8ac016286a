from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.lines import ANSI
from contextprune.splitting.logs import cut_log
from tests.splitting.tiling import assert_linear_cuts, assert_tiles, nasty, pieces

_PIECES = (
    "Traceback (most recent call last):\n",
    '  File "a.py", line 3, in f\n',
    "ValueError: no\n",
    "\tat a.b.C(C.java:3)\n",
    "Caused by: x\n",
    "goroutine 1 [running]:\n",
    "stack backtrace:\n",
    "____ test_a ____\n",
    "=== FAILURES ===\n",
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x1b[",
    "45%|███  |\r",
    "2024-01-01 10:00:00,123 INFO started 7\n",
    "FAIL: a\n",
    "-----\n",
    "\r\r\n",
    "[3 lines cut, recall=abcdefghijkl]\n",
    "y " * 400,
    "\ud83d\ude00" * 350,
)

PYTEST = """\
============================= test session starts ==============================
collected 3 items

tests/test_a.py .F.                                                      [100%]

=================================== FAILURES ===================================
__________________________________ test_adds ___________________________________

    def test_adds():
>       assert add(1, 2) == 4
E       assert 3 == 4
E        +  where 3 = add(1, 2)

tests/test_a.py:7: AssertionError
=========================== short test summary info ============================
FAILED tests/test_a.py::test_adds - assert 3 == 4
========================= 1 failed, 2 passed in 0.03s ==========================
"""
TRACE = """\
Starting
Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    run()
  File "/app/main.py", line 2, in run
    raise ValueError("no")
ValueError: no
Done
"""
JAVA = """\
10:00:01 ERROR c.a.Service - failed
java.lang.IllegalStateException: no session
\tat com.acme.Service.open(Service.java:31)
\tat com.acme.Service.run(Service.java:12)
Caused by: java.io.IOException: closed
\tat com.acme.Wire.read(Wire.java:7)
\t... 2 more
10:00:02 INFO c.a.Service - bye
"""
NPM = """\
npm ERR! code ERESOLVE
npm ERR! ERESOLVE could not resolve
npm ERR!
npm ERR! While resolving: react-thing@1.2.3
npm ERR! Found: react@18.2.0
"""


def _holding(text: str, cuts: list[Cut], part: str) -> int:
    return next(i for i, piece in enumerate(pieces(text, cuts)) if part in piece)


@given(st.lists(st.sampled_from(_PIECES) | nasty(), max_size=12).map("".join))
def test_cuts_tile_the_text_and_tear_no_pair_and_no_escape(text: str) -> None:
    cuts = cut_log(text)
    assert_tiles(text, cuts)
    ends = {cut.end for cut in cuts[:-1]}
    assert not any(text[end - 1 : end + 1] == "\r\n" for end in ends)
    torn = [m for m in ANSI.finditer(text) if any(end in ends for end in range(m.start() + 1, m.end()))]
    assert not any("\r" not in m[0] and "\n" not in m[0] for m in torn)


@pytest.mark.parametrize("text", [TRACE, TRACE.replace("\n", "\r\n")])
def test_a_python_traceback_is_one_record(text: str) -> None:
    cuts = cut_log(text)
    assert [cut.unit for cut in cuts] == [Unit.LINE, Unit.RECORD, Unit.LINE]
    assert pieces(text, cuts)[1].rstrip().endswith("ValueError: no")


def test_a_java_trace_is_one_record_with_its_message_and_its_cause() -> None:
    cuts = cut_log(JAVA)
    assert [cut.unit for cut in cuts] == [Unit.LINE, Unit.RECORD, Unit.LINE]
    assert pieces(JAVA, cuts)[1].startswith("java.lang.Ill")
    assert pieces(JAVA, cuts)[1].endswith("2 more\n")


def test_a_goroutine_is_one_record() -> None:
    text = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:5 +0x1d\n\nexit status 2\n"
    assert [cut.unit for cut in cut_log(text)] == [Unit.LINE, Unit.RECORD, Unit.LINE]


def test_a_very_long_traceback_falls_into_pieces_anchored_to_the_first() -> None:
    frames = "".join(f'  File "a.py", line {i}, in f\n    f()\n' for i in range(60))
    text = f"Traceback (most recent call last):\n{frames}RecursionError: deep\n"
    cuts = cut_log(text)
    assert len(cuts) == 5
    assert all(cut.unit is Unit.RECORD for cut in cuts)
    assert [cut.anchors for cut in cuts] == [(), (0,), (0,), (0,), (0,)]


def test_what_a_failing_test_prints_is_anchored_to_its_heading() -> None:
    cuts = cut_log(PYTEST)
    heading = _holding(PYTEST, cuts, "____ test_adds")
    for part in ("def test_adds", "assert 3 == 4\n", "test_a.py:7: AssertionError"):
        assert cuts[_holding(PYTEST, cuts, part)].anchors[0] >= heading
    assert cuts[_holding(PYTEST, cuts, "test_a.py:7")].anchors == (heading,)
    assert cuts[_holding(PYTEST, cuts, "FAILED")].anchors == ()


def test_each_line_of_a_log_is_a_span_and_trivial_lines_join_the_one_before() -> None:
    assert pieces(NPM, cut_log(NPM)) == NPM.splitlines(keepends=True)
    text = "\n\na {\n}\n\n-----\nb\n"
    assert pieces(text, cut_log(text)) == ["\n\na {\n}\n\n-----\n", "b\n"]


def test_an_indented_line_is_anchored_to_the_line_that_it_continues() -> None:
    assert [cut.anchors for cut in cut_log("query failed\n  select 1\n  from t\nnext\n")] == [(), (0,), (0,), ()]


def test_a_template_that_repeats_three_times_is_a_group() -> None:
    lines = [
        f"2024-01-0{i} 10:00:0{i},{i}23 INFO fetched block {i * 17} of 0x{i}fa3b{i}c77 in {i}.5s\n" for i in range(1, 5)
    ]
    cuts = cut_log("".join([*lines, "other 1\n", "other 2\n"]))
    assert cuts[0].group is not None
    assert {cut.group for cut in cuts[:4]} == {cuts[0].group}
    assert [cut.group for cut in cuts[4:]] == [None, None]


def test_a_redrawn_progress_bar_is_cut_at_its_updates_and_marked_inline() -> None:
    text = "".join(f"\x1b[2K{i:3}%|{'█' * i}|\r" for i in range(4)) + "done\r\nnext\r\n"
    cuts = cut_log(text)
    assert len(cuts) == 6
    assert cuts[0].group == cuts[3].group is not None
    assert [cut.syntax for cut in cuts] == [Syntax.PROSE] * 5 + [Syntax.LINES]


def test_a_long_line_falls_into_short_pieces_that_stand_alone() -> None:
    cuts = cut_log("word, " * 1000 + "\nnext\n")
    assert max(cut.end - cut.start for cut in cuts) <= 601
    assert all(cut.anchors == () and cut.syntax is Syntax.PROSE for cut in cuts[:-1])


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "[",
        " ",
        "\n",
        "at ",
        "\tat x\n",
        "\x1b[",
        "\x1b]",
        "----",
        "\r",
        "%\r",
        "Traceback (most recent call last):\n",
        "\u0301",
    ],
)
def test_a_long_run_of_anything_takes_linear_time(unit: str) -> None:
    assert_linear_cuts(cut_log, unit)


def test_a_stage_of_a_plan_needs_no_other_and_its_details_need_it() -> None:
    cuts = cut_log(
        "Limit  (rows=20)\n  ->  Sort  (rows=10)\n        ->  Seq Scan  (rows=9)\n              Filter: paid\n"
    )
    assert [cut.anchors for cut in cuts] == [(), (), (), (2,)]
