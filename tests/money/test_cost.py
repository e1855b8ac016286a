"""Money: that of a request follows from what the cache holds, and that of a session is the sum."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.money.cost import Cost, Prompt, Session, cost_of
from contextprune.money.tariff import FAMILIES, Bill, Piece, Tariff

OPUS = Tariff("claude-opus-5-5", 4.0, 0.2, 5.0, 20.0, 512)
TARIFFS = st.sampled_from([*FAMILIES.values(), OPUS])
SIZES = st.lists(st.integers(0, 4000), min_size=1, max_size=8)
PAIRS = st.tuples(st.integers(0, 4000), st.integers(0, 4000))


def session_of(before: list[int], after: list[int], tariff: Tariff, rewritten_at: int | None = None) -> list[Cost]:
    """One request for each piece that arrives; at the given one, the first piece is sent in a new form."""
    was: list[Piece] = [(f"{i}", size) for i, size in enumerate(before)]
    costs, previous = [], None
    for end in range(1, len(before) + 1):
        late = rewritten_at is not None and end > rewritten_at
        sent: list[Piece] = [(f"{i}{'*' if late and not i else ''}'", size) for i, size in enumerate(after[:end])]
        costs.append(cost_of(previous, was[:end], sent, tariff))
        previous = was[:end], sent
    return costs


@given(sizes=SIZES, tariff=TARIFFS)
def test_what_is_left_alone_saves_nothing_and_rewrites_nothing(sizes: list[int], tariff: Tariff) -> None:
    for cost in session_of(sizes, sizes, tariff):
        assert (cost.saved, cost.gross, cost.rewritten) == (0, 0, 0)


@given(sizes=SIZES, tariff=TARIFFS, share=st.floats(0, 1))
def test_a_session_that_keeps_its_beginning_rewrites_nothing(sizes: list[int], tariff: Tariff, share: float) -> None:
    for cost in session_of(sizes, [int(size * share) for size in sizes], tariff):
        assert (cost.rewritten, cost.rewrites) == (0, 0)


@given(sizes=SIZES, tariff=TARIFFS, at=st.integers(0, 7))
def test_a_rewrite_costs_what_would_have_been_read(sizes: list[int], tariff: Tariff, at: int) -> None:
    kept, changed = session_of(sizes, sizes, tariff), session_of(sizes, sizes, tariff, rewritten_at=at)
    for end, (one, other) in enumerate(zip(kept, changed, strict=True)):
        epoch = end == at and at > 0
        assert other.rewritten == (one.sent.read if epoch else 0)
        assert other.rewrites == pytest.approx(other.rewritten * (tariff.write - tariff.read) / 1e6, abs=1e-9)
        assert other.after == pytest.approx(one.after + other.rewrites, abs=1e-9)
        assert other.gross == pytest.approx(one.gross, abs=1e-9)


def test_a_beginning_that_the_client_itself_changed_is_no_rewrite_of_ours() -> None:
    previous = [("old", 9000)], [("old'", 3000)]
    cost = cost_of(previous, [("new", 9000)], [("new'", 3000)], OPUS)
    assert (cost.rewritten, cost.rewrites) == (0, 0)


def test_tokens_are_counted_where_no_price_is_known() -> None:
    cost = cost_of(
        ([("a", 5000)], [("a'", 2000)]), [("a", 5000), ("b", 10)], [("a'", 2000), ("b", 10)], None, model="m"
    )
    assert (cost.was, cost.sent) == (Bill(written=10, read=5000), Bill(written=10, read=2000))
    assert (cost.before, cost.after, cost.saved) == (0, 0, 0)


def test_markers_are_paid_like_the_pieces_that_they_stand_in() -> None:
    previous = [("a", 5000)], [("a'", 2000)]
    cost = cost_of(previous, [("a", 5000), ("b", 900)], [("a'", 2000), ("b'", 300)], OPUS, markers=[40, 20])
    assert cost.markers == pytest.approx((40 * 0.2 + 20 * 5.0) / 1e6)
    short = cost_of(None, [("a", 300)], [("a'", 100)], OPUS, markers=[40])
    assert short.markers == pytest.approx(40 * 4.0 / 1e6)


def test_costs_add_up() -> None:
    first = Cost(2.0, 1.0, 0.1, 0.2, 0.3, "one", "", Bill(1, 2, 3), Bill(1), 5)
    second = Cost(4.0, 3.0, 0.1, 0.2, 0.3, "two", "no price for model 'x'", Bill(1, 2, 3), Bill(1), 5)
    assert first + second == Cost(
        6.0, 4.0, 0.2, 0.4, 0.6, "one, two", "no price for model 'x'", Bill(2, 4, 6), Bill(2), 10
    )
    assert (first + first).tariff == "one"


@given(sizes=SIZES, tariff=TARIFFS, share=st.floats(0, 1), at=st.integers(0, 7))
def test_a_session_is_the_sum_of_its_requests(sizes: list[int], tariff: Tariff, share: float, at: int) -> None:
    costs = session_of(sizes, [int(size * share) for size in sizes], tariff, rewritten_at=at)
    whole = Session()
    for end, cost in enumerate(costs):
        whole = whole.add(cost, epoch=end == at)
    assert (whole.requests, whole.epochs, whole.unpriced) == (len(costs), int(at < len(costs)), 0)
    assert whole.before.tokens == sum(cost.was.tokens for cost in costs)
    assert whole.after.tokens == sum(cost.sent.tokens for cost in costs)
    assert whole.net == pytest.approx(sum(cost.saved for cost in costs), abs=1e-9)
    assert whole.gross == pytest.approx(whole.net + whole.cost.rewrites, abs=1e-9)


@given(cuts=st.integers(0, 8), sizes=SIZES)
def test_sessions_add_up_like_their_requests(cuts: int, sizes: list[int]) -> None:
    costs = session_of(sizes, [size // 2 for size in sizes], OPUS)
    parts = [sum((Session().add(cost) for cost in part), Session()) for part in (costs[:cuts], costs[cuts:])]
    both, whole = parts[0] + parts[1], sum((Session().add(cost) for cost in costs), Session())
    assert (both.requests, both.before, both.after) == (whole.requests, whole.before, whole.after)
    assert both.net == pytest.approx(whole.net, abs=1e-9)


def test_a_recall_turn_is_all_loss() -> None:
    normal = Cost(2.0, 1.0, tariff="t", was=Bill(10), sent=Bill(5))
    session = Session().add(normal).add(replace(normal, after=0.25, rewrites=0.1), recall=True)
    assert (session.recalls, session.recalled, session.cost.recalls) == (1, 5, 0.25)
    assert (session.before, session.after) == (Bill(10), Bill(10))
    assert (session.net, session.gross) == (0.75, 1.0)


def test_a_session_reads_as_it_should() -> None:
    costs = session_of([20_000, 3_000, 3_000], [5_000, 1_000, 1_000], OPUS, rewritten_at=2)
    session = Session()
    for cost, epoch in zip(costs, (False, False, True), strict=True):
        session = session.add(cost, epoch=epoch)
    session = session.add(replace(costs[-1], rewritten=0), recall=True)
    session = session.add(cost_of(None, [("a", 9)], [("a", 9)], None, model="my-own-7b"))
    assert str(session) == (
        "requests 5\n"
        "epochs   1 (6,000 tokens sent again)\n"
        "recalls  1 (7,000 tokens)\n"
        "before   69,009 tokens (fresh 9, written 26,000, read 43,000)\n"
        "after    25,009 tokens (fresh 9, written 20,000, read 5,000)\n"
        "cost     $0.1010 instead of $0.1386, net (cache reads and writes counted; claude-opus-5-5)\n"
        "saved    net $0.0376 (27.1%), gross $0.1014 (rewrites $0.0288, recalls $0.0350, markers $0.00)\n"
        "unpriced 1 of the requests: no price for model 'my-own-7b'"
    )


def test_a_session_without_prices_says_so() -> None:
    session = Session().add(cost_of(None, [("a", 9000)], [("a", 900)], None))
    assert str(session) == (
        "requests 1\n"
        "before   9,000 tokens (fresh 0, written 9,000, read 0)\n"
        "after    900 tokens (fresh 900, written 0, read 0)\n"
        "cost     unknown: the request names no model"
    )


def test_money_lost_is_shown_as_such() -> None:
    said = str(Session().add(Cost(1.0, 150.0, tariff="t")))
    assert "$150.00 instead of $1.0000" in said
    assert "net -$149.00 (-14900.0%)" in said


def test_small_sums_keep_their_digits() -> None:
    assert str(Cost(0.00123, 0.0, tariff="t")).startswith("$0.00 instead of $0.001230, net")


@given(same=PAIRS, redone=PAIRS, new=PAIRS)
def test_a_prompt_costs_what_its_pieces_cost(
    same: tuple[int, int], redone: tuple[int, int], new: tuple[int, int]
) -> None:
    cost = Prompt("own", same, redone, new, tariffs={"own": OPUS}).cost()
    previous = [("a", same[0]), ("b", redone[0])], [("a", same[1]), ("old", 99)]
    before, after = ([("a", same[k]), ("b", redone[k]), ("c", new[k])] for k in (0, 1))
    assert cost == cost_of(previous, before, after, OPUS)


def test_the_first_prompt_of_a_session_reads_nothing() -> None:
    cost = Prompt("", (0, 0), (0, 0), (9000, 5000)).cost()
    assert (cost.was, cost.sent) == (Bill(written=9000), Bill(written=5000))


def test_where_the_cache_is_cold_all_is_written_and_an_epoch_costs_nothing_more() -> None:
    cost = Prompt("own", (5000, 4000), (9000, 3000), (10, 10), tariffs={"own": OPUS}, cold=True).cost()
    assert (cost.was, cost.sent, cost.rewritten) == (Bill(written=14_010), Bill(written=7_010), 0)


def test_a_prompt_is_an_epoch_where_something_was_redone() -> None:
    assert not Prompt("", (5, 5), (0, 0), (1, 1)).epoch
    assert Prompt("", (5, 5), (9, 3), (1, 1)).epoch


def test_a_prompt_of_a_model_without_a_price_says_so() -> None:
    assert (
        Prompt("my-own-7b", (0, 0), (0, 0), (9000, 5000)).cost().note.startswith(("no price for model", "prices need"))
    )


def test_prices_are_not_read_before_they_are_asked_for() -> None:
    code = (
        "import json, sys, contextprune as cp\n"
        "body = {'model': 'gpt-4o', 'messages': [{'role': 'user', 'content': 'Go.'}]}\n"
        "pruner = cp.Pruner(cp.Policy(), cp.load_scorer('lexical'), cp.Estimate(), cp.MemoryStore())\n"
        "report = cp.compress(body, pruner=pruner).report\n"
        "assert 'genai_prices' not in sys.modules\n"
        "assert report.cost is not None and report.cost.sent.tokens == report.after\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
