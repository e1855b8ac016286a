"""Facts about the families."""

from __future__ import annotations

from contextprune.training.executed.families.table import FAMILIES


def test_no_family_makes_more_than_an_eighth() -> None:
    total = sum(family.share for family in FAMILIES.values())
    assert len(FAMILIES) >= 14
    assert all(family.share / total < 0.125 and family.per <= 40 for family in FAMILIES.values())
