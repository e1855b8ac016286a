from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from contextprune.selection.account import Account
from contextprune.selection.foresee import foresee
from contextprune.selection.protection import closure
from tests import tool_outputs as outputs
from tests.selection.prepared import Setting, lines, result

SETTING = Setting.of(result(lines("alpha", each=15) + outputs.diff(3, 1)))
SPANS = range(len(SETTING.spans))


def opened() -> Account:
    """The account of a text of which nothing is kept."""
    prices, end = SETTING.prices, len(SPANS)
    account = Account(first=0, end=end, removed=SETTING.total, chars=sum(len(span.text) for span in SETTING.spans))
    account.key, account.key_chars = prices.key(0)
    tokens, chars = prices.gap(0, end)
    account.markers, account.marker_chars = tokens + account.key, chars + account.key_chars
    account.open(0, end)
    return account


@settings(max_examples=30)
@given(st.sampled_from(SPANS))
def test_keeping_a_span_takes_what_was_foreseen(i: int) -> None:
    fill = SETTING.fill()
    before = fill.used
    needed = closure(i, SETTING.spans, fill.kept)
    foreseen = foresee(needed, opened(), SETTING.spans, SETTING.costs, SETTING.prices, lambda *_: True)
    assert fill.keep(i, "chosen")
    if set(fill.why) == set(needed):  # no gap was closed beside them
        assert before + (foreseen.added or 0) == fill.used


def test_where_a_gap_would_close_only_trying_tells() -> None:
    foreseen = foresee([3], opened(), SETTING.spans, SETTING.costs, SETTING.prices, lambda *_: False)
    assert foreseen.added is None
