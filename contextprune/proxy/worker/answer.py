"""Answers jobs in the scorer process: reads a body, asks the engine of its tenant, and splices in the texts to send.

No fault ends the process: a job that fails is answered with a reason, and its body goes on as it was received.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from time import monotonic, perf_counter
from typing import Any, NamedTuple

from contextprune.context import Context, Ref, Segment
from contextprune.dialects import read
from contextprune.dialects.splice import splice
from contextprune.errors import ContextPruneError, PayloadError, StoreError
from contextprune.plan import Action
from contextprune.policy import Policy
from contextprune.proxy.job import NO_REASON, Answer, Job, Reason, Task, pass_through
from contextprune.proxy.worker.account import account
from contextprune.proxy.worker.guard import guarded
from contextprune.proxy.worker.heat import heat_of
from contextprune.proxy.worker.pace import Abandoned, Deadline, Pace
from contextprune.proxy.worker.recall_tool import OFF, TOOL, Recalls, with_tool
from contextprune.proxy.worker.root import root_of
from contextprune.proxy.worker.sidecar import read_request, retrieve, write_reply
from contextprune.proxy.worker.tenants import Homes, Scoped
from contextprune.pruner import Pruned, Pruner
from contextprune.scoring import Scorer
from contextprune.storage.store import MemoryStore, Store
from contextprune.tokens import Counter

ENGINES = 8  # tenants whose engines are in memory, with the states of their conversations
REFUSED = 1000  # conversations remembered as refused
REPLAY_FIRST_TOKENS = 2000  # new tokens from which the replay is sent ahead: deciding them may outlast the deadline
COMPLAINT_SECONDS = 60.0  # between two complaints about the store
AUDIT_BYTES = 16 << 20  # of originals that an audit holds, so that it can decide as if they were kept
_log = logging.getLogger("contextprune.proxy.scorer")


class _TenantEngine:
    """One tenant's store, its pruners with and without recall keys in markers, and its recalls."""

    def __init__(self, policy: Policy, scorer: Scorer, counter: Counter, store: Store) -> None:
        self.store, self.recalls = store, Recalls(store)
        self._policy, self._scorer, self._counter = policy, scorer, counter
        self._pruners: dict[bool, Pruner] = {}

    def pruner(self, mode: str) -> Pruner:
        """The pruner for conversations that recall in this way."""
        hints = mode != OFF
        if hints not in self._pruners:
            self._pruners[hints] = Pruner(self._policy, self._scorer, self._counter, self.store, hints=hints)
        return self._pruners[hints]


class _Conversation(NamedTuple):
    """A conversation as the model is to see it before anything is cut.

    mode      how it recalls: "off", "tool" or "mcp"
    answers   texts in place of results of the recall tool
    """

    context: Context
    mode: str
    answers: Mapping[Ref, str]

    def body(self, job: Job, edits: Mapping[Ref, str]) -> bytes:
        """The body to send; the received body itself where nothing differs."""
        body = splice(job.body, {**self.answers, **edits})
        return with_tool(body, job.dialect, self.answers) if self.mode == TOOL else body


class _LastJob(NamedTuple):
    """The last job, in case the front says that its answer came too late. `epoch`: None where nothing was decided."""

    job: Job
    engine: _TenantEngine
    conversation: _Conversation
    epoch: bool | None = None

    @property
    def pruner(self) -> Pruner:
        return self.engine.pruner(self.conversation.mode)

    @property
    def context(self) -> Context:
        return self.conversation.context

    @property
    def is_request(self) -> bool:
        """True for a request to the model, False for one that only counts or measures."""
        return _is_request(self.job)


class Answerer:
    """Answers jobs, one at a time. Holds the parts that are costly to build, and an engine for each recent tenant."""

    def __init__(self, policy: Policy, scorer: Scorer, counter: Counter, store: Store) -> None:
        self._policy, self._scorer, self._counter, self._store = policy, scorer, counter, store
        self._engines: OrderedDict[tuple[str, str, bool], _TenantEngine] = OrderedDict()
        self._homes = Homes(store)
        self._refused: OrderedDict[tuple[str, bytes], None] = OrderedDict()  # by tenant and root
        self._pace = Pace()
        self._silent_until = 0.0  # monotonic seconds; until then the store is not complained of again
        self._last: _LastJob | None = None
        self._next: _LastJob | None = None  # the job whose next request is to be prepared

    def __call__(self, job: Job, abandoned: Callable[[], bool], send_ahead: Callable[[Answer], None]) -> Answer:
        """The answer to a job.

        abandoned    True once the front waits no longer
        send_ahead   takes an answer for the case that time runs out: what earlier requests sent

        Raises MemoryError, at which the process gives way to a new one.
        """
        self._last = self._next = None
        return guarded(lambda: self._dispatch(job, abandoned, send_ahead), lambda exc: self._failed(job, exc))

    def trouble(self) -> str:
        """A sentence on why no original can be kept, and what helps; "" where one can."""
        try:
            self._store.key("")
        except StoreError as exc:
            self._silent_until = monotonic() + COMPLAINT_SECONDS
            return str(exc)
        return ""

    @property
    def idle(self) -> bool:
        """False while there is a next request to prepare."""
        return self._next is None

    def late(self, number: int, *, replayed: bool) -> None:
        """Note that the front sent the job's body without its answer: so it stays, whatever was decided meanwhile.

        replayed   it sent the earlier answer, not the body as received

        An epoch stays decided: it takes long, it rewrites what the provider has cached in any case, and so it may as
        well do so with the next request.
        """
        last, self._last = self._last, None
        if last is None or last.job.number != number or not last.is_request:
            return
        with suppress(StoreError):
            if not replayed:
                last.engine.recalls.sent_unchanged(last.context)
            if last.epoch is False:
                last.pruner.sent_unchanged(last.context)
        self._next = last

    def prepare_next(self, busy: Callable[[], bool]) -> None:
        """Make ready what the next request of the last conversation will need, until `busy`.

        The last request was sent, so blocks of it without a decision were sent as they stood.
        """
        last, self._next = self._next, None
        if last is None:
            return

        def stands(_: Segment) -> bool:
            if busy():
                raise Abandoned
            return True

        with suppress(Abandoned, StoreError):
            last.pruner(last.context, as_sent=True, enough=stands)
            last.pruner.prepare_next(last.context, enough=busy)

    def refused(self, job: Job) -> None:
        """Note that the provider refused our version of a body and took the original: leave its conversation alone."""
        with suppress(PayloadError, StoreError, RecursionError):
            engine, conversation = self._read(job, remember=False)
            context = conversation.context
            self._refused[job.tenant, root_of(context)] = None
            while len(self._refused) > REFUSED:
                self._refused.popitem(last=False)
            engine.recalls.sent_unchanged(context, whole=True)
            engine.pruner(conversation.mode).sent_unchanged(context, whole=True)

    def _dispatch(self, job: Job, abandoned: Callable[[], bool], send_ahead: Callable[[Answer], None]) -> Answer:
        match job.task:
            case Task.RETRIEVE:
                return self._retrieve(job)
            case Task.COMPRESS:
                return self._compress(job, abandoned)
        return self._shorten(job, abandoned, send_ahead)

    def _failed(self, job: Job, exc: Exception) -> Answer:
        """The answer to a job that raised `exc`. Raises MemoryError again."""
        match exc:
            case MemoryError():
                raise exc
            case Abandoned():
                return pass_through(job, Reason.LATE)
            case PayloadError() | RecursionError():
                return pass_through(job, Reason.PAYLOAD)
            case StoreError():
                self._complain(exc)
                return self._without_decisions(job, Reason.STORE)
        _log.error("a request passed unchanged", exc_info=exc)
        return self._without_decisions(job, Reason.ERROR)

    def _shorten(self, job: Job, abandoned: Callable[[], bool], send_ahead: Callable[[Answer], None]) -> Answer:
        """Decide a request to the model, or one that counts its tokens."""
        started = perf_counter()
        engine, conversation = self._read(job, remember=_is_request(job))
        context, pruner = conversation.context, engine.pruner(conversation.mode)
        conversation_hash = _hash_of(engine.store, context)
        if (job.tenant, root_of(context)) in self._refused:
            return replace(pass_through(job, Reason.REFUSED), model=context.model, conversation=conversation_hash)
        seconds = {"read": perf_counter() - started}
        self._last = _LastJob(job, engine, conversation)

        # What earlier requests sent goes ahead, where deciding the new blocks may outlast the deadline.
        if _is_request(job) and (job.new >= REPLAY_FIRST_TOKENS or conversation.mode == TOOL):
            replay = conversation.body(job, pruner.replay(context))
            if replay is not job.body:
                early = Answer(job.number, replay, "applied", Reason.LATE, final=False, model=context.model)
                send_ahead(replace(early, conversation=conversation_hash))

        deadline = Deadline(job.seconds - (perf_counter() - started), abandoned, self._pace)
        pruned = pruner(context, cold=job.cold, as_sent=True, enough=deadline)
        deadline.end()
        self._last = self._next = _LastJob(job, engine, conversation, pruned.epoch)

        spliced = perf_counter()
        body = conversation.body(job, pruned.edits)
        answer = _answer(job, body, pruned, deadline.skipped, changed=body is not job.body)
        answer = replace(answer, new=(deadline.decided, deadline.undecided))
        seconds |= {**answer.seconds, "splice": perf_counter() - spliced}
        return replace(answer, seconds=seconds, keys=tuple(_keys(pruned, engine.store)), conversation=conversation_hash)

    def _without_decisions(self, job: Job, reason: Reason) -> Answer:
        """The texts that earlier requests sent, after deciding failed, so that the provider's cache goes on to hold."""
        last = self._last
        if last is not None and not job.audit:
            with suppress(ContextPruneError):
                body = last.conversation.body(job, last.pruner.replay(last.context))
                if body is not job.body:
                    return Answer(job.number, body, "applied", reason, model=last.context.model)
        return pass_through(job, reason)

    def _complain(self, exc: StoreError) -> None:
        """Log a fault of the store, though not for every request. Its errors quote nothing that came in."""
        now = monotonic()
        if now >= self._silent_until:
            self._silent_until = now + COMPLAINT_SECONDS
            _log.warning("requests pass unchanged: %s", exc)

    def _compress(self, job: Job, abandoned: Callable[[], bool]) -> Answer:
        """Answer a gateway's body of messages. Gateways remember nothing, so a history is decided afresh."""
        request = read_request(job.body, job.recall)
        job = replace(job, audit=job.audit or request.audit, tenant=request.tenant(job.tenant))
        request = replace(request, audit=job.audit)
        engine = self._engine(job)
        pruner = engine.pruner(TOOL if request.hashes else OFF)

        deadline = Deadline(job.seconds, abandoned, self._pace)
        try:
            pruned = pruner(
                request.context, frozen=request.frozen, enough=lambda s: s.ref in request.withheld or deadline(s)
            )
        except Abandoned:
            pruner.sent_unchanged(request.context)  # the gateway has gone on with the messages as they are
            raise
        deadline.end()

        reply = write_reply(request, pruned, engine.store.key, self._counter)
        answer = _answer(job, reply.body, pruned, deadline.skipped, changed=bool(pruned.edits))
        return replace(answer, body=reply.body, session=request.own_session, before=reply.before, after=reply.after)

    def _retrieve(self, job: Job) -> Answer:
        """Answer the side-car's recall key."""
        body = retrieve(job.body, self._engine(job).store)
        return pass_through(job, Reason.NOT_FOUND) if body is None else Answer(job.number, body, "applied")

    def _read(self, job: Job, *, remember: bool) -> tuple[_TenantEngine, _Conversation]:
        """A job's conversation, and the engine of the tenant who began it."""
        payload = _parsed(job.body)
        context = read(payload, format=job.dialect or None)
        engine = self._engine(job, None if job.audit else self._homes.of(context, job.tenant))
        return engine, _recalled(job, engine, payload, context, remember=remember)

    def _engine(self, job: Job, home: str | None = None) -> _TenantEngine:
        """A tenant's engine. An audit has a store of its own, so that nothing it decides is ever sent."""
        key = (job.tenant, job.tenant if home is None else home, job.audit)
        engine = self._engines.get(key)
        if engine is None:
            store = MemoryStore(max_bytes=AUDIT_BYTES) if job.audit else Scoped(self._store, job.tenant, home)
            engine = self._engines[key] = _TenantEngine(self._policy, self._scorer, self._counter, store)
        self._engines.move_to_end(key)
        while len(self._engines) > ENGINES:
            self._engines.popitem(last=False)
        return engine


def _is_request(job: Job) -> bool:
    return job.task is Task.SHORTEN and not job.audit


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode())
    except ValueError as exc:  # no JSON, not in UTF-8, or a number of thousands of digits
        raise PayloadError("the body is not JSON that can be read") from exc


def _recalled(job: Job, engine: _TenantEngine, payload: Any, context: Context, *, remember: bool) -> _Conversation:
    """A conversation with the answers of the recall tool in it."""
    mode = engine.recalls.mode(payload, context, job.dialect, job.recall, remember=remember)
    answers = engine.recalls.answers(context) if mode == TOOL else {}
    if answers:
        segments = (replace(s, text=answers[s.ref]) if s.ref in answers else s for s in context.segments)
        context = replace(context, segments=tuple(segments))
    return _Conversation(context, mode, answers)


def _answer(job: Job, body: bytes, pruned: Pruned, skipped: int, *, changed: bool) -> Answer:
    """An answer with all that the engine reports. `skipped`: blocks that there was no time for."""
    report = pruned.report
    money = account(report.prompts, job.body)
    return Answer(
        number=job.number,
        body=body if changed and not job.audit else None,
        status="audit" if job.audit else "applied" if changed else "passed" if skipped else "noop",
        reason=Reason.LATE if skipped else NO_REASON,
        model=pruned.plan.context.model,
        before=report.before,
        after=report.after,
        kinds={kind.value: tokens for kind, tokens in report.by_kind.items()},
        dollars=money.dollars,
        bills=money.bills,
        prices=money.prices,
        epoch=pruned.epoch,
        seconds=report.seconds,
        heat=heat_of(pruned) if job.show else None,
    )


def _hash_of(store: Store, context: Context) -> str:
    """A short hash of how a conversation begins, made with the store's secret; "" where the store cannot be used."""
    try:
        return store.key(f"session {root_of(context).hex()}")[:8]
    except StoreError:
        return ""


def _keys(pruned: Pruned, store: Store) -> Iterator[str]:
    """The keys of the originals that were cut in this very request."""
    plan, segments = pruned.plan, pruned.plan.context.segments
    cut = {s.segment for s, d in zip(plan.spans, plan.decisions, strict=True) if d.action is not Action.KEEP}
    for at in sorted(cut):
        yield store.key(segments[at].source or segments[at].text)
