"""What identifies a conversation: which segments count, and what of them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Context, Kind, Segment
from contextprune.policy import PROTECTED, Policy, Rule
from contextprune.session.identity import alike, block_key, chain, conversation_of, key_of, seed

ONE = Segment(Kind.TOOL_RESULT, "one", ("m", 1), turn=1, pair="c1", name="sh")
SEGMENTS = (Segment(Kind.USER, "Go.", ("m", 0)), ONE, Segment(Kind.ASSISTANT, "Done.", ("m", 2), turn=2))
SYSTEM = Segment(Kind.SYSTEM, "Be brief. x-anthropic-billing-header: cch=1", ("system", 0))
TOOLS = Segment(Kind.TOOLS, '{"name": "Read"}', ("tools", 0))
REMINDER = Segment(Kind.USER, "<system-reminder>Today is Monday.</system-reminder>", ("m", 0, 0))
THOUGHT = Segment(Kind.REASONING, "Hm.", ("m", 1, 0), turn=1)
_TEXTS = ("text", "pair", "name", "source")


def test_a_beginning_has_the_same_keys_whatever_follows() -> None:
    assert chain(SEGMENTS[:2], "s") == chain(SEGMENTS, "s")[:2]


def test_a_change_gives_other_keys_to_all_that_follows_and_to_nothing_before() -> None:
    changed = chain((SEGMENTS[0], replace(ONE, text="two"), SEGMENTS[2]), "s")
    assert [a == b for a, b in zip(changed, chain(SEGMENTS, "s"), strict=True)] == [True, False, False]


@pytest.mark.parametrize(
    "change",
    [
        {"text": "One"}, {"kind": Kind.DOCUMENT}, {"pair": "c2"}, {"name": None}, {"editable": False},
        {"failed": True}, {"source": "AAAA"},
    ],
)  # fmt: skip
def test_whatever_a_decision_may_depend_on_is_in_the_key(change: dict[str, Any]) -> None:
    assert chain([replace(ONE, **change)], "s") != chain([ONE], "s")


@pytest.mark.parametrize("change", [{"turn": 2}, {"cost": 5}, {"marked": True}, {"ref": ("m", 7)}])
def test_what_a_client_or_another_model_changes_is_not_in_the_key(change: dict[str, Any]) -> None:
    assert chain([replace(ONE, **change)], "s") == chain([ONE], "s")
    assert alike(replace(ONE, **change), ONE)


def test_a_breakpoint_of_the_cache_is_not_in_the_key() -> None:
    assert chain([replace(ONE, marked=True)], "s") == chain([ONE], "s")
    user = replace(SEGMENTS[0], marked=True, editable=False)
    assert chain([user], "s") == chain([SEGMENTS[0]], "s")


def test_a_seed_names_every_setting_and_nothing_of_the_process() -> None:
    settings = Policy(), Policy(recall=0.5), Policy(tools={"a": Rule(0.5)}), Policy(protect=frozenset({Kind.SYSTEM}))
    assert len({seed(policy, "x") for policy in settings} | {seed(Policy(), "y")}) == 5
    one, other = (frozenset(sorted(PROTECTED, reverse=turned)) for turned in (False, True))
    assert seed(Policy(protect=one)) == seed(Policy(protect=other))
    code = "from contextprune.session.identity import seed; from contextprune.policy import Policy; "
    code += "print(ascii(seed(Policy())))"
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": n}
        ).stdout
        for n in "123"
    }
    assert len(told) == 1


def test_a_seed_keeps_conversations_apart() -> None:
    assert not set(chain(SEGMENTS, "one")) & set(chain(SEGMENTS, "two"))


@given(st.text(st.characters(), max_size=9), st.text(st.characters(), max_size=9))
def test_what_two_fields_hold_cannot_change_places(text: str, source: str) -> None:
    ours, theirs = replace(ONE, text=text, source=source), replace(ONE, text=source, source=text)
    assert (chain([ours], "s") == chain([theirs], "s")) == (text == source)


def test_keys_go_on_from_those_of_the_segments_before() -> None:
    keys = chain(SEGMENTS, "s")
    assert all(chain(SEGMENTS[n:], "s", keys[:n]) == keys for n in range(4))


@pytest.mark.parametrize("name", ["kind", "text", "turn", "pair", "name", "editable", "cost", "failed", "source"])
@pytest.mark.parametrize("kind", [Kind.TOOL_RESULT, Kind.USER])
def test_segments_are_alike_where_they_have_one_key(kind: Kind, name: str) -> None:
    one = replace(ONE, kind=kind, pair=None)
    values: tuple[Any, ...] = ("", "x") if name in _TEXTS else (0, 1) if name in ("turn", "cost") else (True, False)
    for value in (Kind.SYSTEM,) if name == "kind" else values:
        other = replace(one, **{name: value})
        assert alike(one, other) == (chain([one], "s") == chain([other], "s"))


def test_the_head_of_a_request_is_no_part_of_its_conversation() -> None:
    headed = conversation_of(Context((TOOLS, SYSTEM, *SEGMENTS)))
    assert headed.segments == list(SEGMENTS)
    assert (headed.positions, headed.asides, headed.ends) == ([2, 3, 4], [0, 1], [1, 2])
    assert conversation_of(Context(SEGMENTS)).ends == [1, 2]


def test_a_text_of_the_harness_alone_is_no_part_of_the_conversation() -> None:
    reminded = conversation_of(Context((SEGMENTS[0], REMINDER, *SEGMENTS[1:], REMINDER)))
    assert reminded.segments == list(SEGMENTS)


def test_a_reminder_beside_the_words_of_the_user_changes_nothing() -> None:
    reminded = replace(SEGMENTS[0], text=f"{REMINDER.text}\nGo.")
    assert chain([reminded], "s") == chain([replace(reminded, text=reminded.text.replace("Monday", "Tuesday"))], "s")
    assert alike(reminded, replace(reminded, text=reminded.text.replace("Monday", "Tuesday")))


def test_reasoning_that_a_client_drops_changes_no_link() -> None:
    user, result, reply = SEGMENTS
    thinking, plain = chain((user, THOUGHT, result, reply), "s"), chain(SEGMENTS, "s")
    assert [thinking[0], *thinking[2:]] == plain
    assert key_of(thinking[1], THOUGHT) not in plain
    assert key_of(thinking[1], THOUGHT) != key_of(thinking[1], replace(THOUGHT, text="Aha."))


def test_a_block_is_known_by_itself_wherever_it_stands() -> None:
    assert block_key(b"s", ONE) == block_key(b"s", replace(ONE, turn=9, ref=("m", 9)))
    others = (block_key(b"t", ONE), block_key(b"s", replace(ONE, text="two")), block_key(b"s", replace(ONE, pair="c2")))
    assert block_key(b"s", ONE) not in others


def test_tokens_beside_a_conversation_are_those_before_each_segment_and_behind_the_last() -> None:
    conversation = conversation_of(Context((SYSTEM, SEGMENTS[0], REMINDER, *SEGMENTS[1:], REMINDER)))
    assert conversation.before_each({0: 5, 2: 7, 5: 9}) == [5, 7, 0, 9]
