from __future__ import annotations

from contextprune.plan import Action
from contextprune.selection.decide import decide
from tests.selection.prepared import Setting, lines, result


def test_what_a_fill_keeps_stays_with_its_reason_and_the_rest_goes() -> None:
    setting = Setting.of(result(lines("alpha", each=9)))
    prepared = setting.prepared(lambda _: 0.5, [], [0])
    fill = prepared.fill()
    fill.keep(4, "chosen")
    decisions = decide(prepared, fill, range(len(setting.spans)))
    assert [d.action for d in decisions].index(Action.KEEP) == 4
    assert decisions[4].reason == "chosen"
    assert decisions[0].reason == "worth less than what is kept"
