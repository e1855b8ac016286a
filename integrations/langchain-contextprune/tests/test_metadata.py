"""The notes in `response_metadata`: what they say, and when they no longer hold."""

from __future__ import annotations

from agents import LONG, calls, engine
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, messages_from_dict, messages_to_dict

from langchain_contextprune.compress import arrive
from langchain_contextprune.metadata import answered, kept_under, model_of, sent_before, tokens_of

HISTORY = [HumanMessage("Which order failed?"), calls(("read_log", {"name": "orders"}, "c1"))]
RESULT = ToolMessage(LONG, tool_call_id="c1", name="read_log", response_metadata={"mine": 1})


def test_a_shortened_result_says_where_its_original_is() -> None:
    pruner = engine()
    got = arrive(pruner, HISTORY, RESULT).message
    assert kept_under(got) == {0: pruner.store.key(LONG)}
    assert got.response_metadata["mine"] == 1
    assert tokens_of(got) == (pruner.counter(LONG), pruner.counter(str(got.content)))
    assert RESULT.content == LONG


def test_the_note_survives_a_checkpoint_or_a_client() -> None:
    got = arrive(engine(), HISTORY, RESULT).message
    (back,) = messages_from_dict(messages_to_dict([got]))
    assert kept_under(back) == kept_under(got) != {}


def test_a_content_that_somebody_changed_is_no_longer_ours() -> None:
    got = arrive(engine(), HISTORY, RESULT).message
    assert kept_under(got.model_copy(update={"content": "[cleared]"})) == {}


def test_one_that_was_left_alone_has_no_note() -> None:
    short = ToolMessage("pong", tool_call_id="c1")
    assert arrive(engine(), HISTORY, short).message is short
    assert (kept_under(short), tokens_of(short)) == ({}, (0, 0))


OLD, NEW, ASK = AIMessage("old"), answered(AIMessage("new"), "m"), HumanMessage("?")


def test_what_was_sent_before_ends_with_the_last_reply_without_a_stamp_before_the_first_with_one() -> None:
    assert sent_before([]) == 0
    assert sent_before([ASK]) == 0
    assert sent_before([ASK, NEW, ASK]) == 0
    assert sent_before([ASK, OLD, ASK, OLD, ASK]) == 3
    assert sent_before([ASK, OLD, ASK, NEW, ASK]) == 1


def test_a_reply_that_somebody_put_in_later_changes_nothing() -> None:
    assert sent_before([ASK, NEW, ASK, OLD, ASK, NEW]) == 0


def test_the_models_name_is_that_of_the_last_request() -> None:
    assert model_of([ASK, NEW, ASK, answered(OLD, "n"), ASK, OLD]) == "n"
    assert model_of([ASK, OLD]) == ""
