from __future__ import annotations

from random import Random

import pytest

from contextprune.plan import Action
from contextprune.selection import under_budget
from contextprune.selection.settle import Exact
from tests import tool_outputs as outputs
from tests.selection.prepared import Setting, kept, left_out_though_it_fits, lines, result

LONG = "the long line says so in a great many words, and then in some more of them, until nobody reads on any more\n"


@pytest.mark.parametrize("ceiling", range(20, 120, 10))
def test_no_span_that_fits_stays_out(ceiling: int) -> None:
    draw = Random(ceiling)
    text = lines("alpha", "beta", each=6) + LONG + outputs.json_pretty(6, ceiling) + "".join(f"{i}\n" for i in range(9))
    setting = Setting.of(result(text))
    scores = {span.start: draw.random() for span in setting.spans}
    prepared = setting.prepared(lambda span: scores[span.start], [], [0])
    assert not left_out_though_it_fits(prepared, under_budget(prepared, ceiling), ceiling)


def test_what_does_not_fit_is_passed_over_for_what_does() -> None:
    setting = Setting.of(result(LONG * 2 + "".join(f"row {i}\n" for i in range(40))))
    plan = setting.select(30, lambda span: 0.9 if span.text == LONG else 0.2)
    assert LONG not in kept(plan)
    assert "row 39" in kept(plan)


def test_texts_are_counted_as_they_will_be_sent() -> None:
    setting = Setting.of(result(lines("alpha", "beta", each=8)))
    prepared = setting.prepared(lambda _: 0.5, [], [0])
    fill = prepared.fill()
    fill.keep(3, "chosen")
    text = Exact(prepared, fill)
    text.count(text.blocks)
    assert text.tokens == setting.prices.exact(text.decisions, 0)
    assert [decision.action for decision in text.decisions].count(Action.KEEP) == 1
