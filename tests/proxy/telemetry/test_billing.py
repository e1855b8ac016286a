"""A request's money: as reckoned, or as billed where the provider told, and never a gain from a miss."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contextprune.proxy.job import Answer
from contextprune.proxy.telemetry.billing import Sessions, billing_of, with_counts
from contextprune.proxy.telemetry.usage import Usage

OPUS = "claude-opus-4-6"
PRICES = (5.0, 6.25, 0.5, 10.0)
BEFORE, AFTER = (0, 4_000, 36_000, 0), (0, 1_000, 9_000, 0)
RECKONED_BEFORE, RECKONED_AFTER = 1.25 * 4_000 + 0.1 * 36_000, 1.25 * 1_000 + 0.1 * 9_000
APPLIED = Answer(1, None, "applied", model=OPUS, before=40_000, after=10_000, dollars=(0.043, 0.01075),
                 bills=(BEFORE, AFTER), prices=PRICES)  # fmt: skip


def applied(**fields: object) -> Answer:
    return replace(APPLIED, **fields)  # type: ignore[arg-type]


def test_without_usage_the_money_is_what_was_reckoned() -> None:
    billing = billing_of(APPLIED, None)
    assert billing is not None
    assert (billing.before, billing.after) == pytest.approx((RECKONED_BEFORE, RECKONED_AFTER))
    assert (billing.modelled, billing.billed) == (None, None)
    assert billing.dollars == pytest.approx((0.043, 0.01075))


def test_usage_as_reckoned_changes_nothing() -> None:
    billing = billing_of(APPLIED, Usage(0, 1_000, 9_000))
    assert billing is not None
    assert (billing.before, billing.after) == pytest.approx((RECKONED_BEFORE, RECKONED_AFTER))
    assert billing.modelled == billing.billed == pytest.approx(RECKONED_AFTER)


def test_both_sides_are_in_the_providers_count_of_tokens() -> None:
    billing = billing_of(APPLIED, Usage(0, 1_200, 10_800))
    assert billing is not None
    assert (billing.before, billing.after) == pytest.approx((1.2 * RECKONED_BEFORE, 1.2 * RECKONED_AFTER))


def test_what_the_provider_billed_is_what_was_paid() -> None:
    billing = billing_of(APPLIED, Usage(0, 10_000, 0), missed=True)
    assert billing is not None
    assert billing.after == billing.billed == pytest.approx(12_500)
    assert billing.modelled == pytest.approx(RECKONED_AFTER)


def test_a_miss_without_a_reason_is_a_loss() -> None:
    billing = billing_of(APPLIED, Usage(0, 10_000, 0), missed=True)
    assert billing is not None
    assert billing.missed
    assert billing.before == pytest.approx(RECKONED_BEFORE)
    assert billing.after > billing.before


def test_a_miss_with_a_reason_would_have_come_without_us_too() -> None:
    billing = billing_of(APPLIED, Usage(0, 10_000, 0))
    assert billing is not None
    assert not billing.missed
    assert billing.before == pytest.approx(1.25 * 40_000)


def test_what_other_sessions_left_in_the_cache_is_read_on_both_sides() -> None:
    first = applied(bills=((0, 40_000, 0, 0), (0, 10_000, 0, 0)))
    billing = billing_of(first, Usage(0, 4_000, 6_000))
    assert billing is not None
    assert billing.before == pytest.approx(1.25 * 34_000 + 0.1 * 6_000)
    assert billing.after == pytest.approx(1.25 * 4_000 + 0.1 * 6_000)


def test_a_rewrite_that_was_reckoned_is_no_miss() -> None:
    epoch = applied(bills=(BEFORE, (0, 9_000, 1_000, 0)))
    billing = billing_of(epoch, Usage(0, 9_000, 1_000), missed=True)
    assert billing is not None
    assert not billing.missed
    assert billing.after == billing.modelled


def test_an_audit_sent_what_it_received() -> None:
    billing = billing_of(applied(status="audit"), Usage(0, 4_000, 36_000))
    assert billing is not None
    assert billing.before == billing.billed == pytest.approx(RECKONED_BEFORE)
    assert billing.after == pytest.approx(RECKONED_AFTER)


def test_an_original_that_was_sent_after_a_refusal_costs_the_same_on_both_sides() -> None:
    billing = billing_of(applied(status="passed"), Usage(0, 4_000, 36_000), retried=True)
    assert billing is not None
    assert billing.before == billing.after == pytest.approx(RECKONED_BEFORE)


def test_a_request_that_took_nothing_out_costs_what_was_billed() -> None:
    same = applied(status="noop", bills=(BEFORE, BEFORE))
    billing = billing_of(same, Usage(0, 40_000, 0))
    assert billing is not None
    assert billing.before == billing.after == billing.billed


def test_a_session_that_is_sent_whole_again_shows_as_a_loss() -> None:
    whole = applied(status="passed", bills=(BEFORE, BEFORE))
    billing = billing_of(whole, Usage(0, 40_000, 0), missed=True)
    assert billing is not None
    assert billing.after - billing.before == pytest.approx(1.25 * 40_000 - RECKONED_BEFORE)


def test_usage_of_quite_another_text_corrects_nothing() -> None:
    billing = billing_of(APPLIED, Usage(0, 0, 100))
    assert billing is not None
    assert billing.billed is None


def test_without_a_known_price_there_are_tokens_and_no_dollars() -> None:
    billing = billing_of(applied(dollars=None, prices=(1.0, 1.25, 0.1, 2.0)), None)
    assert billing is not None
    assert billing.after == pytest.approx(RECKONED_AFTER)
    assert billing.dollars is None


def test_what_enters_for_an_hour_is_paid_so() -> None:
    hourly = applied(bills=((0, 0, 36_000, 4_000), (0, 0, 9_000, 1_000)))
    billing = billing_of(hourly, Usage(0, 1_000, 9_000, hour=1_000))
    assert billing is not None
    assert billing.after == billing.modelled == pytest.approx(2 * 1_000 + 0.1 * 9_000)


def test_openai_names_no_writes_and_what_it_did_not_read_counts_as_written() -> None:
    gpt = applied(model="gpt-5.6", prices=(4.0, 5.0, 0.4, 5.0))
    billing = billing_of(gpt, Usage(1_000, 0, 9_000))
    assert billing is not None
    assert billing.billed == billing.modelled == pytest.approx(RECKONED_AFTER)


def test_nobody_counted_means_nobody_reckoned() -> None:
    assert billing_of(Answer(1, None, "passed"), Usage(0, 10, 10)) is None


def test_a_late_count_leaves_what_was_said_of_the_request() -> None:
    late = Answer(7, None, "passed", seconds={"waited": 0.2})
    counted = with_counts(late, APPLIED)
    assert (counted.number, counted.status, counted.seconds) == (7, "passed", {"waited": 0.2})
    assert (counted.before, counted.after, counted.bills, counted.dollars) == (
        40_000, 10_000, APPLIED.bills, APPLIED.dollars,
    )  # fmt: skip


def misses(sessions: Sessions, usage: Usage, started: float, answer: Answer = APPLIED) -> bool:
    return sessions.misses("s", answer, usage, started)


def test_a_session_that_goes_on_and_reads_nothing_has_missed() -> None:
    sessions = Sessions()
    assert not misses(sessions, Usage(0, 10_000, 0), 0.0)
    assert not misses(sessions, Usage(0, 500, 10_000), 20.0)
    assert misses(sessions, Usage(0, 11_000, 0), 40.0)


def test_after_the_lifetime_of_the_cache_nothing_is_missed() -> None:
    sessions = Sessions()
    misses(sessions, Usage(0, 10_000, 0), 0.0)
    assert not misses(sessions, Usage(0, 10_500, 0), 301.0)


def test_an_hour_that_was_paid_for_is_a_lifetime_of_an_hour() -> None:
    sessions = Sessions()
    misses(sessions, Usage(0, 10_000, 0, hour=10_000), 0.0)
    assert misses(sessions, Usage(0, 10_500, 0, hour=10_500), 301.0)


def test_a_compaction_misses_nothing() -> None:
    sessions = Sessions()
    misses(sessions, Usage(0, 90_000, 0), 0.0)
    assert not misses(sessions, Usage(0, 20_000, 0), 20.0)


def test_a_session_that_was_never_shortened_misses_nothing_of_ours() -> None:
    sessions, whole = Sessions(), Answer(1, None, "noop", model=OPUS)
    misses(sessions, Usage(0, 10_000, 0), 0.0, whole)
    assert not misses(sessions, Usage(0, 11_000, 0), 20.0, whole)


def test_a_request_without_a_session_misses_nothing() -> None:
    sessions = Sessions()
    sessions.misses("", APPLIED, Usage(0, 10_000, 0), 0.0)
    assert not sessions.misses("", APPLIED, Usage(0, 11_000, 0), 20.0)


def test_a_client_that_changed_its_head_has_missed_by_itself() -> None:
    sessions = Sessions()
    misses(sessions, Usage(0, 10_000, 0), 0.0, applied(trail="aaaaaaaabbbbbbbb"))
    assert not misses(sessions, Usage(0, 11_000, 0), 20.0, applied(trail="ccccccccddddddddeeeeeeee"))


def test_a_client_that_sends_what_it_sent_before_has_not() -> None:
    sessions = Sessions()
    misses(sessions, Usage(0, 10_000, 0), 0.0, applied(trail="aaaaaaaabbbbbbbb"))
    assert misses(sessions, Usage(0, 11_000, 0), 20.0, applied(trail="aaaaaaaabbbbbbbbcccccccc"))


def test_a_client_that_takes_back_what_stood_last_still_sends_what_it_sent_before() -> None:
    sessions = Sessions()
    misses(sessions, Usage(0, 10_000, 0), 0.0, applied(trail="aaaaaaaabbbbbbbb"))
    assert misses(sessions, Usage(0, 11_000, 0), 20.0, applied(trail="aaaaaaaacccccccc"))


def test_where_nobody_read_the_request_a_miss_counts_as_ours() -> None:
    sessions = Sessions()
    misses(sessions, Usage(0, 10_000, 0), 0.0, applied(trail="aaaaaaaa"))
    assert misses(sessions, Usage(0, 11_000, 0), 20.0, applied(trail=""))


HEAD = {"system": (2_000, 2_000), "tools": (1_000, 1_000), "tool_result": (37_000, 7_000)}


@pytest.mark.parametrize(("read", "avoided_read"), [(2_400, 2_400), (3_000, 3_000), (6_000, 3_000 + 33_000 // 2)])
def test_what_a_client_missed_in_its_head_it_would_have_missed_alike(read: int, avoided_read: int) -> None:
    billing = billing_of(applied(kinds=HEAD), Usage(0, 10_000 - read, read))
    assert billing is not None
    assert billing.before == pytest.approx(1.25 * (40_000 - avoided_read) + 0.1 * avoided_read)


def test_a_client_that_sets_no_breakpoint_misses_nothing() -> None:
    sessions = Sessions()
    misses(sessions, Usage(10_000, 0, 0), 0.0)
    assert not misses(sessions, Usage(11_000, 0, 0), 20.0)


def test_a_client_that_has_its_instructions_cached_alone_misses_nothing_else() -> None:
    sessions = Sessions()
    misses(sessions, Usage(9_000, 1_500, 0), 0.0)
    assert not misses(sessions, Usage(10_000, 0, 1_500), 20.0)
    assert misses(sessions, Usage(12_500, 0, 0), 40.0)


def test_a_provider_that_caches_nothing_misses_nothing() -> None:
    sessions, llama = Sessions(), applied(model="llama-4-70b")
    misses(sessions, Usage(10_000, 0, 0), 0.0, llama)
    assert not misses(sessions, Usage(11_000, 0, 0), 20.0, llama)


def test_a_provider_that_read_from_its_cache_before_has_missed() -> None:
    sessions, gpt = Sessions(), applied(model="gpt-5.6")
    misses(sessions, Usage(10_000, 0, 0), 0.0, gpt)
    misses(sessions, Usage(1_000, 0, 10_000), 20.0, gpt)
    assert misses(sessions, Usage(12_000, 0, 0), 40.0, gpt)


def test_without_a_cache_the_clients_bytes_cost_the_full_price_as_well() -> None:
    billing = billing_of(APPLIED, Usage(10_000, 0, 0))
    assert billing is not None
    assert (billing.before, billing.after) == pytest.approx((40_000, 10_000))
