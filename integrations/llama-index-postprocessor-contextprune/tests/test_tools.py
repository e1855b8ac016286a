"""Wrapped tools: how results arrive, and what about a tool stays.

No postponed annotations here: LlamaIndex finds the tools that want its context by the annotation itself.
"""

import ast
import asyncio
import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.schema import TextNode
from llama_index.core.tools import BaseTool, FunctionTool, ToolMetadata, ToolOutput, call_tool_with_selection
from llama_index.core.tools.calling import ToolSelection
from llama_index.core.tools.types import DefaultToolFnSchema
from llama_index.core.workflow import Context

import contextprune as cp
from llama_index.postprocessor.contextprune import (
    ContextPruneToolEvent,
    PrunedTool,
    prune_tool,
    prune_tools,
)
from tests.scenes import COUNT, CRASH, LOG, hearing, key_in, pruner, read_log, run


@pytest.fixture
def heard() -> Iterator[list[BaseEvent]]:
    with hearing("tools") as events:
        yield events


async def aread_log(path: str) -> str:
    """Read a log, later."""
    await asyncio.sleep(0)
    return read_log(path)


def names(tools: Sequence[Any]) -> list[str]:
    return [tool.metadata.name for tool in tools]


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


def test_errors_are_shortened_with_what_failed_and_stay_errors() -> None:
    failed = ToolOutput(tool_name="x", content=LOG, raw_input={}, raw_output=LOG, is_error=True)
    plain = FunctionTool.from_defaults(lambda: "", name="x", description="x", callback=lambda _: failed)
    got = run(prune_tool(plain, pruner()))
    assert COUNT(got.content) < 0.8 * COUNT(LOG)
    assert CRASH in got.content
    assert got.is_error


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


ROWS = [{"id": i, "state": "failed" if i == 77 else "fine", "note": f"nothing of note {i}"} for i in range(300)]


@pytest.mark.parametrize("value", [ROWS, {"rows": ROWS}, tuple(ROWS)], ids=["list", "dict", "tuple"])
def test_a_value_that_is_printed_as_its_text_is_cut_between_its_rows(value: Any) -> None:
    def rows() -> Any:
        """List rows."""
        return value

    got = run(prune_tool(rows, pruner()))
    assert "{'id': 77, 'state': 'failed', 'note': 'nothing of note 77'}" in got.content
    assert COUNT(got.content) < 0.3 * COUNT(str(value))
    assert isinstance(ast.literal_eval(got.content), type(value))
    assert got.raw_output is value


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


class Full(cp.MemoryStore):
    """A store whose disk is full."""

    def put(self, texts: Any) -> None:
        raise cp.StoreError(f"no room for {len(texts)}")


class Broken:
    """A scorer whose device is lost."""

    name = "broken"

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
        raise RuntimeError(f"CUDA out of memory over {len(spans) and len(context.segments)}")


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        (cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), COUNT, Full()), "no room"),
        (cp.Pruner(cp.Policy(), Broken(), COUNT, cp.MemoryStore()), "CUDA out of memory"),
    ],
)
def test_whatever_fails_costs_savings_and_no_result_and_is_said_once(
    engine: cp.Pruner, reason: str, caplog: pytest.LogCaptureFixture, heard: list[ContextPruneToolEvent]
) -> None:
    tool = prune_tool(read_log, engine)
    assert isinstance(tool, PrunedTool)
    for _ in range(3):
        assert run(tool, path="a.log").content == read_log("a.log")
    assert (tool.failures, len(caplog.records)) == (3, 1)
    assert reason in tool.reason
    assert reason in caplog.text
    assert all(reason in event.failed for event in heard)


def test_events_say_what_a_result_had_and_has(heard: list[ContextPruneToolEvent]) -> None:
    content = run(prune_tool(read_log, pruner()), path="a").content
    assert [(event.tool, event.before, event.after, event.failed) for event in heard] == [
        ("read_log", COUNT(read_log("a")), COUNT(content), "")
    ]


def test_a_tool_of_few_tokens_keeps_no_more() -> None:
    engine = pruner(tools={"read_*": cp.Rule(max_tokens=120)})
    assert COUNT(run(prune_tool(read_log, engine), path="a").content) <= 120


def test_at_once_bounds_a_call_that_is_made_alone() -> None:
    (tool,) = prune_tools([read_log], pruner(), recall=False, at_once=150)
    assert COUNT(run(tool, path="a").content) <= 150
    assert CRASH in run(tool, path="a").content


def test_at_once_is_a_number_of_tokens() -> None:
    with pytest.raises(cp.SettingsError, match="above 0"):
        prune_tools([read_log], pruner(), at_once=0)


def test_without_the_recall_tool_markers_name_no_keys() -> None:
    (tool,) = prune_tools([read_log], recall=False)
    content = run(tool, path="a").content
    assert COUNT(content) < COUNT(LOG)
    assert "recall=" not in content


def test_where_the_home_cannot_be_written_originals_are_kept_in_memory_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(tmp_path / "file" / "originals.sqlite3"))
    tool, recall = prune_tools([read_log])
    assert run(recall, key=key_in(run(tool, path="a").content)).content == read_log("a")
    assert len(caplog.records) == 1
    assert "kept in memory" in caplog.text


def test_tools_can_be_copied() -> None:
    tools = prune_tools([read_log], pruner())
    tool, recall = copy.deepcopy(tools)
    assert run(recall, key=key_in(run(tool, path="a").content)).content == read_log("a")
