"""Results of several blocks: runs of texts are one text, and what is no text stays."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.base.llms.types import ImageBlock, TextBlock

from llama_index.postprocessor.contextprune import prune_tool
from tests.scenes import COUNT, CRASH, LOG, pruner, run


def test_blocks_that_are_no_text_stay_in_their_places() -> None:
    image = ImageBlock(url="https://example.org/a.png")
    blocks = [TextBlock(text="Two logs."), image, TextBlock(text=LOG)]

    def look() -> list[Any]:
        """Look."""
        return blocks

    got = run(prune_tool(look, pruner()))
    assert [type(block) for block in got.blocks] == [TextBlock, ImageBlock, TextBlock]
    assert got.blocks[0] is blocks[0]
    assert got.blocks[1] == image
    assert CRASH in got.content
    assert blocks[2] == TextBlock(text=LOG)


def listed(rows: int) -> list[TextBlock]:
    """What a server of MCP makes of a list: a text for each item."""
    return [
        TextBlock(text=f'{{"id": {i}, "state": "{"failed" if i == 77 else "fine"}", "note": "nothing of note {i}"}}')
        for i in range(rows)
    ]


def test_a_list_of_texts_is_read_as_one_and_cut_between_its_items() -> None:
    image = ImageBlock(url="https://example.org/a.png")
    blocks = [*listed(200), image, *listed(2)]

    def rows() -> list[Any]:
        """List rows."""
        return blocks

    got = run(prune_tool(rows, pruner()))
    assert [type(block) for block in got.blocks] == [TextBlock, ImageBlock, TextBlock, TextBlock]
    assert got.blocks[2:] == blocks[201:]
    text = str(got.blocks[0].text) if isinstance(got.blocks[0], TextBlock) else ""
    assert COUNT(text) < 0.5 * COUNT("\n".join(block.text for block in listed(200)))
    assert '"id": 77, "state": "failed"' in text
    whole = {block.text for block in listed(200)}
    assert all(line in whole for line in text.splitlines() if line.startswith("{"))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_lists_of_texts_are_the_tools_own(count: int) -> None:
    blocks = listed(count)

    def rows() -> list[Any]:
        """List rows."""
        return blocks

    got = run(prune_tool(rows, pruner()))
    assert all(a is b for a, b in zip(got.blocks, blocks, strict=True))
