"""Calls of tools read for what they show: files, parts of files, or diffs, and which.

What a call shows is told by its tool's row in the table of agents, by a tool's name of the same form, and by the
commands that it runs, however they are quoted: a line of a shell, a list of words, JSON in a string, a script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contextprune.text.agent_tools import BY_NAME, Does, plain_name
from contextprune.text.programs import read_command, read_words

_READS = re.compile(
    r"(?:read|view|open|show|get|fetch|load|cat|print)(?:the|my|one|many|multiple|all|current|currently|open|text|raw"
    r"|entire|full)*"
    r"(?:files?|filecontents?|contents?|source|sourcecode|code|lines?|notebooks?|cells?|buffers?|scripts?"
    r"|modules?)(?:s|range|content|contents|lines|chunk|part|tool|slice)*"
    r"|files?(?:read|view|viewer|reader|get|content|contents)|cat|readtool|viewtool"
)
_DIFFS = re.compile(r"(?:git|view|get|show|read)?(?:staged|unstaged|pr|commit|file)?diffs?(?:tool|staged|unstaged)?")
_PATH = re.compile(r"(?i).*(?:path|file|filename|uri|notebook|document)s?|src|source|target")
_COMMAND = re.compile(r"(?i)(?:command|cmd|shell|bash|powershell)(?:_?line|s|_?string)?|script|argv|args|code|input")
_IN_CODE = re.compile(r"""\b(?:cmd|command|commands)\b["']?\s*[:=]\s*(?=["'`\[])""")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)"|\'((?:[^\'\\]|\\.)*+)\'|`((?:[^`\\]|\\.)*+)`', re.DOTALL)
_SHOWN_BY_EDITORS = frozenset({"view", "read", "open", "cat", "show", "print", "goto", "scroll"})
_BARE_VERBS = frozenset({"open", "read", "view"})  # of a file where they name one; any user may have a tool so called
_LISTS = frozenset({"commands", "cmds", "scripts"})  # of command lines, and not of the words of one
_NO_LINES = frozenset({"files_with_matches", "count", "filesWithMatches", "files"})
_NO_TEXT = frozenset({"Directory", "Image"})  # what a reader that does several things was told to do instead
_PATCHED_FILE = re.compile(r"\*\*\* (?:Update|Add|Delete) File: ([^\n\\\"]+)")
_PATH_IN_TEXT = re.compile(r"[\w.@~-]*/[\w./@~-]*\.\w{1,8}\b")
_DIFF_HEADER = re.compile(r"^\+\+\+ b/(\S{1,300})", re.MULTILINE)
_HEAD, _MOST_FILES = 400, 20  # characters, and files of a diff, in which names are looked for
_LONG_NAME = 6  # characters of a file's name without a suffix: `Makefile`
_LONGEST_CODE = 100_000  # characters of a script that are searched for commands


@dataclass(frozen=True, slots=True)
class Shown:
    """What a call shows.

    paths   the files, as far as the call names them
    only_files   nothing but files and diffs: False where other commands print beside them
    """

    paths: tuple[str, ...] = ()
    only_files: bool = True


def shown_by(tool: str | None, arguments: str) -> Shown | None:
    """What files a call of `tool` shows; None where it shows none.

    arguments   as the model wrote them: a JSON object, or a command as it stands
    """
    value = _parsed(arguments)
    does = _does(tool) if tool else None
    if isinstance(value, Mapping) and does is not Does.RUN:
        verb = value.get("command")
        if isinstance(verb, str) and " " not in verb.strip() and (does is Does.EDIT or _paths(value)):
            return Shown(_paths(value)) if verb in _SHOWN_BY_EDITORS or does is Does.EDIT else None
        if does is Does.SEARCH and any(value.get(key) in _NO_LINES for key in ("output_mode", "outputMode", "mode")):
            return None
        if does is Does.READ and _reads_no_file(str(tool), value):
            return None
        if does is not None:
            return Shown(_paths(value))
    elif does in (Does.READ, Does.DIFF, Does.SEARCH):
        return Shown()
    return _shown_by_commands(value)


def files_shown(tool: str | None, arguments: str) -> frozenset[str]:
    """The names, without folders, of the files that a call shows, as far as it tells."""
    shown = shown_by(tool, arguments)
    return _names(shown.paths if shown is not None else ())


def files_named(text: str) -> frozenset[str]:
    """The names, without folders, of files in the first lines of a result, and in the headers of a diff."""
    paths = (*_PATH_IN_TEXT.findall(text, 0, _HEAD), *_DIFF_HEADER.findall(text)[:_MOST_FILES])
    return _names(paths)


def edited_by(tool: str | None, arguments: str) -> frozenset[str]:
    """The names, without folders, of the files that a call changes, as far as it tells."""
    paths: Sequence[str] = _PATCHED_FILE.findall(arguments) if "***" in arguments else ()
    if not paths and tool and _does(tool) is Does.EDIT:
        value = _parsed(arguments)
        if not (isinstance(value, Mapping) and value.get("command") in _SHOWN_BY_EDITORS):
            paths = _paths(value)
    return _names(paths)


def _names(paths: Sequence[str]) -> frozenset[str]:
    """Names of files that are worth looking for in a text: with a suffix, or long."""
    names = (re.split(r"[/\\]", path)[-1] for path in paths)
    return frozenset(name for name in names if "." in name[1:-1] or len(name) >= _LONG_NAME)


def _does(tool: str) -> Does | None:
    name = plain_name(tool)
    if name in BY_NAME:
        return BY_NAME[name]
    if _READS.fullmatch(name):
        return Does.READ
    return Does.DIFF if _DIFFS.fullmatch(name) else None


def _parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def _paths(value: Any, key: str = "") -> tuple[str, ...]:
    """Strings in arguments that stand under the name of a path."""
    if isinstance(value, Mapping):
        return tuple(path for name, inner in value.items() for path in _paths(inner, str(name)))
    if isinstance(value, list):
        return tuple(path for inner in value for path in _paths(inner, key))
    return (value,) if isinstance(value, str) and _PATH.fullmatch(key) else ()


def _reads_no_file(tool: str, value: Mapping[str, Any]) -> bool:
    """Whether a reader was told to read something else, or is called as any tool may be and given no path."""
    modes = _modes(value)
    if modes and modes <= _NO_TEXT:
        return True
    return bool(value) and not _paths(value) and plain_name(tool) in _BARE_VERBS


def _modes(value: Mapping[str, Any]) -> frozenset[str]:
    """What a reader was told to do, as far as its arguments say so, once or for each of several operations."""
    operations = value.get("operations")
    each = [value, *(operations if isinstance(operations, list) else ())]
    return frozenset(mode for call in each if isinstance(call, Mapping) and isinstance(mode := call.get("mode"), str))


def _shown_by_commands(value: Any) -> Shown | None:
    """What the commands in the arguments show."""
    printed = [read_words(run) if isinstance(run, list) else read_command(run) for run in _commands(value, "command")]
    if not any(each.shows for each in printed):
        return None
    paths = tuple(path for each in printed for path in each.files if not path.startswith(("$", "{")))
    return Shown(paths, not any(each.more for each in printed))


def _commands(value: Any, key: str) -> Iterator[str | list[str]]:
    """The commands in arguments: lines, or lists of words."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, Mapping) or _COMMAND.fullmatch(str(name)):
                yield from _commands(inner, str(name))
    elif isinstance(value, list):
        words = [each for each in value if isinstance(each, str)]
        if key in _LISTS or (words and " " in words[0].strip()):
            for each in words:
                yield from _commands(each, "command")
        elif words:
            yield words
    elif isinstance(value, str):
        yield from _in_text(value, key)


def _in_text(text: str, key: str) -> Iterator[str | list[str]]:
    """The commands in one string: itself, the words that it lists as JSON, or those that a script runs."""
    if text.lstrip()[:1] in ("[", "{"):
        inner = _parsed(text)
        if not isinstance(inner, str):
            yield from _commands(inner, "command")
            return
    if key.lower() in ("input", "code", "script"):
        code = text[:_LONGEST_CODE]
        for opening in _IN_CODE.finditer(code):
            words = _strings(code, opening.end())
            yield from words[:1] if len(words) == 1 else [words] if words else []
    yield text


def _strings(code: str, at: int) -> list[str]:
    """The string that begins at a place of a script, or the strings of the list that does."""
    if code[at] != "[":
        match = _STRING.match(code, at)
        return [_unescaped(match)] if match else []
    end = code.find("]", at)
    return [_unescaped(match) for match in _STRING.finditer(code, at, len(code) if end < 0 else end)]


def _unescaped(match: re.Match[str]) -> str:
    text: str = next(group for group in match.groups() if group is not None)
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text, flags=re.DOTALL)
