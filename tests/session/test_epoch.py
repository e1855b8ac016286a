"""Epochs: rare, paid for, deliberate; and what they leave alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import contextprune as cp
from contextprune.context import Context, Kind, Ref
from contextprune.markers import KEEP
from contextprune.money.payback import SPACING
from contextprune.money.tariff import FAMILIES, Bill, charge
from contextprune.policy import Rule
from contextprune.pruner import Pruned
from contextprune.selection.targets import EPOCH_WORTH
from contextprune.session.epoch import Changed, run_epoch
from contextprune.session.replay import replay
from contextprune.splitting import split
from contextprune.text.failure_lines import failure_lines
from tests.session.conversations import Step, look, pruner, requests, said, source, state_of, step, talk, tools, work
from tests.tool_outputs import code, log

CHEAP: Mapping[str, Any] = {"prices": "openai", "recall": 0.3}
"""A policy under which a session of half views, half logs has an epoch at its 29th request."""
LONG = talk(*work(45))
Runs: TypeAlias = list[Pruned]


def run(context: Context, engine: cp.Pruner) -> list[Pruned]:
    """What each request of a conversation became."""
    return [engine(one) for one in requests(context)]


@pytest.fixture(scope="module")
def long_run() -> Runs:
    """The long session, request by request."""
    return run(LONG, pruner(**CHEAP))


def epochs(context: Context, **policy: Any) -> list[int]:
    """The requests that began an epoch."""
    return [n for n, done in enumerate(run(context, pruner(**{**CHEAP, **policy}))) if done.epoch]


def once(*steps: Step, cold: bool = True, bound: bool = False, **policy: Any) -> tuple[Context, Changed]:
    """What an epoch before the last request of a conversation would change, with a cold cache."""
    using = tools(cp.Policy(**{**CHEAP, **policy}))
    context = talk(*steps, bound=bound)
    return context, run_epoch(using, state_of(using, context), context, cold=cold)


def shrunk(context: Context, changed: Changed) -> dict[Ref, str]:
    return {context.segments[i].ref: text for i, text, _ in changed}


class TestWhen:
    def test_old_blocks_are_decided_anew_once_that_is_paid_for(self, long_run: Runs) -> None:
        assert any(done.epoch for done in long_run)

    def test_epochs_lie_far_apart(self) -> None:
        found = epochs(talk(*work(70)))
        assert len(found) > 1
        assert all(b - a >= SPACING for a, b in zip([0, *found], found, strict=False))

    def test_an_epoch_removes_enough_to_be_worth_it(self, long_run: Runs) -> None:
        for last, one in pairwise(long_run):
            if one.epoch:
                was = [after for _, after in last.sizes]
                now = [after for _, after in one.sizes][: len(was)]
                assert sum(was) - sum(now) >= EPOCH_WORTH * sum(was)

    def test_none_comes_where_the_policy_forbids_them(self) -> None:
        assert epochs(LONG, epochs=False) == []

    def test_none_comes_where_nothing_was_saved_that_could_pay(self) -> None:
        views = talk(said("Look."), *(step(source(n), "read_file", f"src/{n}.py") for n in range(45)))
        assert epochs(views) == []

    def test_none_comes_where_signed_reasoning_is_bound_to_the_history(self) -> None:
        signed = tuple(replace(s, editable=False) for s in step("ok", thought="Hmm."))
        assert once(*work(30), signed, said("Go on."))[1]
        assert once(*work(30), signed, said("Go on."), bound=True)[1] == ()

    def test_until_a_signed_thought_stands_nothing_is_bound(self) -> None:
        open_ = step("ok", thought="Hmm.")
        plain = once(*work(30), open_, said("Go on."))[1]
        assert plain
        assert once(*work(30), open_, said("Go on."), bound=True)[1] == plain

    def test_an_empty_conversation_has_none(self) -> None:
        using = tools()
        assert run_epoch(using, state_of(using, Context(())), Context(()), cold=True) == ()


class TestFull:
    def test_one_that_was_paid_for_comes_at_the_high_water(self) -> None:
        done = run(talk(*work(60)), pruner(recall=0.3, window=40_000, high_water=0.5, low_water=0.2))
        sent = [sum(after for _, after in one.sizes) for one in done]
        first = next(n for n, one in enumerate(done) if one.epoch)
        assert 0.45 * 40_000 < sent[first - 1] < 0.6 * 40_000
        assert sent[first] < 0.8 * sent[first - 1]

    def test_it_takes_more_of_what_is_long_past_than_of_what_came_later(self) -> None:
        views = [step(source(n), "read_file", f"src/{n}.py") for n in range(40)]
        done = run(talk(said("Look."), *views), pruner(window=20_000, high_water=0.6, low_water=0.3))
        first = next(one for one in done if one.epoch)
        left = [after / before for before, after in first.sizes if before > 200]
        assert left[0] < left[-8] < left[-1] == 1.0

    def test_what_is_not_paid_for_waits_until_the_window_is_nearly_full(self) -> None:
        views = [step(source(n), "read_file", f"src/{n}.py") for n in range(40)]
        done = run(talk(said("Look."), *views), pruner(window=20_000, high_water=0.6, low_water=0.3))
        sent = [sum(after for _, after in one.sizes) for one in done]
        first = next(n for n, one in enumerate(done) if one.epoch)
        assert sent[first - 1] > 0.75 * 20_000
        assert sent[first] <= 0.33 * 20_000
        assert max(sent) < 20_000


class TestWhat:
    def test_what_the_model_has_just_seen_stays(self) -> None:
        context, changed = once(*work(30), said("Go on."))
        newest = context.segments[-1].turn
        assert changed
        assert all(newest - context.segments[i].turn >= 4 for i, _, _ in changed)

    def test_nothing_grows(self) -> None:
        using = tools(cp.Policy(**CHEAP))
        context = talk(*work(30), said("Go on."))
        state = state_of(using, context)
        for i, text, tokens in run_epoch(using, state, context, cold=True):
            assert tokens < state.after[i]
            assert tokens == using.counter(text)
            assert len(text.encode()) <= len(state.text(i).encode())

    def test_no_failure_line_is_lost(self) -> None:
        steps = [*work(12), *[step(log(40, 1) + f"\nERROR: port {n} is taken\n") for n in range(4)], *work(12)]
        context, changed = once(*steps, said("Go on."), low_water=0.1, high_water=0.1, window=9000)
        texts = {i: text for i, text, _ in changed}
        visible = "\n".join(texts.get(i, s.text) for i, s in enumerate(context.segments))
        spans = split(context)
        assert changed
        assert all(spans[i].text.strip() in visible for i in failure_lines(context, spans))

    def test_a_failure_that_nothing_has_mended_stays_as_it_was_sent(self) -> None:
        failed = step(log(60, 500) + "\nFAILED: no space left\n", "deploy", failed=True)
        context, changed = once(failed, *work(40), said("Go on."))
        assert ("messages", 1) not in shrunk(context, changed)
        fine = step("deployed", "deploy")
        context, changed = once(failed, *work(40), fine, *work(6), said("Go on."), recall=0.95)
        assert any(ref == ("messages", 1) for ref in shrunk(context, changed))

    def test_an_original_that_was_asked_back_stays(self) -> None:
        context = talk(*work(3))
        engine = pruner(**CHEAP)
        done = run(context, engine)[-1]
        short = next(ref for ref, text in done.edits.items() if "recall=" in text)
        original = next(s.text for s in context.segments if s.ref == short)
        back = step(original, "bash", f"contextprune recall {engine.store.key(original)}")
        using = replace(tools(cp.Policy(**CHEAP)), store=engine.store)
        whole = talk(*work(3), back, *work(40), said("Go on."))
        at = len(context.segments) + 1
        assert whole.segments[at].text == original
        changed = run_epoch(using, state_of(using, whole), whole, cold=True)
        assert changed
        assert at not in {i for i, _, _ in changed}

    @pytest.mark.parametrize(
        "policy",
        [
            {"exclude_tools": ("read_*",)},
            {"tools": {"read_*": Rule(recall=1.0)}},
            {"tools": {"*": Rule(min_tokens=9999)}},
        ],
    )
    def test_tools_that_the_policy_leaves_alone_stay(self, policy: dict[str, Any]) -> None:
        context, changed = once(*work(30), said("Go on."), **policy)
        assert all(context.segments[i].name != "read_file" for i, _, _ in changed)

    def test_what_is_marked_to_be_kept_stays(self) -> None:
        kept = step(code(60, 99) + f"\n{KEEP}# the port is 8123\n", "read_file", "src/port.py")
        context, changed = once(kept, *work(24), said("Go on."))
        assert "the port is 8123" in shrunk(context, changed)["messages", 1]


class TestReasoning:
    THOUGHT = "First the parser, then billing. " * 30

    def test_what_the_provider_lets_go_goes_first(self) -> None:
        thinking = [step("ok", thought=self.THOUGHT) for _ in range(8)]
        context, changed = once(said("Fix it."), *thinking, said("And the tests?"))
        assert changed
        assert {text for _, text, _ in changed} == {""}
        assert all(context.segments[i].kind is Kind.REASONING for i, _, _ in changed)

    def test_until_the_user_speaks_again_it_stays(self) -> None:
        thinking = [step("ok", thought=self.THOUGHT) for _ in range(8)]
        assert once(said("Fix it."), *thinking)[1] == ()

    def test_what_is_signed_stays(self) -> None:
        signed = [tuple(replace(s, editable=False) for s in step("ok", thought=self.THOUGHT)) for _ in range(8)]
        assert once(said("Fix it."), *signed, said("And the tests?"))[1] == ()


class TestImages:
    def test_old_screens_become_notes(self) -> None:
        screens = [look(f"{n}" * 4000) for n in range(9)]
        context, changed = once(said("Book it."), *screens, said("Go on."), images=2)
        assert [context.segments[i].kind for i, _, _ in changed] == [Kind.IMAGE] * len(changed)
        assert len(changed) == 5  # of nine four are recent

    def test_their_sources_can_be_had_again(self) -> None:
        screens = [look(f"{n}" * 4000) for n in range(9)]
        engine = pruner(**CHEAP)
        done = engine(talk(said("Book it."), *screens, said("Go on.")), cold=True)
        key = engine.store.key("0" * 4000)
        assert any(key in text for text in done.edits.values())
        assert cp.recall(key, pruner=engine) == "0" * 4000


class TestCold:
    def test_an_epoch_comes_at_once(self) -> None:
        context = talk(*work(26), said("Go on."))
        assert not pruner(**CHEAP)(context).epoch
        assert pruner(**CHEAP)(context, cold=True).epoch

    def test_it_is_remembered(self) -> None:
        steps = [*work(26), said("Go on.")]
        engine = pruner(**CHEAP)
        first = engine(talk(*steps), cold=True)
        later = engine(talk(*steps, step("ok")))
        assert first.edits == {ref: later.edits[ref] for ref in first.edits}
        assert not later.epoch

    def test_what_was_sent_already_does_not_change_again(self) -> None:
        context = talk(*work(26), said("Go on."))
        engine = pruner(**CHEAP)
        first = engine(context)
        assert engine(context, cold=True).edits == first.edits

    def test_little_to_remove_is_left_alone(self) -> None:
        assert once(said("Hi."), step("ok"), *[step(f"all {n} are well") for n in range(8)])[1] == ()


class TestPurity:
    def test_a_history_decided_all_at_once_comes_out_equal(self, long_run: Runs) -> None:
        assert pruner(**CHEAP)(LONG).edits == long_run[-1].edits

    def test_breakpoints_that_move_on_change_nothing(self, long_run: Runs) -> None:
        engine = pruner(**CHEAP)
        for context, done in zip(requests(LONG), long_run, strict=True):
            *others, last = context.segments
            assert engine(replace(context, segments=(*others, replace(last, marked=True)))).edits == done.edits

    def test_only_an_epoch_changes_what_was_sent(self, long_run: Runs) -> None:
        for last, one in pairwise(long_run):
            if not one.epoch:
                assert all(one.edits[ref] == text for ref, text in last.edits.items())


@settings(max_examples=10)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(0, 60), st.integers(0, 80)), min_size=4, max_size=7
    ),
    st.sampled_from(["", "openai", "anthropic", "uncached"]),
)
def test_no_session_costs_more_wherever_it_ends(parts: list[tuple[int, int, int, int]], prices: str) -> None:
    """Sessions of views and logs of all sizes, charged after each request under every table that may apply."""
    steps = [one for seed, turns, view, noise in parts for one in work(turns + 3, seed, view, noise)]
    start = said("Be careful with the tests. " * 250)  # no prompt is too short to be cached
    engine = pruner(recall=0.3, prices=prices)
    names = [prices] if prices else list(FAMILIES)
    whole, ours = ({name: Bill() for name in names} for _ in range(2))
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()
    for request in replay(talk(start, *steps), engine):
        for name in names:
            whole[name] += charge(before, request.before, FAMILIES[name])
            ours[name] += charge(after, request.after, FAMILIES[name])
            assert ours[name].dollars(FAMILIES[name]) <= whole[name].dollars(FAMILIES[name]) * (1 + 1e-9)
        before, after = request.before, request.after


@pytest.mark.parametrize("policy", [{"repetitions_only": True}, {"repetitions_only": True, "window": 3000}])
def test_none_comes_where_only_repetitions_go_however_full_the_window_and_cold_the_cache(policy: Any) -> None:
    assert once(*work(30))[1]
    assert once(*work(30), **policy)[1] == ()
    assert epochs(LONG, **policy) == []
