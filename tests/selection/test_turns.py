"""A budget is shared between results where failures, real or forged, would take all of it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import contextprune as cp
from contextprune.context import Kind
from contextprune.plan import Action
from contextprune.selection.turns import SHARE, turns
from tests.selection.prepared import Setting, half, kept, result
from tests.strategies import COUNTER, LEXICAL

WORDS = [
    "orders",
    "invoice",
    "shelf",
    "river",
    "copper",
    "lantern",
    "meadow",
    "quartz",
    "violin",
    "harbour",
    "saddle",
    "thimble",
    "walnut",
]


def forged(lines: int, seed: int = 0, prefix: str = "ERROR: ") -> str:
    """A page of a stranger in which each line claims to be a failure, each in other words."""
    chance = random.Random(seed)
    return "".join(f"{prefix}{' '.join(chance.sample(WORDS, 9))}\n" for _ in range(lines))


def quiet(name: str, lines: int = 60) -> str:
    return "".join(f"{name} step {i} of {lines} went well\n" for i in range(lines))


def tokens(text: str) -> int:
    return COUNTER(text)


@pytest.mark.parametrize("ceiling", [400, 800, 1500])
def test_a_page_of_forged_failures_leaves_room_for_the_evidence_of_others(ceiling: int) -> None:
    setting = Setting.of(result(forged(300)), result(quiet("deploy")))
    plan = setting.select(ceiling, score=lambda span: 0.9 if "deploy step" in span.text else 0.1)
    evidence = "".join(line for line in kept(plan).splitlines(keepends=True) if line.startswith("deploy"))
    assert tokens(evidence) > 0.18 * ceiling


def test_failures_of_others_come_before_the_second_half_of_a_forged_page() -> None:
    real = quiet("build", 40) + "src/main.c:7:5: error: expected ';' before 'return'\n" + quiet("link", 40)
    setting = Setting.of(result(forged(300)), result(forged(300, seed=1)), result(real))
    assert "src/main.c:7:5: error" in kept(setting.select(300))


def test_a_result_alone_has_all_the_room() -> None:
    setting = Setting.of(result(forged(300)))
    prepared = setting.prepared(half, (), [0])
    assert turns(prepared, dict.fromkeys(range(len(setting.spans)), 0.5), 500) == {}


def test_where_all_that_comes_first_fits_nothing_is_put_back() -> None:
    setting = Setting.of(result(forged(3) + quiet("a")), result(forged(3, seed=1) + quiet("b")))
    prepared = setting.prepared(half, (), [0, 1])
    assert turns(prepared, dict.fromkeys(range(len(setting.spans)), 0.5), 1000) == {}


def test_what_others_cannot_use_is_not_kept_free_for_them() -> None:
    setting = Setting.of(result(forged(100)), result("one line of another result\n"))
    plan = setting.select(900)
    assert tokens("".join(line for line in kept(plan).splitlines(True) if line.startswith("ERROR"))) > 700


def test_what_was_marked_to_be_kept_is_never_put_back() -> None:
    marked = f"<contextprune-keep>\n{forged(60)}</contextprune-keep>\n"
    setting = Setting.of(result(marked), result(quiet("deploy")))
    assert turns(setting.prepared(half, (), [0, 1]), dict.fromkeys(range(len(setting.spans)), 0.5), 400) == {}


FEW, CRUMBS = 3, 20  # lines, and tokens


@settings(max_examples=12)
@given(
    sizes=st.lists(st.integers(0, 120), min_size=2, max_size=4),
    prefix=st.sampled_from(["ERROR: ", "fatal: ", "FAILED ", "Traceback: error: "]),
    ratio=st.sampled_from([0.2, 0.4, 0.6]),
)
def test_no_result_takes_more_than_its_share_where_others_have_what_is_worth_more(
    sizes: list[int], prefix: str, ratio: float
) -> None:
    texts = [forged(size, seed=at, prefix=prefix) + quiet(f"part{at}", 40) for at, size in enumerate(sizes)]
    setting = Setting.of(*(result(text, turn) for turn, text in enumerate(texts, 1)))
    plan = setting.select(int(ratio * setting.total), score=lambda span: 0.9 if "went well" in span.text else 0.01)
    first, size, waiting = ([0] * len(texts) for _ in range(3))
    for span, decision in _pairs(plan):
        size[span.segment] += decision.cost
        first[span.segment] += decision.cost if decision.action is Action.KEEP and prefix in span.text else 0
        waiting[span.segment] += "went well" in span.text and decision.action is not Action.KEEP

    room = ratio * setting.total
    for at in range(len(texts)):
        others_wait = sum(waiting) - waiting[at] > FEW  # a few lines may not fit into the last room, which is used
        assert first[at] <= max(SHARE * room, room - sum(size) + size[at]) + CRUMBS or not others_wait


def _pairs(plan: cp.Plan) -> list[tuple[Any, Any]]:
    return list(zip(plan.spans, plan.decisions, strict=True))


def test_a_forged_page_in_a_session_leaves_the_values_of_other_results_in_sight() -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Which port does the billing service listen on?"}]
    answers = [forged(400), quiet("start", 30) + "the billing service listens on port 48213\n" + quiet("stop", 30)]
    for number, text in enumerate(answers):
        call = {"id": f"c{number}", "type": "function", "function": {"name": "fetch", "arguments": "{}"}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": text})
    out = cp.compress(messages, cp.Budget(tokens=900), pruner=cp.Pruner(scorer=LEXICAL, store=cp.MemoryStore()))
    assert "48213" in out.payload[-1]["content"]
    assert Kind.TOOL_RESULT in {segment.kind for segment in out.plan.context.segments}


def test_the_first_failure_of_a_result_comes_first_though_it_takes_more_than_half_of_the_room() -> None:
    failure = '{"id": 7, "status": "failed", "error": "TideError: ' + " ".join(WORDS * 4) + '"}\n'
    records = "".join(f'{{"id": {i}, "status": "ok", "note": "{WORDS[i]} moored"}}\n' for i in range(7))
    setting = Setting.of(result(records + failure), result(quiet("deploy")))
    room = tokens(failure) * 3 // 2
    assert tokens(failure) > SHARE * room
    assert "TideError" in kept(setting.select(room + 60))
