"""The table of agents' tools is whole and says one thing of each tool."""

from __future__ import annotations

import pytest

from contextprune.text.agent_tools import AGENTS, BY_NAME, Does, plain_name


def test_every_agent_has_a_source_and_tools() -> None:
    for agent in AGENTS:
        assert agent.source.startswith("https://")
        assert agent.reads or agent.runs or agent.edits or agent.diffs


def test_no_tool_both_reads_and_runs() -> None:
    reads = {plain_name(name) for agent in AGENTS for name in agent.reads.split()}
    runs = {plain_name(name) for agent in AGENTS for name in agent.runs.split()}
    assert not reads & runs
    assert BY_NAME["bash"] is Does.RUN


@pytest.mark.parametrize("tool", ["read_file", "Read-File", "mcp__fs__read_file", "functions.readFile", "fs/read file"])
def test_the_server_before_a_name_and_its_spelling_do_not_count(tool: str) -> None:
    assert plain_name(tool) == "readfile"
