# No postponed annotations here: LlamaIndex finds the tools that want its context by the annotation itself.
import asyncio
import copy
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.bridge.pydantic import Field
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
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
    recall_tool,
)
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


class Heard(BaseEventHandler):
    """Keeps the events of tools that it hears."""

    events: list[BaseEvent] = Field(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "Heard"

    def handle(self, event: BaseEvent, **_: Any) -> Any:
        if isinstance(event, ContextPruneToolEvent):
            self.events.append(event)


@pytest.fixture
def heard() -> Any:
    dispatcher = get_dispatcher("llama_index.postprocessor.contextprune.tools")
    handler = Heard()
    before = list(dispatcher.event_handlers)
    dispatcher.event_handlers = [*before, handler]
    yield handler.events
    dispatcher.event_handlers = before


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


def test_the_recall_tool_tells_the_model_when_it_knows_no_such_key() -> None:
    answer = run(recall_tool(pruner()), key="aaaaaaaaaaaa").content
    assert "No original is kept" in answer
    assert "contextprune " not in answer


@pytest.mark.parametrize("text", ["".join(f"row {i} of many\n" for i in range(9000)), "x, " * 40_000])
def test_the_recall_tool_gives_no_more_than_its_tokens_and_says_how_to_go_on(text: str) -> None:
    engine = pruner()
    engine.store.put({engine.store.key(text): text})
    answer = run(recall_tool(engine, max_tokens=500), key=engine.store.key(text)).content
    assert 100 < COUNT(answer) <= 500
    assert "more characters: ask with" in answer.splitlines()[-1]


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ({"rows": "171"}, '"id": 170'),
        ({"path": "items[170].state"}, '"failed"'),
        ({"query": "170 failed"}, '"id": 170'),
        ({"chars": "1-10"}, '{"items": '),
    ],
)
def test_the_recall_tool_reaches_any_part_of_a_line(place: dict[str, str], part: str) -> None:
    engine = pruner()
    text = json.dumps({"items": [{"id": i, "state": "failed" if i == 170 else "fine"} for i in range(9000)]})
    engine.store.put({engine.store.key(text): text})
    answer = run(recall_tool(engine, max_tokens=500), key=engine.store.key(text), **place).content
    assert part in answer
    assert COUNT(answer) < 200


def test_a_place_that_cannot_be_is_an_answer_for_the_model() -> None:
    engine = pruner()
    engine.store.put({engine.store.key(LOG): LOG})
    assert "counted from 1" in run(recall_tool(engine), key=engine.store.key(LOG), lines="a-b").content


def test_a_recall_tool_without_tokens_is_refused() -> None:
    with pytest.raises(cp.SettingsError, match="above 0"):
        recall_tool(pruner(), max_tokens=0)


def test_what_was_recalled_is_not_shortened_again() -> None:
    engine = pruner()
    recall = recall_tool(engine)
    assert prune_tool(recall, engine) is recall


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


def test_a_recall_tool_whose_store_is_broken_answers_the_model() -> None:
    class Lost(cp.MemoryStore):
        def get(self, key: str) -> str | None:
            raise OSError(f"the disk with {key} is gone")

    engine = cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), COUNT, Lost())
    assert "call the original tool again" in run(recall_tool(engine), key="aaaaaaaaaaaa").content


def test_events_say_what_a_result_had_and_has(heard: list[ContextPruneToolEvent]) -> None:
    content = run(prune_tool(read_log, pruner()), path="a").content
    assert [(event.tool, event.before, event.after, event.failed) for event in heard] == [
        ("read_log", COUNT(read_log("a")), COUNT(content), "")
    ]


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
