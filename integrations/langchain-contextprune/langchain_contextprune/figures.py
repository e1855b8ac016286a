"""Figures of a request where tracers and streams find them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from langchain_core.runnables.config import RunnableConfig, merge_configs, var_child_runnable_config


@contextmanager
def in_metadata(figures: Mapping[str, Any]) -> Iterator[None]:
    """Put figures into the metadata of the runs that begin inside, where LangSmith, Langfuse and callbacks look."""
    config: RunnableConfig = var_child_runnable_config.get() or {}
    token = var_child_runnable_config.set(merge_configs(config, {"metadata": dict(figures)}))
    try:
        yield
    finally:
        var_child_runnable_config.reset(token)


def streamed(runtime: Any, event: Mapping[str, Any]) -> None:
    """Write an event of our own to `stream_mode="custom"`; where nobody streams, nothing happens."""
    writer = getattr(runtime, "stream_writer", None)
    if callable(writer):
        writer({"contextprune": dict(event)})
