"""The provider's prompt cache, by the bytes of blocks: what a prompt begins with and was sent before is read.

It forgets nothing while a bench runs, and takes a breakpoint behind every block. As Anthropic's does, it leaves the
billing header of Claude Code out, and where breakpoints stand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from contextprune.bench.disturbances.requests import BILLING, REMINDER, Block
from contextprune.bench.sessions.rivals import count_tokens
from contextprune.money.tariff import FAMILIES, Bill, Piece, bill_of

TARIFF = FAMILIES["anthropic"]


@dataclass(slots=True)
class PromptCache:
    """The prompts of one conversation that a provider has read."""

    _beginnings: set[bytes] = field(default_factory=set)

    def send(self, pieces: Sequence[Piece]) -> Bill:
        """The bill for one more prompt, which the cache then holds."""
        link, cached, unbroken = b"", 0, True
        for identity, tokens in pieces:
            link = blake2b(link + str(identity).encode(), digest_size=16).digest()
            unbroken = unbroken and link in self._beginnings
            cached += tokens if unbroken else 0
            self._beginnings.add(link)
        return bill_of(sum(tokens for _, tokens in pieces), cached, TARIFF)


def pieces_of(body: Mapping[str, Any]) -> list[Piece]:
    """The blocks of a prompt as the cache sees them: tools, system prompt, messages."""
    system = [block for block in body["system"] if not block["text"].startswith(BILLING)]
    tools = json.dumps(body["tools"])
    pieces: list[Piece] = [(tools, count_tokens(tools))]
    pieces += [(bytes_of(block), tokens_of(block)) for block in system]
    return pieces + [(role + bytes_of(block), tokens_of(block)) for role, block in blocks_of(body)]


def blocks_of(body: Mapping[str, Any]) -> Iterator[tuple[str, Block]]:
    """(role, block) of each block of the messages."""
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        yield from ((message["role"], block) for block in blocks)


def bytes_of(block: Block) -> str:
    """A block as JSON, without its breakpoint."""
    return json.dumps({name: value for name, value in block.items() if name != "cache_control"})


def tokens_of(block: Block) -> int:
    """The tokens of what a model reads of a block."""
    return count_tokens(text_in(block))


def text_in(block: Block) -> str:
    """What a model reads of a block."""
    match block:
        case {"type": "text", "text": str(text)} | {"type": "tool_result", "content": str(text)}:
            return text
        case {"type": "tool_result", "content": list(parts)}:
            return "\n".join(text_in(part) for part in parts)
    return bytes_of(block)


def is_reminder(block: Block) -> bool:
    """Tell whether the harness added a block, which comes and goes."""
    return block["type"] == "text" and str(block["text"]).startswith(REMINDER)
