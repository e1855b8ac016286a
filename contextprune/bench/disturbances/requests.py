"""The requests of a recorded session as Claude Code would send them, and what it changes from one to the next.

Bodies are Anthropic Messages, with a breakpoint of the cache at the end of the system prompt and of each request. Every
change is fixed by the number of the request, so that each run sends the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from contextprune.bench.data import Half, Message, Session, load_sessions
from contextprune.training.transcript import text_of

MODEL = "claude-sonnet-4-5"
BILLING = "x-anthropic-billing-header:"  # begins the first system block; the provider leaves it out of its cache
REMINDER = "<system-reminder>"
LONGEST = 40  # requests of a session that are sent
SHORTEST = 6
MOST = 5  # sessions of a set
ENOUGH = 12_000  # characters of results, below which a session has nothing that is worth shortening
SYSTEM = "You are an agent that works with tools on what the user asks for. Be brief."
EVERY = 3  # requests, of which one has a reminder

Block: TypeAlias = Mapping[str, Any]
Body: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A session ready to be sent: its id, and the body of each request in order."""

    id: str
    bodies: tuple[Body, ...]


Change: TypeAlias = Callable[[Body, int, int], Body]
"""(body, number of the request from 0, requests of the session) -> the body that the client sends instead."""


def recorded(session: Session) -> Recorded | None:
    """The requests of a session; None where it is too short, or its results are, for shortening to show."""
    system, turns = _turns(session.messages)
    starts = [at for at, turn in enumerate(turns) if at and turn["role"] == "assistant"][:LONGEST]
    if len(starts) < SHORTEST or _result_size(turns[: starts[-1]]) < ENOUGH:
        return None

    tools = list(_tools(turns))
    head = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
    frame = {"model": MODEL, "max_tokens": 1024, "tools": tools, "system": head}
    return Recorded(session.id, tuple({**frame, "messages": turns[:at]} for at in starts))


def suitable(name: str, path: Path, count: int | None, half: Half = "all") -> list[Recorded]:
    """The first sessions of a set, in the order of their ids' hashes, that `recorded` takes; never more than 5.

    Each is sent once for each disturbance, at the pace of an agent, so that a few take minutes.
    """
    sessions = map(recorded, load_sessions(name, path, None, half))
    return list(islice((session for session in sessions if session), min(count or MOST, MOST)))


def unchanged(body: Body, _number: int, _of: int) -> Body:
    """The body as recorded."""
    return body


def with_nonce(body: Body, number: int, _of: int) -> Body:
    """The body with Claude Code's billing header, whose value is another one in each request."""
    nonce = blake2b(b"%d" % number, digest_size=4).hexdigest()
    text = f"{BILLING} cc_version=2.1.42.{nonce[:3]}; cc_entrypoint=cli; cch={nonce[3:]};"
    return {**body, "system": [{"type": "text", "text": text}, *body["system"]]}


def with_new_system(body: Body, number: int, of: int) -> Body:
    """The body, whose system prompt is another one from the middle of the session on."""
    if number < of // 2:
        return body
    *head, last = body["system"]
    return {**body, "system": [*head, {**last, "text": f"{last['text']}\nToday's date: 2026-12-01."}]}


def with_reminders(body: Body, number: int, _of: int) -> Body:
    """The body with a reminder behind what is new; the next request no longer has it."""
    if number % EVERY != 1:
        return body
    text = f"{REMINDER}\nThe task list is empty. Do not mention this to the user. ({number})\n</system-reminder>"
    *earlier, last = body["messages"]
    return {**body, "messages": [*earlier, {**last, "content": [*last["content"], {"type": "text", "text": text}]}]}


def with_breakpoint(body: Body) -> Body:
    """The body with a breakpoint of the cache on its last block."""
    *earlier, last = body["messages"]
    *blocks, newest = last["content"]
    marked = {**last, "content": [*blocks, {**newest, "cache_control": {"type": "ephemeral"}}]}
    return {**body, "messages": [*earlier, marked]}


def _turns(messages: Sequence[Message]) -> tuple[str, list[Body]]:
    """The system prompt, and messages in which user and assistant take turns."""
    system: list[str] = []
    turns: list[Body] = []
    for number, message in enumerate(messages):
        if message["role"] in ("system", "developer"):
            system.append(text_of(message))
            continue
        role = "assistant" if message["role"] == "assistant" else "user"
        blocks = list(_blocks(message, number))
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return "\n".join(system) or SYSTEM, turns


def _blocks(message: Message, number: int) -> Iterator[dict[str, Any]]:
    text = text_of(message)
    if message["role"] == "tool":
        yield {"type": "tool_result", "tool_use_id": message.get("tool_call_id") or f"call_{number}", "content": text}
    elif text.strip():
        yield {"type": "text", "text": text}
    for call in message.get("tool_calls") or ():
        function = call["function"]
        yield {"type": "tool_use", "id": call["id"], "name": function["name"], "input": _arguments(function)}


def _arguments(function: Mapping[str, Any]) -> dict[str, Any]:
    try:
        values = json.loads(function.get("arguments") or "{}")
    except ValueError:
        values = None
    return values if isinstance(values, dict) else {"arguments": function["arguments"]}


def _tools(turns: Sequence[Body]) -> Iterator[Body]:
    """A schema of each tool that the session calls."""
    calls = (block for turn in turns for block in turn["content"] if block["type"] == "tool_use")
    for name in dict.fromkeys(call["name"] for call in calls):
        yield {"name": name, "description": name, "input_schema": {"type": "object"}}


def _result_size(turns: Sequence[Body]) -> int:
    blocks = (block for turn in turns for block in turn["content"])
    return sum(len(block["content"]) for block in blocks if block["type"] == "tool_result")
