"""What a call shows is told by its tool, by the form of its arguments, and by the commands that it runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contextprune.text.calls import Shown, files_named, shown_by
from tests.growth import assert_linear

CALLS: tuple[tuple[str, dict[str, Any], tuple[str, ...]], ...] = (
    ("Read", {"file_path": "/src/a.py", "offset": 1, "limit": 20}, ("/src/a.py",)),  # Claude Code
    ("NotebookRead", {"notebook_path": "/n.ipynb"}, ("/n.ipynb",)),
    ("Edit", {"file_path": "/a.go", "old_string": "x", "new_string": "y"}, ("/a.go",)),  # its answer shows the place
    ("Grep", {"pattern": "x", "path": "src", "output_mode": "content", "-C": 3}, ("src",)),
    ("exec_command", {"cmd": "bash -lc 'sed -n 1,220p a.ts'", "workdir": "/w"}, ("a.ts",)),  # Codex
    ("shell", {"command": ["bash", "-lc", "nl -ba b.go | sed -n 1,9p"], "timeout_ms": 9}, ("b.go",)),
    ("local_shell", {"action": {"type": "exec", "command": ["cat", "a.rs"]}}, ("a.rs",)),
    ("read", {"filePath": "/a.kt", "offset": 0}, ("/a.kt",)),  # opencode
    ("read_file", {"path": "src/a.cs"}, ("src/a.cs",)),  # Cline
    ("read_file", {"args": {"file": [{"path": "a.rb"}, {"path": "b.rb"}]}}, ("a.rb", "b.rb")),  # Roo Code
    ("str_replace_editor", {"command": "view", "path": "/a.c", "view_range": [1, 9]}, ("/a.c",)),  # SWE-agent
    ("str_replace_based_edit_tool", {"command": "view", "path": "/a.h"}, ("/a.h",)),
    ("read_file", {"target_file": "a.swift", "should_read_entire_file": True}, ("a.swift",)),  # Cursor
    ("read_many_files", {"paths": ["a.php", "b.php"]}, ("a.php", "b.php")),  # Gemini CLI
    ("copilot_readFile", {"filePath": "/a.vue", "startLine": 1, "endLine": 9}, ("/a.vue",)),
    ("developer__text_editor", {"command": "view", "path": "a.lua"}, ("a.lua",)),  # Goose
    ("developer__shell", {"command": "cat a.zig"}, ("a.zig",)),
    ("terminal", {"command": "head -50 a.ex", "cd": "/w"}, ("a.ex",)),  # Zed
    ("Read", {"path": "/a.dart", "read_range": [1, 99]}, ("/a.dart",)),  # Amp
    ("builtin_read_file", {"filepath": "a.scala"}, ("a.scala",)),  # Continue
    ("view_file", {"AbsolutePath": "/a.ml", "StartLine": 0}, ("/a.ml",)),  # Windsurf
    ("run_command", {"CommandLine": "Get-Content a.ps1", "Cwd": "C:\\w"}, ("a.ps1",)),
    ("mcp__filesystem__read_text_file", {"path": "a.toml", "head": 9}, ("a.toml",)),
    ("get_file_contents", {"owner": "o", "repo": "r", "path": "a.tf"}, ("a.tf",)),  # GitHub's MCP server
    ("find_symbol", {"name_path": "A/b", "relative_path": "a.jl", "include_body": True}, ("A/b", "a.jl")),  # Serena
    ("fs_read", {"operations": [{"mode": "Line", "path": "/a.clj"}]}, ("/a.clj",)),  # Amazon Q
    ("ReadFileTool", {"file_path": "a.hs"}, ("a.hs",)),  # LangChain
    ("show_source_code", {"file": "a.f90"}, ("a.f90",)),  # of the same form, in no row
    ("shell_call", {"commands": ["cat a.vb", "cat b.vb"]}, ("a.vb", "b.vb")),
    ("run", {"command": '["bash", "-lc", "cat a.nim"]'}, ("a.nim",)),  # a list of words in a string
    ("exec", {"input": "await tools.exec_command({cmd: \"sed -n '1,20p' a.cr\"})"}, ("a.cr",)),  # a script
)


@pytest.mark.parametrize(("tool", "arguments", "paths"), CALLS)
def test_calls_that_show_files_name_them(tool: str, arguments: dict[str, Any], paths: tuple[str, ...]) -> None:
    shown = shown_by(tool, json.dumps(arguments))
    assert shown is not None
    assert shown.paths == paths


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("Bash", {"command": "npm test"}),
        ("Bash", {"command": "git log --oneline"}),
        ("Grep", {"pattern": "x", "output_mode": "files_with_matches"}),
        ("Glob", {"pattern": "**/*.py"}),
        ("read_email", {"id": "17"}),
        ("view_image", {"path": "a.png"}),
        ("read_page", {"url": "https://example.org"}),
        ("get_weather", {"city": "Bern"}),
        ("search", {"query": "open files"}),
        ("run_kubectl", {"command": "get", "file": "pods"}),
        ("exec", {"input": "await tools.exec_command({cmd: 'npm test'})"}),
        ("sql", {"query": "select * from files"}),
        ("view", {"order": 48777}),  # tools of a user's own that happen to be called so
        ("open", {"door": "left"}),
    ],
)
def test_other_calls_show_none(tool: str, arguments: dict[str, Any]) -> None:
    assert shown_by(tool, json.dumps(arguments)) is None


def test_a_command_as_it_stands_is_read_like_one_in_arguments() -> None:
    assert shown_by("bash", "cat a.py") == shown_by("bash", '{"command": "cat a.py"}') == Shown(("a.py",))


def test_what_else_a_command_prints_is_told() -> None:
    shown = shown_by("bash", '{"command": "cat a.py && pytest"}')
    assert shown == Shown(("a.py",), only_files=False)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Your plan was saved to: /home/u/plans/brave-owl.md\n\n# A plan", {"brave-owl.md"}),
        ("diff --git a/x/a.go b/x/a.go\n--- a/x/a.go\n+++ b/x/a.go\n@@ -1 +1 @@\n-a\n+b\n", {"a.go"}),
        ("src/a.py:12: import os\nsrc/b.py:3: import os\n", {"a.py", "b.py"}),
        ("nothing / here, and 1.5 of it\n" * 99 + "src/a.py", set()),
    ],
)
def test_files_are_named_in_the_first_lines_and_in_headers_of_diffs(text: str, names: set[str]) -> None:
    assert files_named(text) == names


def test_names_are_looked_for_in_linear_time() -> None:
    assert_linear(files_named, lambda size: "a/b." * (size // 8) + "\n+++ b/x.y" * (size // 20), 200_000)


@pytest.mark.parametrize("broken", ["", "{", "[1", '"', "\\", "null", "17", '{"command": null}', "[[[[" * 5000])
def test_arguments_that_are_no_json_show_nothing(broken: str) -> None:
    assert shown_by("bash", broken) is None
