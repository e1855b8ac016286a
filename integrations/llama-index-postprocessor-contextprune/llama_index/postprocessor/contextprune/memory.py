"""A memory that shows a shortened history; the memory inside holds every message as it was put."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr, SerializeAsAny
from llama_index.core.memory import BaseMemory, ChatMemoryBuffer, Memory
from llama_index.core.memory.memory import InsertMethod

import contextprune as cp
from llama_index.postprocessor.contextprune.engine import agents_pruner
from llama_index.postprocessor.contextprune.failures import TellsFailures
from llama_index.postprocessor.contextprune.messages import shortened

_log = logging.getLogger(__name__)

_LIMITS = ("session_id", "token_limit", "token_flush_size", "chat_history_token_ratio")
_SIZES = tuple(f"{kind}_token_size_estimate" for kind in ("image", "audio", "video"))


class ContextPruneMemory(TellsFailures, BaseMemory):
    """Any memory, with the tools' results in what it shows shortened; what is put is kept whole (`get_all`).

    A result is whole in the run that made it, where no memory is asked, and short from the next run on: the provider's
    cache ends there once. From then on it stays as it is. User and assistant messages are never touched. The limits of
    the memory inside count the whole texts, so give it room. Where something fails the history is shown as it is;
    `failures` counts that, and `reason` says why.

    Args:
        memory: The memory that holds the messages.
        pruner: How to shorten; one from the settings where none is given. It is not serialised.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    memory: SerializeAsAny[BaseMemory] = Field(description="The memory that holds the messages.")

    _pruner: cp.Pruner = PrivateAttr()
    _fail_open: cp.FailOpen = PrivateAttr(default_factory=lambda: cp.FailOpen(_log))

    def __init__(self, memory: BaseMemory, pruner: cp.Pruner | None = None) -> None:
        super().__init__(memory=memory)  # type: ignore[call-arg]
        self._pruner = pruner or agents_pruner()

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "ContextPruneMemory"

    @classmethod
    def from_defaults(
        cls, memory: BaseMemory | None = None, pruner: cp.Pruner | None = None, **kwargs: Any
    ) -> ContextPruneMemory:
        """Make one over a memory, or over LlamaIndex's `Memory`.

        Args:
            memory: The memory that holds the messages.
            pruner: How to shorten.
            **kwargs: Settings of a `Memory`, where no memory is given.

        Raises:
            SettingsError: Settings are given beside a memory, or `Memory` knows no such setting.
        """
        if memory is not None and kwargs:
            raise cp.SettingsError(f"{', '.join(kwargs)}: settings for a new memory, but one was given")
        return cls(memory or Memory.from_defaults(**kwargs), pruner)

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """Write it as JSON knows it, so that a workflow's context can be saved. Messages in a database stay there."""
        return {**self.model_dump(mode="json", **kwargs), "class_name": self.class_name()}

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> ContextPruneMemory:
        """Read back what `to_dict` wrote; `memory=` takes the place of the one inside.

        LlamaIndex's `Memory` comes back with its session and limits, without the messages of a database in memory, as
        it does by itself: give `memory=` where they are to stay.

        Raises:
            SettingsError: The memory cannot be read back.
        """
        inside = kwargs.pop("memory", None) or _read_back(dict(data["memory"]))
        return cls(inside, **kwargs)

    def get(self, input: str | None = None, **kwargs: Any) -> list[ChatMessage]:  # noqa: A002 - the base's word
        """Show what the model is to see of the history."""
        return self._shown(self.memory.get(input=input, **kwargs))

    async def aget(self, input: str | None = None, **kwargs: Any) -> list[ChatMessage]:  # noqa: A002 - as above
        """As `get`, the model in a thread of its own."""
        messages = await self.memory.aget(input=input, **kwargs)
        return await asyncio.to_thread(self._shown, messages)

    def _shown(self, messages: list[ChatMessage]) -> list[ChatMessage]:
        return self._fail_open("the history is shown as it is", lambda: shortened(messages, self._pruner), messages)

    def get_all(self) -> list[ChatMessage]:
        """Every message as it was put."""
        return self.memory.get_all()

    async def aget_all(self) -> list[ChatMessage]:
        """Every message as it was put."""
        return await self.memory.aget_all()

    def put(self, message: ChatMessage) -> None:
        """Keep a message, whole."""
        self.memory.put(message)

    async def aput(self, message: ChatMessage) -> None:
        """Keep a message, whole."""
        await self.memory.aput(message)

    def put_messages(self, messages: list[ChatMessage]) -> None:
        """Keep messages, whole."""
        self.memory.put_messages(messages)

    async def aput_messages(self, messages: list[ChatMessage]) -> None:
        """Keep messages, whole."""
        await self.memory.aput_messages(messages)

    def set(self, messages: list[ChatMessage]) -> None:
        """Keep these messages and no others."""
        self.memory.set(messages)

    async def aset(self, messages: list[ChatMessage]) -> None:
        """Keep these messages and no others."""
        await self.memory.aset(messages)

    def reset(self) -> None:
        """Forget all messages."""
        self.memory.reset()

    async def areset(self) -> None:
        """Forget all messages."""
        await self.memory.areset()


def _read_back(inside: dict[str, Any]) -> BaseMemory:
    """The memory in a serialised form; LlamaIndex writes more of its own than it can read."""
    match inside.pop("class_name", None):
        case "ChatMemoryBuffer":
            return ChatMemoryBuffer.from_dict(inside)
        case "Memory" if not inside.get("memory_blocks"):
            own = {name: inside[name] for name in (*_LIMITS, *_SIZES) if name in inside}
            return Memory.from_defaults(**own, insert_method=InsertMethod(inside.get("insert_method", "system")))
        case name:
            raise cp.SettingsError(f"a {name} like this one cannot be read back; build it and give it as memory=...")
