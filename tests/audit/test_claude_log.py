from __future__ import annotations

from contextprune.audit.claude_log import conversations, lifetime, logged
from contextprune.audit.logged import Logged
from contextprune.money.expiry import FIVE_MINUTES, HOUR
from tests.audit.logs import answered, replied, said, session


def test_a_plain_session_is_one_conversation() -> None:
    records = session()
    assert list(conversations(records)) == [("", records)]


def test_a_compaction_starts_a_conversation_of_its_own() -> None:
    boundary = {"type": "system", "subtype": "compact_boundary", "uuid": "b"}
    summary = said("This session is continued from another one.", isCompactSummary=True)
    first, second = session(2), [boundary, summary, replied("Go on.", 9)]
    assert list(conversations([*first, *second])) == [("", first), ("part 2", second)]


def test_a_compaction_without_its_own_record_is_seen_by_the_summary() -> None:
    summary = said("A summary.", isCompactSummary=True)
    assert [label for label, _ in conversations([*session(1), summary])] == ["", "part 2"]


def test_sub_agents_in_the_file_of_their_session_are_conversations_of_their_own() -> None:
    main = session(1)
    inner = [
        said("Find the file.", isSidechain=True),
        replied("Searching.", 7, isSidechain=True, parentUuid="Find the file."),
        answered(7, isSidechain=True, parentUuid="Searching."),
    ]
    other = said("Another task.", isSidechain=True)
    assert list(conversations([main[0], *inner, other, *main[1:]])) == [
        ("", main),
        ("agent 1", inner),
        ("agent 2", [other]),
    ]


def test_the_file_of_one_sub_agent_needs_no_other_name() -> None:
    records = session(1, isSidechain=True, agentId="a1")
    assert list(conversations(records)) == [("", records)]


def test_errors_that_the_program_itself_reported_were_never_sent() -> None:
    error = {"type": "assistant", "message": {"role": "assistant", "model": "<synthetic>", "content": "API Error"}}
    records = session(1)
    assert list(conversations([*records, error])) == [("", records)]


def test_a_call_that_is_logged_in_several_records_is_counted_once() -> None:
    records = [replied("Thinking", 1, read=100, written=20), replied("and calling", 1, read=100, written=20)]
    assert logged([*records, replied("Next", 2, read=120)]) == Logged(2, fresh=6, written=20, read=220, output=14)


def test_usage_of_nothing_is_no_usage() -> None:
    empty = {"type": "assistant", "message": {"id": "m", "usage": {"input_tokens": 0, "output_tokens": 0}}}
    assert logged([empty, said("hi"), {"type": "summary"}]) is None


def test_the_cache_lives_for_an_hour_where_that_was_paid_for() -> None:
    paid = {"message": {"usage": {"cache_creation": {"ephemeral_1h_input_tokens": 5}}}}
    assert lifetime([said("hi"), replied("hello", 1), paid]) == HOUR
    assert lifetime([said("hi"), replied("hello", 1)]) == FIVE_MINUTES
