"""Answers jobs in the scorer process: reads a body, asks the engine of its tenant, and splices in the texts to send.

No fault ends the process: a job that fails is answered with a reason, and its body goes on as it was received.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from time import monotonic, perf_counter
from typing import NamedTuple

from contextprune.context import BLOCKS, Context, Segment
from contextprune.dialects import read
from contextprune.errors import PayloadError, StoreError
from contextprune.plan import Action
from contextprune.policy import Policy
from contextprune.proxy.job import NO_REASON, Answer, Job, Reason, Task, pass_through
from contextprune.proxy.replay.conversation import Conversation, parse_body, with_recalls
from contextprune.proxy.replay.recall_tool import OFF, TOOL, Recalls
from contextprune.proxy.replay.root import root_of
from contextprune.proxy.replay.tenants import Homes, Scoped
from contextprune.proxy.worker.account import account
from contextprune.proxy.worker.guard import guarded
from contextprune.proxy.worker.heat import heat_of
from contextprune.proxy.worker.pace import Abandoned, Deadline, Pace
from contextprune.proxy.worker.recall_tokens import recall_tokens, with_recall_tokens
from contextprune.proxy.worker.sidecar import read_request, retrieve, write_reply
from contextprune.proxy.worker.trail import trail_of
from contextprune.pruner import Pruned, Pruner
from contextprune.scoring import Scorer
from contextprune.session.ledger import unpacked
from contextprune.storage.store import MemoryStore, Notes, Store
from contextprune.tokens import Counter

ENGINES = 8  # tenants whose engines are in memory, with the states of their conversations
PROVEN = 100_000  # texts of a guest that need not be noted again
REFUSED = 1000  # conversations remembered as refused
COMPLAINT_SECONDS = 60.0  # between two complaints about the store
AUDIT_BYTES = 16 << 20  # of originals that an audit holds, so that it can decide as if they were kept
_log = logging.getLogger("contextprune.proxy.scorer")


class _TenantEngine:
    """One tenant's store, its pruners with and without recall keys in markers, and its recalls."""

    def __init__(self, policy: Policy, scorer: Scorer, counter: Counter, store: Store) -> None:
        self.store, self.recalls = store, Recalls(store)
        self._policy, self._scorer, self._counter = policy, scorer, counter
        self._pruners: dict[bool, Pruner] = {}
        self._proven: set[int] = set()  # hashes of texts

    def prove(self, context: Context) -> None:
        """Note that this tenant, a guest, has sent the blocks of a conversation that may have been cut for its home."""
        if not isinstance(self.store, Scoped):
            return
        texts = [s.source or s.text for s in context.segments if s.kind in BLOCKS]
        fresh = {hash(text): text for text in texts if hash(text) not in self._proven}
        with suppress(StoreError):
            self.store.prove(fresh.values())
            self._proven |= fresh.keys() if len(self._proven) < PROVEN else set()

    def pruner(self, mode: str) -> Pruner:
        """The pruner for conversations that recall in this way."""
        hints = mode != OFF
        if hints not in self._pruners:
            self._pruners[hints] = Pruner(
                self._policy, self._scorer, self._counter, self.store, hints=hints, lasting=True
            )
        return self._pruners[hints]


class _LastJob(NamedTuple):
    """The last job, in case the front says that its answer came too late. `epoch`: None where nothing was decided."""

    job: Job
    engine: _TenantEngine
    conversation: Conversation
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
        self._deadline: Deadline | None = None  # of the job that is being decided
        self._silent_until = 0.0  # monotonic seconds; until then the store is not complained of again
        self._last: _LastJob | None = None
        self._next: _LastJob | None = None  # the job whose next request is to be prepared

    def __call__(self, job: Job, abandoned: Callable[[], bool]) -> Answer:
        """The answer to a job; `abandoned` is True once the front waits no longer.

        Raises MemoryError, at which the process gives way to a new one.
        """
        self._last = self._next = self._deadline = None
        return guarded(lambda: self._dispatch(job, abandoned), lambda exc: self._failed(job, exc))

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

    def late(self, number: int) -> None:
        """Note that the front did not wait for a job's answer, and replayed what the notes say by then.

        Where a store keeps notes, whichever was noted first counts: the decision, or that it was sent as it stands.
        Elsewhere the front knows of no decision.
        """
        last, self._last = self._last, None
        if last is None or last.job.number != number or not last.is_request:
            return
        with suppress(StoreError):
            if isinstance(self._store, Notes):
                last.pruner.forget(last.context)
            else:
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

    @property
    def single(self) -> bool:
        """True where the store ends with this process and no other one shares it."""
        return not isinstance(self._store, Notes)

    def noted(self, tenant: str, notes: bytes) -> None:
        """Remember what a process before this one decided: the notes of one of its answers."""
        values = json.loads(notes)
        engine = self._engine_of(tenant, values["home"])
        entries = {bytes.fromhex(key): unpacked(note.encode()) for key, note in values["entries"].items()}
        engine.pruner(values["mode"]).remember({key: entry for key, entry in entries.items() if entry is not None})
        engine.recalls.remember_mode(values["recalls"])

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

    def _dispatch(self, job: Job, abandoned: Callable[[], bool]) -> Answer:
        match job.task:
            case Task.RETRIEVE:
                return self._retrieve(job)
            case Task.COMPRESS:
                return self._compress(job, abandoned)
        return self._shorten(job, abandoned)

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
                return pass_through(job, Reason.STORE)
        _log.error("a request passed unchanged", exc_info=exc)
        return pass_through(job, Reason.ERROR)

    def _shorten(self, job: Job, abandoned: Callable[[], bool]) -> Answer:
        """Decide a request to the model, or one that counts its tokens."""
        started = perf_counter()
        engine, conversation = self._read(job, remember=_is_request(job))
        context, pruner = conversation.context, engine.pruner(conversation.mode)
        conversation_hash = _hash_of(engine.store, context)
        if (job.tenant, root_of(context)) in self._refused:
            return replace(pass_through(job, Reason.REFUSED), model=context.model, conversation=conversation_hash)
        seconds = {"read": perf_counter() - started}
        self._last = _LastJob(job, engine, conversation)

        deadline = self._deadline = Deadline(job.seconds - (perf_counter() - started), abandoned, self._pace)
        pruned = pruner(context, cold=job.cold, uncached=job.uncached, as_sent=True, enough=deadline)
        deadline.end()
        if pruned.unknown and not job.audit:
            _log.warning("%d results of a session that goes on are not known: they stay as they are", pruned.unknown)
        self._last = self._next = _LastJob(job, engine, conversation, pruned.epoch)

        spliced = perf_counter()
        body = conversation.body(job, pruned.edits)
        report = with_recall_tokens(pruned.report, recall_tokens(conversation, job.dialect, self._counter))
        pruned = replace(pruned, report=report)
        answer = _answer(job, body, pruned, deadline.skipped, changed=body is not job.body)
        answer = replace(answer, new=(deadline.decided, deadline.undecided))
        seconds |= {**answer.seconds, "splice": perf_counter() - spliced}
        keys, notes = tuple(_keys(pruned, engine.store)), _notes(pruned, self._home(job, context), engine, conversation)
        trail = "" if job.audit else trail_of(context)
        return replace(answer, seconds=seconds, keys=keys, notes=notes, conversation=conversation_hash, trail=trail)

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

    def _read(self, job: Job, *, remember: bool) -> tuple[_TenantEngine, Conversation]:
        """A job's conversation, and the engine of the tenant who began it."""
        payload = parse_body(job.body)
        context = read(payload, format=job.dialect or None)
        home = self._home(job, context)
        engine = self._engine(job, home)
        if home != job.tenant:
            engine.prove(context)
        return engine, with_recalls(job, engine.recalls, payload, context, remember=remember)

    def _home(self, job: Job, context: Context) -> str:
        """The tenant under whom what is decided about a conversation is noted."""
        return job.tenant if job.audit else self._homes.of(context, job.tenant)

    def _engine(self, job: Job, home: str | None = None) -> _TenantEngine:
        """The engine of a job's tenant. An audit has a store of its own, so that nothing it decides is ever sent."""
        return self._engine_of(job.tenant, job.tenant if home is None else home, audit=job.audit)

    def _engine_of(self, tenant: str, home: str, *, audit: bool = False) -> _TenantEngine:
        key = (tenant, home, audit)
        engine = self._engines.get(key)
        if engine is None:
            store = MemoryStore(max_bytes=AUDIT_BYTES) if audit else self._scoped(tenant, home)
            engine = self._engines[key] = _TenantEngine(self._policy, self._scorer, self._counter, store)
        self._engines.move_to_end(key)
        while len(self._engines) > ENGINES:
            self._engines.popitem(last=False)
        return engine

    def _scoped(self, tenant: str, home: str) -> Scoped:
        """A tenant's store. Where a write has to wait, that says nothing of how fast blocks are decided."""

        def decided() -> None:
            if self._deadline is not None:
                self._deadline.end()

        return Scoped(self._store, tenant, home, on_write=decided)


def _is_request(job: Job) -> bool:
    return job.task is Task.SHORTEN and not job.audit


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
        unknown=0 if job.audit else pruned.unknown,
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


def _notes(pruned: Pruned, home: str, engine: _TenantEngine, conversation: Conversation) -> bytes | None:
    """What was decided in this very request, for the front's own replay; None where nothing was."""
    if not pruned.notes:
        return None
    entries = {key.hex(): note.decode() for key, note in pruned.notes.items()}
    recalls = engine.recalls.mode_note(conversation.context)
    values = {"home": home, "mode": conversation.mode, "recalls": recalls, "entries": entries}
    return json.dumps(values, separators=(",", ":")).encode()


def _keys(pruned: Pruned, store: Store) -> Iterator[str]:
    """The keys of the originals that were cut in this very request."""
    plan, segments = pruned.plan, pruned.plan.context.segments
    cut = {s.segment for s, d in zip(plan.spans, plan.decisions, strict=True) if d.action is not Action.KEEP}
    for at in sorted(cut):
        yield store.key(segments[at].source or segments[at].text)
