from __future__ import annotations

from contextprune.text.renames import changes, is_plain_diff, real_changes


def unified(pairs: list[tuple[str, str]]) -> list[tuple[int, str]]:
    return [(i, f"@@ -{i},2 +{i},2 @@\n import os\n-{old}\n+{new}\n") for i, (old, new) in enumerate(pairs)]


RENAMES = [(f"    total_{i} = ctx.sum({i})", f"    total_{i} = context.sum({i})") for i in range(20)]


def real(pairs: list[tuple[str, str]]) -> list[int]:
    return real_changes(list(changes(unified(pairs), unified=True)))[0]


def test_a_change_that_is_no_renaming_stands_out() -> None:
    assert real([*RENAMES[:9], ("    time.sleep(5)", "    time.sleep(0.05)"), *RENAMES[9:]]) == [9]


def test_a_renaming_that_changes_something_else_as_well_stands_out() -> None:
    assert real([*RENAMES, ("    ctx.stop(5)", "    context.stop(0)")]) == [20]


def test_a_line_that_is_removed_stands_out() -> None:
    pieces = [*unified(RENAMES), (20, "@@ -1,2 +1,1 @@\n import os\n-    lock.acquire()\n")]
    assert real_changes(list(changes(pieces, unified=True)))[0] == [20]


def test_a_renaming_to_more_tokens_is_one() -> None:
    moved = [(f"from shop.core import a{i}", f"from shop.lib.core import a{i}") for i in range(12)]
    assert real([*moved, ("LIMIT = 5", "LIMIT = 50")]) == [12]


def test_nothing_stands_out_of_changes_that_share_nothing() -> None:
    assert real([(f"a{i} = {i}", f"b{i} = {i * 7 + 1}") for i in range(20)]) == []


def test_a_diff_that_is_not_unified_is_read_by_its_places() -> None:
    rows = [row for i in range(10) for row in (f"{i}c{i}", f"< a{i} = ctx", "---", f"> a{i} = context")]
    rows += ["99c99", "< retries = 5", "---", "> retries = 0"]
    all_changes = list(changes(enumerate(rows), unified=False))
    assert is_plain_diff(rows)
    assert [all_changes[i].pieces for i in real_changes(all_changes)[0]] == [[40, 41, 42, 43]]


def test_a_log_is_no_diff() -> None:
    assert not is_plain_diff([f"> step {i}" for i in range(40)])
