"""Programs read for what they print: which of those in a command line show files, parts of files or diffs.

The command that `bash -lc '...'`, `sudo`, `timeout 10`, `xargs` or `docker exec web` runs is read in their place. In
doubt a program shows no file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from contextprune.text.shell import Pipeline, name_of, pipelines, program

DEEPEST = 4  # commands within commands


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SHELLS = _set("bash sh zsh dash ksh ash fish powershell pwsh cmd")
_RUNNERS = _set(
    "sudo doas env timeout gtimeout nice nohup time command builtin exec stdbuf unbuffer xargs docker podman kubectl oc"
    " ssh wsl compose devcontainer nix-shell script watch chroot su setsid ionice taskset caffeinate"
)
"""Programs that run another one, whose name stands somewhere among their words."""

_PRINTERS = _set(
    "cat bat batcat nl head tail less more most tac zcat gzcat bzcat xzcat zless pr fold expand unexpand rev pygmentize"
    " glow highlight ccat get-content gc type open goto scroll_up scroll_down"
)
_SED, _AWK = _set("sed gsed"), _set("awk gawk mawk")
_SEARCHERS = _set("grep egrep fgrep rg ag ack zgrep ripgrep select-string sls findstr")
_DIFF_TOOLS = _set("diff colordiff sdiff delta difft wdiff icdiff")
_HISTORIES = _set("git hg svn jj sl gh")
_INTERPRETERS = re.compile(r"(?:python[\d.]*|node|ruby|perl|deno|bun)")
_SILENT = _set(
    "cd pushd popd export set unset source . mkdir touch rm mv cp true false : sleep wait trap local declare shopt echo"
    " printf for case esac in done fi } [ [[ test read alias umask chmod chown return exit break continue write-host"
    " write-output set-location"
)
"""Programs that print nothing, or a word between files."""

_PASSING = (
    _PRINTERS
    | _SED
    | _set(
        "tee cut tr sort uniq select-object select column tee-object out-string out-host delta ansi2txt strings col"
        " where-object"
    )
)
"""Programs that print the lines that they read, all of them or some."""

_NUMBER = re.compile(r"[-+]?\d+[a-zA-Z]?")
_COMMAND_OPTION = re.compile(r"-[a-z]*c|-[Cc]ommand|/[cCkK]")
_IN_PLACE = re.compile(r"-[nErsuz]*i|--in-place")
_EXPRESSION = re.compile(r"-[nErsuz]*e|--expression")
_SILENTLY = re.compile(r"-[Ersuz]*n[Ersuze]*|--quiet|--silent")
_PRINTS_LINES = re.compile(r"[0-9$/\]\s;{}]p\b|^p$")  # in a script of sed
_COLUMNS = re.compile(r"\$(?:[1-9]|NF)|\bEND\b|\+=|\+\+")  # in a program of awk: parts of lines, or sums
_COUNTING = re.compile(r"-[a-zA-Z]*[lLcq]|--(?:files.*|count.*|quiet|silent|list-.*|stats|type-list|json)")
_SHOWS_CHANGES = _set("diff show blame annotate format-patch range-diff cat-file")
_SHOWS_PATCHES = _set("log stash")  # where they are told to
_SUMS_UP = re.compile(
    r"--(?:stat|shortstat|numstat|dirstat|name-only|name-status|summary|check|quiet|oneline|no-patch|raw)\b.*|-s"
)
_PATCHED = re.compile(r"-p|-u|--patch|-U\d*|-L.*|-p\d|--cc|-c|-m")
_READS_IN_CODE = re.compile(r"\.(?:read|readlines|read_text|readFileSync|readFile)\(")
_PRINTS_IN_CODE = re.compile(r"print|console\.log|stdout")

_NUMBERED_OPTIONS = ("-n", "-c", "-s", "-l", "-w", "-totalcount", "-tail")
_SED_OPTIONS = ("-e", "-ne", "--expression")
_AWK_OPTIONS = ("-F", "-v", "-f")
_SEARCH_OPTIONS = (
    "-e", "-A", "-B", "-C", "-m", "-g", "--glob", "-t", "--type", "--include", "--exclude", "-path", "-pattern",
)  # fmt: skip
_HISTORY_OPTIONS = ("-C", "-c", "--git-dir", "--work-tree", "-R", "--repo")


@dataclass(slots=True)
class Printed:
    """What a command line prints.

    files   paths of the files that it shows all or parts of, as far as they are named
    shows   whether it shows files, parts of them, or diffs
    more    whether other programs print something, too
    """

    files: list[str] = field(default_factory=list)
    shows: bool = False
    more: bool = False

    def add(self, more: Printed) -> None:
        """Add what another command prints."""
        self.files += more.files
        self.shows |= more.shows
        self.more |= more.more


def read_command(command: str, depth: int = 0) -> Printed:
    """Read a command line for what it prints; `depth` is the number of commands that it stands in."""
    printed = Printed()
    for pipeline in pipelines(command):
        printed.add(_of_pipeline(pipeline, depth))
    return printed


def read_words(words: Sequence[str]) -> Printed:
    """Read a command that is given as the list of its words for what it prints."""
    return _of_pipeline([list(words)], 0)


def _of_pipeline(pipeline: Pipeline, depth: int) -> Printed:
    """What a pipeline prints: its first program prints, and the others let lines through, or print something else."""
    programs = [run for words in pipeline if (run := program(words)) is not None]
    if not programs:
        return Printed()

    printed = _of_program(*programs[0], depth)
    for name, words in programs[1:]:
        if not _lets_through(name, words):
            fed = _of_program(name, words, depth)  # `ls | xargs cat`
            printed = fed if fed.shows else Printed(more=True)
    return printed


def _of_program(name: str, words: list[str], depth: int) -> Printed:
    """What one program prints."""
    if name in _SILENT:
        return Printed()
    if name == "find" and "-exec" in words:
        name, words = "xargs", words[words.index("-exec") + 1 :]
    if depth < DEEPEST and name in _SHELLS:
        return _of_shell(words, depth)
    if depth < DEEPEST and name in _RUNNERS:
        return _of_runner(name, words, depth)
    files = _shown_by(name, words)
    return Printed(more=True) if files is None else Printed(files, shows=True)


def _of_shell(words: list[str], depth: int) -> Printed:
    """What a shell prints that is given a command: behind `-c`, `-lc`, `-Command`, `/c`, or in a here-document."""
    for at, word in enumerate(words[:-1]):
        if _COMMAND_OPTION.fullmatch(word):
            is_one_word = not word.lower().startswith(("-command", "/")) and len(words[at + 1].split()) > 1
            return read_command(words[at + 1] if is_one_word else " ".join(words[at + 1 :]), depth + 1)
    return read_command(words[-1], depth + 1) if words and "\n" in words[-1] else Printed(more=True)


def _of_runner(name: str, words: list[str], depth: int) -> Printed:
    """What a program prints that runs another one: the first among its words that shows files, or a quoted command."""
    for at, word in enumerate(words):
        inner = name_of(word)
        if inner in _SHELLS or inner in _SHOWN or _INTERPRETERS.fullmatch(inner):
            named = [*words[at + 1 :], "{}"] if name == "xargs" else words[at + 1 :]
            return _of_program(inner, named, depth + 1)
        if " " in word.strip():  # `ssh host 'cat a.py'`
            return read_command(word, depth + 1)
    return Printed(more=True)


def _shown_by(name: str, words: list[str]) -> list[str] | None:
    """The paths that a program shows all or parts of; None where it shows no files."""
    if name in _SHOWN:
        return _SHOWN[name](words)
    if _INTERPRETERS.fullmatch(name):
        code = " ".join(words)
        return [] if _READS_IN_CODE.search(code) and _PRINTS_IN_CODE.search(code) else None
    return None


def _by_sed(words: list[str]) -> list[str] | None:
    if any(_IN_PLACE.match(word) for word in words):
        return None
    scripts = [words[at + 1] for at, word in enumerate(words[:-1]) if _EXPRESSION.fullmatch(word)]
    operands = _operands(words, _SED_OPTIONS)
    if not scripts:
        scripts, operands = operands[:1], operands[1:]
    if any(_SILENTLY.fullmatch(word) for word in words) and not _PRINTS_LINES.search(" ".join(scripts)):
        return None
    return operands or None


def _by_awk(words: list[str]) -> list[str] | None:
    code, *files = _operands(words, _AWK_OPTIONS) or [""]
    return files if files and not _COLUMNS.search(code) else None


def _by_search(words: list[str]) -> list[str] | None:
    return None if _counts(words) else _operands(words, _SEARCH_OPTIONS)[1:]


def _by_history(words: list[str]) -> list[str] | None:
    """What `git show`, `git diff` and the like show; summaries of changes are none."""
    verb, *names = _operands(words, _HISTORY_OPTIONS) or [""]
    if verb == "pr":
        return [] if names[:1] == ["diff"] else None
    if verb == "grep":
        return _by_search(words[words.index("grep") + 1 :])
    if any(_SUMS_UP.fullmatch(word) for word in words):
        return None
    if verb in _SHOWS_CHANGES or (verb in _SHOWS_PATCHES and any(_PATCHED.fullmatch(word) for word in words)):
        return [word.partition(":")[2] or word for word in names if "/" in word or "." in word]
    return None


def _counts(words: Sequence[str]) -> bool:
    """Whether a search prints names or counts, and no lines."""
    return any(_COUNTING.fullmatch(word) for word in words)


def _operands(words: Sequence[str], after: Sequence[str] = _NUMBERED_OPTIONS) -> list[str]:
    """Words that are no options, nor numbers, nor what follows one of the options `after`."""
    operands = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith(("-", "+")) and len(word) > 1:
            skip = word in after or word.lower() in after
        elif word not in ("-", "+", ";", "") and not _NUMBER.fullmatch(word):
            operands.append(word)
    return operands


def _lets_through(name: str, words: list[str]) -> bool:
    """Whether a program further down a pipeline prints the lines that it reads, all of them or some."""
    if name in _SEARCHERS:
        return not _counts(words)
    if name in _AWK:
        return not _COLUMNS.search(" ".join(words))
    return name in _PASSING


_SHOWN: Mapping[str, Callable[[list[str]], list[str] | None]] = {
    **dict.fromkeys(_PRINTERS | _DIFF_TOOLS, _operands),
    **dict.fromkeys(_SED, _by_sed),
    **dict.fromkeys(_AWK, _by_awk),
    **dict.fromkeys(_SEARCHERS, _by_search),
    **dict.fromkeys(_HISTORIES, _by_history),
}
"""How each program is read that shows files."""
