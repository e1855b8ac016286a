from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contextprune.selection.sums import Sums

PLACES = 13


@given(st.lists(st.tuples(st.integers(0, PLACES - 1), st.integers(-9, 9)), max_size=20))
def test_a_range_comes_to_what_was_added_in_it(added: list[tuple[int, int]]) -> None:
    sums = Sums(PLACES)
    for index, number in added:
        sums.add(index, number, -number)
    for start in range(PLACES + 1):
        for end in range(start, PLACES + 1):
            total = sum(number for index, number in added if start <= index < end)
            assert sums.between(start, end) == (total, -total)
