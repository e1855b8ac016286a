"""The scorer process: reads jobs from its pipe and answers them, one at a time, until the pipe closes.

A thread reads the pipe, so that a job can be told that nobody waits for it, and so that the process ends with the
front whatever it is doing. A front that dies, however it does, leaves nothing behind.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NoReturn

from contextprune.dialects import read
from contextprune.errors import ContextPruneError
from contextprune.proxy.job import PREFIX, Job, pack, pack_answer, read_job, unpack
from contextprune.proxy.telemetry.logs import log_at_once
from contextprune.proxy.worker.answer import Answerer
from contextprune.proxy.worker.guard import guarded
from contextprune.pruner import Pruner
from contextprune.report import Report
from contextprune.scoring import load_scorer
from contextprune.settings import Settings, data_folder, load_settings
from contextprune.storage.sqlite import Patience
from contextprune.storage.store import MemoryStore, open_store
from contextprune.tokens import open_counter

_OUT_OF_MEMORY = 70
BUSY = Patience(2.5, again=0.25)
"""For a store that another process has locked. The front waits for it as long, whoever is late: with us, for the
decision."""
NICENESS = 10
IDLE = 0.02  # seconds without a job after which the next request is prepared
_log = logging.getLogger("contextprune.proxy.scorer")


def main(config: str = "", threads: int = 1) -> None:
    """Serve the pipe that is the standard input. `threads`: of a model on a CPU."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the front, which closes the pipe
    give_way()
    pipe = Pipe(socket.socket(fileno=os.dup(0)))
    threading.Thread(target=pipe.listen, daemon=True).start()
    log_at_once(sys.stderr)
    answerer, report = guarded(lambda: _started(config, threads), lambda exc: _cannot_start(pipe, exc))
    trouble = answerer.trouble()

    gc.collect()
    gc.freeze()  # the vocabulary and all that was imported: never looked through again
    pipe.send(pack({"word": "ready", "single": answerer.single, **({"trouble": trouble} if trouble else {})}))

    threading.Thread(target=lambda: report.cost, daemon=True).start()  # the first look at prices is slow, too
    try:
        serve(pipe, answerer)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)


def give_way() -> None:
    """Run only where the front does not want the core: what it relays must not wait for what is being decided."""
    if sys.platform != "win32":
        os.nice(NICENESS)


def _started(config: str, threads: int) -> tuple[Answerer, Report]:
    """The answerer, and the report of a trial: the first decision is slow, and so costs no request its time."""
    settings = load_settings(file=Path(config) if config else None, tell=lambda _: None)  # the front has said it
    answerer, spare = prepare(settings, threads)
    return answerer, spare(read(_trial(), format="openai-chat")).report


def _cannot_start(pipe: Pipe, exc: Exception) -> NoReturn:
    """Tell the front why there is no scorer, and end."""
    expected = isinstance(exc, ContextPruneError | OSError)
    if not expected:
        _log.error("this scorer cannot start", exc_info=exc)
    pipe.send(pack({"word": "failed", "why": str(exc) if expected else f"{type(exc).__name__}: {exc}"}))
    sys.exit(1)


class Pipe:
    """The scorer's end of the pipe: messages come in by a thread of their own."""

    def __init__(self, pipe: socket.socket) -> None:
        self._pipe = pipe
        self._abandoned = -1
        self.inbox: SimpleQueue[tuple[dict[str, Any], list[bytes | None]]] = SimpleQueue()

    def listen(self) -> None:
        """Take in messages until the pipe closes; then the process ends, at once."""
        try:
            while True:
                head_size, parts_size = PREFIX.unpack(self._exactly(PREFIX.size))
                head, parts = unpack(self._exactly(head_size), self._exactly(parts_size))
                if head["word"] in ("late", "cancel"):
                    self._abandoned = head["number"]
                self.inbox.put((head, parts))
        except OSError:
            pass
        finally:
            os._exit(0)

    def abandoned(self, number: int) -> bool:
        """True once the front waits no longer for a job."""
        return self._abandoned == number

    def send(self, pieces: list[bytes]) -> None:
        """Send one message."""
        for piece in pieces:
            self._pipe.sendall(piece)

    def _exactly(self, size: int) -> memoryview:
        view = memoryview(bytearray(size))
        at = 0
        while at < size:
            count = self._pipe.recv_into(view[at:])
            if not count:
                raise EOFError
            at += count
        return view


def serve(pipe: Pipe, answerer: Answerer) -> None:
    """Answer messages in the order in which they come."""
    while True:
        try:
            head, parts = pipe.inbox.get(timeout=None if answerer.idle else IDLE)
        except Empty:
            answerer.prepare_next(lambda: not pipe.inbox.empty())
            continue
        if head["word"] == "job":
            _answer(pipe, answerer, read_job(head, parts))
        elif head["word"] == "late":
            answerer.late(head["number"])
        elif head["word"] == "refused":
            answerer.refused(read_job(head, parts))
        elif head["word"] == "noted":
            answerer.noted(head["tenant"], parts[0] or b"{}")


def _answer(pipe: Pipe, answerer: Answerer, job: Job) -> None:
    pipe.send(pack_answer(answerer(job, lambda: pipe.abandoned(job.number))))


def prepare(settings: Settings, threads: int) -> tuple[Answerer, Pruner]:
    """The answerer, and an engine of the same parts that remembers nothing, for a trial."""
    scorer = load_scorer(settings.scorer, settings.device)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)

    counter = open_counter(settings.tokenizer)
    store = open_store(settings.store, data_folder(), BUSY)
    counter("")  # reads the vocabulary
    spare = Pruner(settings.policy, scorer, counter, MemoryStore())
    return Answerer(settings.policy, scorer, counter, store), spare


def _trial() -> Mapping[str, Any]:
    """A conversation with something in it to decide."""
    rows = "\n".join(f"2026-01-01 12:00:{i % 60:02} INFO request {i} took {i * 7 % 100} ms" for i in range(40))
    call = {"id": "c", "type": "function", "function": {"name": "logs", "arguments": "{}"}}
    return {
        "model": "gpt-5",
        "messages": [
            {"role": "user", "content": "Which request was slow?"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": rows},
        ],
    }
