# No postponed annotations here: LlamaIndex finds the tools that want its context by the annotation itself.
import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.schema import TextNode
from llama_index.core.tools import BaseTool, FunctionTool, ToolMetadata, ToolOutput, call_tool_with_selection
from llama_index.core.tools.calling import ToolSelection
from llama_index.core.tools.types import DefaultToolFnSchema
from llama_index.core.workflow import Context

import contextprune as cp
from llama_index.postprocessor.contextprune import PrunedTool, prune_tool, prune_tools, recall_tool
from tests.scenes import COUNT, LOG, pruner

CRASH = "ERROR worker 91 crashed: out of memory"


def read_log(path: str, lines: int = 100) -> str:
    """Read a log.

    :param path: where it lies
    """
    assert path
    return "\n".join(LOG.splitlines()[:lines]) + "\n"


async def aread_log(path: str) -> str:
    """Read a log, later."""
    await asyncio.sleep(0)
    return read_log(path)


def run(tool: Any, **arguments: Any) -> ToolOutput:
    assert isinstance(tool, FunctionTool)
    return asyncio.run(tool.acall(**arguments))


def names(tools: Sequence[Any]) -> list[str]:
    return [tool.metadata.name for tool in tools]


def key_in(text: str) -> str:
    found = re.search(r"recall=([a-z2-7]{12})", text)
    assert found is not None
    return found[1]


def test_a_long_result_arrives_shortened_with_its_error() -> None:
    tool = prune_tool(read_log, pruner())
    assert isinstance(tool, PrunedTool)
    for output in (tool(path="a.log"), tool.call(path="a.log"), run(tool, path="a.log")):
        assert COUNT(output.content) < 0.8 * COUNT(LOG)
        assert CRASH in output.content
        assert "recall=" in output.content
        assert output.raw_output == read_log("a.log")
        assert output.raw_input["kwargs"] == {"path": "a.log"}


def test_async_functions_are_shortened_as_well() -> None:
    tool = prune_tool(aread_log, pruner())
    assert isinstance(tool, PrunedTool)
    assert run(tool, path="a.log").content == tool(path="a.log").content
    assert COUNT(run(tool, path="a.log").content) < COUNT(LOG)


def test_name_description_and_schema_stay() -> None:
    plain = FunctionTool.from_defaults(read_log)
    pruned = prune_tool(plain, pruner())
    assert isinstance(pruned, PrunedTool)
    assert pruned.metadata is plain.metadata
    assert "context" not in str(pruned.metadata.get_parameters_dict()).casefold()


def test_a_short_result_is_the_tools_own() -> None:
    held = ToolOutput(tool_name="x", content="short", raw_input={}, raw_output="short")
    plain = FunctionTool.from_defaults(lambda: "", name="x", description="x", callback=lambda _: held)
    assert run(prune_tool(plain, pruner())) is held


def test_errors_stay_as_they_are() -> None:
    failed = ToolOutput(tool_name="x", content=LOG, raw_input={}, raw_output=LOG, is_error=True)
    plain = FunctionTool.from_defaults(lambda: "", name="x", description="x", callback=lambda _: failed)
    assert run(prune_tool(plain, pruner())) is failed


def test_an_exception_of_the_tool_is_its_own() -> None:
    def broken() -> str:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        run(prune_tool(broken, pruner()))


def test_the_exception_in_an_output_survives() -> None:
    cause = ValueError("partly")
    partly = ToolOutput(tool_name="x", content=LOG, raw_input={}, raw_output=LOG, exception=cause)
    plain = FunctionTool.from_defaults(lambda: "", name="x", description="x", callback=lambda _: partly)
    got = run(prune_tool(plain, pruner()))
    assert got.exception is cause
    assert got.content != LOG


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


def test_results_that_are_nodes_are_shortened() -> None:
    node = TextNode(text=LOG)

    def find() -> TextNode:
        """Find."""
        return node

    assert COUNT(run(prune_tool(find, pruner())).content) < COUNT(LOG)
    assert node.text == LOG


def test_a_result_for_the_user_is_not_touched() -> None:
    plain = FunctionTool.from_defaults(read_log, return_direct=True)
    assert prune_tool(plain, pruner()) is plain


def test_tools_of_any_class_are_wrapped() -> None:
    class Shout(BaseTool):
        @property
        def metadata(self) -> ToolMetadata:
            return ToolMetadata(name="shout", description="shout", fn_schema=DefaultToolFnSchema)

        def __call__(self, input: Any) -> ToolOutput:  # noqa: A002 - the base's word
            return ToolOutput(tool_name="shout", content=LOG, raw_input={"input": input}, raw_output=LOG)

    tool = prune_tool(Shout(), pruner())
    assert run(tool, input="a").content == tool(input="a").content
    assert CRASH in tool(input="a").content
    assert COUNT(tool(input="a").content) < COUNT(LOG)


def test_a_tool_that_wants_the_context_gets_it() -> None:
    class Known:
        store = None

    context: Any = Known()
    seen = []

    def ask(ctx: Context[Any], question: str) -> str:
        """Ask."""
        seen.append((ctx, question))
        return "fine"

    tool = prune_tool(ask, pruner())
    assert isinstance(tool, PrunedTool)
    assert tool.ctx_param_name == "ctx"
    assert run(tool, ctx=context, question="why").content == "fine"
    assert seen == [(context, "why")]


def test_a_call_by_selection_works() -> None:
    tool = prune_tool(read_log, pruner())
    selected = ToolSelection(tool_id="1", tool_name="read_log", tool_kwargs={"path": "a.log"})
    assert CRASH in call_tool_with_selection(selected, [tool]).content


def test_wrapping_twice_is_wrapping_once() -> None:
    tool = prune_tool(read_log, pruner())
    assert prune_tool(tool, pruner()) is tool


def test_excluded_tools_are_left_alone() -> None:
    assert run(prune_tool(read_log, pruner(exclude_tools=("read_*",))), path="a").content == read_log("a")


def test_prune_tools_adds_one_tool_to_recall() -> None:
    engine = pruner()
    tools = prune_tools([read_log, FunctionTool.from_defaults(aread_log)], engine)
    assert names(tools) == ["read_log", "aread_log", "contextprune_recall"]
    assert names(prune_tools(tools, engine)) == names(tools)
    assert len(prune_tools([read_log], engine, recall=False)) == 1


def test_the_recall_tool_gives_back_what_was_taken_out() -> None:
    tool, recall = prune_tools([read_log], pruner())
    key = key_in(run(tool, path="a.log").content)
    assert run(recall, key=key).content == read_log("a.log")
    assert run(recall, key=key, lines="3-4").content == "".join(LOG.splitlines(keepends=True)[2:4])
    assert run(recall, key=key, query="crashed").content == f"{CRASH}\n"


def test_the_recall_tool_says_when_it_knows_no_such_key() -> None:
    with pytest.raises(cp.MissingOriginal, match="expired"):
        run(recall_tool(pruner()), key="aaaaaaaaaaaa")


def test_what_was_recalled_is_not_shortened_again() -> None:
    engine = pruner()
    recall = recall_tool(engine)
    assert prune_tool(recall, engine) is recall


def test_a_store_that_fails_costs_savings_and_no_result(caplog: pytest.LogCaptureFixture) -> None:
    class Full(cp.MemoryStore):
        def put(self, texts: Any) -> None:
            raise cp.StoreError(f"no room for {len(texts)}")

    engine = cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), COUNT, Full())
    with caplog.at_level(logging.WARNING):
        assert run(prune_tool(read_log, engine), path="a.log").content == read_log("a.log")
    assert "no room" in caplog.text
