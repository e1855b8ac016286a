"""What real clients change from request to request leaves what was sent: their heads in their own wire formats.

Forms: Claude Code 2.1 (billing header in the first system block, deferred tools, reminders with the date), Codex
(codex-rs: instructions, permissions and environment as messages), opencode (an env block with the date in the system
prompt), Cline (environment_details behind each user message), aider (repository map and files as user messages).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from contextprune.context import Ref
from contextprune.dialects import read
from tests.session.test_sent import pruner
from tests.tool_outputs import listing

Body = dict[str, Any]
RESULTS = 3


def claude_code(request: int, *, late: bool) -> Body:
    """The billing header changes with each request; later tools are loaded and a reminder is about another day."""
    tools = ["Bash", "Read", *(["WebFetch"] if late else [])]
    messages: list[Body] = [
        {
            "role": "user",
            "content": [
                {
                    "type": "text",
                    "text": f"<system-reminder>\nToday's date is 2026-11-{28 + late}.\n</system-reminder>",
                },
                {"type": "text", "text": "Why does orders fail?"},
            ],
        }
    ]
    for n in range(request):
        call = {"type": "tool_use", "id": f"toolu_{n:024}", "name": "Bash", "input": {"command": f"ls {n}"}}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{n:024}", "content": listing(30, n)}
        marked = {"cache_control": {"type": "ephemeral"}} if n == request - 1 else {}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [{**result, **marked}]}]
    header = f"x-anthropic-billing-header: cc_version=2.1.197.{request}; cc_entrypoint=cli; cch={request:05x};"
    system = [{"type": "text", "text": header}, {"type": "text", "text": "You are Claude Code."}]
    return {
        "model": "claude-opus-5" if late else "claude-sonnet-5", "system": system, "messages": messages,
        "tools": [{"name": name, "description": "does it", "input_schema": {"type": "object"}} for name in tools],
    }  # fmt: skip


def codex(request: int, *, late: bool) -> Body:
    """The environment and the permissions stand before the user's words; both change, and so does the cache's key."""
    day = f"<current_date>2026-11-{28 + late}</current_date>"
    context = f"<environment_context>\n  <cwd>/src</cwd>\n  {day}\n</environment_context>"
    rights = f"<permissions instructions>\nsandbox is {'off' if late else 'on'}\n</permissions instructions>"
    items: list[Body] = [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": rights}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": context}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Why does orders fail?"}]},
    ]
    for n in range(request):
        call = {"type": "function_call", "call_id": f"call_{n:024}", "name": "shell", "arguments": f'{{"n": {n}}}'}
        items += [call, {"type": "function_call_output", "call_id": f"call_{n:024}", "output": listing(30, n)}]
    return {
        "model": "gpt-5.6" if late else "gpt-5.5", "instructions": f"You are Codex {late}.", "store": False,
        "input": items, "prompt_cache_key": f"key-{late}",
    }  # fmt: skip


def opencode(request: int, *, late: bool) -> Body:
    """The system prompt has an env block with the date, and instructions of files that change."""
    env = f"<env>\n  Working directory: /src\n  Today's date: Sat Nov {28 + late} 2026\n</env>\nAGENTS.md: {late}"
    return _chat("openai/gpt-5", [{"role": "system", "content": env}], "Why does orders fail?", request)


def cline(request: int, *, late: bool) -> Body:
    """The environment stands behind the user's words and changes with the time."""
    details = f"<environment_details>\n# Current Time\n11/{28 + late}/2026, 10:0{request} AM\n</environment_details>"
    task = f"<task>\nWhy does orders fail?\n</task>\n\n{details}"
    return _chat("claude-sonnet-5", [{"role": "system", "content": "You are Cline."}], task, request)


def aider(request: int, *, late: bool) -> Body:
    """The repository map comes as a message of the user's, and changes as files do."""
    map_ = f"Here are summaries of some files present in my git repository.\n\nsrc/a.py: {late}"
    head = [{"role": "system", "content": f"Act as an expert, {late}."}, {"role": "system", "content": map_}]
    return _chat("gpt-5", head, "Why does orders fail?", request)


def _chat(model: str, head: list[Body], asked: str, request: int) -> Body:
    messages = [*head, {"role": "user", "content": asked}]
    for n in range(request):
        call = {"id": f"call_{n:024}", "type": "function", "function": {"name": "bash", "arguments": f'{{"n": {n}}}'}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"call_{n:024}", "content": listing(30, n)})
    return {"model": model, "messages": messages}


@pytest.mark.parametrize("client", [claude_code, codex, opencode, cline, aider])
def test_what_a_client_changes_on_the_way_leaves_what_was_sent(client: Callable[..., Body]) -> None:
    engine = pruner()
    sent: dict[Ref, str] = {}
    for request in range(1, RESULTS + 1):
        sent = dict(engine(read(client(request, late=False)), as_sent=True).edits)
    assert len(sent) == RESULTS

    changed = read(client(RESULTS, late=True))
    assert json.dumps(client(RESULTS, late=True)) != json.dumps(client(RESULTS, late=False))
    assert engine.replay(changed) == sent
    assert engine(read(client(RESULTS + 1, late=True)), as_sent=True).edits.items() > sent.items()
