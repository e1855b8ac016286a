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
from typing import Any

from contextprune.dialects import read
from contextprune.errors import ContextPruneError
from contextprune.proxy.answering import Answering
from contextprune.proxy.job import PREFIX, Job, pack, pack_answer, read_job, unpack
from contextprune.proxy.logs import log_at_once
from contextprune.pruner import Pruner
from contextprune.scoring import Scorer, load_scorer
from contextprune.settings import Settings, data_folder, load_settings
from contextprune.storage.store import MemoryStore, open_store
from contextprune.tokens import open_counter

_GPUS = ("/dev/nvidiactl", "/dev/dxg")  # as Linux and Linux within Windows show one
_OUT_OF_MEMORY = 70
BUSY = 0.25  # seconds that a job waits for a store that another process has locked, before it goes on without
REST = 0.02  # seconds without a job after which the next one is prepared for
_log = logging.getLogger("contextprune.proxy.scorer")


def main(config: str = "", threads: int = 1) -> None:
    """Serve the pipe that is the standard input. `threads`: of a model on a CPU."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the front, which closes the pipe
    pipe = Pipe(socket.socket(fileno=os.dup(0)))
    threading.Thread(target=pipe.listen, daemon=True).start()
    log_at_once(sys.stderr)
    try:
        settings = load_settings(file=Path(config) if config else None, tell=lambda _: None)  # the front has said it
        answering, spare = prepare(settings, threads)
        report = spare(read(_trial(), format="openai-chat")).report  # the first is slow, and costs no request its time
    except Exception as exc:  # noqa: BLE001 - whatever it is, the front is told why there is no scorer
        known = isinstance(exc, ContextPruneError | OSError)
        if not known:
            _log.error("this scorer cannot start", exc_info=exc)
        pipe.send(pack({"word": "failed", "why": str(exc) if known else f"{type(exc).__name__}: {exc}"}))
        sys.exit(1)
    trouble = answering.trouble()
    gc.collect()
    gc.freeze()  # the vocabulary and all that was imported: never looked through again
    pipe.send(pack({"word": "ready", "trouble": trouble} if trouble else {"word": "ready"}))
    threading.Thread(target=lambda: report.cost, daemon=True).start()  # the first look at prices is slow, too
    try:
        serve(pipe, answering)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)


class Pipe:
    """The worker's end: messages come in by a thread of their own."""

    def __init__(self, pipe: socket.socket) -> None:
        self._pipe = pipe
        self._stopped = -1
        self.inbox: SimpleQueue[tuple[dict[str, Any], list[bytes | None]]] = SimpleQueue()

    def listen(self) -> None:
        """Take in messages until the pipe closes; then the process ends, at once."""
        try:
            while True:
                head, rest = PREFIX.unpack(self._exactly(PREFIX.size))
                told, parts = unpack(self._exactly(head), self._exactly(rest))
                if told["word"] in ("late", "cancel"):
                    self._stopped = told["number"]
                self.inbox.put((told, parts))
        except OSError:
            pass
        finally:
            os._exit(0)

    def stopped(self, number: int) -> bool:
        """Whether the front waits no longer for a job."""
        return self._stopped == number

    def send(self, pieces: list[bytes]) -> None:
        """Send one message."""
        for piece in pieces:
            self._pipe.sendall(piece)

    def _exactly(self, size: int) -> memoryview:
        view = memoryview(bytearray(size))
        at = 0
        while at < size:
            got = self._pipe.recv_into(view[at:])
            if not got:
                raise EOFError
            at += got
        return view


def serve(pipe: Pipe, answering: Answering) -> None:
    """Answer what comes, in order."""
    while True:
        try:
            told, parts = pipe.inbox.get(timeout=None if answering.idle else REST)
        except Empty:
            answering.rest(lambda: not pipe.inbox.empty())
            continue
        if told["word"] == "job":
            _answer(pipe, answering, read_job(told, parts))
        elif told["word"] == "late":
            answering.late(told["number"], replayed=told["replayed"])
        elif told["word"] == "refused":
            answering.refused(read_job(told, parts))


def _answer(pipe: Pipe, answering: Answering, job: Job) -> None:
    answer = answering(job, lambda: pipe.stopped(job.number), lambda early: pipe.send(pack_answer(early)))
    pipe.send(pack_answer(answer))


def prepare(settings: Settings, threads: int) -> tuple[Answering, Pruner]:
    """All that a job needs; and an engine of the same parts that remembers nothing, to be tried on something."""
    scorer = scorer_of(settings)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    counter = open_counter(settings.tokenizer)
    store = open_store(settings.store, data_folder(), BUSY)
    counter("")  # reads the vocabulary
    spare = Pruner(settings.policy, scorer, counter, MemoryStore())
    return Answering(settings.policy, scorer, counter, store), spare


def scorer_of(settings: Settings) -> Scorer:
    """The scorer that was set; "auto" is the model only where a GPU can run it, for it has a tenth of a second."""
    if settings.scorer != "auto":
        return load_scorer(settings.scorer, settings.device)
    if settings.device == "cpu" or not any(Path(gpu).exists() for gpu in _GPUS):
        return load_scorer("lexical")
    try:
        return load_scorer("neural", "cuda")
    except ContextPruneError:
        return load_scorer("lexical")


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
