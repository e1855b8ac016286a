"""Kinds of files by name and content: sources, which edits quote, and logs and data, read for what they say."""

from __future__ import annotations

import re
from collections.abc import Sequence

from contextprune.text.numbered import LINE

_LOG_NAMES = re.compile(
    r"(?i).*\.(?:logs?|out|err|output|stdout|stderr|trace)(?:\.\d{1,4})?|(?:.*/)?(?:syslog|messages|dmesg|auth\.log)"
    r"|/var/log/.*"
)
_DATA_NAMES = re.compile(
    r"(?i).*\.(?:jsonl|ndjson|csv|tsv|parquet|har|map|lock|lockb|svg|min\.(?:js|css)|geojson|pem|sum|snap|pb|onnx|bin|pdf)"
    r"|(?:.*/)?(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.ya?ml)"
)
_ANY_TEXT = frozenset({"", "txt", "text", "tmp", "log", "out", "dat", "raw", "result", "results", "dump"})
"""Suffixes that tell nothing of what a file holds."""

_STAMP = re.compile(
    r".{0,40}?(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\b\d\d:\d\d:\d\d\b|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d"
    r"|\b(?:INFO|WARN(?:ING)?|ERROR|DEBUG|FATAL|TRACE|NOTICE)\b[\]: |-]|\b[IWEF]\d{4} \d\d:)"
    r"|.{0,400}?(?:\blevel=\w|\"(?:level|severity|timestamp|ts|time)\" ?: ?[\"\d])"
)
_SAMPLE = 200  # lines of a file that are looked at
_WIDTH = 500  # characters of them
_STAMPED = 0.3  # of a log's lines
_RECORDS = 0.8  # of the lines of a data file are records
_MINIFIED = 2_000  # characters of a line that nobody wrote by hand
_LARGE_JSON = 20_000  # characters of a JSON value that nobody edits by hand


def holds_logs_or_data(paths: Sequence[str], text: str, *, only_files: bool = True) -> bool:
    """Whether the files that a result shows are logs or data, by their names, and where those tell nothing by content.

    only_files   nothing but the files stands in `text`
    """
    if paths and all(_LOG_NAMES.fullmatch(path) or _DATA_NAMES.fullmatch(path) for path in paths):
        return True
    if is_minified(text):
        return True
    suffixes = {_suffix(path) for path in paths}
    if suffixes <= {"json"} and paths:
        return is_data(text)
    if paths and only_files and suffixes.isdisjoint(_ANY_TEXT):
        return False
    return is_log(text) or is_data(text)


def is_log(text: str) -> bool:
    """Whether lines of `text` begin with times or levels, as those of logs do, behind line numbers or not."""
    lines = _sampled(text)
    return bool(lines) and sum(_STAMP.match(line) is not None for line in lines) >= _STAMPED * len(lines)


def is_data(text: str) -> bool:
    """Whether `text` is records: JSON in one large value or an array, a JSON value a line, or rows of a CSV file."""
    lines = _sampled(text)
    if not lines:
        return False
    opening, closing = lines[0].lstrip()[:1], lines[-1].rstrip()[-1:]
    if (opening, closing) == ("[", "]") and len(lines) > 1 and lines[1].lstrip()[:1] in ("{", "["):
        return True
    if (opening, closing) in (("{", "}"), ("[", "]")) and len(text) > _LARGE_JSON:
        return True
    records = sum(line.startswith("{") and line.rstrip().endswith("}") for line in lines)
    if len(lines) > 2 and records >= _RECORDS * len(lines):
        return True
    commas = [line.count(",") for line in lines]
    return len(lines) > 3 and min(commas) >= 2 and len(set(commas)) == 1


def is_minified(text: str) -> bool:
    """Whether most of `text` stands in lines that nobody wrote by hand."""
    return len(text) > _MINIFIED and 2 * sum(len(line) for line in text.split("\n") if len(line) > _MINIFIED) > len(
        text
    )


def _suffix(path: str) -> str:
    name = re.split(r"[/\\]", path)[-1]
    return name.rpartition(".")[2].lower() if "." in name else ""


def _sampled(text: str) -> list[str]:
    """Some lines of a text from all over it, without their numbers."""
    lines = [line for line in text.splitlines() if line.strip()]
    step = max(1, len(lines) // _SAMPLE)
    chosen = [*lines[::step][: _SAMPLE - 1], *lines[-1:]] if step > 1 else lines
    return [
        line[match.end() : match.end() + _WIDTH] if (match := LINE.match(line)) else line[:_WIDTH] for line in chosen
    ]
