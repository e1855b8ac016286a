"""Figures of a request where tracers and streams find them, and what really went out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import contextprune as cp
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.runnables.config import RunnableConfig, merge_configs, var_child_runnable_config


class Witness(BaseCallbackHandler):
    """Sees the messages that a model was sent in the end; middleware behind ours may have changed them."""

    run_inline = True  # it only keeps a list, so no thread is worth it

    def __init__(self) -> None:
        self.messages: list[BaseMessage] | None = None

    def on_chat_model_start(self, serialized: Any, messages: list[list[BaseMessage]], **kwargs: Any) -> None:
        """Keep what was sent last: of several tries the last one counts."""
        del serialized, kwargs
        self.messages = messages[0] if messages else None


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


def cleared(counter: cp.Counter, handed_on: Sequence[BaseMessage], sent: Sequence[BaseMessage] | None) -> int:
    """Count the tokens of results that ours handed on and something behind it cleared or left out."""
    if sent is None:
        return 0
    shown = {message.tool_call_id: message for message in sent if isinstance(message, ToolMessage)}
    tokens = 0
    for message in handed_on:
        if isinstance(message, ToolMessage):
            other = shown.get(message.tool_call_id)
            if other is None or other.content != message.content:
                tokens += counter(message.text) - (0 if other is None else counter(other.text))
    return tokens
