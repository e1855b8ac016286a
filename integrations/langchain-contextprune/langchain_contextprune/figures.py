"""Figures of a request where tracers and streams find them, and what really went out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import contextprune as cp
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables.config import RunnableConfig, merge_configs, var_child_runnable_config


@dataclass(frozen=True, slots=True)
class Sent:
    """What one call of a model was sent in the end.

    Attributes:
        messages: The messages, as middleware behind ours left them.
        model: The model's name; "" where it tells none.
        settings: Of the call, as tracers see them.
    """

    messages: Sequence[BaseMessage]
    model: str
    settings: Mapping[str, Any]


class Witness(BaseCallbackHandler):
    """Sees what models were sent while a request was handled: it may be retried, or go to another model."""

    run_inline = True  # it only keeps references, so no thread is worth it

    def __init__(self) -> None:
        self._calls: dict[UUID, Sent] = {}
        self._by_reply: dict[str, Sent] = {}

    def on_chat_model_start(
        self,
        serialized: Any,
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep what a model is sent."""
        del serialized
        settings = kwargs.get("invocation_params")
        if messages:
            name = str((metadata or {}).get("ls_model_name") or "")
            self._calls[run_id] = Sent(messages[0], name, settings if isinstance(settings, Mapping) else {})

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Keep which reply came of it."""
        del kwargs
        for generations in response.generations:
            for generation in generations:
                reply = generation.message.id if isinstance(generation, ChatGeneration) else None
                if reply and run_id in self._calls:
                    self._by_reply[reply] = self._calls[run_id]

    def sent_for(self, replies: Sequence[BaseMessage]) -> Sent | None:
        """Find the call that a reply came of; of replies that no call knows, the last call, and None without calls."""
        return self.known_for(replies) or next(reversed(self._calls.values()), None)

    def known_for(self, replies: Sequence[BaseMessage]) -> Sent | None:
        """As `sent_for`, but None of replies that no call knows: somebody else may have made them."""
        return next((self._by_reply[reply.id] for reply in replies if reply.id in self._by_reply), None)


@contextmanager
def in_metadata(figures: Mapping[str, Any], witness: Witness) -> Iterator[None]:
    """Put figures into the metadata of the runs that begin inside, where LangSmith, Langfuse and callbacks look."""
    config: RunnableConfig = var_child_runnable_config.get() or {}
    more: RunnableConfig = {"metadata": dict(figures), "callbacks": [witness]}
    token = var_child_runnable_config.set(merge_configs(config, more))
    try:
        yield
    finally:
        var_child_runnable_config.reset(token)


def streamed(runtime: Any, event: Mapping[str, Any]) -> None:
    """Write an event of our own to `stream_mode="custom"`; where nobody streams, nothing happens."""
    writer = getattr(runtime, "stream_writer", None)
    if callable(writer):
        writer({"contextprune": dict(event)})


def cleared(counter: cp.Counter, handed_on: Sequence[BaseMessage], sent: Sent | None) -> int:
    """Count the tokens of results that ours handed on and something behind it cleared or left out."""
    if sent is None:
        return 0
    shown = {message.tool_call_id: message for message in sent.messages if isinstance(message, ToolMessage)}
    tokens = 0
    for message in handed_on:
        if isinstance(message, ToolMessage):
            other = shown.get(message.tool_call_id)
            if other is None or other.content != message.content:
                tokens += counter(message.text) - (0 if other is None else counter(other.text))
    return tokens
