"""What sizes and times tell of the provider's cache, and what its usage corrects."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from contextprune.money.reuse import Given, Line, State, Use, predict, use_of
from contextprune.money.tariff import FAMILIES, Bill

OPUS, GPT = "claude-opus-4-6", "gpt-5.4"
ANTHROPIC, OPENAI = FAMILIES["anthropic"], FAMILIES["openai"]


def claude(read: int, written: int, pause: float | None = 5.0) -> Use:
    return Use(OPUS, Bill(read=read, written=written), pause)


def bills(uses: Sequence[Use], given: Given) -> list[Bill]:
    return [expected.bill for expected in predict(uses, given)]


def line(model: str, *sizes: int, hour: bool = False, head: int = 0) -> Line:
    requests = Line(model, hour=hour, head=head)
    for size in sizes:
        requests.sent(size)
    return requests


def test_the_first_request_of_a_line_is_written() -> None:
    expected = line(OPUS).expect(OPUS, 20_000, None, ANTHROPIC)
    assert (expected.state, expected.bill) == (State.FIRST, Bill(written=20_000))


def test_a_request_that_goes_on_reads_what_the_one_before_sent() -> None:
    expected = line(OPUS, 20_000).expect(OPUS, 21_000, 10.0, ANTHROPIC)
    assert (expected.state, expected.bill) == (State.GOES_ON, Bill(read=20_000, written=1_000))


def test_a_prompt_that_lost_a_few_hundredths_reads_all_that_is_left() -> None:
    assert line(OPUS, 20_000).expect(OPUS, 19_500, 10.0, ANTHROPIC).bill == Bill(read=19_500)


def test_a_prompt_that_lost_half_reads_the_shared_beginning() -> None:
    expected = line(OPUS, 40_000, head=8_000).expect(OPUS, 20_000, 10.0, ANTHROPIC)
    assert (expected.state, expected.bill) == (State.SHRUNK, Bill(read=8_000, written=12_000))


@pytest.mark.parametrize(("pause", "state"), [(300.0, State.GOES_ON), (301.0, State.EXPIRED)])
def test_five_minutes_empty_the_cache(pause: float, state: State) -> None:
    assert line(OPUS, 20_000).expect(OPUS, 21_000, pause, ANTHROPIC).state is state


@pytest.mark.parametrize(("pause", "state"), [(3600.0, State.GOES_ON), (3601.0, State.EXPIRED)])
def test_an_hour_that_was_paid_for_keeps_it_for_an_hour(pause: float, state: State) -> None:
    assert line(OPUS, 20_000, hour=True).expect(OPUS, 21_000, pause, ANTHROPIC).state is state


def test_a_line_may_learn_that_it_pays_for_an_hour() -> None:
    requests = line(OPUS, 20_000)
    requests.keep_for_hour()
    assert requests.expect(OPUS, 21_000, 900.0, ANTHROPIC).bill == Bill(read=20_000, hour=1_000)


def test_what_enters_for_an_hour_is_billed_so() -> None:
    expected = line(OPUS, 20_000, hour=True).expect(OPUS, 21_000, 900.0, ANTHROPIC)
    assert expected.bill == Bill(read=20_000, hour=1_000)


def test_openai_reads_whole_steps() -> None:
    assert line(GPT, 20_000).expect(GPT, 21_000, 10.0, OPENAI).bill == Bill(read=19_968, written=1_032)


def test_usage_that_names_no_writes_wrote_what_it_did_not_read() -> None:
    assert use_of(GPT, Bill(fresh=300, read=1_280)).bill == Bill(written=300, read=1_280)


def test_usage_of_claude_is_taken_as_it_is() -> None:
    assert use_of(OPUS, Bill(3, 200, 1_000, 50)).bill == Bill(3, 200, 1_000, 50)


def test_sizes_alone_do_not_tell_what_the_first_request_read() -> None:
    uses = [claude(8_000, 12_000, None), claude(20_000, 500)]
    assert bills(uses, Given.SIZES) == [Bill(written=20_000), Bill(read=20_000, written=500)]
    assert bills(uses, Given.START) == [use.bill for use in uses]


def test_a_beginning_that_was_read_once_is_read_after_a_compaction() -> None:
    uses = [claude(8_000, 42_000, None), claude(8_000, 9_000)]
    assert bills(uses, Given.START)[1] == Bill(read=8_000, written=9_000)


def test_a_miss_within_the_lifetime_is_not_foreseen_but_given() -> None:
    uses = [claude(0, 20_000, None), claude(0, 21_000)]
    assert bills(uses, Given.START)[1] == Bill(read=20_000, written=1_000)
    first, second = predict(uses, Given.BREAKS)
    assert (first.broken, second.broken, second.bill) == (False, True, Bill(written=21_000))


def test_an_entry_that_outlived_its_time_is_given() -> None:
    uses = [claude(0, 20_000, None), claude(20_000, 1_000, 900.0)]
    assert bills(uses, Given.START)[1] == Bill(written=21_000)
    assert bills(uses, Given.BREAKS)[1] == Bill(read=20_000, written=1_000)


def test_a_small_difference_is_no_break() -> None:
    uses = [claude(0, 20_000, None), claude(19_000, 2_000)]
    assert not any(expected.broken for expected in predict(uses, Given.BREAKS))


def test_a_line_pays_for_an_hour_where_one_of_its_requests_did() -> None:
    uses = [Use(OPUS, Bill(hour=20_000)), Use(OPUS, Bill(read=20_000, hour=500), 1_000.0)]
    assert bills(uses, Given.SIZES) == [Bill(hour=20_000), Bill(read=20_000, hour=500)]


def test_no_requests_have_no_predictions() -> None:
    assert not list(predict([]))
