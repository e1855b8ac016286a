"""Sessions as an agent records them: it reads a log and a file, then edits the lines that the failure names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def session(number: int) -> list[dict[str, Any]]:
    """A conversation in which an edit quotes one function of a file, and a call uses an id from a log."""
    functions = [f"def berth_{number}_{i}(ship):\n    return ship.length * {i} + {number}\n" for i in range(30)]
    quoted = functions[(7 * number) % 30]
    log = "".join(f"2026-12-01 INFO moored ship {i} at berth {i % 9} in {i * 3} ms\n" for i in range(60))
    log += f"2026-12-01 ERROR request req-{number:03}-9f2c failed in berth_{number}_{(7 * number) % 30}\n"
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"Why did a request fail at pier {number}? Mend it."}]
    steps = [
        ("bash", {"command": "cat pier.log"}, log),
        ("read_file", {"path": f"pier_{number}.py"}, "\n".join(functions)),
        ("bash", {"command": f"trace --request req-{number:03}-9f2c"}, "span 1 took 12 ms\n" * 20),
        ("edit", {"path": f"pier_{number}.py", "old_string": quoted, "new_string": "pass"}, "done"),
        ("bash", {"command": "pytest -q"}, "1 passed"),
        ("bash", {"command": "git diff --stat"}, "1 file changed"),
        ("bash", {"command": "git status"}, "clean"),
    ]
    for at, (name, arguments, result) in enumerate(steps):
        call = {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"c{at}", "content": result})
    return [*messages, {"role": "assistant", "content": "It is mended."}]


def write_sessions(folder: Path, count: int) -> Path:
    """Write `count` sessions, a file each; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        body = {"model": "gpt-5", "messages": session(number)}
        (folder / f"s{number:02}.json").write_text(json.dumps(body), encoding="utf-8")
    return folder
