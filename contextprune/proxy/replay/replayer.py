"""Replays what earlier requests sent, in the front and without a scorer: however the scorers are, that is never late.

It has a thread of its own, so that a slow store holds up nobody else. What scorer processes decide is remembered here
as well, so that a store that cannot be read takes nothing back either.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from contextprune.context import BLOCKS, Context
from contextprune.dialects import read
from contextprune.errors import ContextPruneError, StoreError
from contextprune.proxy.job import Answer, Job, Task
from contextprune.proxy.replay.conversation import Conversation, parse_body, with_recalls
from contextprune.proxy.replay.impatient import ImpatientStore
from contextprune.proxy.replay.recall_tool import Recalls
from contextprune.proxy.replay.tenants import Homes, Scoped
from contextprune.session import identity
from contextprune.session.ledger import Entry, Ledger, unpacked
from contextprune.session.sent import Recorded, find_recorded, sent_texts
from contextprune.settings import data_folder, load_settings
from contextprune.storage.sqlite import Patience
from contextprune.storage.store import Notes, Store, open_store

TENANTS = 64  # whose decisions are in memory
TENANT_BYTES = 8 << 20  # of decisions of one tenant
BUSY = Patience(2.5, pause=0.02)
"""For a store that another process has locked. A scorer process that waits for it with a decision is to be first."""
SECONDS = 4.0  # that a request waits for its replay where the store does not answer; then what is in memory must do
OVERTAKEN = 3  # times that a scorer process may be first before what is noted by then is sent
UNCOUNTED = -1  # tokens of what the front notes, which has no counter
_log = logging.getLogger("contextprune.proxy")


def store_of(config: str) -> Store:
    """The store that the scorer processes use as well; `config` names a file of settings, "" for the usual ones."""
    settings = load_settings(file=Path(config) if config else None, tell=lambda _: None)
    return open_store(settings.store, data_folder(), BUSY)


class _Tenant(NamedTuple):
    """What one tenant's conversations sent, and how they recall."""

    ledger: Ledger
    recalls: Recalls


class Replayer:
    """Replays conversations; belongs to one event loop.

    open_store   opens the store that the scorer processes use; called in the thread, at the first use
    seconds      that a request waits for its replay at most
    """

    def __init__(self, open_store: Callable[[], Store], seconds: float = SECONDS) -> None:
        self._open_store, self._seconds = open_store, seconds
        self._thread = _thread()
        self._lock = threading.Lock()  # of the tenants: a thread that hangs may go on beside the next one
        self._store: Store | None = None
        self._homes: Homes | None = None
        self._tenants: OrderedDict[tuple[str, str], _Tenant] = OrderedDict()

    async def replay(self, job: Job, unanswered: Answer) -> Answer:
        """The answer with what earlier requests sent of a body, in place of one that says why nothing was decided.

        What is new in the body goes up as it stands, and is noted so. `unanswered` itself where nothing was sent
        shortened, or where that cannot be found out.
        """
        try:
            for _ in range(2):
                thread = self._thread
                task = asyncio.get_running_loop().run_in_executor(thread, self._replay, job, unanswered)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds):  # `wait_for` would swallow that the client left
                        return await asyncio.shield(task)
                self._leave_behind(thread)
            _log.warning("the store does not answer: what was sent shortened before goes up in full")
        except ContextPruneError as exc:
            _log.debug("nothing to replay: %s", exc)
        return unanswered

    def remember(self, job: Job, notes: bytes) -> None:
        """Remember what a scorer process has decided about a body: the notes of its answer."""
        self._thread.submit(self._remember, job.tenant, notes)

    def refused(self, job: Job) -> None:
        """Take note that the provider refused our version of a body and took the original: that was sent of it."""
        self._thread.submit(self._refused, job)

    def close(self) -> None:
        """End the thread, once it has done what it does."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _leave_behind(self, thread: ThreadPoolExecutor) -> None:
        """Go on in another thread where the store keeps this one waiting; nobody asks the store for a while."""
        if self._thread is thread:
            if isinstance(self._store, ImpatientStore):
                self._store.leave_alone()
            self._thread = _thread()
            thread.shutdown(wait=False, cancel_futures=True)

    def _replay(self, job: Job, unanswered: Answer) -> Answer:
        payload = parse_body(job.body)
        context = read(payload, format=job.dialect or None)
        tenant = self._tenant(job.tenant, self._home(job, context))
        is_request = job.task is Task.SHORTEN and not job.audit
        try:
            conversation = with_recalls(job, tenant.recalls, payload, context, remember=is_request)
        except StoreError:
            conversation = Conversation(context, job.recall, {})  # as conversations begin under these settings
        return self._sent(job, tenant.ledger, conversation, unanswered, is_request=is_request)

    def _sent(
        self, job: Job, ledger: Ledger, conversation: Conversation, unanswered: Answer, *, is_request: bool
    ) -> Answer:
        """The answer with what was sent of a conversation; what is new in it is noted as sent whole."""
        core = identity.conversation_of(conversation.context)
        links = identity.chain(core.segments, identity.LASTING)
        for _ in range(OVERTAKEN):
            recorded = find_recorded(ledger, core, links, reuse=True, in_memory=True)
            if not is_request or _note(ledger, _as_sent(core, links, recorded)):
                break  # else a scorer process was first, and its decision is sent
        texts = sent_texts(core, links, recorded)
        edits = {s.ref: text for s, text in zip(core.segments, texts, strict=True) if text is not None}

        body = conversation.body(job, edits)
        if body is job.body:
            return replace(unanswered, model=conversation.context.model)
        epoch = any(recorded.entries[at].changed for at in recorded.entries if at >= core.sent)
        return replace(unanswered, body=body, status="applied", model=conversation.context.model, epoch=epoch)

    def _refused(self, job: Job) -> None:
        context = read(parse_body(job.body), format=job.dialect or None)
        core = identity.conversation_of(context)
        links = identity.chain(core.segments, identity.LASTING)
        received = dict.fromkeys(links, Entry(None, UNCOUNTED, UNCOUNTED, ()))
        ledger = self._tenant(job.tenant, self._home(job, context)).ledger
        try:
            ledger.keep(received)
        except StoreError:
            ledger.remember(received)

    def _remember(self, tenant: str, notes: bytes) -> None:
        values = json.loads(notes)
        entries = {bytes.fromhex(key): unpacked(note.encode()) for key, note in values["entries"].items()}
        memory = self._tenant(tenant, values["home"])
        memory.ledger.remember({key: entry for key, entry in entries.items() if entry is not None})
        memory.recalls.remember_mode(values["recalls"])

    def _home(self, job: Job, context: Context) -> str:
        """The tenant under whom a conversation's decisions are noted; the job's own where that cannot be read."""
        self._opened()
        assert self._homes is not None
        with suppress(StoreError):
            return self._homes.of(context, job.tenant)
        return job.tenant

    def _tenant(self, name: str, home: str) -> _Tenant:
        store = Scoped(self._opened(), name, home)
        with self._lock:
            tenant = self._tenants.pop((name, home), None) or _Tenant(Ledger(store, TENANT_BYTES), Recalls(store))
            self._tenants[name, home] = tenant
            while len(self._tenants) > TENANTS:
                self._tenants.popitem(last=False)
        return tenant

    def _opened(self) -> Store:
        if self._store is None:
            store = self._open_store()
            self._store = ImpatientStore(store, store) if isinstance(store, Notes) else store
            self._homes = Homes(self._store)
        return self._store


def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "contextprune-replay")


def _note(ledger: Ledger, entries: dict[identity.Key, Entry]) -> bool:
    """Note what is sent; False where something else has been noted about it."""
    try:
        return ledger.keep_first(entries)
    except StoreError:
        ledger.remember(entries)
        return True


def _as_sent(core: identity.Conversation, links: list[identity.Link], recorded: Recorded) -> dict[identity.Key, Entry]:
    """Entries of what a replay sends and the ledger does not know yet."""
    fresh: dict[identity.Key, Entry] = {}
    for at in range(min(recorded.size, core.sent), len(core.segments)):
        if at in recorded.entries:
            continue
        late = at >= core.sent and core.segments[at].kind in BLOCKS
        entry = recorded.reused.get(at) or Entry(None, UNCOUNTED, UNCOUNTED, (), late)
        fresh[links[at]] = replace(entry, changed=())
    return fresh
