"""Laws 10 and 11 over whole sessions, as agents lead them: they go on, branch, edit, restart, and lose what they knew.

What is sent of a conversation depends on nothing but the conversation, however often and in whatever order it is sent.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import event, given, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import contextprune as cp
from contextprune.dialects import apply, read
from contextprune.markers import KEY
from contextprune.money.tariff import FAMILIES, Bill, Tariff, charge, shared
from contextprune.plan import Action
from contextprune.pruner import Pruned
from contextprune.session.replay import Request, replay
from tests import tool_outputs as outputs
from tests.strategies import BODIES, COUNTER, LEXICAL, MODELS, Hashed, Turn, long_histories, long_turns

GOAL = "Why does orders fail? Look at billing."
POLICIES: tuple[Mapping[str, Any], ...] = (
    {"window": 2400, "high_water": 0.8, "low_water": 0.5},
    {"window": 6000, "high_water": 0.8, "low_water": 0.3, "recall": 0.8},
    {"window": 2400, "epochs": False},
    {"shorten_views": True, "recall": 0.4},
)
FEW = max(3, settings().max_examples // 4)  # each one is a whole session
ALL = tuple(replace(table, least=0) for table in FAMILIES.values())


def pruner(store: cp.MemoryStore | cp.SQLiteStore, policy: Mapping[str, Any], scorer: cp.Scorer = LEXICAL) -> cp.Pruner:
    return cp.Pruner(cp.Policy(**{"min_tokens": 60, "recall": 0.6, **policy}), scorer, COUNTER, store)


def body(shape: str, model: str, history: Sequence[Turn], moving: bool) -> Any:
    """The request after `history`; a `moving` breakpoint stands at the newest results alone."""
    turns = [replace(turn, breakpoint=moving and turn is history[-1]) for turn in history]
    return {**BODIES[shape](turns, GOAL), "model": model}


def texts(payload: Any) -> list[tuple[str, str]]:
    """What is sent, piece by piece, without the breakpoints."""
    return [(segment.kind.value, segment.text) for segment in read(payload).segments]


Session = tuple[int, tuple[tuple[str, str], ...]]
"""A policy, and what came in."""


class Sessions(RuleBasedStateMachine):
    """An agent and its conversation; `sent` is what went out for each request that was ever made."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.history: list[Turn] = []
        self.sent: dict[Session, list[tuple[str, str]]] = {}
        self.quiet: dict[Session, bool] = {}  # whether no epoch lies before
        self.number, self.policy, self.last = 0, 0, 0

    @initialize(
        shape=st.sampled_from(["anthropic", "anthropic", "chat", "responses"]),
        model=st.sampled_from(MODELS),
        durable=st.booleans(),
        policy=st.integers(0, len(POLICIES) - 1),
        scorer=st.sampled_from([LEXICAL, LEXICAL, Hashed()]),
    )
    def begin(self, shape: str, model: str, durable: bool, policy: int, scorer: cp.Scorer) -> None:
        self.shape, self.model, self.policy, self.scorer = shape, model, policy, scorer
        self.moving = False
        self.store = cp.SQLiteStore(self.folder / "s.sqlite3") if durable else cp.MemoryStore()
        self.restart()
        self.request()

    def teardown(self) -> None:
        if isinstance(getattr(self, "store", None), cp.SQLiteStore):
            self.store.close()  # type: ignore[union-attr]
        shutil.rmtree(self.folder)

    def turn(self, data: st.DataObject) -> Turn:
        self.number += 1
        return data.draw(long_turns(self.number))

    @rule(data=st.data(), count=st.integers(1, 4))
    def go_on(self, data: st.DataObject, count: int) -> None:
        for _ in range(count):
            self.history = [*self.history, self.turn(data)]
            self.request()

    @precondition(lambda self: self.history)
    @rule(data=st.data(), back=st.integers(1, 3))
    def branch(self, data: st.DataObject, back: int) -> None:
        self.history = [*self.history[:-back], self.turn(data)]
        self.request()

    @precondition(lambda self: self.history)
    @rule(data=st.data(), at=st.integers(0, 30))
    def edit(self, data: st.DataObject, at: int) -> None:
        at %= len(self.history)
        self.history = [*self.history[:at], self.turn(data), *self.history[at + 1 :]]
        self.request()

    @precondition(lambda self: self.history)
    @rule()
    def regenerate(self) -> None:
        last = self.history[-1]
        self.history = [*self.history[:-1], replace(last, said=f"{last.said} Once more.")]
        self.request()

    @rule()
    def restart(self) -> None:
        if isinstance(self.store, cp.SQLiteStore):
            self.store.close()
            self.store = cp.SQLiteStore(self.store.path)
        self.engine = pruner(self.store, POLICIES[self.policy], self.scorer)

    @rule(damaged=st.booleans())
    def lose_the_ledger(self, damaged: bool) -> None:
        """What was decided is gone, or damaged; the originals and their keys are not."""
        if isinstance(self.store, cp.SQLiteStore):
            self.store.close()
            connection = sqlite3.connect(self.store.path)
            with connection:
                some = "UPDATE notes SET body = zeroblob(40) WHERE rowid % 3 = 0"
                connection.execute(some if damaged else "DELETE FROM notes")
            connection.close()
        else:
            self.store = cp.MemoryStore()
        self.restart()
        self.request()

    @rule(policy=st.integers(0, len(POLICIES) - 1))
    def change_the_policy(self, policy: int) -> None:
        self.policy = policy
        self.restart()
        self.request()

    @precondition(lambda self: len(self.history) > 1)
    @rule(count=st.integers(0, 30))
    def send_less_in_between(self, count: int) -> None:
        self.request(self.history[: count % len(self.history)])

    @precondition(lambda self: self.shape == "anthropic")
    @rule()
    def mark_the_newest_from_now_on(self) -> None:
        self.moving = not self.moving
        self.request()

    @precondition(lambda self: self.quiet[self.key(self.history)])
    @rule()
    def compress_the_output(self) -> None:
        """Law 11, where no epoch lies before: after one, what it spared counts as it never did when it was sent."""
        payload = body(self.shape, self.model, self.history, self.moving)
        out = apply(payload, self.engine(read(payload)).edits)
        again = self.engine(read(out))
        if not again.epoch:
            assert again.edits == {}

    def key(self, history: Sequence[Turn]) -> Session:
        return self.policy, tuple(texts(body(self.shape, self.model, history, moving=False)))

    def request(self, history: Sequence[Turn] | None = None) -> None:
        history = self.history if history is None else history
        payload = body(self.shape, self.model, history, self.moving)
        context = read(payload)
        done = self.engine(context)
        sent = [(segment.kind.value, done.edits.get(segment.ref, segment.text)) for segment in context.segments]
        key, earlier = self.key(history), self.key(history[:-1])
        note(f"{len(history)} turns, epoch: {done.epoch}")
        self.check_one(context, done)
        if key in self.sent:
            assert sent == self.sent[key], "the same request came out otherwise"
        elif earlier in self.sent and not done.epoch:
            assert sent[: len(self.sent[earlier])] == self.sent[earlier], "what was sent changed without an epoch"
        self.sent[key] = sent
        before = not history or self.quiet.get(earlier, False)
        self.quiet[key] = self.quiet.get(key, True) and before and not done.epoch

    def check_one(self, context: cp.Context, done: Pruned) -> None:
        """What holds of every request by itself: nothing grows, all comes back, and what is bound stands."""
        assert not (context.bound and done.epoch)
        for segment, (before, after) in zip(context.segments, done.sizes, strict=True):
            assert after <= before
            text = done.edits.get(segment.ref)
            if text is not None and segment.kind is not cp.Kind.IMAGE:
                assert len(text.encode()) <= len(segment.text.encode("utf-8", "surrogatepass"))
                assert COUNTER(text) == after
                assert segment.text in self.given_back(segment.kind.value, segment.text, text)

    @invariant()
    def nothing_is_forgotten_of_what_stands_in_the_context(self) -> None:
        """Law 12: whatever the current output refers to can be given back."""
        sent = self.sent.get(self.key(self.history)) if hasattr(self, "shape") else None
        for (kind, text), (_, original) in zip(sent or (), self.key(self.history)[1] if sent else (), strict=True):
            if text != original and kind != cp.Kind.IMAGE:
                assert original in self.given_back(kind, original, text)

    def given_back(self, kind: str, original: str, text: str) -> list[str | None]:
        """What can be had again of a piece: by the keys in what is sent; reasoning leaves no note, only its own key."""
        store = self.engine.store
        unnoted = kind == cp.Kind.REASONING.value and not text
        return [store.get(key) for key in ([store.key(original)] if unnoted else KEY.findall(text))]


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=FEW, stateful_step_count=14)


def bills(requests: Sequence[Request], table: Tariff) -> list[tuple[float, float]]:
    """What all requests up to each one cost, without and with us."""
    plain, ours, found = Bill(), Bill(), []
    earlier = Request(0, (), (), epoch=False, edits={}, seconds=0.0)
    for request in requests:
        plain += charge(earlier.before, request.before, table)
        ours += charge(earlier.after, request.after, table)
        found.append((plain.dollars(table), ours.dollars(table)))
        earlier = request
    return found


@settings(max_examples=max(3, FEW // 2))
@given(history=long_histories(), model=st.sampled_from(["", "m", "gpt-4o"]), recall=st.sampled_from([0.3, 0.8]))
def test_no_session_costs_more_at_any_time_under_any_prices_that_may_apply(
    history: list[Turn], model: str, recall: float
) -> None:
    """No window is ever full here, so an epoch happens only where it is paid from what was saved before."""
    engine = pruner(cp.MemoryStore(), {"window": 10_000_000, "recall": recall, "shorten_views": True})
    requests = list(replay(read(body("chat", model, history, moving=False)), engine))
    tables = [table for table in ALL if model in ("", "m") or table.name == "openai-4o"]
    event(f"epochs: {sum(request.epoch for request in requests)}")
    for table in tables:
        assert all(ours <= plain + 1e-12 for plain, ours in bills(requests, table)), table.name


@settings(max_examples=max(3, FEW // 2))
@given(history=long_histories(8, 16), policy=st.sampled_from(POLICIES[:2]))
def test_what_was_decided_turn_by_turn_is_what_one_call_on_all_of_it_decides(
    history: list[Turn], policy: Mapping[str, Any]
) -> None:
    context = read(body("anthropic", "claude-sonnet-4-5", history, moving=False))
    turn_by_turn = list(replay(context, pruner(cp.MemoryStore(), policy)))[-1]
    assert turn_by_turn.edits == pruner(cp.MemoryStore(), policy)(context).edits


@settings(max_examples=FEW)
@given(
    history=long_histories(6, 12), shape=st.sampled_from(sorted(BODIES)), scorer=st.sampled_from([LEXICAL, Hashed()])
)
def test_where_only_repetitions_go_all_that_goes_is_sent_word_for_word_further_up(
    history: list[Turn], shape: str, scorer: cp.Scorer
) -> None:
    policy = {"repetitions_only": True, "recall": 0.1, "shorten_views": True, "window": 1000}
    engine = pruner(cp.MemoryStore(), policy, scorer)
    for number in range(1, len(history) + 1):
        context = read(body(shape, "m", history[:number], moving=True))
        done = engine(context, cold=True)
        sent = [done.edits.get(segment.ref, segment.text) for segment in context.segments]
        for span, decision in zip(done.plan.spans, done.plan.decisions, strict=True):
            if decision.action is not Action.KEEP:
                assert span.text.rstrip("\r\n") in "\n".join(sent[: span.segment])


def step(n: int, thought: str | None = None) -> Turn:
    results = ((f"c{n}", outputs.csv(40, n)),)
    return Turn(f"Step {n}.", thought, results, (0,), None, failed=False, breakpoint=False, extra=0)


def test_a_full_window_begins_an_epoch_and_what_follows_is_stable_again() -> None:
    history = [step(n) for n in range(30)]
    context = read(body("anthropic", "claude-sonnet-4-5", history, moving=False))
    requests = list(replay(context, pruner(cp.MemoryStore(), {"window": 9000, "low_water": 0.4})))
    epochs = [n for n, request in enumerate(requests) if request.epoch]
    assert 0 < len(epochs) <= 5
    for n, (old, new) in enumerate(pairwise(requests), start=1):
        assert (shared(old.after, new.after) == len(old.after)) == (n not in epochs)


def test_a_first_signed_thought_after_an_epoch_takes_nothing_of_it_back() -> None:
    """The thought was signed over what was sent, epoch included."""
    history = [step(n, thought="Hmm." if n == 11 else None) for n in range(14)]
    engine, old, epochs = pruner(cp.MemoryStore(), {"window": 6000, "low_water": 0.4}), list[str](), 0
    for n in range(len(history) + 1):
        context = read(body("anthropic", "claude-opus-5-5", history[:n], moving=False))
        done = engine(context)
        sent = [done.edits.get(segment.ref, segment.text) for segment in context.segments]
        assert done.epoch or sent[: len(old)] == old
        assert not (context.bound and done.epoch)
        old, epochs = sent, epochs + done.epoch
    assert epochs
