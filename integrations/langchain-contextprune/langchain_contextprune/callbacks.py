"""A callback handler: it observes. Only when told so does it shorten, and then only messages that a tool just made.

Never what goes to a model: in `on_chat_model_start` the messages are the caller's own objects, so an edit there would
change the caller's history, after checkpoints were written and whatever else was decided from it. Nor documents: in
`on_retriever_end` the list may be the retriever's own, and a retriever of retrievers would have them shortened twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

import contextprune as cp
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables.config import var_child_runnable_config

from langchain_contextprune.compress import arrive, view
from langchain_contextprune.engines import DEADLINE, built
from langchain_contextprune.persons import is_persons
from langchain_contextprune.recall_tool import NAME

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a handler has seen.

    Attributes:
        requests: Calls of chat models that ended.
        input: Tokens of their prompts as the provider counted them, cache reads and writes among them.
        output: Tokens of their replies.
        cache_read: Tokens of the input that came from the provider's cache.
        cache_write: Tokens of the input that entered it.
        dollars: What these cost; None where the extra `prices` is not installed or does not know a model.
        recalls: Calls of the recall tool.
        shortened: Results of tools that were shortened here (with `mutate`).
        session: The same prompts without and with contextprune, as its own counter has them: tokens, dollars.
        failures: Prompts and results that could not be looked at; the log says why.
    """

    requests: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    dollars: float | None = 0.0
    recalls: int = 0
    shortened: int = 0
    session: cp.Session = field(default_factory=cp.Session)
    failures: int = 0

    def __str__(self) -> str:
        """A small table."""
        paid = "unknown" if self.dollars is None else f"${self.dollars:,.4f}"
        said = (
            f"{self.input:,} input tokens ({self.cache_read:,} from the cache, {self.cache_write:,} into it), "
            f"{self.output:,} output tokens, {paid}"
        )
        facts = [("provider", f"{self.requests:,} requests, {said}"), ("recalled", f"{self.recalls:,}")]
        if self.shortened:
            facts.append(("short", f"{self.shortened:,} results, on arrival"))
        return "\n".join([*(f"{name:8} {text}" for name, text in facts), str(self.session)])


class ContextPruneCallbackHandler(BaseCallbackHandler):
    """Counts what models read, what that cost, and what contextprune saves or would have saved.

    Args:
        pruner: Give that of the middleware to see what it saves; by default one of its own, that keeps nothing on disk,
            tells what would have been saved.
        audit: Whether prompts are compressed for comparison; without it only the provider's own figures are counted.
        mutate: Whether messages of tools are shortened in place, as they end. For agents, use the middleware; for
            documents of a retriever `ContextPruneCompressor`: they are never changed here. A handler is not told
            which tools have `return_direct`: name these in `Policy(exclude_tools=...)`.
    """

    def __init__(
        self,
        pruner: cp.Pruner | None = None,
        *,
        audit: bool = True,
        mutate: bool = False,
    ) -> None:
        self.pruner = pruner or (built() if mutate else cp.Pruner(store=cp.MemoryStore(), deadline=DEADLINE))
        self._audit, self._mutate = audit, mutate
        self._fail_open = cp.FailOpen(_log)
        self._refused = False
        self._usage = Usage()
        self._started: dict[UUID, tuple[str, Any]] = {}
        self._lock = threading.Lock()

    @property
    def usage(self) -> Usage:
        """What was seen so far."""
        return self._usage

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Look at a prompt; nothing of it is changed."""
        del serialized, run_id, kwargs
        if not self._audit:
            return
        model = str((metadata or {}).get("ls_model_name") or "")
        for prompt in messages:
            seen = self._fail_open("a prompt could not be audited", partial(self._report, prompt, model), None)
            if seen is None:
                self._add(failures=1)
            elif seen.cost is not None:
                self._add(session=cp.Session().add(seen.cost, epoch=seen.epoch))

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        """Count what the provider says that it read and wrote."""
        del kwargs
        for generation, *_ in response.generations:
            message = generation.message if isinstance(generation, ChatGeneration) else None
            if not isinstance(message, AIMessage) or message.usage_metadata is None:
                self._add(requests=1)
                continue
            used = message.usage_metadata
            details: Mapping[str, Any] = used.get("input_token_details") or {}
            read, write = details.get("cache_read") or 0, details.get("cache_creation") or 0
            said = message.response_metadata
            model = str(said.get("model_name") or said.get("model") or "")
            seen = Usage(1, used["input_tokens"], used["output_tokens"], read, write)
            self._add(
                requests=1, input=seen.input, output=seen.output, cache_read=read, cache_write=write,
                dollars=_dollars(seen, model),
            )  # fmt: skip

    def on_tool_start(self, serialized: dict[str, Any] | None, input_str: str, *, run_id: UUID, **kwargs: Any) -> None:
        """Remember which tool was called with what."""
        name = str((serialized or {}).get("name") or kwargs.get("name") or "")
        if name == NAME:
            self._add(recalls=1)
        if self._mutate:
            self._begin(run_id, name, kwargs.get("inputs") or {"input": input_str})

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Shorten a message that a tool has just made, where `mutate` says so. A bare text cannot be changed here."""
        del kwargs
        name, asked = self._end(run_id)
        if not self._mutate or not isinstance(output, ToolMessage):
            return
        if is_persons(output, var_child_runnable_config.get()):
            return
        call = {"name": name or output.name or "tool", "args": asked, "id": output.tool_call_id}
        history = [AIMessage("", tool_calls=[call])]
        work = lambda: arrive(self.pruner, history, output, from_start=True).message  # noqa: E731 - one line
        short = self._fail_open(f"a result of {name or 'a tool'} is left as it is", work, None)
        if short is None:
            self._add(failures=1)
        elif short is not output:
            output.content, output.response_metadata = short.content, short.response_metadata
            self._add(shortened=1)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget the call."""
        del error, kwargs
        self._end(run_id)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Say, where `mutate` is on, that documents are not shortened here."""
        del documents, run_id, kwargs
        if self._mutate and not self._refused:
            self._refused = True
            _log.warning(
                "documents of a retriever are not shortened in a callback: the list may be the retriever's own, and a "
                "retriever of retrievers would have them shortened twice. Use ContextPruneCompressor(...).as_runnable()"
            )

    def _report(self, prompt: list[BaseMessage], model: str) -> cp.Report:
        return view(self.pruner, prompt, model=model, from_start=True).report

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the lock."""
        return {key: value for key, value in vars(self).items() if key != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on with a lock of its own."""
        vars(self).update(state)
        self._lock = threading.Lock()

    def _begin(self, run: UUID, name: str, asked: Any) -> None:
        with self._lock:
            self._started[run] = name, asked

    def _end(self, run: UUID) -> tuple[str, Any]:
        with self._lock:
            return self._started.pop(run, ("", None))

    def _add(self, *, session: cp.Session | None = None, dollars: float | None = 0.0, **counts: int) -> None:
        with self._lock:
            now = self._usage
            total = None if now.dollars is None or dollars is None else now.dollars + dollars
            sums = {name: getattr(now, name) + count for name, count in counts.items()}
            self._usage = replace(now, dollars=total, session=now.session + (session or cp.Session()), **sums)


def _dollars(used: Usage, model: str) -> float | None:
    """What a call cost; None where the prices are not installed or do not know the model."""
    try:
        from genai_prices import Usage as Tokens  # noqa: PLC0415 - an extra
        from genai_prices import calc_price  # noqa: PLC0415 - as above
    except ImportError:
        return None
    tokens = Tokens(
        input_tokens=used.input,
        output_tokens=used.output,
        cache_read_tokens=used.cache_read,
        cache_write_tokens=used.cache_write,
    )
    try:
        return float(calc_price(tokens, model_ref=model).total_price)
    except LookupError:
        return None
