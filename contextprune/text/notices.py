"""Notices of harnesses in results of tools: where the whole output lies, what was left out, how and when it ended.

An agent acts on them: it reads the file that is named, asks again for what was left out, waits or gives up. The forms
follow those of Claude Code, Codex, opencode, Cline and Roo Code, SWE-agent, OpenHands, Gemini CLI and goose, as their
public sources print them. Each is bounded, and a line is read only where a hint stands in it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from contextprune.context import Context, Kind, Span, blocks_of
from contextprune.text.views import is_code

_COUNT = r"\d[\d,._]{0,12}(?: ?[kKMG]i?B)?(?: (?:more|of \d{1,9}))?"
_UNIT = r"(?:lines?|char(?:acter)?s?|bytes?|tokens?|rows?|items?|results?|entries|match(?:es)?|files?|columns?)"
_AMOUNT = rf"{_COUNT} ?{_UNIT}?"
_LEFT_OUT = r"(?:truncated|omitted|elided|clipped|hidden|not shown|skipped|removed|cut off|left out)"
NOTICE = re.compile(
    # Where the rest is.
    r"(?i:\b(?:full|complete|entire|remaining|whole|rest of the|remainder of)\b[^\n]{0,30}"
    r"\b(?:outputs?|lines?|logs?|results?)\b[^\n]{0,40}"
    r"(?:\b(?:saved|written|stored|kept|available|found)\b|\bsee:|\bin /|\bin \w:\\))"
    r"|(?i:\boutput (?:is |was |has been )?(?:saved|written|redirected|stored) (?:to|in|at)\b)"
    # What was left out.
    rf"|(?i:[\[(<.…*]\s{{0,3}}[^\n]{{0,30}}{_AMOUNT}[^\n]{{0,24}}\b{_LEFT_OUT})"
    rf"|(?i:^\W{{0,3}}{_COUNT} ?{_UNIT} (?:were |was |have been )?{_LEFT_OUT})"
    rf"|(?i:[\[(<.…*]\s{{0,3}}{_LEFT_OUT}[:,]? {_AMOUNT})"
    r"|(?i:\b(?:output|results?|response|observation|file|content|preview|diff|view|lines)\b[^\n]{0,40}"
    r"\b(?:truncated|clipped|too (?:large|long|big)|cut off)\b)"
    r"|(?i:\bresponse clipped\b|^\W{0,4}truncated\b[^\n]{0,80}$)"
    r"|(?i:\bfile has more lines\b|\buse [^\n]{0,24}\b(?:offset|limit|page|pagination|head_limit|view_range)\b)"
    r"|(?i:\bshowing (?:only )?(?:the )?(?:first|last|lines|results|most recent|top)\b[^\n]{0,60}\d)"
    r"|(?i:^total output lines: \d)"
    # How it ended, or that it did not.
    r"|(?i:\btimed out after \d|\bexceed(?:ed|ing) (?:the )?time(?:out| limit)|\bstill running\b)"
    r"|(?i:^[\[(<* ]{0,3}(?:the |your )?(?:process|command|shell|program|tool|execution)\b[^\n]{0,60}"
    r"\b(?:exit(?:ed)?|finished|completed|terminated|interrupted|aborted|timed out|killed|running)\b)"
    r"|(?i:<returncode>|^exit code:? \d|\brunning in (?:the )?background with\b|\bshell cwd was reset\b)",
    re.MULTILINE,
)
"""Text that a harness writes into a result about the result."""

_ANYWHERE = ("runcated", "mitted", "lided", "lipped")
"""Hints of what was left out, which is said where it was."""
_AT_ENDS = (
    *_ANYWHERE, "hidden", "not shown", "skipped", "removed", "cut off", "left out", "saved", "written to",
    "redirected", "stored in", "see:", "in /", "too l", "too b", "more lines", "offset", "pagination",
    "head_limit", "showing ", "output lines", "timed out", "exceed", "still running", "exit", "finished", "completed",
    "terminated", "interrupted", "aborted", "killed", "running", "returncode", "cwd was", "view_range",
)  # fmt: skip
"""Hints of everything else, in small letters: a result begins or ends with it."""
_HEAD, _TAIL = 600, 1600  # characters of a result in which it is looked for

AT_EACH_END = 4  # notices of a block that stay, from either end: a program may print hundreds that look like them
_READ = 400  # characters of a line
_NEAR = 160  # characters of a line before what was left out is said
_LOOKED_AT = 40  # lines with each hint that are read


def notices(context: Context, spans: Sequence[Span]) -> set[int]:
    """Indices of the spans that hold a harness's notice in a tool's result."""
    noticed: set[int] = set()
    for block in blocks_of(spans):
        segment = context.segments[spans[block.start].segment]
        if segment.kind is not Kind.TOOL_RESULT:
            continue
        starts = [spans[i].start for i in block]
        hits = dict.fromkeys(block.start + bisect_right(starts, at) - 1 for at in _offsets(segment.text))
        in_order = [i for i in hits if not is_code(spans[i])]
        noticed.update(in_order[:AT_EACH_END])
        noticed.update(in_order[-AT_EACH_END:])
    return noticed


def is_notice(line: str) -> bool:
    """Whether a line is a harness's notice."""
    return NOTICE.search(line[:_READ]) is not None


def _offsets(text: str) -> Iterator[int]:
    """Offsets of the lines that hold a notice, in order; in the middle of a text, of the first ones alone."""
    starts = {*_hinted(text, 0, _HEAD), *_hinted(text, max(_HEAD, len(text) - _TAIL), len(text))}
    for hint in _ANYWHERE:
        starts.update(islice(_lines_with(text, hint), _LOOKED_AT))
    return (start for start in sorted(starts) if is_notice(_line(text, start)))


def _hinted(text: str, start: int, end: int) -> Iterator[int]:
    """Where the lines of a part of a text start that have a hint; its first one where the part does."""
    part = text[start:end].lower()
    hints = [hint for hint in _AT_ENDS if hint in part]
    at = 0
    for line in part.split("\n") if hints else ():
        if any(hint in line for hint in hints):
            yield start + at
        at += len(line) + 1


def _lines_with(text: str, hint: str) -> Iterator[int]:
    """Where the lines start that have `hint` near their beginning."""
    at = text.find(hint)
    while at >= 0:
        start = text.rfind("\n", max(0, at - _NEAR), at) + 1
        if start or at <= _NEAR:
            yield start
        at = text.find("\n", at)
        at = text.find(hint, at) if at >= 0 else -1


def _line(text: str, start: int) -> str:
    end = text.find("\n", start, start + _READ)
    return text[start : end if end >= 0 else start + _READ]
