"""A Redis that does not answer is left alone: half a second, then ever longer, half a minute at most."""

from __future__ import annotations

import pytest

from contextprune.storage.redis_pause import Pause, Paused


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def waits(pause: Pause, clock: Clock) -> float:
    """Seconds until somebody may probe."""
    with pytest.raises(Paused) as caught:
        pause.due()
    clock.now += caught.value.seconds
    return caught.value.seconds


def test_nothing_is_probed_while_all_is_well() -> None:
    assert not Pause(Clock()).due()


def test_it_waits_twice_as_long_each_time_and_never_longer_than_half_a_minute() -> None:
    clock = Clock()
    pause = Pause(clock)
    seconds = []
    for _ in range(9):
        pause.begin()
        seconds.append(waits(pause, clock))
        assert pause.due()
    assert seconds == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30, 30])


def test_of_several_that_ask_after_it_one_alone_probes() -> None:
    clock = Clock()
    pause = Pause(clock)
    pause.begin()
    clock.now += 0.5
    assert pause.due()
    with pytest.raises(Paused):
        pause.due()


def test_after_an_answer_the_next_pause_is_short_again() -> None:
    clock = Clock()
    pause = Pause(clock)
    pause.begin()
    pause.begin()
    pause.over()
    assert not pause.due()
    pause.begin()
    assert waits(pause, clock) == pytest.approx(0.5)
