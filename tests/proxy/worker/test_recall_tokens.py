"""What recalling costs in tokens: no saving is claimed for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contextprune.dialects import read
from contextprune.proxy.job import Answer
from contextprune.proxy.replay.conversation import Conversation
from contextprune.proxy.replay.recall_tool import tool_schema
from contextprune.proxy.worker.recall_tokens import RecallTokens, recall_tokens
from tests.proxy.worker.test_answer import COUNTER, answerer, ask, job

COUNT = COUNTER
REFUSAL = "unsupported call: contextprune_recall"
LINES = "".join(f"08:{k % 60:02} [depot] handled parcel_{k * 7919} in {k} ms\n" for k in range(500))


def log(calls: int, key: str = "") -> dict[str, Any]:
    """A Chat request with a log, and with a call of the recall tool behind it where there is a key."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Which parcel is stuck?"}]
    asked = [("bin/log", "sh", json.dumps({"command": "bin/log"}), LINES)]
    asked += [("recall", "contextprune_recall", json.dumps({"key": key}), REFUSAL)] if key else []
    asked += [(f"more{k}", "sh", "{}", "done") for k in range(calls)]
    for name, tool, arguments, result in asked:
        function = {"name": tool, "arguments": arguments}
        messages.append({"role": "assistant", "tool_calls": [{"id": name, "type": "function", "function": function}]})
        messages.append({"role": "tool", "tool_call_id": name, "content": result})
    return {"model": "gpt-5", "messages": messages}


def conversation(payload: dict[str, Any], mode: str = "tool") -> Conversation:
    """A conversation in which the second call's result was filled in."""
    context = read(payload)
    (ref,) = [s.ref for s in context.segments if s.text == REFUSAL]
    return Conversation(context, mode, {ref: LINES}, {ref: REFUSAL})


def test_an_answer_counts_as_new_in_the_request_that_brings_it_and_as_sent_behind_it() -> None:
    more, tool = COUNT(LINES) - COUNT(REFUSAL), COUNT(tool_schema("openai-chat"))
    assert recall_tokens(conversation(log(0, "k")), "openai-chat", COUNT) == RecallTokens(0, more, tool)
    assert recall_tokens(conversation(log(1, "k")), "openai-chat", COUNT) == RecallTokens(more, 0, tool)


@pytest.mark.parametrize("mode", ["off", "mcp"])
def test_who_does_not_recall_by_the_tool_pays_nothing_for_it(mode: str) -> None:
    assert recall_tokens(conversation(log(0, "k"), mode), "openai-chat", COUNT) == RecallTokens()


def session(mode: str) -> list[Answer]:
    """The answers to a question, to its log, and to a call of the recall tool for that log."""
    engine, question = answerer(), {**log(0), "messages": log(0)["messages"][:1]}
    first = ask(engine, job(json.dumps(question).encode(), recall=mode))
    second = ask(engine, job(json.dumps(log(0)).encode(), recall=mode))
    third = ask(engine, job(json.dumps(log(0, second.keys[0])).encode(), recall=mode))
    return [first, second, third]


def test_what_was_recalled_is_no_token_that_the_client_sent() -> None:
    recalls, plain = session("tool")[-1], session("off")[-1]
    assert recalls.before == plain.before
    assert recalls.after > plain.after + COUNT(LINES) // 2


def test_kinds_and_bills_have_the_same_tokens() -> None:
    for answer in session("tool"):
        assert sum(before for before, _ in answer.kinds.values()) == answer.before
        assert sum(after for _, after in answer.kinds.values()) == answer.after
        assert answer.bills is not None
        assert [sum(bill) for bill in answer.bills] == [answer.before, answer.after]


def test_the_first_request_pays_for_the_definition_of_the_tool() -> None:
    first = session("tool")[0]
    assert first.kinds["tools"] == (0, COUNT(tool_schema("openai-chat")))
    assert first.after == first.before + COUNT(tool_schema("openai-chat"))
