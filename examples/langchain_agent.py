"""An agent on a recorded session, with its savings: `python examples/langchain_agent.py [SESSION.json]`.

The session is a Chat Completions body. Its model and its tools say what they said then, so no key and no network is
needed; everything between them is a real agent with a checkpointer. With a model of your own, the three lines of
`create_agent` are all there is to it.
"""

import json
import sys
from collections import deque
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_contextprune import ContextPruneCallbackHandler, ContextPruneMiddleware, Savings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver

import contextprune as cp

DATA = Path(__file__).parent / "data"


class Recorded(BaseChatModel):
    """Says what the model said then."""

    replies: deque[AIMessage]
    model_name: str

    @property
    def _llm_type(self) -> str:
        return "recorded"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """The replies are known, so nobody needs to know the tools."""
        return self

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        reply = self.replies.popleft() if self.replies else AIMessage("That is all.")
        return ChatResult(generations=[ChatGeneration(message=reply)])


def recorded_tools(messages: list[BaseMessage]) -> list[BaseTool]:
    """A tool for each name that was called; they answer in the order in which they did then."""
    answers = {m.tool_call_id: str(m.content) for m in messages if isinstance(m, ToolMessage)}
    queues: dict[str, deque[str]] = {}
    for message in messages:
        for call in message.tool_calls if isinstance(message, AIMessage) else ():
            queues.setdefault(call["name"], deque()).append(answers.get(str(call["id"]), "no answer was recorded"))
    anything = {"type": "object", "properties": {}, "additionalProperties": True}
    return [
        StructuredTool.from_function(
            lambda queue=queue, **_: queue.popleft(), name=name, description=name, args_schema=anything
        )
        for name, queue in queues.items()
    ]


path = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA / "swe.json"
body = json.loads(path.read_bytes())
past = convert_to_messages(body["messages"])

model = Recorded(replies=deque(m for m in past if isinstance(m, AIMessage)), model_name=body.get("model", "gpt-5"))
prune = ContextPruneMiddleware(cp.Pruner(store=cp.MemoryStore()))  # without an argument: originals on disk
agent = create_agent(
    model,
    recorded_tools(past),
    system_prompt="\n".join(m.text for m in past if isinstance(m, SystemMessage)) or None,
    middleware=[prune],
    checkpointer=InMemorySaver(),
)

watch = ContextPruneCallbackHandler(prune.pruner)
config: Any = {"configurable": {"thread_id": "1"}, "callbacks": [watch], "recursion_limit": 200}
for message in past:
    if isinstance(message, HumanMessage):
        agent.invoke({"messages": [message]}, config)

state = agent.get_state(config).values
recorded = [m for m in past if isinstance(m, ToolMessage)]
kept = [m for m in state["messages"] if isinstance(m, ToolMessage)]
print(f"{path.name}: results as they came and as the checkpoint holds them, in characters")
for before, after in zip(recorded, kept, strict=False):
    if len(before.text) > 1000:
        print(f"  {after.name:28} {len(before.text):7,} -> {len(after.text):7,}")
print(f"\n{Savings.of(state)}\n")
print(watch.usage.session)  # what the provider's cache makes of that
