from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Syntax, Unit
from contextprune.splitting.diff import cut_diff, diff_end
from tests.splitting.tiling import assert_linear_cuts, assert_tiles, nasty, pieces

_PIECES = (
    "diff --git a/x b/x\n",
    "index 1..2 100644\n",
    "--- a/x\n",
    "+++ b/x\n",
    "@@ -1,2 +1,2 @@ f\n",
    "@@ -0,0 +1,90 @@\n",
    "@@@ -1 -1 +1 @@@\n",
    "+a\n",
    "-b\n",
    " c\n",
    "\\ No newline at end of file\n",
    "commit 0123456789\n",
    "Author: x\n",
    "rename from a\n",
    "+\n" * 50,
)

COMMIT = "commit 1d0c2f5a9b\nAuthor: A <a@example.org>\nDate:   Mon Jan 1 00:00:00 2024\n\n    Fix it\n\n"
DIFF = """\
diff --git a/src/a.py b/src/a.py
index 11..22 100644
--- a/src/a.py
+++ b/src/a.py
@@ -1,3 +1,3 @@
 import os
-x = 1
+x = 2
 y = 3
@@ -10,2 +10,3 @@ def f():
     a = 1
+    b = 2
     return a
diff --git a/old.txt b/new.txt
similarity index 90%
rename from old.txt
rename to new.txt
--- a/old.txt
+++ b/new.txt
@@ -1 +1 @@
-old
+new
\\ No newline at end of file
"""


@given(st.lists(st.sampled_from(_PIECES) | nasty(), max_size=12).map("".join))
def test_cuts_tile_the_text_and_end_at_line_ends(text: str) -> None:
    cuts = cut_diff(text)
    assert_tiles(text, cuts)
    assert all(text[cut.end - 1] == "\n" for cut in cuts[:-1])


def test_a_header_is_one_span_and_each_hunk_is_anchored_to_its_file() -> None:
    cuts = cut_diff(DIFF)
    assert [cut.anchors for cut in cuts] == [(), (0,), (0,), (), (3,)]
    assert [cut.unit for cut in cuts] == [Unit.LINE, Unit.HUNK, Unit.HUNK, Unit.LINE, Unit.HUNK]
    assert [cut.syntax for cut in cuts] == [Syntax.LINES, Syntax.DIFF, Syntax.DIFF, Syntax.LINES, Syntax.DIFF]
    assert pieces(DIFF, cuts)[4].endswith("at end of file\n")


def test_the_head_of_a_commit_is_one_piece_and_its_subject_needs_it() -> None:
    cuts = cut_diff(COMMIT + DIFF)
    message = [cut for cut in cuts if cut.end <= len(COMMIT)]
    assert [cut.anchors for cut in message][:2] == [(), (0,)]
    assert "Author" in COMMIT[message[0].start : message[0].end]
    assert all(cut.syntax is Syntax.LINES for cut in message)


def test_what_a_commit_changed_needs_its_subject() -> None:
    log = "".join(f"commit {i:040x}\nAuthor: A\nDate:   today\n\n    Step {i}\n\n    Why.\n\n{DIFF}" for i in range(2))
    cuts = cut_diff(log)
    subject = next(i for i, cut in enumerate(cuts) if "Step 1" in log[cut.start : cut.end])
    files = [cut for cut in cuts[subject:] if log.startswith("diff --", cut.start)]
    assert files
    assert all(cut.anchors == (subject,) for cut in files)


def test_a_summary_of_changes_needs_its_subject() -> None:
    log = "commit 0a1b2c3\nAuthor: A\nDate:   today\n\n    Step\n\n app.py | 4 ++--\n 1 file changed\n"
    assert [cut.anchors for cut in cut_diff(log)] == [(), (0,), (1,), (1,)]


def test_a_long_hunk_falls_into_pieces_anchored_to_its_own_header() -> None:
    body = "".join(f"+line {i}\n" if i % 12 == 5 else f" line {i}\n" for i in range(120))
    text = f"--- a/x\n+++ b/x\n@@ -1,110 +1,120 @@\n{body}"
    cuts = cut_diff(text)
    assert cuts[1].anchors == (0,)
    assert pieces(text, cuts)[1] == "@@ -1,110 +1,120 @@\n"
    assert len(cuts) > 5
    assert all(cut.anchors == (1,) and cut.syntax is Syntax.DIFF for cut in cuts[2:])


def test_a_removed_line_that_looks_like_a_header_stays_in_its_hunk() -> None:
    text = "--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n--- comment\n keep\n"
    assert len(cut_diff(text)) == 2


@pytest.mark.parametrize(
    ("text", "rows", "found"),
    [
        pytest.param(f"{DIFF}\nAll done.\n", DIFF.count("\n"), True, id="text after it"),
        pytest.param(f"{COMMIT}{DIFF}", (COMMIT + DIFF).count("\n"), True, id="a commit before it"),
        pytest.param("--- a\nnothing\n", 1, False, id="only a rule"),
    ],
)
def test_the_end_of_a_diff_is_where_its_counts_say(text: str, rows: int, found: bool) -> None:
    assert diff_end(text.split("\n"), 0) == (rows, found)


@pytest.mark.parametrize(
    "unit", ["@@", "+", "--- a\n", "@@ -1,999999999 +1 @@\n", "@@ -1 +1 @@\n \n", "\n", "----", "+\n"]
)
def test_a_long_run_of_anything_takes_linear_time(unit: str) -> None:
    assert_linear_cuts(cut_diff, unit)
