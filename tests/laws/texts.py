"""What a tool may answer: plain outputs, data in every spelling, and everything that has broken a text tool before.

A plain seeded generator: one text is a few pieces, each of another form, then perhaps other line ends, a byte order
mark, colours or NULs over all of it.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.laws.failing_lines import failing_line, word

ASIDES = (
    "[lines 2-9 cut, recall=abcdefghijkl]", "[...]", "[as above]", "[..., recall=zzzzzzzzzzzz | src/a.py]", "[…]",
    "[12 sentences cut, recall=xeou63gk4a7m] And so it goes.", "# [line 43 cut]", "| [10 lines cut] |",
    "=== block 6 of 124: tool result x call_0; 70 characters, recall=f3durkt4ctxm ===", '"[9 items cut]": "a b"',
    "<!-- [lines 5-12 cut] -->", "recall=abcdefghijkl", "```", "```json", "~~~", "---", "@@ -1,3 +1,4 @@",
    "diff --git a/x b/x", "\x00", "\x00\x00\x00 binary", "\ufeff", "\u202eright to left\u202c",
    "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया। यह ठीक है।", "今日は良い天気です。明日も晴れる。", "สวัสดีชาวโลก",
    "\u2028", "\x85", "\x0b\x0c", "\r", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "👩‍👩‍👧‍👦🇳🇴",
    "a\u0301\u0301\u0301\u0301", "\ud83d", "\ude00 alone", "{",
    "}", "[", "]]]", '{"a":', "'", '"', "\\", "\\u0000", "%s %n {0} ${x}",
    "<script>alert(1)</script>", "&amp;&lt;", "ERROR", "0 errors", "no error", "<system-reminder>", "\t\t",
    " " * 40, "x" * 300, "=" * 120, "null", "NaN", "-0", "1e999", "<|endoftext|>", "\n\nHuman: hi\n\nAssistant:",
)  # fmt: skip
"""Lines that look like something else, or that something has choked on."""


@dataclass(frozen=True, slots=True)
class Made:
    """A text, what of it must stay whatever the mode, and the failures that it tells of."""

    text: str
    kept: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def tool_text(rng: random.Random, size: int, earlier: list[str]) -> Made:
    """One answer of about `size` characters; `earlier` ones may come again, whole, in part, or with other numbers."""
    draw = rng.random()
    if draw < 0.04:
        return Made(rng.choice(("", " ", "\n", "\n\n\n", "ok", "\r\n", "\x00", "null", "[]", "{}", '""')))
    if draw < 0.16 and earlier:
        return Made(_again(rng, rng.choice(earlier)))
    if draw < 0.36:
        return _data(rng, size)
    if draw < 0.42:
        return Made(_one_line(rng, size))
    return _lines(rng, size)


def sentence(rng: random.Random) -> str:
    """A sentence of words that mean nothing."""
    return " ".join(word(rng, 1) for _ in range(rng.randint(4, 14))).capitalize() + rng.choice(".....!?")


def value(rng: random.Random, depth: int) -> object:
    """Any value of JSON, with numbers and texts that few expect."""
    if depth and rng.random() < 0.45:
        if rng.random() < 0.5:
            return [value(rng, depth - 1) for _ in range(rng.randint(0, 5))]
        return {
            rng.choice((word(rng), "", "a b", "ключ", "type")): value(rng, depth - 1) for _ in range(rng.randint(0, 5))
        }
    scalars = (
        None, True, False, rng.randint(-9, 9), 10**40 + rng.randint(0, 9), -0.0, rng.random() * 1e-7, 1.5e300, math.nan,
        word(rng), sentence(rng), rng.choice(ASIDES), "", json.dumps({word(rng): [1, {"x": sentence(rng)}]}),
    )  # fmt: skip
    return rng.choice(scalars)


def _again(rng: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    match rng.randint(0, 4):
        case 0:
            return text
        case 1 if lines:
            start = rng.randrange(len(lines))
            return "".join(lines[start:])
        case 2 if lines:
            lines[rng.randrange(len(lines))] = sentence(rng) + "\n"
            return "".join(lines)
        case 3:
            return "".join(f"{number:6}\t{line}" for number, line in enumerate(lines, start=1))
    return text + sentence(rng)


def _data(rng: random.Random, size: int) -> Made:
    """JSON in one of the spellings that tools print, valid in most of them; some of it is nothing but JSON in JSON."""
    rows = [_row(rng, number) for number in range(max(2, size // 90))]
    form = rng.randint(0, 7)
    failures: list[str] = []
    if form < 4 and rng.random() < 0.4:
        failures.append(f"{word(rng).capitalize()}Error: {word(rng)} is no {word(rng)}")
        rng.choice(rows).update(status="failed", error=failures[0])
    match form:
        case 0:
            text = json.dumps(rows)
        case 1:
            text = json.dumps(rows, indent=rng.choice((1, 2, 4)), ensure_ascii=False)
        case 2:
            text = "\n".join(rng.choice(("", "  ")) + json.dumps(row) for row in rows)
        case 3:
            text = json.dumps({"items": rows, word(rng): value(rng, 3)}, separators=(",", ":"))
        case 4:
            text = json.dumps([rng.random() * 10.0 ** rng.randint(-12, 12) for _ in range(size // 12)])
        case 5:
            text = json.dumps({"stdout": "\n".join(sentence(rng) for _ in range(size // 50)), "code": 0})
        case 6:
            text = json.dumps({word(rng): json.dumps(rows), "n": float("nan")})
        case _:
            text = json.dumps(value(rng, 5), indent=rng.choice((None, "\t")))
    return Made(
        rng.choice(("", "", " ", "\n\t", "\r\n")) + text + rng.choice(("", "", "\n", " \n")), (), tuple(failures)
    )


def _row(rng: random.Random, number: int) -> dict[str, object]:
    row: dict[str, object] = {
        "id": number,
        "name": word(rng),
        "note": sentence(rng) if rng.random() < 0.4 else "the usual",
    }
    if rng.random() < 0.1:
        row[word(rng)] = value(rng, 2)
    return row


def _one_line(rng: random.Random, size: int) -> str:
    words = size // 5
    match rng.randint(0, 4):
        case 0:
            return "".join(rng.choice("ABCDEFabcdef0123456789+/") for _ in range(size))
        case 1:
            return " ".join(word(rng) for _ in range(words))
        case 2:
            return ";".join(f"{word(rng)}={rng.randint(0, 99)}" for _ in range(words // 2))
        case 3:
            return "".join(f"<td>{word(rng)}</td>" for _ in range(size // 14))
    return rng.choice("あいうえおかきくけこ") * (size // 2)


def _lines(rng: random.Random, size: int) -> Made:
    """A few pieces of lines with what breaks tools between them, perhaps failures, perhaps marks that keep."""
    pieces = rng.randint(1, 3)
    makers = [rng.choice(_PIECES) for _ in range(pieces)]
    lines = [line for make in makers for line in make(rng, max(3, size // 45 // pieces))]
    for _ in range(rng.choice((0, 0, 1, 4))):
        lines.insert(rng.randint(0, len(lines)), rng.choice(ASIDES))
    kept: list[str] = []
    failures: list[str] = []
    if rng.random() < 0.06:
        passage = f"<contextprune-keep>\n{sentence(rng)}\n</contextprune-keep>"
        lines.insert(rng.randint(0, len(lines)), passage)
        kept.append(passage)

    end = rng.choice(("\n", "\n", "\n", "\n", "\r\n", "\r"))
    text = end.join("\n".join(lines).split("\n")) if end != "\n" else "\n".join(lines)
    kept = [end.join(passage.split("\n")) for passage in kept]
    if rng.random() < 0.8 and _PROSE_OR_LOGS.issuperset(makers) and end != "\r":
        text, failures = _with_failures(rng, text, end)
    if rng.random() < 0.03:
        text = "\ufeff" + text
    return Made(text + rng.choice(("", end)), tuple(kept), tuple(failures))


def _with_failures(rng: random.Random, text: str, end: str) -> tuple[str, list[str]]:
    lines = text.split(end)
    failures = []
    for _ in range(rng.randint(1, 2)):
        line = failing_line(rng)
        failures.append(line.split("\n")[-1])
        lines.insert(_outside_keep(rng, lines), end.join(line.split("\n")))
    return end.join(lines), failures


def _outside_keep(rng: random.Random, lines: list[str]) -> int:
    """A place for another line that is not within marks."""
    free = [
        at
        for at in range(len(lines) + 1)
        if at == len(lines) or not any("contextprune-keep" in line for line in lines[max(0, at - 2) : at + 2])
    ]
    return rng.choice(free)


def _log(rng: random.Random, lines: int) -> list[str]:
    names, shape = [word(rng) for _ in range(3)], rng.randint(0, 3)
    heads = ("2026-03-04T05:{0:02}:{1:02}Z INFO ", "[{0:02}:{1:02}] ", "", "{0}.{1} DEBUG - ")
    return [
        heads[shape].format(n // 60 % 60, n % 60) + f"{rng.choice(names)} took order {rng.randint(0, 9999)} in {n} ms"
        for n in range(lines)
    ]


def _prose(rng: random.Random, lines: int) -> list[str]:
    return [" ".join(sentence(rng) for _ in range(rng.randint(1, 4))) for _ in range(max(1, lines // 2))]


def _listing(rng: random.Random, lines: int) -> list[str]:
    return [f"./{word(rng)}/{word(rng)}_{n}.{rng.choice(('py', 'md', 'txt'))}" for n in range(lines)]


def _code(rng: random.Random, lines: int) -> list[str]:
    made: list[str] = []
    while len(made) < lines:
        made += [
            f"def {word(rng)}({word(rng)}):",
            f"    {word(rng)} = {rng.randint(0, 99)}  # {sentence(rng)}",
            f"    return {word(rng)}",
            "",
        ]
    return made


def _diff(rng: random.Random, lines: int) -> list[str]:
    name = f"{word(rng)}.py"
    made = [f"diff --git a/{name} b/{name}", f"--- a/{name}", f"+++ b/{name}"]
    while len(made) < lines:
        start = rng.randint(1, 900)
        made += [
            f"@@ -{start},2 +{start},2 @@ def {word(rng)}():",
            f"-    {word(rng)}",
            f"+    {word(rng)}",
            f"     {word(rng)}",
        ]
    return made


def _table(rng: random.Random, lines: int) -> list[str]:
    if rng.random() < 0.5:
        return ["id,name,note", *(f'{n},{word(rng)},"{sentence(rng)}"' for n in range(lines))]
    return ["| id | name |", "|---|---|", *(f"| {n} | {word(rng)} {word(rng)} |" for n in range(lines))]


def _page(rng: random.Random, lines: int) -> list[str]:
    return ["<html><body>", *(f"<p>{sentence(rng)}</p>" for _ in range(lines)), "</body></html>"]


def _settings(rng: random.Random, lines: int) -> list[str]:
    return [
        f"{'  ' * rng.randint(0, 3)}{word(rng)}: {rng.choice((word(rng), '1', '[a, b]', ''))}" for _ in range(lines)
    ]


def _markdown(rng: random.Random, lines: int) -> list[str]:
    made: list[str] = []
    while len(made) < lines:
        made += [
            f"{'#' * rng.randint(1, 4)} {word(rng)}",
            "",
            sentence(rng),
            "",
            "```",
            word(rng),
            "```",
            "",
            f"- {sentence(rng)}",
        ]
    return made


def _oddities(rng: random.Random, lines: int) -> list[str]:
    return [rng.choice(ASIDES) + rng.choice(("", " ", word(rng))) for _ in range(lines)]


_PIECES: tuple[Callable[[random.Random, int], list[str]], ...] = (
    _log, _log, _log, _prose, _prose, _listing, _listing, _code, _diff, _table, _page, _settings, _markdown, _oddities,
)  # fmt: skip
_PROSE_OR_LOGS = {_log, _prose, _listing}
