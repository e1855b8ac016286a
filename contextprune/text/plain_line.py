"""A line of output as a person reads it: without colours and what a runner puts before it, JSON escapes undone.

Prefixes are stamps of time, the kernel's clock, names of services, jobs, packages and hosts, steps of a build, bars.
"""

from __future__ import annotations

import re

from contextprune.text.views import NUMBERED

_COLOUR = re.compile(
    r"(?:\x1b|\\u001[bB]|\\x1[bB]|\\033|\\e|\^\[|\u241b)\[[\d;?]{0,20}[A-Za-z]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)"
    r"|(?<![\w\]])\[\d{1,2}(?:;\d{1,3}){0,4}m"
)
_PREFIX = re.compile(
    r"[\s>│┃║┆╎╷╵╭╰├└─]+"
    r"|\[?\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d)?\S{0,16})?(?=\s|$)"  # dates and times
    r"|\[?\d\d:\d\d:\d\d[\d.,Z+:\]-]{0,16}(?=\s|$)"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov"
    r"|Dec)\s{1,2}\d{1,2} \d\d:\d\d:\d\d \S{1,80} [\w./@()-]{1,80}(?:\[\d{1,9}\])?:\s"
    r"|==\d{1,9}==\s{1,8}"  # valgrind and the sanitizers
    r"|\[\s{0,8}\d{1,9}\.\d{1,9}\]\s"  # the kernel's clock
    r"|[\w./@-]{1,60}[ \t]{0,20}\|(?=\s|$)"  # a service
    r"|[\w ./()-]{1,60}\t[\w ./()-]{1,60}\t(?=\d{4}-)"  # a job and its step
    r"|\[(?!\s{0,3}(?i:e(?:rr|merg)|fail|fatal|crit|alert|panic|severe)"
    r"|\s{1,3}FAILED)[\w./@:-]{1,40}\](?=\s)"  # a package
    r"|\#\d{1,4} \d{1,6}\.\d{1,6}\s|\#\d{1,4}\s(?=[A-Z])"  # a step of a build
    r"|\d{1,6}\.\d{1,6}\s{1,4}(?=[A-Za-z])"
)
_PREFIXES = 6  # of one line


def plain_lines(line: str) -> list[str]:
    """The lines that a person reads in one line of text: more than one where escaped line ends stand in it."""
    if "\\" in line:
        line = line.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
    if "[" in line or "\x1b" in line:
        line = _COLOUR.sub("", line)
    numbered = NUMBERED.match(line)
    if numbered and not line[numbered.end() : numbered.end() + 1].isdigit():  # a place, line and column, is no number
        line = line[numbered.end() :]
    return [without_prefix(part.rstrip()) for part in re.split(r"[\n\r]", line) if part and not part.isspace()]


def without_prefix(line: str) -> str:
    """The line without blanks, bars, stamps and names of whoever printed it."""
    at = 0
    for _ in range(_PREFIXES):
        prefix = _PREFIX.match(line, at)
        if prefix is None:
            break
        at = prefix.end()
    return line[at:]
