from __future__ import annotations

from contextprune.bench.field.baselines import keep_error_lines

LINES = [f"step {i} took {i * 7} ms\n" for i in range(100)]


def test_an_error_stays_with_two_lines_on_either_side() -> None:
    text = "".join([*LINES[:40], "Error: the disk is full\n", *LINES[40:]])
    kept = keep_error_lines(text, 0.1)
    assert "".join([*LINES[38:40], "Error: the disk is full\n", *LINES[40:42]]) in kept


def test_what_room_is_left_goes_to_the_end() -> None:
    assert keep_error_lines("".join(LINES), 0.1).startswith(LINES[-10])


def test_errors_that_do_not_fit_are_cut_at_the_budget() -> None:
    text = "error: once more\n" * 100
    assert keep_error_lines(text, 0.3) == "error: once more\n" * 30
