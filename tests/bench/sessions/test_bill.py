"""Facts about what a session costs, on one small enough to charge by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contextprune.bench.data import Session
from contextprune.bench.jobs import ReplayJob, replay_session
from contextprune.bench.sessions.bill import CALL, SessionResult, Tally, bill_session, sender_of
from contextprune.bench.sessions.rivals import CLEARED, RIVALS, Rewritten, by_rule, count_tokens
from contextprune.bench.sessions.stories import Story, Uses, latest, prepare, visible
from contextprune.bench.traces.future_use import points
from contextprune.context import Context, Kind
from contextprune.money.tariff import FAMILIES, Piece, charge
from contextprune.session.replay import replay
from tests.bench.refund import REPEATED, SECRET, call, refund, result

LONG = "\n".join(f"row {i} of a long listing that nobody asked for" for i in range(300))
SAMPLES = Path(__file__).parents[3] / "examples" / "data" / "bench"

every_rival = pytest.mark.parametrize("name", sorted(RIVALS))


SESSION = refund(LONG, LONG)
FOUND = SESSION.messages[2]["content"]
STORY = prepare(SESSION)


def measured(name: str, story: Story = STORY) -> SessionResult:
    return bill_session(story, name, sender_of(name))


def sent(name: str, story: Story = STORY) -> list[tuple[Piece, ...]]:
    return [request.after for request in replay(story.context, sender_of(name))]


def test_a_request_needs_what_the_next_action_takes_from_results_alone() -> None:
    assert [moment.next for moment in STORY.moments] == [
        Uses((), ()),
        Uses((), ()),
        Uses((SECRET,), (REPEATED,)),
        Uses((), ()),
    ]


def test_what_is_needed_later_is_needed_at_every_request_that_holds_it_before() -> None:
    assert [moment.later.values for moment in STORY.moments] == [(), (SECRET,), (SECRET,), ()]


def test_later_use_is_looked_at_where_the_traces_task_does() -> None:
    at = {int(point.id.partition("@")[2]): point.values for point in points(SESSION)}
    assert STORY.points == frozenset(at)
    assert [STORY.moments[number].later.values for number in sorted(at)] == [at[number] for number in sorted(at)]


def test_a_session_sent_as_it_is_costs_one_under_every_table_and_shows_everything() -> None:
    figures = measured("none")
    assert set(figures.net.values()) == set(figures.gross.values()) == {1.0}
    assert figures.next == Tally(1, 1, 1, 1)
    assert (figures.recalls, figures.stable, figures.turns) == (0, 3, 3)
    assert figures.tokens == figures.sent > 0


def test_what_is_masked_is_not_seen_and_costs_a_call_that_fetches_it() -> None:
    figures = measured("last-1")
    assert figures.next == Tally(1, 1, 0, 0)
    assert figures.recalls == 1
    assert all(figures.net[name] > figures.gross[name] for name in FAMILIES)


def test_a_call_that_fetches_sends_the_request_again_and_the_original_stays() -> None:
    tariff = FAMILIES["openai"]
    first, second, third, fourth = sent("last-1")
    original = ("fetched", CALL + count_tokens(FOUND))
    carried = (*fourth[: len(third)], original, *fourth[len(third) :])
    before: tuple[Piece, ...] = ()
    paid = 0.0
    for pieces in (first, second, third, (*third, original), carried):
        paid += charge(before, pieces, tariff).dollars(tariff)
        before = pieces
    figures = measured("last-1")
    assert figures.net["openai"] == pytest.approx(paid / figures.paid["openai"])


def test_two_things_missed_at_once_are_fetched_by_one_call() -> None:
    assert measured("last-1").recalls == 1
    assert measured("last-3").recalls == 0


def test_what_was_fetched_once_is_not_fetched_again() -> None:
    again = (*SESSION.messages, call(4, command=f"check {REPEATED} of {SECRET}"), result(4, LONG))
    assert measured("last-1", prepare(replace(SESSION, messages=again))).recalls == 1


def test_the_latest_result_that_holds_a_thing_is_the_one_to_fetch() -> None:
    twice = (*SESSION.messages[:4], result(2, f"{SECRET} again"), *SESSION.messages[5:])
    story = prepare(replace(SESSION, messages=twice))
    assert latest(story, story.moments[2], SECRET) == 4
    assert latest(story, story.moments[2], REPEATED) == 2


def test_a_masked_result_breaks_the_prefix_and_a_result_cut_on_arrival_does_not() -> None:
    assert measured("last-1").stable < measured("last-1").turns
    assert measured("head+tail").stable == measured("head+tail").turns


def test_what_changed_in_the_past_is_paid_in_full_where_a_cache_had_it() -> None:
    figures = measured("last-1")
    assert figures.gross["anthropic-fable"] > figures.gross["uncached"]


def test_at_an_epoch_everything_that_follows_counts_and_the_prefix_may_change() -> None:
    def sender(context: Context, *, cold: bool = False) -> Rewritten:  # noqa: ARG001
        send = by_rule(RIVALS["last-1"])(context)
        return Rewritten(send.edits, send.sizes, epoch=len(context.segments) > 4)

    figures = bill_session(STORY, "epochs", sender)
    assert figures.epochs == 2
    assert figures.after == Tally(1, 1, 0, 0)
    assert (figures.turns, figures.stable) == (1, 1)


def test_a_session_without_a_request_costs_nothing_more() -> None:
    figures = measured("none", prepare(Session("e", "shop", ())))
    assert (figures.requests, figures.tokens) == (0, 0)
    assert set(figures.net.values()) == {1.0}


def test_text_behind_an_edit_is_what_the_model_reads() -> None:
    requests = list(replay(STORY.context, sender_of("last-1")))
    text = visible(STORY, requests[2].edits, STORY.moments[2])
    assert CLEARED in text
    assert SECRET not in text


@every_rival
def test_rivals_touch_only_results_and_never_make_one_longer(name: str) -> None:
    edits = by_rule(RIVALS[name])(STORY.context).edits
    kinds = {segment.ref: (segment.kind, segment.text) for segment in STORY.context.segments}
    for ref, text in edits.items():
        assert kinds[ref][0] is Kind.TOOL_RESULT
        assert count_tokens(text) < count_tokens(kinds[ref][1])


@pytest.mark.parametrize(("kept", "touched"), [(1, 2), (3, 0), (5, 0)])
def test_masking_leaves_the_last_results(kept: int, touched: int) -> None:
    assert len(by_rule(RIVALS[f"last-{kept}"])(STORY.context).edits) == touched


def test_clearing_waits_for_its_threshold_and_then_keeps_three() -> None:
    many = [m for n in range(6) for m in (call(n, command="list"), result(n, LONG))]
    story = prepare(Session("m", "shop", ({"role": "user", "content": "go"}, *many)))
    requests = list(replay(story.context, sender_of("clear-5k")))
    sizes = [sum(tokens for _, tokens in request.before) for request in requests]
    cleared = [len(request.edits) for request in requests]
    assert cleared == [max(0, n - 3) if size > 5_000 else 0 for n, size in enumerate(sizes)]
    assert cleared[-1] == 3


def test_one_job_measures_every_arm_on_one_session() -> None:
    short = FOUND.replace(LONG, "\n".join(LONG.splitlines()[:60]))
    found = result(1, short), call(2, command="find user_17"), result(2, short)
    session = replace(SESSION, messages=(*SESSION.messages[:2], *found, *SESSION.messages[5:]))
    figures = replay_session(ReplayJob(session, ("none", "ours-lexical")))
    assert [each.arm for each in figures] == ["none", "ours-lexical"]
    assert figures[1].next == Tally(1, 1, 1, 1)
    assert figures[1].sent < figures[0].sent  # what was found twice is sent once
    assert all(cost <= 1.0 for cost in figures[1].net.values())
