"""The recall tool: in all requests of a session or in none, and its results the same from turn to turn."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Context
from contextprune.dialects import apply, read
from contextprune.dialects.splice import splice
from contextprune.errors import PayloadError, StoreError
from contextprune.markers import RECALL_TOOL
from contextprune.proxy.replay.recall_tool import NO_KEY, UNREADABLE, Recalls, with_tool
from contextprune.proxy.replay.tenants import Scoped
from contextprune.pruner import Pruner
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore, Store

DIALECTS = ("openai-chat", "openai-responses", "anthropic")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.dictionaries(st.text(max_size=6) | st.just("tools"), JSON, max_size=5)
SHAPES: list[dict[str, Any]] = [{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}]
LOG = "\n".join(f"2024-05-13 09:{n // 60:02}:{n % 60:02} INFO worker: order {n} packed" for n in range(200))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield Scoped(MemoryStore(), "tenant")
        return
    opened = SQLiteStore(tmp_path / "originals.sqlite3")
    yield Scoped(opened, "tenant")
    opened.close()


@given(
    body=BODIES, tools=st.none() | st.lists(JSON, max_size=3), shape=st.sampled_from(SHAPES),
    pad=st.sampled_from(["", " \n"]), dialect=st.sampled_from(DIALECTS),
)  # fmt: skip
def test_the_tool_is_put_first_and_every_other_byte_stays(
    body: dict[str, Any], tools: list[Any] | None, shape: dict[str, Any], pad: str, dialect: str
) -> None:
    body = {**body, "tools": tools} if tools is not None else {k: v for k, v in body.items() if k != "tools"}
    old = (pad + json.dumps(body, **shape) + pad).encode("utf-8", "backslashreplace")
    new = with_tool(old, dialect)
    read_back = json.loads(new)
    tool = read_back["tools"].pop(0)
    assert (tool.get("function") or tool)["name"] == RECALL_TOOL
    assert read_back == {**body, "tools": tools or []}
    same = next(i for i in range(len(new)) if old[:i] != new[:i]) - 1
    assert old[same:] == new[len(new) - len(old) + same :]
    assert with_tool(old, dialect) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"{}", b'{"tools":[T]}'),
        (b'{ "a": 1e5 }', b'{"tools":[T], "a": 1e5 }'),
        (b'{"tools" : [ ] }', b'{"tools" : [T ] }'),
        (b'{"tools":[{"name":"a"}]}', b'{"tools":[T,{"name":"a"}]}'),
        (b'{"tools":null,"a":1}', b'{"tools":[T],"a":1}'),
        (b'{"tools":[1],"t\\u006fols":[2]}', b'{"tools":[1],"t\\u006fols":[T,2]}'),
        (b'\xef\xbb\xbf{"a":{"tools":[]}}', b'\xef\xbb\xbf{"tools":[T],"a":{"tools":[]}}'),
    ],
)
def test_where_the_tool_goes(old: bytes, new: bytes) -> None:
    tool = with_tool(b"{}", "anthropic").removeprefix(b'{"tools":[').removesuffix(b"]}")
    assert with_tool(old, "anthropic") == new.replace(b"T", tool)


@pytest.mark.parametrize("body", [b'{"tools":{}}', b'{"tools":"none"}', b"[]", b"1", b"{"])
def test_a_body_that_cannot_hold_the_tool_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        with_tool(body, "openai-chat")


def chat(*turns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "gpt-5", "messages": [{"role": "user", "content": "Which order failed?"}, *turns], **more}


def reply(name: str = "logs", arguments: str = "{}", call: str = "a") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": call, "type": "function", "function": function}],
    }


def result(text: str, call: str = "a") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call, "content": text}


def mode(store: Store, body: dict[str, Any], wanted: str, dialect: str = "openai-chat", **more: Any) -> str:
    """As a process says that has just started: nothing but the store tells it what was."""
    return Recalls(store).mode(body, read(body, format=dialect), dialect, wanted, **more)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Store]:
    opened = SQLiteStore(tmp_path / "kept.sqlite3")
    yield Scoped(opened, "tenant")
    opened.close()


@pytest.mark.parametrize("began", ["off", "tool", "mcp"])
@pytest.mark.parametrize("now", ["off", "tool", "mcp"])
def test_a_conversation_goes_on_as_it_began(kept: Store, began: str, now: str) -> None:
    assert mode(kept, chat(), began) == began
    for turns in ([reply(), result("x")], [reply(), result("x"), reply(call="b"), result("y", "b")]):
        assert mode(kept, chat(*turns), now) == began
    changed = chat(reply(), result("x"), tools=[{"type": "function", "function": {"name": "more"}}])
    assert mode(kept, changed, now) == began


def test_a_conversation_that_began_before_us_gets_no_tool(kept: Store) -> None:
    turns = [reply(), result("x")]
    assert mode(kept, chat(*turns), "tool") == "off"
    assert mode(kept, chat(*turns, reply(call="b"), result("y", "b")), "tool") == "off"
    assert mode(kept, chat(), "tool") == "tool"


def test_conversations_that_begin_alike_each_go_on_as_they_began(kept: Store) -> None:
    assert [mode(kept, chat(), wanted) for wanted in ("off", "tool", "off")] == ["off", "tool", "off"]
    later = chat(reply(), result("x"))
    assert [mode(kept, later, wanted) for wanted in ("tool", "off", "tool")] == ["tool", "off", "tool"]


def test_other_tenants_and_other_beginnings_are_other_conversations(kept: Store, tmp_path: Path) -> None:
    mode(kept, chat(), "tool")
    later = chat(reply(), result("x"))
    assert mode(Scoped(SQLiteStore(tmp_path / "kept.sqlite3"), "other"), later, "tool") == "off"
    later["messages"][0]["content"] += "!"
    assert mode(kept, later, "tool") == "off"


def test_counting_remembers_nothing(kept: Store) -> None:
    assert mode(kept, chat(), "tool", remember=False) == "tool"
    assert mode(kept, chat(reply(), result("x")), "tool") == "off"


@pytest.mark.parametrize("whole", [False, True])
def test_a_first_request_that_went_as_it_came_keeps_the_tool_away(kept: Store, whole: bool) -> None:
    mode(kept, chat(), "tool")
    later = chat(reply(), result("x"))
    Recalls(kept).sent_unchanged(read(later if whole else chat()), whole=whole)
    assert mode(kept, later, "tool") == "off"


def test_a_later_request_that_went_as_it_came_changes_nothing(kept: Store) -> None:
    mode(kept, chat(), "tool")
    later = chat(reply(), result("x"))
    Recalls(kept).sent_unchanged(read(later))
    assert mode(kept, later, "tool") == "tool"


def test_within_one_process_no_notes_are_needed() -> None:
    recalls = Recalls(MemoryStore())
    first, later = chat(), chat(reply(), result("x"))
    assert recalls.mode(first, read(first), "openai-chat", "tool") == "tool"
    assert recalls.mode(later, read(later), "openai-chat", "off") == "tool"


@pytest.mark.parametrize(
    ("dialect", "body", "expected"),
    [
        ("openai-chat", chat(tools=None), "tool"),
        ("openai-chat", chat(tools=[]), "tool"),
        ("openai-chat", chat(tools={}), "off"),
        ("openai-chat", chat(functions=[]), "off"),
        ("openai-chat", chat(tools=[{"function": {"name": "mcp__contextprune__contextprune_recall"}}]), "mcp"),
        ("anthropic", chat(tools=[{"name": RECALL_TOOL, "input_schema": {}}]), "mcp"),
        ("openai-responses", {"input": "hello", "store": False}, "tool"),
        ("openai-responses", {"input": "hello"}, "off"),
        ("openai-responses", {"input": "hello", "store": False, "previous_response_id": "r"}, "off"),
        ("openai-responses", {"input": "hello", "store": False, "conversation": "c"}, "off"),
    ],
)
def test_the_tool_is_offered_where_it_can_be_answered(kept: Store, dialect: str, body: Any, expected: str) -> None:
    if isinstance(body.get("tools"), dict):
        context = Context(())
        assert Recalls(kept).mode(body, context, dialect, "tool") == expected
    else:
        assert mode(kept, body, "tool", dialect) == expected


SAID = "Error: contextprune_recall is not a valid tool"
ASKED = [
    ({}, LOG),
    ({"lines": "3-4"}, "".join(LOG.splitlines(keepends=True)[2:4])),
    ({"query": "09:00:17"}, LOG.splitlines(keepends=True)[17]),
    ({"query": "", "lines": None}, LOG),
    (
        {"query": "nothing of the kind"},
        f"No part of the original matches. It has 200 lines and {len(LOG):,} characters.",
    ),
    ({"lines": 2}, LOG.splitlines(keepends=True)[1]),
    ({"chars": "12-19"}, LOG[11:19]),
    ({"lines": "none"}, "lines are counted from 1 and written like '12', '12-40' or '12-40,60', not 'none'"),
]


@pytest.mark.parametrize(("more", "expected"), ASKED)
def test_a_call_is_answered_with_what_it_asked_for(store: Store, more: dict[str, Any], expected: str) -> None:
    key = store.key(LOG)
    store.put({key: LOG})
    for spelt in (key, f"recall={key}"):
        body = chat(reply(RECALL_TOOL, json.dumps({"key": spelt, **more})), result(SAID))
        assert Recalls(store).answers(read(body)) == {("messages", 2, "content"): expected}


@pytest.mark.parametrize("arguments", ["{}", "[]", "", "nonsense", '{"key": 3}', '{"key": ""}', "[" * 5000])
def test_a_call_without_a_key_is_told_so(store: Store, arguments: str) -> None:
    body = chat(reply(RECALL_TOOL, arguments), result(SAID))
    assert list(Recalls(store).answers(read(body)).values()) == [NO_KEY]


def test_an_unknown_key_is_told_once_and_for_all(store: Store) -> None:
    body = chat(reply(RECALL_TOOL, json.dumps({"key": store.key(LOG)})), result(SAID))
    recalls = Recalls(store)
    (first,) = recalls.answers(read(body)).values()
    assert first.startswith("No original is kept under the key")
    assert len(first) < 150
    store.put({store.key(LOG): LOG})
    assert list(recalls.answers(read(body)).values()) == [first]


def test_an_answer_stays_after_the_original_went_and_in_another_process(tmp_path: Path) -> None:
    opened = SQLiteStore(tmp_path / "kept")
    view = Scoped(opened, "tenant")
    view.put({view.key(LOG): LOG})
    body = chat(reply(RECALL_TOOL, json.dumps({"key": view.key(LOG), "lines": "1-2"})), result(SAID))
    first = Recalls(view).answers(read(body))
    with closing(sqlite3.connect(opened.path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM originals")
    assert Recalls(view).answers(read(body)) == first
    assert view.get(view.key(LOG)) is None


def test_another_tenants_key_is_unknown(kept: Store, tmp_path: Path) -> None:
    kept.put({kept.key(LOG): LOG})
    body = chat(reply(RECALL_TOOL, json.dumps({"key": kept.key(LOG)})), result(SAID))
    other = Scoped(SQLiteStore(tmp_path / "kept.sqlite3"), "other")
    assert "No original" in "".join(Recalls(other).answers(read(body)).values())


class Gone(MemoryStore):
    """A store whose place cannot be read any more."""

    def get(self, key: str) -> str | None:
        raise StoreError(key)

    def note(self, notes: object) -> None:
        raise StoreError(str(notes))

    def noted(self, keys: object) -> dict[bytes, bytes]:
        raise StoreError(str(keys))


def test_a_store_that_is_gone_is_a_short_answer_and_no_tool_is_promised() -> None:
    recalls = Recalls(Gone())
    body = chat(reply(RECALL_TOOL, '{"key": "aaaaaaaaaaaa"}'), result(SAID))
    assert [*recalls.answers(read(body)).values()] * 2 == [UNREADABLE] * 2
    with pytest.raises(StoreError):
        recalls.mode(chat(), read(chat()), "openai-chat", "tool")


def test_results_of_other_tools_are_left_alone(store: Store) -> None:
    calls = [("logs", "a"), ("mcp__contextprune__contextprune_recall", "b")]
    turns = [turn for name, call in calls for turn in (reply(name, '{"key": "k"}', call), result("text", call))]
    assert Recalls(store).answers(read(chat(*turns))) == {}


def test_calls_with_ids_used_again_are_told_apart(store: Store) -> None:
    store.put({store.key(LOG): LOG})
    calls = [json.dumps({"key": store.key(LOG), "lines": lines}) for lines in ("1", "2")]
    turns = [turn for arguments in calls for turn in (reply(RECALL_TOOL, arguments), result(SAID))]
    found = Recalls(store).answers(read(chat(*turns)))
    assert found == {("messages", 2 + 2 * k, "content"): LOG.splitlines(keepends=True)[k] for k in (0, 1)}


def test_an_answer_in_anthropics_form_is_no_error_any_more(store: Store) -> None:
    store.put({store.key(LOG): LOG})
    call = {"type": "tool_use", "id": "toolu_1", "name": RECALL_TOOL, "input": {"key": store.key(LOG), "lines": "5"}}
    for content, step in ((SAID, ()), ([{"type": "text", "text": SAID}], (0, "text"))):
        answer = {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": content}
        body = chat({"role": "assistant", "content": [call]}, {"role": "user", "content": [answer]}, tools=[])
        found = Recalls(store).answers(read(body, format="anthropic"))
        assert found == {("messages", 2, "content", 0, "content", *step): LOG.splitlines(keepends=True)[4]}
        sent = json.loads(with_tool(splice(json.dumps(body).encode(), found), "anthropic", found))
        assert sent["messages"][2]["content"][0] == {
            **answer, "is_error": False, "content": apply(body, found)["messages"][2]["content"][0]["content"]
        }  # fmt: skip
        assert sent["messages"][:2] == body["messages"][:2]


def test_an_answer_in_the_responses_form(store: Store) -> None:
    store.put({store.key(LOG): LOG})
    arguments = json.dumps({"key": store.key(LOG), "lines": "5"})
    items = [
        {"role": "user", "content": "Which?"},
        {"type": "function_call", "call_id": "c", "name": RECALL_TOOL, "arguments": arguments},
        {"type": "function_call_output", "call_id": "c", "output": "unsupported call"},
    ]
    found = Recalls(store).answers(read({"input": items, "store": False}))
    assert found == {("input", 2, "output"): LOG.splitlines(keepends=True)[4]}


def test_a_session_with_the_tool_sends_the_same_bytes_again_and_gives_back_what_was_cut(kept: Store) -> None:
    first = chat(reply(), result(LOG))
    shown = json.loads(sent(kept, chat()))
    assert shown["tools"][0]["function"]["name"] == RECALL_TOOL
    second = sent(kept, first)
    text = json.loads(second)["messages"][2]["content"]
    key = text[text.index("recall=") + 7 :][:12]
    assert len(text) < len(LOG)
    asking = (*first["messages"][1:], reply(RECALL_TOOL, json.dumps({"key": key}), "b"), result(SAID, "b"))
    third = sent(kept, chat(*asking))
    assert json.loads(third)["messages"][4]["content"] == LOG
    fourth = sent(kept, chat(*asking, reply(call="c"), result("done", "c")))
    for earlier, later in ((second, third), (third, fourth)):
        assert later.startswith(earlier.removesuffix(b"]}"))


def sent(store: Store, body: dict[str, Any]) -> bytes:
    """What a process that has just started makes of a request."""
    recalls, data = Recalls(store), json.dumps(body).encode()
    context = read(body, format="openai-chat")
    how = recalls.mode(body, context, "openai-chat", "tool")
    answers = recalls.answers(context) if how == "tool" else {}
    context = read(apply(body, answers), format="openai-chat")
    edits = Pruner(store=store, hints=how != "off")(context, as_sent=True).edits
    assert not set(edits) & set(answers)
    data = splice(data, {**answers, **edits})
    return with_tool(data, "openai-chat", answers) if how == "tool" else data


def test_one_line_of_any_length_is_read_to_its_end_in_calls_that_the_answers_name(store: Store) -> None:
    text = json.dumps([{"id": n, "note": f"order {n} packed"} for n in range(3000)], separators=(",", ":"))
    store.put({store.key(text): text})
    parts, arguments = [], {"key": store.key(text)}
    while arguments:
        body = chat(reply(RECALL_TOOL, json.dumps(arguments)), result(SAID))
        (answer,) = Recalls(store).answers(read(body)).values()
        part, _, last = answer.rpartition("\n")
        chars = last.partition('ask with chars="')[2].rstrip('"]')
        parts.append(part if chars else answer)
        arguments = {"key": store.key(text), "chars": chars} if chars else {}
    assert "".join(parts) == text
    assert len(parts) > 2
