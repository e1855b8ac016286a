"""The recall tool: LangChain's own suites for tools, and what a model gets to read."""

from __future__ import annotations

import json
import re
from typing import Any

import contextprune as cp
import pytest
from agents import LONG, engine
from langchain_core.messages import ToolMessage
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from langchain_contextprune import ContextPruneRecall

ENGINE = engine()
KEY = ENGINE.store.key(LONG)
ENGINE.store.put({KEY: LONG})


class _Recall:
    @property
    def tool_constructor(self) -> type[ContextPruneRecall]:
        return ContextPruneRecall

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"pruner": ENGINE}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"key": KEY, "lines": "1-3"}


class TestUnit(_Recall, ToolsUnitTests):
    """LangChain's unit suite for tools."""


class TestIntegration(_Recall, ToolsIntegrationTests):
    """LangChain's integration suite for tools."""


def recalled(**asked: Any) -> str:
    return str(ContextPruneRecall(pruner=ENGINE, max_tokens=100_000).invoke({"key": KEY, **asked}))


def test_the_whole_comes_back_byte_for_byte() -> None:
    assert recalled() == LONG
    assert ContextPruneRecall(pruner=ENGINE, max_tokens=100_000).invoke({"key": f"recall={KEY}"}) == LONG


def test_a_part_can_be_asked_for() -> None:
    rows = LONG.splitlines(keepends=True)
    assert recalled(lines="2-3") == rows[1] + rows[2]
    assert recalled(query="error timeout") == next(row for row in rows if "ERROR" in row)


async def test_asynchronously_too() -> None:
    assert await ContextPruneRecall(pruner=ENGINE).ainvoke({"key": KEY, "lines": "2"}) == recalled(lines="2")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"key": "aaaaaaaaaaaa"}, "get the text another way"),
        ({"key": KEY, "lines": "x"}, "counted from 1"),
        ({"key": KEY, "query": "unicorn"}, "No part of the original matches"),
    ],
)
def test_what_cannot_be_given_is_an_answer_that_says_what_to_do(asked: dict[str, str], said: str) -> None:
    call = {"type": "tool_call", "name": "contextprune_recall", "args": asked, "id": "c"}
    answer = ContextPruneRecall(pruner=ENGINE).invoke(call)
    assert isinstance(answer, ToolMessage)
    assert said in str(answer.content)


def test_a_long_answer_ends_with_a_whole_line_and_says_how_to_go_on() -> None:
    answer = str(ContextPruneRecall(pruner=ENGINE, max_tokens=500).invoke({"key": KEY}))
    shown, _, note = answer.rpartition("\n")
    count = len(shown.splitlines())
    assert LONG.startswith(shown.rstrip("\n"))
    assert ENGINE.counter(shown) <= 500
    assert f'lines="{count + 1}-401"' in note


ONE_LINE = json.dumps([{"order": 48000 + i, "state": "failed" if i == 1777 else "packed"} for i in range(4000)])


def test_of_a_result_of_one_line_any_part_can_be_asked_for_within_the_limit() -> None:
    pruner = engine()
    key = pruner.store.key(ONE_LINE)
    pruner.store.put({key: ONE_LINE})
    recall = ContextPruneRecall(pruner=pruner)
    for place in ({"rows": "1778"}, {"path": "[1777]"}, {"query": "failed"}):
        answer = str(recall.invoke({"key": key, **place}))
        assert '{"order": 49777, "state": "failed"}' in answer
        assert len(answer) < 1000
    whole = str(recall.invoke({"key": key}))
    assert pruner.counter(whole) <= 8000
    assert "chars=" in whole.splitlines()[-1]


def test_whoever_follows_the_last_lines_reads_all_of_it() -> None:
    pruner = engine()
    key = pruner.store.key(ONE_LINE)
    pruner.store.put({key: ONE_LINE})
    recall, read_so_far = ContextPruneRecall(pruner=pruner), ""
    place: dict[str, str] = {}
    for _ in range(20):
        answer = str(recall.invoke({"key": key, **place}))
        more = re.search(r'\n\[[\d,]+ more characters: ask with chars="(\d+-\d+)"\]\Z', answer)
        if more is None:
            read_so_far += answer
            break
        read_so_far += answer[: more.start()]
        place = {"chars": more[1]}
    assert read_so_far == ONE_LINE


def test_what_it_gives_is_never_shortened_again() -> None:
    from langchain_core.messages import AIMessage, HumanMessage

    from langchain_contextprune.compress import arrive

    call = {"name": "contextprune_recall", "args": {"key": KEY}, "id": "c1"}
    history = [HumanMessage("Which order failed?"), AIMessage("", tool_calls=[call])]
    answer = ToolMessage(LONG, tool_call_id="c1", name="contextprune_recall")
    assert arrive(ENGINE, history, answer).message is answer


def test_the_tool_takes_the_settings_where_no_pruner_is_given() -> None:
    assert isinstance(ContextPruneRecall().pruner, cp.Pruner)
