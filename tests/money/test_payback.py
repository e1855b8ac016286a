"""Rewriting is paid from savings made already: no session gets dearer, wherever it ends, whatever it is charged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.money.payback import EVERY, SPACING, Meter, keeps_cacheable, tables
from contextprune.money.tariff import FAMILIES, Bill, Tariff, charge

ALL = tuple(FAMILIES.values())
ANTHROPIC = FAMILIES["anthropic"]
LEAST = max(table.least for table in ALL)


def billed(known: int, tokens: int, table: Tariff) -> float:
    """What a prompt costs of which the cache knows the first `known` tokens, in dollars a million."""
    return charge([("held", known)], [("held", known), ("new", tokens - known)], table).dollars(table) * 1e6


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000), st.floats(0, 1)), max_size=8))
def test_what_is_saved_is_what_the_bills_differ_by(turns: list[tuple[int, int, float]]) -> None:
    meter, plain, held, saved = Meter(ALL), 0, 0, [0.0] * len(ALL)
    for more, sent, share in turns:
        known, last = int(min(sent, held) * share), plain
        plain, held = plain + more, sent
        meter.request(plain, sent, known)
        for k, table in enumerate(ALL):
            saved[k] += billed(last, plain, table) - billed(known, sent, table)
    assert meter.saved == pytest.approx(saved)


def test_a_rewriting_is_worth_it_once_its_payback_lies_within_the_turns_expected() -> None:
    """K* = S (w - r) / (X r): 60,000 tokens behind 40,000 that go pay back in 17.25 requests."""
    meter = Meter((ANTHROPIC,))
    for turns in range(40):
        assert (meter.gain(40_000, 60_000) > 0) == (turns + 1 > 60_000 * 1.15 / (40_000 * 0.1))
        meter.request(0, 0, 0)


def test_what_no_request_has_sent_is_not_in_the_cache() -> None:
    meter = Meter(ALL)
    meter.request(20_000, 20_000, 5_000)
    assert meter.saved == [0.0] * len(ALL)


def test_nothing_is_saved_where_another_model_reads_what_was_never_shortened() -> None:
    meter = Meter((ANTHROPIC,))
    meter.request(20_000, 20_000, 0)
    meter.reprice((ANTHROPIC,))
    meter.request(21_000, 21_000, 20_000)
    assert meter.saved == [0.0]


def test_nothing_saved_yet_affords_no_rewriting() -> None:
    meter = Meter(ALL)
    meter.request(50_000, 50_000, 0)
    assert not meter.affords(51_000, 41_000, 5_000)


def test_where_nothing_is_cached_whatever_is_removed_is_affordable() -> None:
    meter = Meter((FAMILIES["uncached"],))
    meter.request(50_000, 50_000, 0)
    assert meter.affords(51_000, 41_000, 5_000)


@st.composite
def sessions(draw: st.DrawFn) -> list[tuple[int, int, float]]:
    """Requests: new tokens, how many of them are sent, and the share of the old ones that an epoch would remove."""
    new = st.integers(0, 4000) | st.integers(0, 60_000)
    shares = st.just(0.0) | st.floats(0, 0.9)
    first = draw(st.integers(LEAST, 20_000)), 0, 0.0
    rest = draw(st.lists(st.tuples(new, st.floats(0, 1), shares), max_size=60))
    return [(first[0], first[0], 0.0), *((n, int(n * kept), share) for n, kept, share in rest)]


@given(sessions())
def test_no_session_costs_more_wherever_it_ends(session: list[tuple[int, int, float]]) -> None:
    """Where no prompt falls below what is cached at the least; epochs happen whenever they are affordable."""
    meter = Meter(ALL)
    bills = [[Bill(), Bill()] for _ in ALL]
    plain = sent = 0
    for new, kept, share in session:
        last, held = plain, sent
        plain += new
        removed = int(held * share)
        first = (held - removed) // 2  # of what was sent, half of what stays lies before what goes
        epoch = meter.affords(plain, sent - removed + kept, first) and sent - removed + kept >= LEAST
        known = first if epoch else held
        sent += kept - (removed if epoch else 0)
        meter.request(plain, sent, known)
        for pair, table in zip(bills, ALL, strict=True):
            pair[0] += charge([("a", last)], [("a", last), ("b", plain - last)], table)
            pair[1] += charge([("a", known)], [("a", known), ("b", sent - known)], table)
            assert pair[1].dollars(table) <= pair[0].dollars(table) + 1e-9


def test_a_look_for_an_epoch_is_rare_and_comes_late() -> None:
    meter, looks = Meter(ALL), []
    for turn in range(40):
        if not meter.rests(100):
            looks.append(turn)
        meter.request(0, 0, 0)
    assert looks == list(range(SPACING, 40, EVERY))


def test_looks_at_a_conversation_grow_linearly_with_it() -> None:
    meter, looked_at = Meter(ALL), [0, 0]
    for turn in range(1, 40_001):
        meter.request(0, 0, 0)
        if not meter.rests(2 * turn):
            looked_at[turn > 20_000] += 2 * turn
    assert looked_at[1] < 1.2 * looked_at[0]


def test_after_an_epoch_the_spacing_begins_anew() -> None:
    meter = Meter(ALL)
    for _ in range(SPACING):
        meter.request(0, 0, 0)
    assert not meter.rests(100)
    meter.rewrote()
    assert meter.rests(100)


@pytest.mark.parametrize(
    ("before", "after", "cushion", "keeps"),
    [
        (900, 100, 4, True),  # it was not cached anyway
        (5000, 1024, 4, True),
        (1500, 1000, 4, False),  # 500 tokens less, and nothing is cached any more
        (1500, 1000, 1, False),
        (5119, 1023, 4, False),
        (5120, 1023, 4, True),
        (2047, 1023, 1, False),
        (2048, 1023, 1, True),
        (9000, 300, 4, True),
    ],
)
def test_a_prompt_stays_cacheable_or_loses_more_than_that_takes(
    before: int, after: int, cushion: int, keeps: bool
) -> None:
    assert keeps_cacheable(before, after, 1024, cushion) is keeps


@given(st.integers(4097, 9000), st.integers(0, 1023), st.lists(st.just(100) | st.integers(100, 2000), max_size=40))
def test_falling_below_what_is_cached_is_made_up_for_as_the_session_grows(
    lost: int, after: int, more: list[int]
) -> None:
    before = after + lost
    assert keeps_cacheable(before, after, 1024, cushion=4)
    for table in ALL:
        plain, sent, last, held = before, after, 0, 0
        bills = [Bill(), Bill()]
        for new in [0, *more]:
            plain, sent = plain + new, sent + new
            bills[0] += charge([("a", last)], [("a", last), ("b", plain - last)], table)
            bills[1] += charge([("a", held)], [("a", held), ("b", sent - held)], table)
            last, held = plain, sent
            assert bills[1].dollars(table) <= bills[0].dollars(table)


def test_the_tables_are_those_of_the_model_or_all_of_them() -> None:
    assert tables("claude-opus-4-6", "", {})[0] == ANTHROPIC
    assert tables("claude-opus-4-6", "openai", {}) == (FAMILIES["openai"],)
    assert set(tables("", "", {})) >= set(ALL)


def test_no_bill_may_grow_at_the_price_of_an_hour_either() -> None:
    _, hourly = tables("claude-opus-4-6", "", {})
    assert (hourly.write, hourly.read) == (2.0, 0.1)
    minutes, either = Meter((ANTHROPIC,)), Meter((ANTHROPIC, hourly))
    for meter in (minutes, either):
        meter.request(20_000, 19_000, 0)
    assert minutes.affords(21_000, 18_000, 15_700)
    assert not either.affords(21_000, 18_000, 15_700)


def test_prices_of_your_own_count_before_those_of_the_family() -> None:
    own = Tariff("house", 2.0, 1.0, 2.0)
    assert tables("house", "", {"house": own}) == (own,)


def test_a_model_that_costs_nothing_breaks_nothing() -> None:
    meter = Meter((Tariff("free", 0.0, 0.0, 0.0),))
    meter.request(5000, 4000, 0)
    assert meter.affords(5000, 4000, 4000)
    assert meter.gain(1000, 1000) == 0.0
