"""One body through all laws: as it arrives, under a budget, cut shorter before, and once more on its own output."""

from __future__ import annotations

import json
import random
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import contextprune as cp
from contextprune.dialects import apply, detect, read
from contextprune.dialects.splice import splice
from tests.laws.bodies import Body, body_of
from tests.laws.changes import changes, frees_of
from tests.laws.oracles import Sent, broken_laws
from tests.laws.spelling import spelled

POLICIES = (
    cp.Policy(), cp.Policy(), cp.Policy(min_tokens=0, recall=0.6), cp.Policy(recall=0.3, shorten_views=True),
    cp.Policy(repetitions_only=True),
)  # fmt: skip


@dataclass(slots=True)
class Trial:
    """What became of one body.

    broken    a sentence for each law that does not hold
    digest    of all that came out, to compare processes with
    shorter   texts that changed, by mode
    """

    seed: int
    wire: str
    broken: list[str]
    digest: str
    shorter: tuple[int, int]
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A body, its bytes and the tree that they read as, and how it is to be decided."""

    body: Body
    raw: bytes
    old: Any
    policy: cp.Policy
    scorer: cp.Scorer
    counter: cp.Counter

    def pruner(self) -> cp.Pruner:
        """A pruner that knows of nothing."""
        return cp.Pruner(self.policy, self.scorer, self.counter, cp.MemoryStore())

    def send(self, budget: cp.Budget | None, pruner: cp.Pruner, **how: Any) -> tuple[Sent, bool]:
        """The body through the engine and both ways back, as an object and as bytes; and whether an epoch happened."""
        done = pruner(read(self.old, format=self.body.wire), budget, **how)
        new, report = apply(self.old, done.edits), done.report
        ceiling = None if budget is None else budget.resolve(report.before)
        changed, raw = list(changes(self.body.tree, self.old, new)), splice(self.raw, done.edits)
        sizes = report.before, report.after
        return Sent(self.body, self.old, new, self.raw, raw, changed, *sizes, ceiling, report.key), done.epoch


def run_trial(seed: int, scorer: cp.Scorer, counter: cp.Counter, size: int = 900) -> Trial:
    """Try the body of a seed. Nothing that it does can end the run: an error is a broken law."""
    return try_body(body_of(seed, size), random.Random(seed), scorer, counter)


def try_body(body: Body, rng: random.Random, scorer: cp.Scorer, counter: cp.Counter) -> Trial:
    """Try one body."""
    raw = spelled(rng, body.tree)
    trial = Trial(body.seed, body.wire, [], "", (0, 0))
    digest = sha256(raw)
    policy, ratio = rng.choice(POLICIES), rng.choice((0.1, 0.3, 0.3, 0.5, 0.7, 0.9))
    budget = cp.Budget(tokens=rng.randint(0, 3000)) if rng.random() < 0.2 else cp.Budget(ratio=ratio)
    try:
        case = Case(body, raw, json.loads(raw.decode("utf-8-sig")), policy, scorer, counter)
        if not body.broken and detect(case.old).name != body.wire:
            trial.broken.append(f"detect: {body.wire} was taken for {detect(case.old).name}")
        arrived = _on_arrival(case, trial)
        trial.broken += _turn_by_turn(case, rng, arrived)
        budgeted = _under_budget(case, budget, arrived.before, trial)
        digest.update(arrived.raw_new + budgeted)
    except cp.PayloadError as error:
        trial.refused = True
        if not body.broken:
            trial.broken.append(f"error: {error}")
    except Exception:  # noqa: BLE001 - whatever it is, it is what the trial is for
        trial.broken.append(f"error: {traceback.format_exc(limit=-6)}")
    trial.digest = digest.hexdigest()
    return trial


def _on_arrival(case: Case, trial: Trial) -> Sent:
    """The laws of a conversation that is decided at once."""
    pruner = case.pruner()
    sent, epoch = case.send(None, pruner)
    trial.broken += broken_laws(sent, pruner)
    trial.shorter = len(sent.changed), 0
    if not epoch and pruner(read(sent.new, format=case.body.wire)).edits:
        trial.broken.append("11: the output of arrival is shortened again")
    return sent


def _turn_by_turn(case: Case, rng: random.Random, sent: Sent) -> Iterator[str]:
    """Laws 9 and 10: a shorter request before does not matter, and what it sent was the beginning of this one."""
    at = case.body.at
    old: Any = case.old
    messages: Any = old if at is None else old[at]
    if case.body.broken or not isinstance(messages, list):
        return
    cut, pruner = rng.randint(0, len(messages)), case.pruner()
    shorter = messages[:cut] if at is None else {**old, at: messages[:cut]}
    first = cp.compress(shorter, pruner=pruner, format=case.body.wire)
    whole = cp.compress(old, pruner=pruner, format=case.body.wire)

    trees: tuple[Any, ...] = first.payload, whole.payload, sent.new
    begun, done, want = (tree if at is None else tree[at] for tree in trees)
    if not first.report.epoch and json.dumps(begun) != json.dumps(want[:cut]):
        yield f"10: the first {cut} of {len(messages)} messages are sent otherwise without the others"
    if not whole.report.epoch and json.dumps(done) != json.dumps(want):
        yield f"9: sent otherwise after a request of the first {cut} messages"


def _under_budget(case: Case, budget: cp.Budget, size: int, trial: Trial) -> bytes:
    """The laws under a budget; the bytes sent, those that came in where the budget was refused."""
    pruner = case.pruner()
    try:
        sent, _ = case.send(budget, pruner)
    except cp.BudgetError as error:
        trial.broken += _refused_rightly(case, error, budget.resolve(size), size)
        return case.raw
    trial.broken += broken_laws(sent, pruner)
    trial.shorter = trial.shorter[0], len(sent.changed)
    named = not sent.key or sent.key in json.dumps(sent.new)
    if named and pruner(read(sent.new, format=case.body.wire), budget).edits:
        trial.broken.append(f"11: the output under {budget} is shortened again")
    return sent.raw_new


def _refused_rightly(case: Case, error: cp.BudgetError, ceiling: int, size: int) -> Iterator[str]:
    """A budget is refused for what is protected alone, and a token or two for each block that may go."""
    if error.needed <= ceiling:
        yield f"3: {error.needed} tokens are asked for under a budget of {ceiling}"
    free = [text for text in frees_of(case.body.tree) if len(text.encode("utf-8", "replace")) > 12 and not text.marked]
    kept = sum(case.counter(passage) + 8 for text in free for passage in text.made.kept)
    fixed = size - sum(max(0, case.counter(text) - 3) for text in free)
    if error.needed > fixed + kept and not case.body.broken:
        yield f"3: {error.needed} tokens are asked for, and no more than {fixed + kept} are protected"
