"""Servers of MCP through LangChain's adapters: what a real one returns is short, and ours gives it back.

The adapters want the first major of the package `mcp`, so these tests run where the extra `test-mcp` is installed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import contextprune as cp
import pytest
from agents import Scripted, calls, results
from langchain.agents import create_agent
from langchain_core.messages import AIMessage

from langchain_contextprune import ContextPruneMiddleware

adapters = pytest.importorskip("langchain_mcp_adapters.client", exc_type=ImportError)
pytest.importorskip("mcp.server.fastmcp")
pytestmark = pytest.mark.filterwarnings("ignore")  # theirs
ORDERS = """
from mcp.server.fastmcp import FastMCP

server = FastMCP("orders", log_level="ERROR")


@server.tool()
def list_orders() -> list[dict]:
    "List the orders."
    return [{"order": 48000 + i, "state": "failed" if i == 77 else "packed", "day": i % 9} for i in range(400)]


server.run("stdio")
"""


async def test_a_list_of_a_real_server_is_short_and_comes_back_through_ours(tmp_path: Path) -> None:
    (tmp_path / "orders.py").write_text(ORDERS, encoding="utf-8")
    path = tmp_path / "originals.sqlite3"
    ours = ["-c", "import sys; from contextprune.cli.mcp import serve; serve(*sys.argv[1:])", str(path)]
    servers = {"orders": [str(tmp_path / "orders.py")], "contextprune": ours}
    client = adapters.MultiServerMCPClient(
        {
            name: {"command": sys.executable, "args": args, "transport": "stdio", "env": dict(os.environ)}
            for name, args in servers.items()
        }
    )
    tools = {tool.name: tool for tool in await client.get_tools()}
    pruner = cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), cp.Tiktoken(), cp.SQLiteStore(path))
    model = Scripted(replies=[calls(("list_orders", {}, "c1")), AIMessage("48077")])
    middleware = ContextPruneMiddleware(pruner, recall_tool=False)
    asked: Any = {"messages": [("user", "Which order failed?")]}
    out = await create_agent(model, list(tools.values()), middleware=[middleware]).ainvoke(asked)

    (kept,) = results(out["messages"])
    whole = await tools["list_orders"].ainvoke({})
    texts = [part["text"] for part in whole]
    assert len(texts) == 400
    assert texts[77] in str(kept.text)
    assert len(kept.text) < len("".join(texts)) / 2
    key = kept.response_metadata["contextprune"]["keys"]["0"]
    told = await tools["contextprune_recall"].ainvoke({"key": key, "query": "48123"})
    assert '"order": 48123' in str(told)
