"""Results that are a person's words: what a tool was answered while it waited for an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llama_index.core.workflow import HumanResponseEvent

_DEEPEST = 8


def is_persons(text: str) -> bool:
    """Tell whether most of a result is what a person answered in this step of the workflow; elsewhere nobody did."""
    return any(2 * len(answer) >= len(text) and answer in text for answer in _answers() if answer)


def _answers() -> Iterator[str]:
    """All texts of the events that a person sent to this step while it waited (`ctx.wait_for_event`)."""
    try:  # not of the public face of workflows, whose older versions keep it elsewhere
        from workflows.runtime.types.results import StepWorkerStateContextVar  # noqa: PLC0415
    except ImportError:
        return
    step = StepWorkerStateContextVar.get(None)
    for waiter in getattr(getattr(step, "state", None), "collected_waiters", None) or ():
        event = getattr(waiter, "resolved_event", None)
        if isinstance(event, HumanResponseEvent):
            yield from _texts(event.model_dump(), _DEEPEST)


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner, depth - 1)
    elif depth and isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, depth - 1)
