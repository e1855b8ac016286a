"""The MCP server, asked by the protocol's own client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from contextprune.cli import mcp as door
from contextprune.cli.mcp import Failure, Served, build, look_up, serve
from contextprune.errors import SettingsError, StoreError
from contextprune.proxy.replay.tenants import Scoped
from contextprune.storage.scope import ARGUMENTS, Scope
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore

sdk = pytest.importorskip("mcp")

ROOT = Path(__file__).parent.parent.parent
TEXT = "first line\nsecond line: ½ 🙂\nthird\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "originals.sqlite3"


def kept(path: Path, text: str = TEXT) -> str:
    store = SQLiteStore(path)
    key = store.key(text)
    store.put({key: text})
    store.close()
    return key


def asked(path: Path, ask: Callable[[Any], Awaitable[Any]], *arguments: str) -> Any:
    """What a client is told by a server process that it starts."""
    code = "import sys; from contextprune.cli.mcp import serve; serve(*sys.argv[1:])"
    command = ["-c", code, *(arguments or (str(path),))]
    told = sdk.StdioServerParameters(command=sys.executable, args=command, cwd=str(ROOT), env=dict(os.environ))

    async def talk() -> Any:
        async with sdk.Client(told) as client:
            return await ask(client)

    return asyncio.run(asyncio.wait_for(talk(), 60))


def recall(**arguments: Any) -> Callable[[Any], Awaitable[Any]]:
    return lambda client: client.call_tool("contextprune_recall", arguments)


def test_the_tools_are_listed_with_what_they_take(path: Path) -> None:
    async def ask(client: Any) -> Any:
        return client.instructions, await client.list_tools()

    instructions, listed = asked(path, ask)
    tools = {tool.name: tool for tool in listed.tools}
    assert set(tools) == {"contextprune_recall", "contextprune_stats"}
    assert "contextprune_recall" in instructions
    schema = tools["contextprune_recall"].input_schema
    assert (set(schema["properties"]), schema["required"]) == ({"key", *ARGUMENTS}, ["key"])
    assert all(tool.annotations.read_only_hint for tool in tools.values())


def test_an_original_comes_back_whole_or_in_part_and_is_counted(path: Path) -> None:
    key = kept(path)

    async def ask(client: Any) -> Any:
        given = [{"key": key}, {"key": f"recall={key}", "lines": "2"}, {"key": key, "query": "THIRD"}]
        given.append({"key": key, "query": "nowhere"})
        answers = [await client.call_tool("contextprune_recall", arguments) for arguments in given]
        return answers, await client.call_tool("contextprune_stats", {})

    answers, stats = asked(path, ask)
    texts = [answer.content[0].text for answer in answers]
    assert texts == [
        TEXT,
        "second line: ½ 🙂\n",
        "third\n",
        "No part of the original matches. It has 4 lines and 34 characters.",
    ]
    assert not any(answer.is_error or answer.structured_content for answer in answers)
    assert stats.structured_content["store"] == str(path)
    assert (stats.structured_content["asked"], stats.structured_content["found"]) == (4, 4)


def test_what_the_proxy_kept_for_any_tenant_is_found(path: Path) -> None:
    view = Scoped(SQLiteStore(path), "tenant")
    view.put({view.key(TEXT): TEXT})
    assert asked(path, recall(key=view.key(TEXT))).content[0].text == TEXT


@pytest.mark.parametrize(
    ("arguments", "code", "retry"),
    [
        ({"key": "aaaaaaaaaaaa"}, "not_found", False),
        ({"key": "\u2028"}, "not_found", False),
        ({"lines": "none"}, "bad_request", True),
    ],
)
def test_an_error_is_told_to_the_model_and_in_fields(
    path: Path, arguments: dict[str, str], code: str, retry: bool
) -> None:
    answer = asked(path, recall(**{"key": kept(path), **arguments}))
    assert answer.is_error
    error = answer.structured_content["error"]
    assert (error["code"], error["retry"], error["message"]) == (code, retry, answer.content[0].text)


def test_a_store_that_cannot_be_used_is_an_error_and_the_server_goes_on(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)

    async def ask(client: Any) -> Any:
        return [await client.call_tool("contextprune_recall", {"key": "aaaaaaaaaaaa"}) for _ in range(2)]

    for answer in asked(path, ask):
        assert answer.structured_content["error"]["code"] == "store"
        assert "CONTEXTPRUNE_STORE" in answer.content[0].text


def test_the_settings_say_which_store_where_none_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", str(path))
    code = "from contextprune.cli.mcp import serve; serve()"
    told = sdk.StdioServerParameters(command=sys.executable, args=["-c", code], cwd=str(ROOT), env=dict(os.environ))

    async def talk() -> Any:
        async with sdk.Client(told) as client:
            return await client.call_tool("contextprune_stats", {})

    assert asyncio.run(asyncio.wait_for(talk(), 60)).structured_content["store"] == str(path)


def test_a_store_in_memory_is_refused() -> None:
    with pytest.raises(SettingsError, match="give --store a path"):
        serve("memory")


def test_half_a_surrogate_pair_is_no_reason_to_fail() -> None:
    store = MemoryStore()
    store.put({store.key("a\ud83db"): "a\ud83db"})
    found = look_up(store, Served("memory"), store.key("a\ud83db"), Scope())
    assert isinstance(found, str)
    assert door._result(found).content[0].text == "a?b"


def test_a_store_that_fails_is_counted() -> None:
    class Broken(MemoryStore):
        def get(self, key: str) -> str | None:
            raise StoreError(key)

    served = Served("memory")
    assert look_up(Broken(), served, "aaaaaaaaaaaa", Scope()) == Failure("store", "aaaaaaaaaaaa", retry=True)
    assert (served.asked, served.failed, served.found) == (1, 1, 0)
    assert build(Broken()).name == "contextprune"


def test_importing_the_module_does_not_import_the_protocol() -> None:
    code = "import contextprune.cli.mcp, sys; print('mcp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_answer_is_bounded_and_its_last_line_asks_for_the_remainder() -> None:
    store, text = MemoryStore(), json.dumps([{"id": n, "state": "ok"} for n in range(20_000)])
    store.put({store.key(text): text})
    served = Served("memory")
    first = look_up(store, served, store.key(text), Scope())
    assert isinstance(first, str)
    assert len(first) < 30_000
    assert 'more characters: ask with chars="' in first.splitlines()[-1]
    assert look_up(store, served, store.key(text), Scope(path="[19999].id")) == "19999"
    assert look_up(store, served, store.key(text), Scope(rows="3")) == '{"id": 2, "state": "ok"}'


def test_fields_are_named_as_either_major_of_the_package_has_them() -> None:
    assert [door._as_on_the_wire(name) for name in ("is_error", "structured_content", "read_only_hint", "content")] == [
        "isError", "structuredContent", "readOnlyHint", "content",
    ]  # fmt: skip
