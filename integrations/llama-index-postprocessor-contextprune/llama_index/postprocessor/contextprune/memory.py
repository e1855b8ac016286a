"""A memory that shows a shortened history, and a memory block that keeps what a question needs of what fell out.

Neither loses anything: the memory inside holds every message as it was put.
"""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import Field, PrivateAttr, SerializeAsAny
from llama_index.core.memory import BaseMemory, BaseMemoryBlock, ChatMemoryBuffer, Memory
from llama_index.core.memory.memory import InsertMethod

import contextprune as cp
from llama_index.postprocessor.contextprune.messages import shortened

_LIMITS = ("session_id", "token_limit", "token_flush_size", "chat_history_token_ratio")
_SIZES = tuple(f"{kind}_token_size_estimate" for kind in ("image", "audio", "video"))


class ContextPruneMemory(BaseMemory):
    """Any memory, with the tools' results in what it shows shortened; what is put is kept whole (`get_all`).

    What a result looks like is decided once, from what stands before it, and stays so from turn to turn. User and
    assistant messages are never touched. The limits of the memory inside count the whole texts, so give it room.
    """

    memory: SerializeAsAny[BaseMemory] = Field(description="The memory that holds the messages.")

    _pruner: cp.Pruner = PrivateAttr()

    def __init__(self, memory: BaseMemory, pruner: cp.Pruner | None = None, **kwargs: Any) -> None:
        """`pruner` holds what was decided and the originals; it is not serialised."""
        super().__init__(**{**kwargs, "memory": memory})
        self._pruner = pruner or cp.Pruner()

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "ContextPruneMemory"

    @classmethod
    def from_defaults(
        cls, memory: BaseMemory | None = None, pruner: cp.Pruner | None = None, **kwargs: Any
    ) -> ContextPruneMemory:
        """Over `memory`, or over LlamaIndex's `Memory` with `kwargs` as its settings."""
        if memory is not None and kwargs:
            raise cp.SettingsError(f"{', '.join(kwargs)}: settings for a new memory, but one was given")
        return cls(memory or Memory.from_defaults(**kwargs), pruner)

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """As JSON knows it, so that a workflow's context can be saved. Messages in a database stay there."""
        return {**self.model_dump(mode="json", **kwargs), "class_name": self.class_name()}

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> ContextPruneMemory:
        """Read back what `to_dict` wrote; `memory=` takes the place of the one inside.

        LlamaIndex's `Memory` comes back with its session and limits, over a database of its own: give `memory=` where
        it was over another. Raises SettingsError for a memory that cannot be read back.
        """
        inside = kwargs.pop("memory", None) or _read_back(dict(data["memory"]))
        return cls(inside, **kwargs)

    def get(self, input: str | None = None, **kwargs: Any) -> list[ChatMessage]:  # noqa: A002 - the base's word
        """What the model is to see of the history."""
        return shortened(self.memory.get(input=input, **kwargs), self._pruner)

    async def aget(self, input: str | None = None, **kwargs: Any) -> list[ChatMessage]:  # noqa: A002 - as above
        """As `get`, the model in a thread of its own."""
        messages = await self.memory.aget(input=input, **kwargs)
        return await asyncio.to_thread(shortened, messages, self._pruner)

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


class ContextPruneMemoryBlock(BaseMemoryBlock[str]):
    """Keeps what fell out of `Memory`, and shows what the last question needs of it, verbatim, within `tokens`.

    What it shows changes with each question, so insert it at the end (`insert_method="user"`): in the system message
    it would cost the provider's cache of the whole history.
    """

    name: str = Field(default="earlier_messages", description="The name of the memory block.")
    priority: int = Field(default=1, description="0 = never truncate; higher ones are truncated first.")
    tokens: int = Field(default=2000, ge=1, description="Most tokens that it shows.")
    most: int = Field(default=1000, ge=1, description="How many messages it keeps; older ones are forgotten.")
    messages: list[ChatMessage] = Field(default_factory=list, description="What fell out, in order.")
    pruner: cp.Pruner | None = Field(default=None, exclude=True, description="How to shorten.")

    async def _aget(self, messages: list[ChatMessage] | None = None, **_: Any) -> str:
        return await asyncio.to_thread(self._shown, _question(messages or []), self.tokens)

    async def _aput(self, messages: list[ChatMessage]) -> None:
        self.messages = [*self.messages, *messages][-self.most :]

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """The content with at least so many tokens less; None where that leaves nothing."""
        return await asyncio.to_thread(self._truncated, content, tokens_to_truncate)

    def _shown(self, question: str, tokens: int) -> str:
        texts = [(message.role.value, message.content or "") for message in self.messages]
        documents = [cp.Document(text=text, title=role) for role, text in texts if text.strip()]
        if not documents:
            return ""
        pruner = self._engine()
        room = tokens - sum(pruner.counter(f"\n\n{document.title}: ") for document in documents)
        while True:
            got = cp.prune_documents(documents, question, cp.Budget(tokens=max(0, room)), pruner)
            shown = "\n\n".join(f"{document.title}: {document.text}" for document in got.documents if document.text)
            if room <= 0 or pruner.counter(shown) <= tokens:
                return shown
            room -= pruner.counter(shown) - tokens

    def _truncated(self, content: str, fewer: int) -> str | None:
        pruner = self._engine()
        room = pruner.counter(content) - fewer
        if room <= 0:
            return None
        got = cp.prune_documents([cp.Document(text=content)], "", cp.Budget(tokens=room), pruner)
        return got.documents[0].text or None

    def _engine(self) -> cp.Pruner:
        if self.pruner is None:
            self.pruner = cp.Pruner(store=cp.MemoryStore())
        return self.pruner


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


def _question(messages: list[ChatMessage]) -> str:
    """What the user said last."""
    return next((m.content or "" for m in reversed(messages) if m.role.value == "user"), "")
