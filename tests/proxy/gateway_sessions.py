"""Sessions of an agent as a gateway sees them: whole histories, request after request, in OpenAI's form."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from tests.tool_outputs import listing, log

Message = dict[str, Any]
SYSTEM = {
    "role": "system",
    "content": "You look after servers. Find out what was slow, and say so in one sentence. " * 4,
}


def session(seed: int, exchanges: int = 6) -> list[Message]:
    """A session with a second question in its middle, and now and then two calls at once."""
    chance = random.Random(seed)
    messages: list[Message] = [SYSTEM, {"role": "user", "content": f"Which request on web-{seed} was slow?"}]
    for step in range(exchanges):
        if step == exchanges // 2:
            messages.append({"role": "assistant", "content": f"The report of worker {seed} was slow."})
            messages.append({"role": "user", "content": f"And which one failed on db-{seed}?"})
        messages += _exchange(chance, f"{seed}_{step}")
    return messages


def _exchange(chance: random.Random, name: str) -> list[Message]:
    ids = [f"call_{name}_{at}" for at in range(chance.choice((1, 1, 2)))]
    texts = [chance.choice((listing, log))(chance.randint(30, 120), chance.randint(1, 10_000)) for _ in ids]
    calls = [
        {"id": name, "type": "function", "function": {"name": "logs", "arguments": json.dumps({"page": at})}}
        for at, name in enumerate(ids)
    ]
    answers = [{"role": "tool", "tool_call_id": name, "content": text} for name, text in zip(ids, texts, strict=True)]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *answers]


def histories(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """What each request of a session holds: all up to a reply of the model, and in the end all."""
    for at, message in enumerate(messages):
        if message["role"] == "assistant":
            yield list(messages[:at])
    if messages[-1]["role"] != "assistant":
        yield list(messages)
