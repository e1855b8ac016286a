"""What tools return: messages, Commands with updates of every form, lists of both."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langgraph.types import Command

from langchain_contextprune.tool_results import each_result, messages_of

MINE, OTHERS = ToolMessage("long", tool_call_id="c1"), ToolMessage("long", tool_call_id="c0")
SHORT = ToolMessage("short", tool_call_id="c1")


def change(_: ToolMessage) -> ToolMessage:
    return SHORT


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({"messages": [OTHERS, MINE], "n": 1}, {"messages": [OTHERS, SHORT], "n": 1}),
        ({"messages": MINE}, {"messages": SHORT}),
        ([("messages", [MINE]), ("n", 1)], [("messages", [SHORT]), ("n", 1)]),
        ([MINE], [SHORT]),
    ],
)
def test_the_message_that_answers_the_call_changes_wherever_it_stands(update: Any, expected: Any) -> None:
    got = each_result(Command(update=update, goto="next", graph=Command.PARENT), "c1", change)
    assert (got.update, got.goto, got.graph) == (expected, "next", Command.PARENT)


@pytest.mark.parametrize("update", [None, {}, [], {"n": 1}, {"messages": [OTHERS]}, [("n", 1)], HumanMessage("x")])
def test_without_such_a_message_the_same_command_comes_back(update: Any) -> None:
    command: Command[Any] = Command(update=update)
    assert each_result(command, "c1", change) is command


def test_lists_of_messages_and_commands_are_searched() -> None:
    got: Any = each_result([Command(update={"messages": [MINE]}), OTHERS], "c1", change)
    assert (got[0].update, got[1]) == ({"messages": [SHORT]}, OTHERS)


def test_messages_are_found_in_states_of_every_form() -> None:
    class Held:
        """A state as an object."""

        messages = (MINE,)

    assert messages_of([MINE]) == messages_of({"messages": [MINE]}) == messages_of(Held()) == [MINE]
    assert messages_of({}) == messages_of(None) == []
    assert messages_of({"talk": [MINE]}, "talk") == [MINE]
