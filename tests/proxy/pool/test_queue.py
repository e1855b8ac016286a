"""The queue: small ones first, none for ever, never more than it holds."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.pool.queue import AGEING, SMALL, JobQueue


def queue(*tokens: int, most: int = 10**9) -> JobQueue[int]:
    waiting: JobQueue[int] = JobQueue(most)
    for number, each in enumerate(tokens):
        assert not waiting.put(number, each, number, 0.0)
    return waiting


def drained(waiting: JobQueue[int]) -> list[int]:
    out = []
    while (item := waiting.take()) is not None:
        out.append(item)
    return out


def test_small_ones_come_first() -> None:
    assert drained(queue(5000, 100, 90_000, 300)) == [1, 3, 0, 2]


def test_equal_ones_come_in_order() -> None:
    assert drained(queue(100, 100, 100)) == [0, 1, 2]


def test_a_large_one_that_came_long_ago_goes_before_a_small_one() -> None:
    waiting = queue(90_000)
    waiting.put(1, 100, 1, 90_000 / AGEING + 0.01)
    assert drained(waiting) == [0, 1]


def test_whoever_takes_small_ones_only_leaves_the_large() -> None:
    waiting = queue(SMALL + 1, SMALL)
    assert waiting.take(small=True) == 1
    assert waiting.take(small=True) is None
    assert waiting.take() == 0


def test_beyond_its_tokens_the_largest_gives_way() -> None:
    waiting = queue(600, most=1000)
    assert waiting.put(1, 401, 1, 0.0) == [0]
    assert waiting.put(2, 700, 2, 0.0) == [2]
    assert waiting.put(3, 599, 3, 0.0) == []
    assert waiting.tokens == 1000


def test_one_that_is_larger_than_the_queue_may_wait_alone() -> None:
    waiting = queue(5000, most=1000)
    assert waiting.put(1, 1, 1, 0.0) == [0]


def test_a_tenant_with_much_in_the_queue_gives_way_before_one_with_little() -> None:
    waiting: JobQueue[str] = JobQueue(1000)
    for number in range(9):
        assert waiting.put(number, 100, f"many {number}", 0.0, "many") == []
    assert waiting.put(9, 500, "few", 1.0, "few") == ["many 8", "many 7", "many 6", "many 5"]


def test_one_whose_tenant_had_the_processes_for_long_goes_later() -> None:
    waiting: JobQueue[str] = JobQueue(10**9, lambda tenant: 5.0 if tenant == "much" else 0.0)
    waiting.put(0, 100, "much", 0.0, "much")
    waiting.put(1, 90_000, "little", 1.0, "little")
    assert waiting.ahead(100, 1.0, "little") == 0
    assert waiting.ahead(100, 1.0, "much") == 90_100
    assert [waiting.take(), waiting.take()] == ["little", "much"]


def test_what_was_dropped_is_not_given_out_and_frees_its_room() -> None:
    waiting = queue(600, 300, most=1000)
    assert waiting.drop(1)
    assert not waiting.drop(1)
    assert not waiting.put(2, 400, 2, 0.0)
    assert drained(waiting) == [2, 0]
    assert (waiting.tokens, len(waiting)) == (0, 0)


@given(st.lists(st.tuples(st.integers(1, 50_000), st.floats(0, 3))), st.data())
def test_everything_that_waits_is_given_out_once_in_the_order_of_its_place(
    jobs: list[tuple[int, float]], data: st.DataObject
) -> None:
    waiting: JobQueue[int] = JobQueue(10**9)
    for number, (tokens, now) in enumerate(jobs):
        waiting.put(number, tokens, number, now)
    gone = set(data.draw(st.lists(st.integers(0, len(jobs) - 1), unique=True))) if jobs else set()
    for number in gone:
        waiting.drop(number)
    order = sorted((jobs[n][1] * AGEING + jobs[n][0], n) for n in range(len(jobs)) if n not in gone)
    assert drained(waiting) == [number for _, number in order]


@given(
    blocks=st.lists(st.integers(2_000, 50_000), min_size=1, max_size=40),
    replays=st.lists(st.integers(200, 1_999), max_size=40),
    most=st.integers(50_000, 200_000),
    order=st.randoms(use_true_random=False),
)
def test_new_large_blocks_are_shed_and_no_replay_while_one_of_them_waits(
    blocks: list[int], replays: list[int], most: int, order: Random
) -> None:
    waiting: JobQueue[tuple[str, int]] = JobQueue(most)
    jobs = [*(("new", tokens) for tokens in blocks), *(("replay", tokens) for tokens in replays)]
    order.shuffle(jobs)
    left: list[tuple[str, int]] = []
    for number, job in enumerate(jobs):
        left.append(job)
        for shed in waiting.put(number, job[1], job, 0.0):
            assert shed[1] == max(tokens for _, tokens in left)
            assert shed[0] == "new" or all(kind == "replay" for kind, _ in left)
            left.remove(shed)
    assert sum(tokens for _, tokens in left) <= most
