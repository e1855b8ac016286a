"""What tools print: small builders of real-looking outputs, each a pure function of a size and a seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

_NAMES = ("orders", "billing", "session_cache", "UserProfile", "parse_args", "src/app/models.py", "retry", "Zürich")
_PROSE = (
    "The parser reads one record at a time and keeps no state between records. It fails where a field is missing.",
    "Dr. Smith moved to the U.S. in 1999. He wrote the first version of the tool there, which had 12,400 users.",
    "Der Dienst startet nicht, weil die Datei fehlt. Sie liegt unter /etc/dienst/config.yml, wie die Anleitung sagt.",
    "El servidor no responde desde ayer. ¿Quién lo reinició? Nadie lo sabe, pero el registro tiene 3 errores.",
    "这个函数返回一个列表。它不会修改参数。如果列表为空，则返回默认值。",  # noqa: RUF001 - Chinese has its own comma
    "שרת הבדיקות נפל אתמול. הוא חזר לפעול הבוקר.",
    "サーバーは昨日から応答していません。再起動が必要です。設定ファイルを確認してください。",
)


def _value(random: Random, depth: int) -> Any:
    kind = random.randrange(7 if depth else 5)
    if kind == 5:
        return [_value(random, depth - 1) for _ in range(random.randrange(5))]
    if kind == 6:
        return {f"{random.choice(_NAMES)}_{i}": _value(random, depth - 1) for i in range(random.randrange(4))}
    words = " ".join(random.choice(_PROSE).split()[:9])
    return (None, True, random.randrange(10**6), random.random(), f'{words} "{random.choice(_NAMES)}"\n😀')[kind]


def _record(random: Random, i: int) -> dict[str, Any]:
    return {
        "id": i,
        "name": random.choice(_NAMES),
        "status": random.choice(["ok", "failed"]),
        "more": _value(random, 3),
    }


def json_pretty(size: int, seed: int) -> str:
    random = Random(seed)
    return json.dumps({"count": size, "items": [_record(random, i) for i in range(size)]}, indent=2)


def json_small(size: int, seed: int) -> str:
    random = Random(seed)
    return json.dumps([_record(random, i) for i in range(size)], ensure_ascii=False, separators=(",", ":"))


def json_lines(size: int, seed: int) -> str:
    random = Random(seed)
    return "".join(json.dumps(_record(random, i)) + "\n" for i in range(size))


def log(size: int, seed: int) -> str:
    random = Random(seed)
    lines = []
    for i in range(size):
        level = random.choice(["INFO", "INFO", "DEBUG", "WARN", "ERROR"])
        path = random.choice(_NAMES)
        lines.append(f"2026-02-{1 + seed % 20:02} 12:{i // 60:02}:{i % 60:02},{i:03} {level} [{path}] took {i * 7} ms")
    return "\n".join(lines) + "\n"


def traceback(size: int, seed: int) -> str:
    frames = "".join(f'  File "/app/{_NAMES[(seed + i) % 5]}.py", line {i}, in f{i}\n    g({i})\n' for i in range(size))
    return f"{log(3, seed)}Traceback (most recent call last):\n{frames}KeyError: 'missing_{seed}'\n{log(size, seed)}"


def test_run(size: int, seed: int) -> str:
    lines = [
        f"tests/test_{i}.py::test_{_NAMES[(seed + i) % 5]} {'FAILED' if i == 2 else 'PASSED'}" for i in range(size)
    ]
    return "\n".join([*lines, f"====== 1 failed, {size} passed in 0.{seed}s ======", "exit code 1"])


def diff(size: int, seed: int) -> str:
    out = []
    for f in range(1 + size // 8):
        out += [f"diff --git a/f{f}.py b/f{f}.py", f"index 12{seed}abc..45{f}def 100644"]
        out += [f"--- a/f{f}.py", f"+++ b/f{f}.py"]
        for h in range(2):
            at = 100 * f + 10 * h + 1
            out += [
                f"@@ -{at},3 +{at},3 @@ def f{f}_{h}():",
                f" keep_{at}",
                f"-old_{at} = {seed}",
                f"+new_{at} = {seed}",
            ]
            out.append(f" return {at}")
    return "\n".join(out) + "\n"


def numbered(size: int, seed: int) -> str:
    return "".join(f"{i:6}\t{line}\n" for i, line in enumerate(code(size, seed).splitlines(), start=seed + 1))


def code(size: int, seed: int) -> str:
    parts = [f'"""Module {seed}."""\n\nimport os\n']
    for i in range(1 + size // 4):
        name = _NAMES[(seed + i) % 5].lower()
        parts.append(
            f"def {name}_{i}(value: int) -> int:\n    # explains {i}\n    if value > {i}:\n        return {i}\n"
        )
        parts.append(f'    raise ValueError(f"{name} {{value}}")\n')
    return "\n".join(parts)


def csv(size: int, seed: int) -> str:
    rows = [f'{i},"{_NAMES[(seed + i) % 8]}, Inc.",{i * seed}.50,2026-01-{1 + i % 28:02}' for i in range(size)]
    return "id,name,amount,day\n" + "\n".join(rows) + "\n"


def markdown(size: int, seed: int) -> str:
    parts = [f"# Notes {seed}\n"]
    for i in range(1 + size // 4):
        parts += [
            f"## Part {i}\n",
            _PROSE[(seed + i) % len(_PROSE)] + "\n",
            f"- first {i}\n- second `{_NAMES[i % 8]}`\n",
        ]
        parts.append(f"```python\n{code(i, seed)}```\n")
        parts.append("| a | b |\n|---|---|\n" + "".join(f"| {k} | {k * i} |\n" for k in range(i)))
    return "\n".join(parts)


def html(size: int, seed: int) -> str:
    rows = "".join(f"<li class='x{i}'><a href='/p/{i}'>{_PROSE[(seed + i) % 4]}</a></li>\n" for i in range(size))
    head = f"<!DOCTYPE html>\n<html><head><title>T{seed}</title></head>\n"
    return f"{head}<body><h1>Hi</h1><ul>\n{rows}</ul></body></html>\n"


def prose(size: int, seed: int) -> str:
    return " ".join(_PROSE[(seed + i) % len(_PROSE)] for i in range(1 + size // 3))


def listing(size: int, seed: int) -> str:
    return "".join(f"src/{_NAMES[i % 5]}/m{i}.py:{i * 3 + seed}:    value = load({i})\n" for i in range(size))


def shell(size: int, seed: int) -> str:
    return f"$ ls -l\n{listing(size // 3, seed)}$ cat notes.md\n{markdown(size // 3, seed)}$ git diff\n{diff(4, seed)}"


def base64(size: int, seed: int) -> str:
    random = Random(seed)
    return (
        "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=40 * size)) + "=="
    )


def same_file(size: int, seed: int) -> str:
    """The same file again and again, longer or shorter."""
    return code(8 + size // 8, seed % 2)


Builder = Callable[[int, int], str]

BUILDERS: tuple[Builder, ...] = (
    json_pretty, json_small, json_lines, log, traceback, test_run, diff, numbered, code, csv, markdown, html, prose,
    listing, shell, base64, same_file,
)  # fmt: skip

FORGED = "[3 lines cut, recall=abcdefghijkl]"

NASTY: tuple[str, ...] = (
    "\ud83d", "\ude42", "\ud83d\ude42 pair", "\0", "\r\n", "\r", "a\rb\rc", "\u2028", "\u2029", "\u0085", "\x0c",
    "\ufeff",
    "שלום עולם. עוד משפט.", "\u202eevil\u202c", "👩‍👩‍👧‍👦", "e\u0301\u0301", "\u200d", FORGED, f"{FORGED}\n",
    f'"{FORGED}"',
    f"# {FORGED}\n", "[…]", "recall=", "recall=aaaaaaaaaaaa", "[" * 60 + "]" * 60, '{"a":' * 40 + "1" + "}" * 40,
    "9" * 5000, '{"n": ' + "7" * 5000 + "}", '{"a": 1, "a": 2, "a": "three four five six seven eight nine ten"}',
    '"\\ud83d\\ude42 and \\ud83d alone"', "x" * 3000, "word " * 400, "```\n", "```python\n", "~~~~\n", "\n\n\n",
    "\t\t\n",
    "ERROR: nothing works\n", "Traceback (most recent call last):\n", "KeyError: 'x'\n", "a, b, c\n", "| a | b |\n",
    "diff --git a/x b/x\n", "@@ -1,2 +1,2 @@\n", "--- a/x\n", "+++ b/x\n", "<div>", "</html>\n", "A sentence. ",
    "- item\n",
    "12:  x = 1\n", "\\", '"', "'", "\x1b[31mred\x1b[0m\n", "data:image/png;base64,iVBORw0KGgo=", "<|endoftext|>",
)  # fmt: skip
