"""The table of agents' tools is whole and says one thing of each tool."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contextprune.text.agent_tools import AGENTS, BY_NAME, Checked, Does, plain_name
from contextprune.text.calls import edited_by, shown_by


def test_every_agent_has_a_source_and_tools() -> None:
    for agent in AGENTS:
        assert agent.source.startswith("https://")
        assert agent.reads or agent.runs or agent.edits or agent.diffs


def test_rows_that_were_read_in_public_source_say_where() -> None:
    for agent in AGENTS:
        if agent.checked is Checked.SOURCE:
            assert agent.source.startswith("https://github.com/")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("read_files", {"files": [{"path": "src/a.py", "start_line": 1}]}),  # Cline
        ("run_commands", {"commands": ["sed -n 1,9p src/a.py"]}),
        ("ReadFile", {"path": "src/a.py", "line_offset": 1}),  # Kimi CLI
        ("CMD", {"command": "type src/a.py"}),
        ("fs_read", {"operations": [{"mode": "Line", "path": "src/a.py"}]}),  # Amazon Q
        ("execute_powershell", {"command": "Get-Content src/a.py"}),  # OpenHands
        ("read_file", {"file_path": "src/a.py", "mode": "indentation", "indentation": {"anchor_line": 9}}),  # Codex
        ("open_path", {"path": "src/a.py"}),  # Magentic-One
        ("mcp__serena__read_file", {"relative_path": "src/a.py", "start_line": 0}),
    ],
)
def test_what_reads_a_file_is_known_whichever_agent_has_it(tool: str, arguments: dict[str, Any]) -> None:
    shown = shown_by(tool, json.dumps(arguments))
    assert shown is not None
    assert shown.paths == ("src/a.py",)


@pytest.mark.parametrize("tool", ["search_codebase", "semantic_search", "find_next", "search_for_pattern"])
def test_what_prints_lines_of_files_is_a_view_without_a_path(tool: str) -> None:
    assert shown_by(tool, '{"query": "open the session"}') is not None


@pytest.mark.parametrize("mode", ["Directory", "Image"])
def test_a_reader_that_lists_or_looks_shows_no_file(mode: str) -> None:
    assert shown_by("fs_read", json.dumps({"operations": [{"mode": mode, "path": "/w"}]})) is None


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("editor", {"path": "a.py", "old_text": "x", "new_text": "y"}),
        ("StrReplaceFile", {"path": "a.py", "edit": {"old": "x", "new": "y"}}),
        ("edit_file_codex", {"file_path": "a.py", "old_string": "x", "new_string": "y"}),
        ("fast_edit_file", {"target_file": "a.py", "code_edit": "y"}),
        ("copilot_applyPatch", {"input": "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n*** End Patch"}),
        ("replace_lines", {"relative_path": "a.py", "start_line": 1, "end_line": 2, "content": "y"}),
        ("write_file", {"path": "a.py", "content": "y"}),
    ],
)
def test_what_edits_a_file_is_known_whichever_agent_has_it(tool: str, arguments: dict[str, Any]) -> None:
    assert edited_by(tool, json.dumps(arguments)) == {"a.py"}


def test_no_tool_both_reads_and_runs() -> None:
    reads = {plain_name(name) for agent in AGENTS for name in agent.reads.split()}
    runs = {plain_name(name) for agent in AGENTS for name in agent.runs.split()}
    assert not reads & runs
    assert BY_NAME["bash"] is Does.RUN


@pytest.mark.parametrize("tool", ["read_file", "Read-File", "mcp__fs__read_file", "functions.readFile", "fs/read file"])
def test_the_server_before_a_name_and_its_spelling_do_not_count(tool: str) -> None:
    assert plain_name(tool) == "readfile"
