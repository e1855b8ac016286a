"""The side-car over whole sessions: what comes back of a history, whoever asks, however often and in whatever order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextprune.errors import PayloadError
from contextprune.policy import Policy
from contextprune.proxy.job import Answer, Job, Reason, Task
from contextprune.proxy.worker import sidecar
from contextprune.proxy.worker.answer import Answerer
from contextprune.storage.store import MemoryStore, Store
from tests.proxy.gateway_sessions import Message, histories, session
from tests.proxy.provider_rules import Memory
from tests.strategies import COUNTER, LEXICAL

NUMBERS = count(1)
SESSIONS = 20


def answerer(store: Store | None = None) -> Answerer:
    return Answerer(Policy(), LEXICAL, COUNTER, MemoryStore() if store is None else store)


def send(engine: Answerer, payload: Any, tenant: str = "", *, abandoned: bool = False) -> Answer:
    job = Job(next(NUMBERS), Task.COMPRESS, json.dumps(payload).encode(), tenant=tenant, seconds=60.0)
    return engine(job, lambda: abandoned)


def ask(engine: Answerer, messages: Sequence[Message], tenant: str = "", **config: Any) -> dict[str, Any]:
    """What the side-car replies to headroom's form."""
    answer = send(engine, {"model": "gpt-5", "messages": messages, "config": config}, tenant)
    assert answer.body is not None, answer.reason
    reply: dict[str, Any] = json.loads(answer.body)
    return reply


def compress(engine: Answerer, messages: Sequence[Message], tenant: str = "", **config: Any) -> list[Message]:
    compressed: list[Message] = ask(engine, messages, tenant, **config)["messages"]
    return compressed


def guard(engine: Answerer, messages: Sequence[Message] | None, user: str = "", **more: Any) -> dict[str, Any]:
    """What the side-car replies to LiteLLM's generic guardrail."""
    payload = {
        "input_type": "request", "texts": ["..."], "structured_messages": messages, "model": "gpt-5", "tools": None,
        "request_data": {"user_api_key_hash": user or None}, "litellm_version": "1.110.2", **more,
    }  # fmt: skip
    answer = send(engine, payload)
    assert answer.body is not None, answer.reason
    reply: dict[str, Any] = json.loads(answer.body)
    return reply


def requests(seed: int) -> list[list[Message]]:
    return list(histories(session(seed)))


class TestTheSameBytes:
    """A history comes back as it did before, and every later one begins with it."""

    @pytest.mark.parametrize("seed", range(SESSIONS))
    def test_a_provider_finds_in_its_cache_all_that_it_would_without_us(self, seed: int) -> None:
        engine, plain, memory = answerer(), Memory(), Memory()
        before = {"plain": 0, "sent": 0}
        for messages in requests(seed):
            for name, cache, parts in (("plain", plain, messages), ("sent", memory, compress(engine, messages))):
                read, written = cache.read(parts)
                assert read == before[name]
                before[name] = read + written
        assert before["sent"] < 0.9 * before["plain"]

    def test_a_side_car_that_knows_nothing_of_it_gives_the_same(self) -> None:
        engine = answerer()
        sent = [compress(engine, messages) for messages in requests(1)]
        assert [compress(answerer(), messages) for messages in requests(1)] == sent

    def test_the_order_of_the_requests_changes_nothing(self) -> None:
        engine = answerer()
        sent = [compress(engine, messages) for messages in requests(2)]
        backwards = answerer()
        assert [compress(backwards, messages) for messages in reversed(requests(2))] == sent[::-1]

    def test_a_request_that_is_sent_twice_gets_the_same_twice(self) -> None:
        engine = answerer()
        sent = [[compress(engine, messages) for _ in range(2)] for messages in requests(3)]
        assert all(first == second for first, second in sent)

    def test_the_name_of_the_session_and_the_form_change_nothing(self) -> None:
        named, rows = ask(answerer(), session(4), session_id="s1"), guard(answerer(), session(4))
        assert named["messages"] == rows["structured_messages"] == compress(answerer(), session(4))

    def test_what_a_gateway_went_on_without_stays_as_it_went(self) -> None:
        engine = answerer()
        *_, before, last = requests(5)
        compress(engine, before)
        assert send(engine, {"model": "gpt-5", "messages": last}, abandoned=True).reason is Reason.LATE
        assert compress(engine, last)[len(before) :] == last[len(before) :]


class TestFrozenMessages:
    """The first N messages, of which a caller says that the provider has cached what was last returned."""

    def test_they_come_back_as_they_were_returned(self) -> None:
        engine = answerer()
        *_, before, last = requests(6)
        returned = compress(engine, before)
        later = compress(engine, last, frozen_message_count=len(before))
        assert later[: len(before)] == returned
        assert later[len(before) :] != last[len(before) :]

    def test_they_stand_where_nothing_is_known_of_them(self) -> None:
        messages = session(7)
        assert compress(answerer(), messages, frozen_message_count=len(messages)) == messages

    def test_they_stand_in_every_later_request(self) -> None:
        engine = answerer()
        *_, before, last = requests(8)
        compress(engine, before, frozen_message_count=len(before))
        assert compress(engine, last)[: len(before)] == before

    def test_a_caller_may_send_what_was_returned_instead_of_what_was_there_at_first(self) -> None:
        engine, sent = answerer(), list[Message]()
        for messages in requests(9):
            history = [*sent, *messages[len(sent) :]]
            returned = compress(engine, history, frozen_message_count=len(sent))
            assert returned[: len(sent)] == sent
            sent = returned
        assert len(json.dumps(sent)) < 0.9 * len(json.dumps(session(9)))

    def test_more_than_there_are_is_all(self) -> None:
        assert compress(answerer(), session(10), frozen_message_count=1000) == session(10)

    def test_none_is_as_if_nothing_was_said(self) -> None:
        assert compress(answerer(), session(10), frozen_message_count=0) == compress(answerer(), session(10))

    @pytest.mark.parametrize("count", [-1, 1.5, "3", True, False, [1]])
    def test_a_number_that_is_none_is_refused(self, count: Any) -> None:
        body = json.dumps({"messages": session(0), "config": {"frozen_message_count": count}}).encode()
        with pytest.raises(PayloadError, match="number of messages"):
            sidecar.read_request(body)


class TestSessions:
    """The id that a gateway gives a session."""

    def test_a_reply_says_how_much_of_it_came_back_as_before(self) -> None:
        engine = answerer()
        *_, before, last = requests(11)
        assert "session" not in ask(engine, before)
        named = ask(engine, last, session_id="conv-1")["session"]
        assert named == {"id": "conv-1", "frozen_message_count": len(before), "cached_prefix_replayed": True}

    def test_nothing_came_back_in_the_first_request(self) -> None:
        named = ask(answerer(), requests(12)[0], session_id="conv-1")["session"]
        assert named == {"id": "conv-1", "frozen_message_count": 0, "cached_prefix_replayed": False}

    def test_the_front_is_told_of_it(self) -> None:
        payload = {"messages": session(0), "config": {"session_id": "conv-1"}}
        assert send(answerer(), payload).session == "conv-1"

    def test_litellm_names_it_in_a_header_of_its_clients(self) -> None:
        headers = {"x-litellm-session-id": "conv-2"}
        assert guard(answerer(), session(0), request_headers=headers)["session"]["id"] == "conv-2"

    @pytest.mark.parametrize("name", ["", "  ", 7, "x" * 257, ["conv"]])
    def test_an_id_that_is_none_is_refused(self, name: Any) -> None:
        body = json.dumps({"messages": session(0), "config": {"session_id": name}}).encode()
        with pytest.raises(PayloadError, match="256 characters"):
            sidecar.read_request(body)


class TestLiteLLM:
    """The two forms in which LiteLLM calls a side-car."""

    def test_a_result_that_was_kept_back_when_it_was_new_stands(self) -> None:
        rows = [message for message in session(13) if message["role"] == "tool"]
        assert compress(answerer(), rows) == rows

    def test_rows_come_back_under_their_name_with_the_verdict(self) -> None:
        reply = guard(answerer(), session(14))
        assert reply["action"] == "GUARDRAIL_INTERVENED"
        assert [row["role"] for row in reply["structured_messages"]] == [row["role"] for row in session(14)]
        assert reply["tokens_saved"] > 0

    @pytest.mark.parametrize(
        "rows", [None, [], [{"role": "user", "content": "Hello."}], [{"role": "tool", "content": "ok"}]]
    )
    def test_where_nothing_goes_nothing_is_written_back(self, rows: Any) -> None:
        assert guard(answerer(), rows)["action"] == "NONE"

    def test_an_answer_of_the_model_is_left_alone(self) -> None:
        assert guard(answerer(), session(14), input_type="response")["action"] == "NONE"

    def test_an_audit_writes_nothing_back_and_measures(self) -> None:
        reply = guard(answerer(), session(14), additional_provider_specific_params={"mode": "audit"})
        assert (reply["action"], reply["tokens_saved"] > 0) == ("NONE", True)

    def test_no_marker_names_a_key_that_nobody_there_can_redeem(self) -> None:
        reply = guard(answerer(), session(14), additional_provider_specific_params={"mode": "ccr"})
        assert "hash=" not in json.dumps(reply["structured_messages"])


TENANTS = st.lists(st.sampled_from(["", "a", "b", "c" * 32]), min_size=2, max_size=2, unique=True)


class TestTenants:
    """Clients with the same messages and other credentials, or other users of one gateway."""

    @given(tenants=TENANTS, seed=st.integers(0, 5))
    @settings(max_examples=10, deadline=None)
    def test_no_key_of_one_opens_anything_to_the_other(self, tenants: list[str], seed: int) -> None:
        engine = answerer()
        keys = [set(ask(engine, session(seed), tenant)["hashes"]) for tenant in tenants]
        assert keys[0]
        assert keys[0].isdisjoint(keys[1])
        for key in keys[0]:
            assert retrieved(engine, key, tenants[0]) in texts(session(seed))
            assert retrieved(engine, key, tenants[1]) is None

    @given(tenants=TENANTS, seed=st.integers(0, 5))
    @settings(max_examples=10, deadline=None)
    def test_what_was_sent_for_one_is_not_replayed_for_the_other(self, tenants: list[str], seed: int) -> None:
        engine, messages = answerer(), session(seed)
        assert compress(engine, messages, tenants[0], frozen_message_count=len(messages)) == messages
        assert compress(engine, messages, tenants[1]) == compress(answerer(), messages)

    def test_users_whom_litellm_names_are_as_far_apart(self) -> None:
        engine, messages = answerer(), session(15)
        whole = {"additional_provider_specific_params": {"frozen_message_count": len(messages)}}
        assert guard(engine, messages, "alice", **whole)["action"] == "NONE"
        assert guard(engine, messages, "alice")["action"] == "NONE"
        bob, nobody = guard(engine, messages, "bob"), guard(engine, messages)
        assert set(bob["hashes"]).isdisjoint(nobody["hashes"])
        assert bob["structured_messages"] == compress(answerer(), messages)

    def test_two_of_them_who_chose_the_same_session_are_two(self) -> None:
        rows = {"input_type": "request", "structured_messages": session(0)}
        named = {"additional_provider_specific_params": {"session_id": "s"}}
        sent = [{**rows, **named, "request_data": {"user_api_key_hash": user}} for user in ("alice", "bob")]
        first, second = (send(answerer(), payload).session for payload in sent)
        assert first != second


def retrieved(engine: Answerer, key: str, tenant: str) -> str | None:
    job = Job(next(NUMBERS), Task.RETRIEVE, json.dumps({"key": key}).encode(), tenant=tenant)
    answer = engine(job, lambda: False)
    return None if answer.body is None else json.loads(answer.body)["original_content"]


def texts(messages: Sequence[Message]) -> list[str]:
    return [message["content"] for message in messages]


Change = Callable[[list[Message], int], list[Message]]


def _edited(messages: list[Message], at: int) -> list[Message]:
    messages[at]["content"] = f"{messages[at]['content']} edited"
    return messages


def _forked(messages: list[Message], at: int) -> list[Message]:
    return [*messages[:at], {"role": "user", "content": "Do it another way."}]


def _regenerated(messages: list[Message], at: int) -> list[Message]:
    return [*messages[:at], {"role": "assistant", "content": "Another answer."}, *messages[at:]]


def _compacted(messages: list[Message], at: int) -> list[Message]:
    return [{"role": "user", "content": "Summary of the conversation so far: it was slow."}, *messages[at:]]


def _swapped(messages: list[Message], at: int) -> list[Message]:
    return [*messages[at:], *messages[:at]]


def _doubled(messages: list[Message], at: int) -> list[Message]:
    return [*messages[: at + 1], *deepcopy(messages[at:])]


def _cut(messages: list[Message], at: int) -> list[Message]:
    return messages[: at + 1]


CHANGES: tuple[Change, ...] = (_edited, _forked, _regenerated, _compacted, _swapped, _doubled, _cut)


@given(
    seed=st.integers(0, 3),
    steps=st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 30), st.booleans()), min_size=1, max_size=5),
)
@settings(max_examples=40, deadline=None)
def test_histories_that_clients_changed_are_answered_like_any_other(
    seed: int, steps: list[tuple[Change, int, bool]]
) -> None:
    engine, messages = answerer(), session(seed, 3)
    for change, place, says in steps:
        messages = change(deepcopy(messages), place % len(messages))
        reply = ask(engine, messages, session_id="s", frozen_message_count=place if says else 0)
        assert [row["role"] for row in reply["messages"]] == [row["role"] for row in messages]
        untouched = zip(reply["messages"], messages, strict=True)
        assert all(row == message for row, message in untouched if message["role"] != "tool")
        assert reply["tokens_after"] <= reply["tokens_before"]
