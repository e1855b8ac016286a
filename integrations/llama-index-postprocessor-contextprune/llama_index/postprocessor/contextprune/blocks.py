"""Content blocks of LlamaIndex as parts of a chat message, and new text back into copies of them.

Servers of MCP answer a list with one text block for each of its items; no such block reaches the size from which on a
text is shortened. So a run of text blocks in a result is one text, in which each begins a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llama_index.core.base.llms.types import ContentBlock, TextBlock

Part = dict[str, Any]

_LIST = 3  # texts that are the items of one list; two beside one another are rather a text and a remark


def text_parts(blocks: Sequence[ContentBlock]) -> list[Part]:
    """Read the texts among some blocks, each by itself: what a person or the model said."""
    return [_text(block.text) for block in blocks if isinstance(block, TextBlock)]


def result_parts(blocks: Sequence[ContentBlock]) -> list[Part]:
    """Read the blocks of a tool's result: a part for each run of texts, each other text, and each other block."""
    return [_part(blocks[first:end]) for first, end in _runs(blocks)]


def put_back(blocks: Sequence[ContentBlock], parts: Sequence[Part]) -> list[ContentBlock]:
    """Make the blocks of a result of what came out of its parts; what does not change is the caller's own block.

    Args:
        blocks: The blocks as they came.
        parts: What became of `result_parts(blocks)`.
    """
    out: list[ContentBlock] = []
    for (first, end), part in zip(_runs(blocks), parts, strict=True):
        run = blocks[first:end]
        if isinstance(run[0], TextBlock) and part["text"] != _part(run)["text"]:
            out.append(run[0].model_copy(update={"text": part["text"]}))
        else:
            out += run
    return out


def _runs(blocks: Sequence[ContentBlock]) -> Iterator[tuple[int, int]]:
    """Start and end of each run of texts, and of each block that stands by itself."""
    first = 0
    while first < len(blocks):
        end = next((i for i in range(first, len(blocks)) if not isinstance(blocks[i], TextBlock)), len(blocks))
        if end - first >= _LIST:
            yield first, end
        else:
            end = max(end, first + 1)
            yield from ((i, i + 1) for i in range(first, end))
        first = end


def _part(run: Sequence[ContentBlock]) -> Part:
    texts = [block.text for block in run if isinstance(block, TextBlock)]
    if not texts:
        return {"type": "other"}
    lines = [text if text.endswith("\n") else f"{text}\n" for text in texts[:-1]]
    return _text("".join((*lines, texts[-1])))


def _text(text: str) -> Part:
    return {"type": "text", "text": text}
