"""Facts about the list of tuned numbers and the values that are tried."""

from __future__ import annotations

import pytest

from contextprune.bench.tuning.constants import constants
from contextprune.bench.tuning.numbers import SHARES, TRIED, Number, numbers

ALL = list(numbers())


def tried(name: str, value: object) -> tuple[object, object]:
    return Number("selection.targets", name, value, "sessions", "ours-lexical").tried


def test_every_target_is_on_the_list() -> None:
    assert {n.name for n in ALL if n.module == "selection.targets"} == set(constants("selection.targets"))


def test_no_number_stands_there_twice_for_one_task_and_arm() -> None:
    assert len({(n.label, n.task, n.arm) for n in ALL}) == len(ALL)


def test_a_number_is_halved_and_doubled() -> None:
    assert tried("MIN_RUN", 24) == (12, 48)


def test_each_part_of_a_range_is() -> None:
    assert tried("LARGE", (500, 3000)) == ((250, 1500), (1000, 6000))


def test_a_share_that_cannot_be_doubled_is_raised_by_half() -> None:
    assert tried("EPOCH_SHARE", 0.5) == (0.25, 0.75)


def test_a_share_that_cannot_be_raised_by_half_goes_half_way_to_one() -> None:
    assert tried("Policy.recall", 0.95) == (0.475, 0.975)


@pytest.mark.parametrize("name", sorted({*SHARES, *TRIED}))
def test_rules_for_single_numbers_name_numbers_of_the_list(name: str) -> None:
    assert name in {n.name for n in ALL}
