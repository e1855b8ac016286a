from __future__ import annotations

import pytest

from contextprune.proxy.telemetry.record import Recent, RequestRecord
from tests.proxy.telemetry.sample_traffic import record_of


def test_the_most_recent_are_kept_the_newest_first() -> None:
    recent = Recent(3)
    for number in range(1, 6):
        recent.add(RequestRecord(number))
    assert [record.number for record in recent] == [5, 4, 3]
    assert len(recent) == 3
    found = recent.find(4)
    assert found is not None
    assert found.number == 4
    assert recent.find(2) is None


def test_none_are_kept_where_none_are_wanted() -> None:
    recent = Recent(0)
    recent.add(record_of(number=1, heat=b"text"))
    assert list(recent) == []


def test_texts_are_kept_within_a_bounded_memory_the_newest_ones_longest() -> None:
    recent = Recent(100)
    for number in range(40):
        recent.add(record_of(number=number, heat=bytes(1 << 20)))
    kept = [record.number for record in recent if record.answer.heat is not None]
    assert kept == list(range(39, 7, -1))


def test_what_left_with_its_record_makes_room() -> None:
    recent = Recent(4)
    for number in range(40):
        recent.add(record_of(number=number, heat=bytes(3 << 20)))
    assert all(record.answer.heat for record in recent)


def test_a_text_beyond_all_measure_is_not_kept() -> None:
    recent = Recent(4)
    recent.add(record_of(number=1, heat=bytes(5 << 20)))
    assert next(iter(recent)).answer.heat is None


@pytest.mark.parametrize(
    ("status", "before", "after", "saved"),
    [("applied", 10, 4, 6), ("audit", 10, 4, 6), ("passed", 10, 4, 0), ("noop", 10, 10, 0), ("applied", 4, 10, 0)],
)
def test_only_what_was_shortened_or_measured_is_saved(status: str, before: int, after: int, saved: int) -> None:
    assert record_of(status=status, before=before, after=after, upstream=200).saved == saved


@pytest.mark.parametrize(("upstream", "billed"), [(200, True), (201, True), (0, False), (400, False), (529, False)])
def test_somebody_pays_where_the_provider_answered(upstream: int, billed: bool) -> None:
    record = record_of(status="applied", before=10, after=4, dollars=(2.0, 1.0), upstream=upstream)
    assert record.billed is billed
    assert (record.shorter, record.saved) == (6, 6 if billed else 0)
    assert record.dollars == ((2.0, 1.0) if billed else None)
