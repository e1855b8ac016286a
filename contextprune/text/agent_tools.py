"""Agents and their tools that print files: one table, each row with its source and how far its names were checked.

A tool reads files, searches them, edits them (and prints the place that it changed), prints diffs, or runs commands.
The arguments have the same forms everywhere: paths under a name with `path` or `file` in it, commands under `command`,
`cmd` and the like, and editors with several commands in one tool say which under `command`. So the table needs names
only, and `calls` knows tools of the same form that no row names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple


class Does(Enum):
    """What a tool does with files."""

    READ = auto()  # prints them, or the part that is asked for
    SEARCH = auto()  # prints lines of them
    EDIT = auto()  # changes them, and may print the changed place
    DIFF = auto()  # prints changes
    RUN = auto()  # runs commands, which may print files


class Checked(Enum):
    """How far the names in a row were checked; a row may also hold names of older versions, and of forks."""

    SOURCE = auto()  # read in the agent's own source, or its list of files there
    DOCS = auto()  # read in its makers' documentation, for its source is closed
    COPY = auto()  # read in others' listings of that source
    NOT_SEEN = auto()  # from memory: no public source, or none that could be read


class Agent(NamedTuple):
    """An agent's tools by what they do, space-separated, and the place where they are defined."""

    name: str
    source: str
    checked: Checked
    reads: str = ""
    searches: str = ""
    edits: str = ""
    diffs: str = ""
    runs: str = ""


AGENTS = (
    Agent(
        "Claude Code",
        "https://code.claude.com/docs/en/tools-reference",
        Checked.DOCS,
        reads="Read NotebookRead ExitPlanMode",
        searches="Grep",
        edits="Edit MultiEdit NotebookEdit Write",
        runs="Bash PowerShell",
    ),
    Agent(
        "Anthropic text editor",
        "https://docs.claude.com/en/docs/agents-and-tools/tool-use/text-editor-tool",
        Checked.NOT_SEEN,
        edits="str_replace_editor str_replace_based_edit_tool",
        runs="bash bash_code_execution",
    ),
    Agent(
        "Codex",
        "https://github.com/openai/codex/blob/main/codex-rs/core/src/tools/spec.rs",
        Checked.COPY,
        reads="read_file",
        searches="grep_files",
        edits="apply_patch",
        runs="shell shell_command exec_command exec local_shell container.exec",
    ),
    Agent(
        "opencode",
        "https://github.com/anomalyco/opencode/blob/dev/packages/opencode/src/tool/registry.ts",
        Checked.SOURCE,
        reads="read",
        searches="grep",
        edits="edit write patch apply_patch multiedit",
        runs="bash",
    ),
    Agent(
        "Cline",
        "https://github.com/cline/cline/blob/main/src/shared/tools.ts",
        Checked.SOURCE,
        reads="read_file read_files",
        searches="search_files search_codebase",
        edits="replace_in_file write_to_file apply_patch editor",
        runs="execute_command run_commands",
    ),
    Agent(
        "Roo Code",
        "https://github.com/RooCodeInc/Roo-Code/blob/main/packages/types/src/tool.ts",
        Checked.SOURCE,
        reads="read_file",
        searches="search_files codebase_search",
        edits=(
            "apply_diff insert_content search_and_replace search_replace write_to_file apply_patch edit_file "
            "edit_file_roo edit_file_anthropic edit_file_grok edit_file_gemini edit_file_codex"
        ),
        runs="execute_command",
    ),
    Agent(
        "Kilo Code",
        "https://github.com/Kilo-Org/kilocode/blob/main/packages/opencode/src/tool/registry.ts",
        Checked.SOURCE,
        reads="read read_file fetch_file",
        searches="grep search_files codebase_search",
        edits=(
            "edit write apply_patch apply_diff search_and_replace search_replace edit_file fast_edit_file write_to_file"
        ),
        runs="bash execute_command",
    ),
    Agent(
        "SWE-agent",
        "https://github.com/SWE-agent/SWE-agent/tree/main/tools",
        Checked.SOURCE,
        reads="open goto scroll_up scroll_down view",
        searches="search_file search_dir find_str",
        edits="edit insert str_replace_editor",
        runs="bash",
    ),
    Agent(
        "OpenHands",
        "https://github.com/All-Hands-AI/OpenHands/blob/main/openhands/llm/tool_names.py",
        Checked.SOURCE,
        reads="view read read_file",
        searches="grep",
        edits="str_replace_editor edit_file file_editor apply_patch",
        runs="execute_bash execute_powershell execute_ipython_cell terminal",
    ),
    Agent(
        "Cursor",
        "https://docs.cursor.com/en/agent/tools",
        Checked.NOT_SEEN,
        reads="read_file",
        searches="grep grep_search codebase_search",
        edits="edit_file search_replace edit_notebook write",
        runs="run_terminal_cmd",
    ),
    Agent(
        "Gemini CLI",
        "https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/tools/definitions/base-declarations.ts",
        Checked.SOURCE,
        reads="read_file read_many_files",
        searches="search_file_content grep_search",
        edits="replace write_file",
        runs="run_shell_command",
    ),
    Agent(
        "Qwen Code",
        "https://github.com/QwenLM/qwen-code/blob/main/packages/core/src/tools/tool-names.ts",
        Checked.SOURCE,
        reads="read_file read_many_files",
        searches="search_file_content grep_search",
        edits="edit replace write_file",
        runs="run_shell_command",
    ),
    Agent(
        "GitHub Copilot",
        "https://github.com/microsoft/vscode-copilot-chat/blob/main/src/extension/tools/common/toolNames.ts",
        Checked.SOURCE,
        reads="read_file copilot_readFile view",
        searches=(
            "grep_search copilot_findTextInFiles semantic_search copilot_searchCodebase get_search_view_results "
            "copilot_getSearchResults rg"
        ),
        edits=(
            "replace_string_in_file multi_replace_string_in_file insert_edit_into_file apply_patch "
            "edit_notebook_file create_file copilot_replaceString copilot_multiReplaceString copilot_insertEdit "
            "copilot_applyPatch copilot_editNotebook copilot_createFile edit create"
        ),
        diffs="get_changed_files copilot_getChangedFiles",
        runs="run_in_terminal bash powershell",
    ),
    Agent(
        "Goose",
        "https://github.com/block/goose/tree/main/crates/goose-mcp/src/developer",
        Checked.SOURCE,
        reads="read",
        edits="text_editor edit write",
        runs="shell",
    ),
    Agent(
        "Zed",
        "https://github.com/zed-industries/zed/tree/main/crates/agent/src/tools",
        Checked.SOURCE,
        reads="read_file",
        searches="grep",
        edits="edit_file write_file",
        runs="terminal",
    ),
    Agent(
        "Amp",
        "https://ampcode.com/manual",
        Checked.NOT_SEEN,
        reads="Read read_file",
        searches="Grep",
        edits="edit_file create_file undo_edit",
        runs="Bash",
    ),
    Agent(
        "Continue",
        "https://github.com/continuedev/continue/blob/main/core/tools/builtIn.ts",
        Checked.SOURCE,
        reads=(
            "builtin_read_file builtin_read_file_range builtin_read_currently_open_file read_file "
            "read_file_range read_currently_open_file"
        ),
        searches="builtin_grep_search grep_search builtin_exact_search exact_search",
        edits=(
            "builtin_edit_existing_file edit_existing_file single_find_and_replace multi_edit "
            "builtin_create_new_file create_new_file"
        ),
        diffs="builtin_view_diff view_diff",
        runs="builtin_run_terminal_command run_terminal_command",
    ),
    Agent(
        "Windsurf",
        "https://docs.windsurf.com/windsurf/cascade/cascade",
        Checked.NOT_SEEN,
        reads="view_file view_code_item view_file_outline view_line_range",
        searches="grep_search codebase_search",
        edits="replace_file_content edit_file",
        runs="run_command",
    ),
    Agent(
        "Pi",
        "https://github.com/badlogic/pi-mono/blob/main/packages/coding-agent/src/core/tools/index.ts",
        Checked.SOURCE,
        reads="read",
        searches="grep",
        edits="edit write",
        runs="bash",
    ),
    Agent(
        "Crush",
        "https://github.com/charmbracelet/crush/tree/main/internal/agent/tools",
        Checked.SOURCE,
        reads="view",
        searches="grep",
        edits="edit multiedit write",
        runs="bash",
    ),
    Agent(
        "Amazon Q",
        "https://github.com/aws/amazon-q-developer-cli/blob/main/crates/chat-cli/src/cli/chat/tools/tool_index.json",
        Checked.SOURCE,
        reads="fs_read",
        searches="grep",
        edits="fs_write",
        runs="execute_bash execute_cmd",
    ),
    Agent(
        "Kiro",
        "https://kiro.dev/docs/chat/",
        Checked.NOT_SEEN,
        reads="fsRead readFile readMultipleFiles readCode",
        searches="grepSearch",
        edits="strReplace",
        diffs="getDiff",
        runs="executeBash",
    ),
    Agent(
        "Serena",
        "https://github.com/oraios/serena/blob/main/src/serena/tools/file_tools.py",
        Checked.SOURCE,
        reads="read_file find_symbol",
        searches="search_for_pattern",
        edits=(
            "replace_content replace_regex replace_symbol_body create_text_file delete_lines replace_lines "
            "insert_at_line"
        ),
        runs="execute_shell_command",
    ),
    Agent(
        "Kimi CLI",
        "https://github.com/MoonshotAI/kimi-cli/blob/main/src/kimi_cli/tools/__init__.py",
        Checked.SOURCE,
        reads="ReadFile",
        searches="Grep",
        edits="WriteFile StrReplaceFile",
        runs="Bash CMD Shell",
    ),
    Agent(
        "MCP filesystem server",
        "https://github.com/modelcontextprotocol/servers/blob/main/src/filesystem/README.md",
        Checked.SOURCE,
        reads="read_file read_text_file read_multiple_files",
        edits="edit_file write_file",
    ),
    Agent(
        "MCP git server",
        "https://github.com/modelcontextprotocol/servers/blob/main/src/git/README.md",
        Checked.SOURCE,
        diffs="git_diff git_diff_staged git_diff_unstaged git_show",
    ),
    Agent(
        "GitHub MCP server",
        "https://github.com/github/github-mcp-server/tree/main/pkg/github",
        Checked.NOT_SEEN,
        reads="get_file_contents",
        searches="search_code",
        diffs="get_pull_request_diff get_pull_request_files get_commit pull_request_read",
    ),
    Agent(
        "Desktop Commander",
        "https://github.com/wonderwhy-er/DesktopCommanderMCP/tree/main/src/tools",
        Checked.NOT_SEEN,
        reads="read_file read_multiple_files",
        searches="search_code start_search",
        edits="edit_block",
        runs="execute_command start_process interact_with_process",
    ),
    Agent(
        "LangChain's file tools",
        "https://github.com/langchain-ai/langchain-community/tree/main/libs/community/langchain_community/tools",
        Checked.NOT_SEEN,
        reads="read_file ReadFileTool",
        runs="terminal",
    ),
    Agent(
        "Deep Agents",
        "https://github.com/langchain-ai/deepagents/blob/main/libs/deepagents/deepagents/middleware/filesystem.py",
        Checked.COPY,
        reads="read_file",
        searches="grep",
        edits="edit_file write_file",
        runs="execute",
    ),
    Agent(
        "Jupyter MCP server",
        "https://github.com/datalayer/jupyter-mcp-server/tree/main/jupyter_mcp_server/tools",
        Checked.NOT_SEEN,
        reads="read_notebook read_cell read_cells",
        edits="overwrite_cell_source edit_cell_source",
    ),
    Agent(
        "AutoGen, Magentic-One",
        "https://github.com/microsoft/autogen/blob/main/python/packages/autogen-ext/src/autogen_ext/agents/file_surfer/_tool_definitions.py",
        Checked.SOURCE,
        reads="open_path page_up page_down find_on_page_ctrl_f find_next",
    ),
    Agent(
        "JetBrains Junie",
        "https://www.jetbrains.com/help/junie/get-started-with-junie.html",
        Checked.NOT_SEEN,
        reads="open open_entire_file",
        searches="search_project",
        edits="search_replace",
        runs="bash",
    ),
    Agent(
        "Augment",
        "https://docs.augmentcode.com/cli/permissions",
        Checked.NOT_SEEN,
        reads="view",
        searches="grep-search codebase-retrieval",
        edits="str-replace-editor save-file",
        runs="launch-process",
    ),
)
"""aider has no row: it keeps files in the user's messages, which are never shortened."""


def plain_name(tool: str) -> str:
    """A tool's name without the server before it, capitals and separators: `mcp__fs__read_file` is `readfile`."""
    bare = re.split(r"__|[./:]", tool)[-1] or tool
    return re.sub(r"[_\- ]", "", bare).lower()


def _by_name() -> Mapping[str, Does]:
    names: dict[str, Does] = {}
    for agent in AGENTS:
        for tools, does in (
            (agent.reads, Does.READ),
            (agent.edits, Does.EDIT),
            (agent.searches, Does.SEARCH),
            (agent.diffs, Does.DIFF),
            (agent.runs, Does.RUN),
        ):
            for tool in tools.split():
                names.setdefault(plain_name(tool), does)
    return MappingProxyType(names)


BY_NAME = _by_name()
"""What a tool does, by its plain name."""
