"""Answers jobs in the scorer process: reads a body, asks the engine of its tenant, and splices what is to be sent.

Nothing in here ends the process: whatever goes wrong with a job is the reason why its body goes through as it came.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from time import monotonic, perf_counter
from typing import Any, NamedTuple

from contextprune.context import Context, Kind, Ref, Segment
from contextprune.dialects import read
from contextprune.dialects.splice import splice
from contextprune.errors import ContextPruneError, PayloadError, StoreError
from contextprune.plan import Action, Plan
from contextprune.policy import Policy
from contextprune.proxy.hurry import Hurry, Pace, Stopped
from contextprune.proxy.job import Answer, Job, Task, passed
from contextprune.proxy.recalling import OFF, TOOL, Recalls, with_tool
from contextprune.proxy.sidecar import asked, compressed, retrieved
from contextprune.proxy.tenants import Homes, Scoped
from contextprune.pruner import Pruned, Pruner
from contextprune.scoring import Scorer
from contextprune.storage.store import MemoryStore, Store
from contextprune.tokens import Counter

DESKS = 8  # tenants whose engines are held, with the states of their conversations
REFUSED = 1000  # conversations remembered as refused
MUCH = 2000  # new tokens from which the replay is sent first
SILENCE = 60.0  # seconds between two complaints about the store
_log = logging.getLogger("contextprune.proxy.scorer")
_SHOWN = 4000  # characters of a kept text in a heat map
_HEAT = 2 << 20


class _Desk:
    """What one tenant's jobs need: its store, its engines, with and without recall keys in markers, and its recalls."""

    def __init__(self, policy: Policy, scorer: Scorer, counter: Counter, store: Store) -> None:
        self.store, self.recalls = store, Recalls(store)
        self._policy, self._scorer, self._counter = policy, scorer, counter
        self._pruners: dict[bool, Pruner] = {}

    def pruner(self, mode: str) -> Pruner:
        """The engine for conversations that recall in this way."""
        hints = mode != OFF
        if hints not in self._pruners:
            self._pruners[hints] = Pruner(self._policy, self._scorer, self._counter, self.store, hints=hints)
        return self._pruners[hints]


class _Read(NamedTuple):
    """A conversation, how it recalls, and what it is to find in place of results of the recall tool."""

    context: Context
    mode: str
    answers: Mapping[Ref, str]

    def body(self, job: Job, edits: Mapping[Ref, str]) -> bytes:
        """What is to be sent; the received body itself where that is no different."""
        body = splice(job.body, {**self.answers, **edits})
        return with_tool(body, job.dialect, self.answers) if self.mode == TOOL else body


class _Done(NamedTuple):
    """The last job, in case the front says that its answer came too late. `epoch`: None where nothing was decided."""

    job: Job
    desk: _Desk
    found: _Read
    epoch: bool | None = None

    @property
    def pruner(self) -> Pruner:
        return self.desk.pruner(self.found.mode)

    @property
    def context(self) -> Context:
        return self.found.context

    @property
    def sent(self) -> bool:
        """Whether it is a request to the model, and not one that only counts or measures."""
        return self.job.task is Task.SHORTEN and not self.job.audit


class Answering:
    """Holds what is costly to build, and one engine for each tenant that asked lately."""

    def __init__(self, policy: Policy, scorer: Scorer, counter: Counter, store: Store) -> None:
        self._policy, self._scorer, self._counter, self._store = policy, scorer, counter, store
        self._desks: OrderedDict[tuple[str, str, bool], _Desk] = OrderedDict()
        self._homes = Homes(store)
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self._pace = Pace()
        self._silent = 0.0  # until when the store is not complained of again, in monotonic seconds
        self._last: _Done | None = None
        self._next: _Done | None = None  # whose next request is to be prepared

    def __call__(  # noqa: PLR0911 - one for each way that a job may go
        self, job: Job, stopped: Callable[[], bool], tell: Callable[[Answer], None]
    ) -> Answer:
        """The answer to a job. `tell` takes an earlier one; `stopped` is whether the front waits no longer."""
        self._last = self._next = None
        try:
            match job.task:
                case Task.RETRIEVE:
                    return self._retrieved(job)
                case Task.COMPRESS:
                    return self._compressed(job, stopped)
            return self._shortened(job, stopped, tell)
        except Stopped:
            return passed(job, "late")
        except (PayloadError, RecursionError):
            return passed(job, "payload")
        except StoreError as exc:
            self._complain(exc)
            return self._without_decisions(job, "store")
        except MemoryError:
            raise  # the process gives way to a new one
        except Exception as exc:  # noqa: BLE001 - whatever it is, the request goes on as it came
            _log.error("a request passed unchanged", exc_info=exc)
            return self._without_decisions(job, "error")

    def trouble(self) -> str:
        """Why no original can be kept, and what helps; "" where one can."""
        try:
            self._store.key("")
        except StoreError as exc:
            self._silent = monotonic() + SILENCE
            return str(exc)
        return ""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do besides answering."""
        return self._next is None

    def late(self, number: int, *, replayed: bool) -> None:
        """The front sent the job's body without its answer: so it stays, whatever was decided meanwhile.

        replayed   it sent the earlier answer, not what it had received

        An epoch stays decided: it takes long, it rewrites what the provider has cached in any case, and so it may as
        well do so with the next request.
        """
        done, self._last = self._last, None
        if done is None or done.job.number != number or not done.sent:
            return
        with suppress(StoreError):
            if not replayed:
                done.desk.recalls.passed(done.context)
            if done.epoch is False:
                done.pruner.passed(done.context)
        self._next = done

    def rest(self, busy: Callable[[], bool]) -> None:
        """Make ready what the next request of the last conversation will need, as long as there is nothing else to do.

        It was sent, so whatever is still unknown of it was sent as it stood.
        """
        done, self._next = self._next, None
        if done is None:
            return

        def stands(_: Segment) -> bool:
            if busy():
                raise Stopped
            return True

        with suppress(Stopped, StoreError):
            done.pruner(done.context, as_sent=True, enough=stands)
            done.pruner.prime(done.context, enough=busy)

    def refused(self, job: Job) -> None:
        """The provider refused our version of a body and took the original: its conversation is left alone."""
        with suppress(PayloadError, StoreError, RecursionError):
            desk, found = self._read(job, remember=False)
            self._refused[_root(job, found.context)] = None
            while len(self._refused) > REFUSED:
                self._refused.popitem(last=False)
            desk.recalls.passed(found.context, whole=True)
            desk.pruner(found.mode).passed(found.context, whole=True)

    def _shortened(self, job: Job, stopped: Callable[[], bool], tell: Callable[[Answer], None]) -> Answer:
        started = perf_counter()
        real = job.task is Task.SHORTEN and not job.audit
        desk, found = self._read(job, remember=real)
        context, pruner = found.context, desk.pruner(found.mode)
        if _root(job, context) in self._refused:
            return replace(passed(job, "refused"), model=context.model)
        seconds = {"read": perf_counter() - started}
        self._last = _Done(job, desk, found)
        if real and (job.new >= MUCH or found.mode == TOOL):
            body = found.body(job, pruner.replay(context))
            if body is not job.body:
                tell(Answer(job.number, body, "applied", "late", final=False, model=context.model))
        hurry = Hurry(job.seconds - (perf_counter() - started), stopped, self._pace)
        done = pruner(context, cold=job.cold, as_sent=True, enough=hurry)
        hurry.end()
        self._last = self._next = _Done(job, desk, found, done.epoch)
        spliced = perf_counter()
        body = found.body(job, done.edits)
        answer = _answer(job, body, done, hurry.skipped, changed=body is not job.body)
        seconds |= {**answer.seconds, "splice": perf_counter() - spliced}
        return replace(answer, seconds=seconds, keys=tuple(_keys(done, desk.store)))

    def _without_decisions(self, job: Job, reason: str) -> Answer:
        """Where deciding failed: what earlier requests sent, so that the provider's cache goes on to hold."""
        last = self._last
        if last is not None and not job.audit:
            with suppress(ContextPruneError):
                body = last.found.body(job, last.pruner.replay(last.context))
                if body is not job.body:
                    return Answer(job.number, body, "applied", reason, model=last.context.model)
        return passed(job, reason)

    def _complain(self, exc: StoreError) -> None:
        """Say what is wrong with the store, though not for every request. Its errors quote nothing that came in."""
        now = monotonic()
        if now >= self._silent:
            self._silent = now + SILENCE
            _log.warning("requests pass unchanged: %s", exc)

    def _compressed(self, job: Job, stopped: Callable[[], bool]) -> Answer:
        """The side-car's answer to a body of messages. Gateways remember nothing, so a history is decided afresh."""
        request = asked(job.body, job.recall)
        job = replace(job, audit=job.audit or request.audit)
        request = replace(request, audit=job.audit)
        desk = self._desk(job)
        hurry = Hurry(job.seconds, stopped, self._pace)
        done = desk.pruner(TOOL if request.hashes else OFF)(request.context, enough=hurry)
        hurry.end()
        reply = compressed(request, done, desk.store.key, self._counter, hashes=request.hashes)
        answer = _answer(job, reply.body, done, hurry.skipped, changed=bool(done.edits))
        return replace(answer, body=reply.body, before=reply.before, after=reply.after)

    def _retrieved(self, job: Job) -> Answer:
        """The side-car's answer to a recall key."""
        body = retrieved(job.body, self._desk(job).store)
        return passed(job, "not_found") if body is None else Answer(job.number, body, "applied")

    def _read(self, job: Job, *, remember: bool) -> tuple[_Desk, _Read]:
        """A job's conversation, and the desk of the tenant who began it."""
        payload = _parsed(job.body)
        context = read(payload, format=job.dialect or None)
        desk = self._desk(job, None if job.audit else self._homes.of(context, job.tenant))
        return desk, _recalled(job, desk, payload, context, remember=remember)

    def _desk(self, job: Job, home: str | None = None) -> _Desk:
        """What a tenant's jobs need. An audit has a store of its own, so that nothing it decides is ever sent."""
        key = (job.tenant, job.tenant if home is None else home, job.audit)
        desk = self._desks.get(key)
        if desk is None:
            store = MemoryStore(max_bytes=16 << 20) if job.audit else Scoped(self._store, job.tenant, home)
            desk = self._desks[key] = _Desk(self._policy, self._scorer, self._counter, store)
        self._desks.move_to_end(key)
        while len(self._desks) > DESKS:
            self._desks.popitem(last=False)
        return desk


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode())
    except ValueError as exc:  # no JSON, not in UTF-8, or a number of thousands of digits
        raise PayloadError("the body is not JSON that can be read") from exc


def _recalled(job: Job, desk: _Desk, payload: Any, context: Context, *, remember: bool) -> _Read:
    """A conversation as the model is to see it before anything is cut."""
    mode = desk.recalls.mode(payload, context, job.dialect, job.recall, remember=remember)
    answers = desk.recalls.answers(context) if mode == TOOL else {}
    if answers:
        segments = (replace(s, text=answers[s.ref]) if s.ref in answers else s for s in context.segments)
        context = replace(context, segments=tuple(segments))
    return _Read(context, mode, answers)


def _answer(job: Job, body: bytes, done: Pruned, skipped: int, *, changed: bool) -> Answer:
    """An answer with all that the engine says about it."""
    cost = done.report.cost
    return Answer(
        number=job.number,
        body=body if changed and not job.audit else None,
        status="audit" if job.audit else "applied" if changed else "passed" if skipped else "noop",
        reason="late" if skipped else "",
        model=done.plan.context.model,
        before=done.report.before,
        after=done.report.after,
        kinds={kind.value: tokens for kind, tokens in done.report.by_kind.items()},
        dollars=(cost.before, cost.after) if cost is not None and cost.known else None,
        epoch=done.epoch,
        seconds=done.report.seconds,
        heat=_heat(done.plan) if job.show else None,
    )


def _root(job: Job, context: Context) -> bytes:
    """What tells a conversation from others: its tenant, and its beginning up to the first thing that a user said."""
    found = blake2b(job.tenant.encode(), digest_size=16)
    for segment in context.segments:
        found.update(segment.text.encode("utf-8", "surrogatepass") + b"\0")
        if segment.kind is Kind.USER:
            break
    return found.digest()


def _keys(done: Pruned, store: Store) -> Iterator[str]:
    """The keys of the originals that were cut in this very request."""
    segments = done.plan.context.segments
    cut = {s.segment for s, d in zip(done.plan.spans, done.plan.decisions, strict=True) if d.action is not Action.KEEP}
    for at in sorted(cut):
        yield store.key(segments[at].source or segments[at].text)


def _heat(plan: Plan) -> bytes:
    """The plan as the dashboard draws it."""
    rows: list[list[Any]] = [[s.kind.value, s.name or "", []] for s in plan.context.segments]
    left = _HEAT
    for span, decision in zip(plan.spans, plan.decisions, strict=True):
        most = min(_SHOWN if decision.action is Action.KEEP else left, left)
        text = span.text if len(span.text) <= most else f"{span.text[:most]} …"
        left = max(0, left - len(text))
        rows[span.segment][2].append([text, decision.action.value, decision.reason, round(decision.score, 3)])
    return json.dumps(rows, separators=(",", ":")).encode()
