from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import contextprune as cp
from contextprune.plan import Prices
from contextprune.selection.fill import CLOSED, Fill
from tests import tool_outputs as outputs
from tests.selection.prepared import Setting, lines, result

SETTING = Setting.of(result(lines("alpha", "beta", each=20)), result(outputs.json_pretty(8, 1), turn=2))


def test_it_starts_with_nothing_but_a_marker_for_each_block() -> None:
    fill = SETTING.fill()
    assert not any(fill.kept)
    assert 0 < fill.used < 60


def test_keeping_everything_costs_exactly_the_texts() -> None:
    fill = SETTING.fill()
    for i in range(len(SETTING.spans)):
        assert fill.keep(i, "chosen")
    assert fill.used == SETTING.total


def test_a_step_beyond_the_ceiling_changes_nothing() -> None:
    fill = SETTING.fill()
    before = fill.used, bytes(fill.kept)
    assert not fill.keep(3, "chosen", ceiling=fill.used)
    assert (fill.used, bytes(fill.kept)) == before
    assert fill.why == {}


class Asked:
    """Prices that count how often they are asked for a gap's."""

    def __init__(self, prices: Prices) -> None:
        self.room, self.key, self.exact = prices.room, prices.key, prices.exact
        self._gap, self.gaps = prices.gap, 0

    def gap(self, first: int, end: int) -> tuple[int, int]:
        self.gaps += 1
        return self._gap(first, end)


def test_what_does_not_fit_is_reckoned_again_only_where_its_segment_has_changed() -> None:
    prices = Asked(SETTING.prices)
    fill = Fill(SETTING.spans, SETTING.costs, [True, True], prices, (), ())
    ceiling = fill.used + 3
    for _ in range(2):
        before = prices.gaps
        assert not any(fill.keep(i, "chosen", ceiling) for i in range(30))
    assert prices.gaps == before

    fill.keep(0, "chosen")
    before = prices.gaps
    assert not fill.keep(10, "chosen", ceiling)
    assert prices.gaps > before


@given(st.lists(st.integers(0, len(SETTING.spans) - 1), max_size=25))
def test_taking_every_step_back_leads_to_the_beginning(steps: list[int]) -> None:
    fill = SETTING.fill()
    states = [(fill.used, bytes(fill.kept))]
    for i in steps:
        fill.keep(i, "chosen")
        if (fill.used, bytes(fill.kept)) != states[-1]:
            states.append((fill.used, bytes(fill.kept)))
    while len(states) > 1:
        assert (fill.used, bytes(fill.kept)) == states.pop()
        assert fill.undo()
    assert (fill.used, bytes(fill.kept)) == states[0]
    assert fill.undo() == set()


@given(st.lists(st.integers(0, len(SETTING.spans) - 1), max_size=25))
def test_anchors_come_with_what_needs_them(steps: list[int]) -> None:
    fill = SETTING.fill()
    for i in steps:
        fill.keep(i, "chosen")
        assert all(fill.kept[anchor] for j, span in enumerate(SETTING.spans) if fill.kept[j] for anchor in span.anchors)


def test_a_gap_that_would_cost_more_than_it_saves_is_closed() -> None:
    setting = Setting.of(result("".join(f'{{"id": {i}, "name": "the name of row {i}"}}\n{{}}\n' for i in range(10))))
    fill = setting.fill()
    for i, span in enumerate(setting.spans):
        if len(span.text) > 20:
            fill.keep(i, "chosen")
    assert all(fill.kept)
    assert CLOSED in fill.why.values()


def test_protected_segments_are_kept_and_charged_from_the_start() -> None:
    setting = Setting.of(cp.Segment(cp.Kind.USER, "Go on, please.", ("u",)))
    fill = setting.fill()
    assert fill.used <= setting.total


def test_an_identifier_is_carried_until_a_kept_span_shows_it() -> None:
    fill = SETTING.fill([(3, 8)], [(2, 5)])
    before = fill.used
    assert fill.carry(0)
    assert fill.carried == {5: [0]}
    assert fill.used > before
    fill.keep(2, "chosen")
    assert not any(fill.carried.values())


@given(st.lists(st.integers(0, len(SETTING.spans) - 1), min_size=1, max_size=12), st.sets(st.integers(0, 9)))
def test_a_step_fits_exactly_where_what_it_makes_does(steps: list[int], carried: set[int]) -> None:
    last = len(SETTING.spans) - 1
    fill = SETTING.fill([(2, 6)] * 10, [(k, k + 1, min(last, 2 * k + 3)) for k in range(10)])
    for k in sorted(carried):
        fill.carry(k)
    for i in steps:
        taken, before = fill.steps_taken, (fill.used, bytes(fill.kept))
        if fill.kept[i]:
            continue
        fill.keep(i, "chosen")
        after = fill.used, bytes(fill.kept)
        fill.rewind(taken)
        assert not fill.keep(i, "chosen", ceiling=after[0] - 1)
        assert (fill.used, bytes(fill.kept)) == before
        assert fill.keep(i, "chosen", ceiling=after[0])
        assert (fill.used, bytes(fill.kept)) == after


def test_the_saving_of_a_block_falls_to_nothing_as_it_is_kept() -> None:
    fill = SETTING.fill()
    first = fill.saving(0)
    for i, span in enumerate(SETTING.spans):
        if span.segment == 0:
            fill.keep(i, "chosen")
    assert fill.saving(0) == 0 < first
