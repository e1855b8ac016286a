"""A callback handler: it observes. Only when told so does it shorten, and then only what a tool or retriever just made.

Never what goes to a model: in `on_chat_model_start` the messages are the caller's own objects, so an edit there would
change the caller's history, after checkpoints were written and whatever else was decided from it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import contextprune as cp
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from langchain_contextprune.compress import arrive, view
from langchain_contextprune.compressor import ContextPruneCompressor
from langchain_contextprune.recall_tool import NAME

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a handler has seen.

    requests                calls of chat models that ended
    input, output           tokens as the provider counted them, cache reads and writes among the input
    cache_read, cache_write  tokens of the input that came from the provider's cache, or entered it
    dollars                 what these cost; None where the extra `prices` is not installed or does not know a model
    recalls                 calls of the recall tool
    shortened               tool results and retrieved documents that were shortened here (with `mutate`)
    session                 the same prompts without and with contextprune, as its own counter has them: tokens, dollars
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

    def __str__(self) -> str:
        """A small table."""
        paid = "unknown" if self.dollars is None else f"${self.dollars:,.4f}"
        said = (
            f"{self.input:,} input tokens ({self.cache_read:,} from the cache, {self.cache_write:,} into it), "
            f"{self.output:,} output tokens, {paid}"
        )
        facts = [("provider", f"{self.requests:,} requests, {said}"), ("recalled", f"{self.recalls:,}")]
        if self.shortened:
            facts.append(("short", f"{self.shortened:,} results and documents, on arrival"))
        return "\n".join([*(f"{name:8} {text}" for name, text in facts), str(self.session)])


class ContextPruneCallbackHandler(BaseCallbackHandler):
    """Counts what models read, what that cost, and what contextprune saves or would have saved.

    pruner   give that of the middleware to see what it saves; by default one of its own, that keeps nothing on disk,
             tells what would have been saved
    audit    whether prompts are compressed for comparison; without it only the provider's own figures are counted
    mutate   whether outputs of tools and retrievers are shortened in place, as they end. For agents, use the middleware
    budget   what `mutate` leaves of the documents of one retrieval, as `ContextPruneCompressor` takes it
    """

    def __init__(
        self,
        pruner: cp.Pruner | None = None,
        *,
        audit: bool = True,
        mutate: bool = False,
        budget: cp.Budget | float | None = 0.3,
    ) -> None:
        self.pruner = pruner or cp.Pruner(store=None if mutate else cp.MemoryStore())
        self._audit, self._mutate = audit, mutate
        self._compressor = ContextPruneCompressor(budget=budget, pruner=self.pruner, keep_empty=True)
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
            try:
                report = view(self.pruner, prompt, model=model, from_start=True).report
            except cp.ContextPruneError:
                _log.warning("a prompt could not be audited", exc_info=True)
                continue
            cost = report.cost
            if cost is not None:
                self._add(session=cp.Session().add(cost, epoch=report.epoch))

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
        call = {"name": name or output.name or "tool", "args": asked, "id": output.tool_call_id}
        history = [AIMessage("", tool_calls=[call])]
        try:
            short = arrive(self.pruner, history, output, from_start=True).message
        except cp.ContextPruneError:
            _log.warning("a result of %s is left as it is", name or "a tool", exc_info=True)
            return
        if short is not output:
            output.content, output.response_metadata = short.content, short.response_metadata
            self._add(shortened=1)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget the call."""
        del error, kwargs
        self._end(run_id)

    def on_retriever_start(self, serialized: dict[str, Any] | None, query: str, *, run_id: UUID, **kwargs: Any) -> None:
        """Remember what is looked for."""
        del serialized, kwargs
        if self._mutate:
            self._begin(run_id, "", query)

    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **kwargs: Any) -> None:
        """Put shortened copies in place of documents, where `mutate` says so; those of the store are left alone."""
        del kwargs
        _, query = self._end(run_id)
        if not self._mutate or not isinstance(documents, list) or not isinstance(query, str):
            return
        short = self._compressor.compress_documents(documents, query)
        changed = sum(new.page_content != old.page_content for new, old in zip(short, documents, strict=True))
        documents[:] = [document for document in short if document.page_content]
        self._add(shortened=changed)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget the search."""
        del error, kwargs
        self._end(run_id)

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
