"""A list of messages on its way to a model, without an agent: for LCEL, as `trim_messages` is used."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import contextprune as cp
from langchain_core.messages import AnyMessage, BaseMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableConfig

from langchain_contextprune.budgets import as_budget
from langchain_contextprune.compress import fitted, view
from langchain_contextprune.engines import built
from langchain_contextprune.failures import TellsFailures

_log = logging.getLogger(__name__)


class ContextPruneMessages(TellsFailures, Runnable[Any, list[AnyMessage]]):
    """Shortens what tools and documents say in a conversation: `prompt | ContextPruneMessages() | model`.

    Takes a list of messages in any of LangChain's spellings, or a prompt's value, and gives as many messages: what does
    not change is the caller's own. Without a budget each result is decided once, and what was sent is sent again. Where
    something fails, the messages go through as they are; `failures` counts that, and `reason` says why.

    Args:
        pruner: One for everything that shares a store; one from the settings where none is given.
        budget: A `contextprune.Budget`, or a share as a number, for the whole conversation, decided afresh each time;
            what is protected (a person's words, the model's) counts, and stays.
        model: The model's name, which tells its prices and whether its reasoning is bound to what stands before it.
        pastes: As `ContextPruneMiddleware` takes it.
        recall_tool: Whether markers name keys, for a model that is offered `ContextPruneRecall`; only where no pruner
            is given, which says that itself.

    Raises:
        ValueError: The budget is none, or leaves nothing.
    """

    def __init__(
        self,
        pruner: cp.Pruner | None = None,
        *,
        budget: cp.Budget | float | None = None,
        model: str = "",
        pastes: int | None = None,
        recall_tool: bool = False,
    ) -> None:
        self.pruner = pruner or built(hints=recall_tool)
        self.budget = as_budget(budget)
        self._model, self._pastes = model, pastes
        self._fail_open = cp.FailOpen(_log)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> list[AnyMessage]:  # noqa: A002 - the base's word
        """Shorten a list of messages."""
        del kwargs
        return self._call_with_config(self._shortened, input, config, run_type="prompt")

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> list[AnyMessage]:  # noqa: A002 - as above
        """As `invoke`; the work is done in a thread."""
        return await asyncio.to_thread(self.invoke, input, config, **kwargs)

    def _shortened(self, value: Any) -> list[AnyMessage]:
        messages = _messages_of(value)
        return self._fail_open("messages go through as they are", lambda: self._decided(messages), messages)

    def _decided(self, messages: Sequence[BaseMessage]) -> list[AnyMessage]:
        if self.budget is None:
            seen = view(self.pruner, messages, model=self._model, pastes=self._pastes, from_start=True)
            return seen.messages
        return fitted(self.pruner, messages, self.budget, model=self._model, pastes=self._pastes)


def _messages_of(value: Any) -> list[Any]:
    """The messages of what a chain hands on."""
    if isinstance(value, PromptValue):
        return value.to_messages()
    return list(value) if all(isinstance(each, BaseMessage) for each in value) else convert_to_messages(value)
