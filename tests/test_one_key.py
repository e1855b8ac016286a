from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import contextprune as cp
from contextprune.dialects import read
from contextprune.markers import KEY, MARKER
from contextprune.selection.protection import movable
from contextprune.storage.bundle import bundled
from tests.strategies import ALL_SHAPES, BODIES, COUNTER, Turn, payloads, pruner
from tests.test_laws import tokens
from tests.tool_outputs import listing, log

QUESTION = "Which stage stopped the pipeline?"
SHORTEST = "[...]"


def body_of(shape: str, texts: list[str]) -> dict[str, Any]:
    """One call a turn, each with a result of its own."""
    turns = [
        Turn(None, None, ((f"call_{k}", text),), (0,), None, failed=False, breakpoint=False, extra=0)
        for k, text in enumerate(texts)
    ]
    body: dict[str, Any] = BODIES[shape](turns, QUESTION)
    return body


def stages(count: int) -> list[str]:
    """Short results, none of which has room for a marker with words and a key."""
    return [
        f"stage {k} of the pipeline ended well after {k + 3} steps, and {k * 7} files moved on" for k in range(count)
    ]


def results(payload: Any) -> list[str]:
    return [segment.text for segment in read(payload).segments if segment.kind is cp.Kind.TOOL_RESULT]


def floor(payload: Any, engine: cp.Pruner) -> int:
    """Tokens of what the caller protected, and one for each result that is longer than the shortest marker."""
    context = read(payload)
    may_change = movable(context, engine.policy, ())
    least = 0
    for i, segment in enumerate(context.segments):
        size = segment.cost if segment.cost is not None else COUNTER(segment.text)
        is_long = i in may_change and len(segment.text) > len(SHORTEST)
        least += min(size, COUNTER(SHORTEST)) if is_long else size
    return least


@given(payloads(shapes=ALL_SHAPES), st.integers(0, 60))
def test_any_budget_that_holds_what_is_protected_is_held_whatever_markers_take(payload: Any, more: int) -> None:
    engine = pruner()
    ceiling = floor(payload, engine) + more
    out = cp.compress(payload, cp.Budget(tokens=ceiling), pruner=engine)
    assert tokens(out.payload) == out.report.after <= ceiling


@given(payloads(shapes=ALL_SHAPES), st.integers(0, 60))
@settings(max_examples=8)
def test_compressing_what_one_key_stands_for_changes_nothing(payload: Any, more: int) -> None:
    engine = pruner()
    budget = cp.Budget(tokens=floor(payload, engine) + more)
    once = cp.compress(payload, budget, pruner=engine).payload
    assert cp.compress(once, budget, pruner=engine).payload is once


@pytest.mark.parametrize("shape", ALL_SHAPES)
def test_where_no_block_has_room_for_a_key_one_of_them_names_that_of_all(shape: str) -> None:
    engine, body = pruner(), body_of(shape, stages(40))
    out = cp.compress(body, cp.Budget(tokens=floor(body, engine) + 40), pruner=engine)
    texts = results(out.payload)
    (key,) = KEY.findall("\n".join(texts))
    assert out.report.key == key
    assert key in [text for text, before in zip(texts, results(body), strict=True) if text != before][-1]

    given_back = cp.recall(key, pruner=engine)
    changed = [before for before, after in zip(results(body), texts, strict=True) if before != after]
    assert len(changed) > 30
    assert list(bundled(given_back).values()) == changed


def test_what_the_key_gives_back_says_which_block_each_text_is() -> None:
    engine, body = pruner(), body_of("chat", stages(40))
    out = cp.compress(body, cp.Budget(tokens=floor(body, engine) + 20), pruner=engine)
    given_back = cp.recall(out.report.key, pruner=engine)
    segments = read(body).segments
    parts = bundled(given_back)
    assert len(parts) >= 35
    assert all(segments[i].text == text for i, text in parts.items())
    assert re.search(
        r"^=== block \d+ of \d+: tool result \S+ call_7; \d+ characters, recall=", given_back, re.MULTILINE
    )


def test_each_text_can_be_recalled_by_itself_with_its_own_key() -> None:
    engine, body = pruner(), body_of("anthropic", stages(40))
    out = cp.compress(body, cp.Budget(tokens=floor(body, engine) + 20), pruner=engine)
    keys = KEY.findall(cp.recall(out.report.key, pruner=engine))
    assert len(keys) >= 35
    assert {cp.recall(key, pruner=engine) for key in keys} <= set(stages(40))


def test_where_not_even_one_key_fits_the_report_has_it() -> None:
    engine, body = pruner(), body_of("responses", stages(40))
    out = cp.compress(body, cp.Budget(tokens=floor(body, engine)), pruner=engine)
    assert set(results(out.payload)) == {SHORTEST}
    assert stages(40)[11] in cp.recall(out.report.key, pruner=engine)
    assert f"recall={out.report.key}" in str(out.report)


def test_one_shortened_block_has_its_own_key() -> None:
    text = stages(1)[0]
    engine, body = pruner(), body_of("chat", [text])
    out = cp.compress(body, cp.Budget(tokens=floor(body, engine) + 1), pruner=engine)
    assert results(out.payload) == [SHORTEST]
    assert cp.recall(out.report.key, pruner=engine) == text


def test_room_that_short_markers_leave_goes_to_text() -> None:
    engine, body = pruner(), body_of("chat", stages(40))
    out = cp.compress(body, cp.Budget(tokens=floor(body, engine) + 150), pruner=engine)
    assert len(set(results(out.payload)) & set(stages(40))) >= 4
    assert out.report.after >= floor(body, engine) + 130


def test_short_markers_keep_json_well_formed() -> None:
    rows = [json.dumps([{"id": k * 10 + n, "state": "open" * (n % 3)} for n in range(6)]) for k in range(30)]
    engine, body = pruner(), body_of("chat", rows)
    out = cp.compress(body, cp.Budget(tokens=floor(body, engine) + 200), pruner=engine)
    for text in results(out.payload):
        assert MARKER.fullmatch(text) or isinstance(json.loads(text), list)


def test_without_hints_no_key_is_named_anywhere() -> None:
    plain = cp.Pruner(cp.Policy(min_tokens=0), cp.load_scorer("lexical"), COUNTER, cp.MemoryStore(), hints=False)
    body = body_of("chat", stages(40))
    out = cp.compress(body, cp.Budget(tokens=floor(body, plain)), pruner=plain)
    assert "recall=" not in json.dumps(out.payload) + str(out.report)


def test_a_budget_below_what_is_protected_is_still_an_error() -> None:
    engine, body = pruner(), body_of("chat", stages(40))
    with pytest.raises(cp.BudgetError) as caught:
        cp.compress(body, cp.Budget(tokens=floor(body, engine) - 1), pruner=engine)
    assert caught.value.needed == floor(body, engine)


def test_short_markers_come_where_the_usual_ones_would_take_much_of_a_budget_and_not_where_they_take_little() -> None:
    texts = [log(30, seed) for seed in range(8)]
    engine, body = pruner(), body_of("chat", texts)
    beside = floor(body, engine) - len(texts)
    tight = cp.compress(body, cp.Budget(tokens=beside + 500), pruner=engine)
    roomy = cp.compress(body, cp.Budget(tokens=beside + 3000), pruner=engine)
    assert len(KEY.findall(json.dumps(tight.payload))) == 1
    assert tight.report.key
    assert len(KEY.findall(json.dumps(roomy.payload))) > 1
    assert not roomy.report.key


def test_identifiers_take_the_room_that_keys_would_have_taken() -> None:
    texts = [listing(30, seed) for seed in range(8)]
    engine, body = pruner(), body_of("chat", texts)
    out = cp.compress(body, cp.Budget(tokens=floor(body, engine) + 400), pruner=engine)
    assert re.search(r"\[\.\.\. \| \S", json.dumps(out.payload))


GATES = [f"gate {n} was opened at {n * 7 % 60} past noon by guard {n % 5}\n" for n in range(160)]
STUCK = "ERROR: gate 12 is stuck\n"


def test_a_failure_that_fits_stays_and_a_marker_shows_no_line_in_its_stead() -> None:
    text = "".join((*GATES[:80], STUCK, *GATES[80:]))
    out = cp.compress(text, cp.Budget(tokens=40), pruner=pruner())
    assert STUCK in out.text
    assert 'like "' not in out.text
