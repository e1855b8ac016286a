"""Run an agent with its tools as they are and with their results shortened, and compare what the model was sent.

Run with `python llamaindex_agent.py`. The session is a recorded one: a coding agent fixes a bug. The model is a script
that replies as it did then, and the tools return what they returned then; LlamaIndex's `FunctionAgent` is real.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ContentBlock, TextBlock, ToolCallBlock
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.tools import BaseTool, FunctionTool
from llama_index.postprocessor.contextprune import prune_tools, recall_tool

import contextprune as cp

DATA = Path(__file__).parent / "data" / "swe.json"

session = json.loads(DATA.read_bytes())["messages"]
goal = next(message["content"] for message in session if message["role"] == "user")
replies = [message for message in session if message["role"] == "assistant"]
results = [message["content"] for message in session if message["role"] == "tool"]
count = cp.Tiktoken()
pruner = cp.Pruner(store=cp.MemoryStore())  # leave the store out, and originals last beyond this process


def as_reply(recorded: dict[str, Any]) -> ChatMessage:
    """A recorded reply as LlamaIndex has it."""
    blocks: list[ContentBlock] = [TextBlock(text=recorded["content"])] if recorded["content"] else []
    for call in recorded.get("tool_calls") or ():
        body = call["function"]
        blocks.append(
            ToolCallBlock(tool_call_id=call["id"], tool_name=body["name"], tool_kwargs=json.loads(body["arguments"]))
        )
    return ChatMessage(role="assistant", blocks=blocks)


def recorded_tool() -> FunctionTool:
    """The shell of the session: its results in their order."""
    coming = iter(results)

    def bash(command: str) -> str:
        """Run a command."""
        return next(coming) if command else ""

    return FunctionTool.from_defaults(bash)


async def run(tools: list[BaseTool | Callable[..., Any]]) -> tuple[list[int], list[ChatMessage]]:
    """Tokens of each request, and the last request."""
    sizes: list[int] = []
    coming = iter([*map(as_reply, replies), ChatMessage(role="assistant", content="Done.")])
    sent: list[ChatMessage] = []

    def answer(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        sizes.append(sum(count(block.model_dump_json()) for message in messages for block in message.blocks))
        sent[:] = messages
        return next(coming)

    agent = FunctionAgent(tools=tools, llm=MockFunctionCallingLLM(response_generator=answer), streaming=False)
    await agent.run(goal, max_iterations=len(replies) + 2)
    return sizes, sent


async def main() -> None:
    """Both runs, side by side."""
    before, plain = await run([recorded_tool()])
    after, short = await run(prune_tools([recorded_tool()], pruner))

    print("request   before    after")
    for number, sizes in enumerate(zip(before, after, strict=True), start=1):
        print(f"{number:7}  {sizes[0]:7,}  {sizes[1]:7,}")
    print(f"all      {sum(before):7,}  {sum(after):7,}  ({1 - sum(after) / sum(before):.0%} less)\n")

    changed = next((a, b) for a, b in zip(plain, short, strict=True) if a.content != b.content)
    print("the first result that was shortened, as the model saw it:\n")
    print(changed[1].content)

    key = str(changed[1].content).split("recall=")[1][:12]
    whole = await recall_tool(pruner).acall(key=key)
    assert whole.content == changed[0].content, "what was taken out comes back byte for byte"


logging.basicConfig(level=logging.ERROR)
asyncio.run(main())
