"""What an agent's context tells of the run in which a tool is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.base.llms.types import ToolCallBlock

from llama_index.postprocessor.contextprune.messages import Chat, as_call, as_chat

_ARRIVING = "arriving"


@dataclass(frozen=True, slots=True)
class Run:
    """The conversation of a run so far.

    Attributes:
        history: The user's question, and what was called and returned.
        reply: The reply whose calls are being made, where the context tells it.
    """

    history: list[Chat] = field(default_factory=list)
    reply: Chat | None = None

    @property
    def calls(self) -> int:
        """Calls that are made at the same time."""
        return len(self.reply["tool_calls"]) if self.reply else 1

    def asking(self, tool: str, arguments: Mapping[str, Any]) -> tuple[list[Chat], str]:
        """Find the conversation up to a call, and the id of the call.

        Args:
            tool: The name of the tool.
            arguments: What the model gave it.
        """
        call = as_call(_ARRIVING, tool, arguments)
        if self.reply is not None:
            for other in self.reply["tool_calls"]:
                if other["function"] == call["function"] and other["id"]:
                    return [*self.history, self.reply], other["id"]
        return [*self.history, {"role": "assistant", "content": None, "tool_calls": [call]}], _ARRIVING


async def read_run(context: Any) -> Run:
    """Read the user's question and what was called and returned in this run, as far as the agent's context tells."""
    store = getattr(context, "store", None)
    if store is None:
        return Run()
    goal = await store.get("user_msg_str", default=None)
    messages = list(await store.get("scratchpad", default=None) or [])
    calling = bool(messages) and any(isinstance(block, ToolCallBlock) for block in messages[-1].blocks)
    chat = as_chat(messages)
    reply = chat.pop() if calling else None
    asked = [{"role": "user", "content": goal}] if isinstance(goal, str) and goal else []
    return Run([*asked, *chat], reply)
