from __future__ import annotations

from contextprune.proxy.job import Reason
from contextprune.proxy.telemetry.reasons import ADVICE, UNKNOWN, advice


def test_every_reason_has_words_and_what_to_do() -> None:
    assert set(Reason) <= set(ADVICE)
    for why, what in ADVICE.values():
        assert why.endswith(".")
        assert what.endswith((".", "`."))
        assert what.count("`") % 2 == 0


def test_a_reason_that_nobody_knows_has_words_too() -> None:
    assert advice("<b>") == UNKNOWN
