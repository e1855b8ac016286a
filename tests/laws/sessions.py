"""Sessions as bad days make them: late decisions, restarts, replicas, forks, compactions, heads that change.

Whatever happens, what was sent of a message is sent again, byte for byte, unless an epoch is reported; and at any time
each text that is missing can be had.
"""

from __future__ import annotations

import json
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import contextprune as cp
from contextprune.dialects import apply, read
from tests.laws.bodies import Body, body_of
from tests.laws.oracles import broken_laws
from tests.laws.trials import Case

STEPS = 14
MODEL_MADE = {"assistant", "model"}


@dataclass(slots=True)
class Session:
    """A conversation that goes on: its messages as generated and as read, and what was sent of them last."""

    body: Body
    old: Any
    ends: list[int]
    at: int = 0
    sent: list[str] = field(default_factory=list)


class Trouble:
    """One seed's sessions over one store, with one pruner or two that know nothing of one another."""

    def __init__(self, seed: int, scorer: cp.Scorer, counter: cp.Counter, folder: Path | None, turns: int) -> None:
        self.rng = random.Random(seed)
        self.broken: list[str] = []
        self._scorer, self._counter, self._path = (
            scorer,
            counter,
            None if folder is None else folder / f"{seed}.sqlite3",
        )
        self._policy = cp.Policy(
            min_tokens=self.rng.choice((0, 100)),
            recall=self.rng.choice((0.3, 0.6, 0.95)),
            window=self.rng.choice((200_000, 3_000)),
        )
        self._lasting = self.rng.random() < 0.5
        self._store: Any = cp.MemoryStore() if self._path is None else cp.SQLiteStore(self._path)
        self._pruners = self._replicas()
        body = _long_body(seed, turns)
        old = json.loads(json.dumps(body.tree))
        self.sessions = [Session(body, old, _ends(_messages(body, old)))]
        self.late = self.redecided = False

    def run(self) -> list[str]:
        """Some steps, then the sentences for what did not hold."""
        try:
            for _ in range(STEPS):
                step = self.rng.choice(
                    (
                        self.go_on,
                        self.go_on,
                        self.go_on,
                        self.again,
                        self.restart,
                        self.be_late,
                        self.at_once,
                        self.new_head,
                        self.fork,
                        self.compact,
                    )
                )
                step(self.rng.choice(self.sessions))
        finally:
            if self._path is not None:
                self._store.close()
        return self.broken

    def go_on(self, session: Session) -> None:
        """The next request."""
        session.at = min(session.at + 1, len(session.ends) - 1)
        self._request(session)

    def again(self, session: Session) -> None:
        """The same request once more: the client did not get the answer."""
        self._request(session)

    def restart(self, session: Session) -> None:
        """The process ends; what it kept on disk is all that the next one knows."""
        if self._path is not None:
            self._store.close()
            self._store = cp.SQLiteStore(self._path)
            self._pruners = self._replicas()
        self._request(session)

    def be_late(self, session: Session) -> None:
        """The next request, of which some blocks cannot be decided in time."""
        self.late = True
        self.go_on(session)

    def at_once(self, session: Session) -> None:
        """Up to three requests in threads, the same ones or one that goes on, perhaps to two replicas."""
        session.at = min(session.at + 1, len(session.ends) - 1)
        bodies = [_up_to(session, self.rng.randint(0, 1)) for _ in range(self.rng.randint(2, 3))]
        outs: list[tuple[bool, list[str]]] = []

        def send(pruner: cp.Pruner, old: Any) -> None:
            done = pruner(read(old, format=session.body.wire))
            outs.append((done.epoch, [json.dumps(m) for m in _messages(session.body, apply(old, done.edits))]))

        threads = [threading.Thread(target=send, args=(self.rng.choice(self._pruners), old)) for old in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        session.at = next(at for at, end in enumerate(session.ends) if end == max(len(sent) for _, sent in outs))
        least = min(map(len, bodies)) if session.body.at is None else min(len(body[session.body.at]) for body in bodies)
        if any(epoch for epoch, _ in outs):
            session.sent, self.redecided = [], True
        if len(outs) != len(bodies):
            self.broken.append("9: a request in a thread ended with an error")
        elif not any(epoch for epoch, _ in outs) and len({tuple(sent[:least]) for _, sent in outs}) > 1:
            self.broken.append("9: requests sent at once begin in two ways")
        self._request(session)

    def new_head(self, session: Session) -> None:
        """Other instructions and tools: the conversation is the same."""
        if isinstance(session.old, dict):
            for key in ("system", "instructions"):
                if isinstance(session.old.get(key), str):
                    session.body.tree[key] = session.old[key] = f"Be careful. Now it is {self.rng.random()}."
        self._request(session)

    def fork(self, session: Session) -> None:
        """A second session with the same beginning, which goes on otherwise."""
        if len(self.sessions) > 3 or session.at < 1:
            return
        other = _long_body(self.rng.randrange(10**6), 3, wire=session.body.wire)
        keep = session.ends[session.at]
        tree, mine, new = session.body.tree, _messages(session.body, session.body.tree), _messages(other, other.tree)
        joined = [*mine[:keep], *new[1:]]
        body = Body(
            session.body.wire, joined if session.body.at is None else {**tree, session.body.at: joined}, session.body.at
        )
        old = json.loads(json.dumps(body.tree))
        ends = [end for end in _ends(_messages(body, old)) if end >= keep] or [len(joined)]
        self.sessions.append(Session(body, old, ends, 0, session.sent[:keep]))
        self._request(self.sessions[-1])

    def compact(self, session: Session) -> None:
        """The client sums up what was and keeps the latest messages: another conversation begins."""
        messages = _messages(session.body, session.body.tree)
        end = session.ends[session.at]
        start = next((at for at in range(end - 1, 0, -1) if _role(messages[at]) in MODEL_MADE), None)
        if start is None:
            return
        summary: Any = {"role": "user", "content": "This session is being continued. Summary: all was well so far."}
        if session.body.wire == "gemini":
            summary = {"role": "user", "parts": [{"text": "Summary: all was well so far."}]}
        elif session.body.wire == "bedrock":
            summary = {"role": "user", "content": [{"text": "Summary: all was well so far."}]}
        messages[:start] = [summary]
        session.old = json.loads(json.dumps(session.body.tree))
        session.ends = _ends(_messages(session.body, session.old))
        session.at, session.sent = 0, []
        self._request(session)

    def _request(self, session: Session) -> None:
        """Send what the session has by now; hold it against what was sent before."""
        old, pruner = _up_to(session), self.rng.choice(self._pruners)
        seldom = (lambda _: self.rng.random() < 0.5) if self.late else None
        self.late = False
        mine = _messages(session.body, session.body.tree)[: session.ends[session.at]]
        tree = mine if session.body.at is None else {**session.body.tree, session.body.at: mine}
        body = Body(session.body.wire, tree, session.body.at)
        case = Case(body, json.dumps(old).encode(), old, self._policy, self._scorer, self._counter)
        request, epoch = case.send(None, pruner, enough=seldom, cold=self.rng.random() < 0.1)

        sent = [json.dumps(message) for message in _messages(body, request.new)]
        before = session.sent[: len(sent)]
        if not epoch and sent[: len(before)] != before:
            at = next(i for i, (a, b) in enumerate(zip(sent, before, strict=False)) if a != b)
            self.broken.append(f"10: message {at} of {len(sent)} was {before[at]!r:.400} and is now {sent[at]!r:.400}")
        session.sent = sent
        self.redecided |= epoch
        spared = ("5:", "splice:", "3:") if self.redecided else ()  # plain reasoning and old images may go at an epoch
        broken = (law for law in broken_laws(request, pruner) if not law.startswith(spared))
        self.broken += (law for law in broken if not self.redecided or not law.endswith("_content'): ''"))

    def _replicas(self) -> list[cp.Pruner]:
        """Two where a file tells each what the other has decided, else one."""
        return [self._pruner()] if self._path is None else [self._pruner(), self._pruner()]

    def _pruner(self) -> cp.Pruner:
        return cp.Pruner(self._policy, self._scorer, self._counter, self._store, lasting=self._lasting)


def run_session(
    seed: int, scorer: cp.Scorer, counter: cp.Counter, folder: Path | None = None, turns: int = 8
) -> list[str]:
    """A sentence for each law that a seed's sessions break; originals in memory, or in a file in `folder`."""
    return Trouble(seed, scorer, counter, folder, turns).run()


def _long_body(seed: int, turns: int, wire: str = "") -> Body:
    """A body of so many turns, of a wire if one is named."""
    for salt in range(10**6):
        body = body_of(seed + salt * 10**7, turns=turns, wire=wire)
        shown = body.wire == "ai-sdk" and "system" not in body.tree  # a step of the interface is several requests
        if not body.broken and not shown:
            return body
    raise AssertionError


def _messages(body: Body, tree: Any) -> Any:
    return tree if body.at is None else tree[body.at]


def _up_to(session: Session, ahead: int = 0) -> Any:
    messages = _messages(session.body, session.old)[: session.ends[min(session.at + ahead, len(session.ends) - 1)]]
    return messages if session.body.at is None else {**session.old, session.body.at: messages}


def _ends(messages: list[Any]) -> list[int]:
    """Where requests end: before each reply of the model that follows something else, and at the end."""
    made = [_is_of_model(message) for message in messages]
    return [*(at for at in range(1, len(made)) if made[at] and not made[at - 1]), len(made)]


def _is_of_model(message: Any) -> bool:
    return (
        _role(message) in MODEL_MADE or str(message.get("type")).endswith("_call") or message.get("type") == "reasoning"
    )


def _role(message: Any) -> str:
    return str(message.get("role"))
