from __future__ import annotations

import pytest

from contextprune.text.traces import Part, parts_of, piece_starts
from tests.growth import assert_linear

PYTHON = """Traceback (most recent call last):
  File "/app/.venv/lib/python3.12/site-packages/flask/app.py", line 880, in full_dispatch_request
    rv = self.dispatch_request()
  File "/app/shop/cart.py", line 12, in total
    return sum(prices)
           ^^^^^^^^^^^
TypeError: unsupported operand types
"""
JAVA = """Exception in thread "main" java.lang.RuntimeException: boom
\tat com.acme.App.run(App.java:10)
\tat java.base/java.lang.Thread.run(Thread.java:1583)
Caused by: java.io.IOException: disk
\tat com.acme.Disk.write(Disk.java:44)
\t... 3 more
"""
NODE = """TypeError: x is not a function
    at foo (/app/src/a.js:3:5)
    at Module._compile (node:internal/modules/cjs/loader:1105:14)
    at /app/node_modules/express/lib/router.js:3:1
"""
GO = """goroutine 1 [running]:
main.load(0x0, 0x1)
\t/app/main.go:12 +0x1d
runtime.main()
\t/usr/local/go/src/runtime/proc.go:250 +0x1
"""
RUST = """thread 'main' panicked at src/main.rs:4:5:
stack backtrace:
   0: rust_begin_unwind
             at /rustc/abc/library/std/src/panicking.rs:645:5
   1: app::load
             at ./src/main.rs:4:5
"""
RUBY = """app.rb:3:in `load': undefined method `foo' for nil (NoMethodError)
\tfrom /usr/lib/ruby/gems/3.2.0/gems/rack-3.0/lib/rack.rb:9:in `call'
\tfrom app.rb:9:in `<main>'
"""
DOTNET = """Unhandled exception. System.InvalidOperationException: closed
   at Acme.Store.Open(String path) in /src/Store.cs:line 12
   at System.Threading.Tasks.Task.Execute()
"""


def pieces(text: str) -> list[str]:
    starts = piece_starts(text) or [0]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def of(text: str, *parts: Part) -> list[str]:
    cut = pieces(text)
    return [piece.strip().split("\n")[0] for piece, part in zip(cut, parts_of(cut), strict=True) if part in parts]


@pytest.mark.parametrize("text", [PYTHON, JAVA, NODE, GO, RUST, RUBY, DOTNET])
def test_pieces_tile_a_trace(text: str) -> None:
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            PYTHON,
            ["Traceback (most recent call last):", "TypeError: unsupported operand types"],
        ),
        (JAVA, ['Exception in thread "main" java.lang.RuntimeException: boom', "Caused by: java.io.IOException: disk"]),
        (NODE, ["TypeError: x is not a function"]),
        (GO, ["goroutine 1 [running]:"]),
        (RUST, ["thread 'main' panicked at src/main.rs:4:5:", "stack backtrace:"]),
        (DOTNET, ["Unhandled exception. System.InvalidOperationException: closed"]),
    ],
)
def test_the_message_and_its_causes_come_first(text: str, messages: list[str]) -> None:
    assert of(text, Part.MESSAGE) == messages


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        (PYTHON, ['File "/app/shop/cart.py", line 12, in total']),
        (JAVA, ["at com.acme.App.run(App.java:10)", "at com.acme.Disk.write(Disk.java:44)"]),
        (NODE, ["at foo (/app/src/a.js:3:5)"]),
        (GO, ["main.load(0x0, 0x1)"]),
        (RUST, ["1: app::load"]),
        (RUBY, ["from app.rb:9:in `<main>'"]),
        (DOTNET, ["at Acme.Store.Open(String path) in /src/Store.cs:line 12"]),
    ],
)
def test_frames_of_ones_own_code_come_next(text: str, frames: list[str]) -> None:
    assert [frame for frame in of(text, Part.OWN_CODE) if not frame.startswith("app.rb:3")] == frames


def test_the_innermost_frames_are_the_last_ones_of_python() -> None:
    frames = "".join(f'  File "/app/a.py", line {i}, in f{i}\n    call()\n' for i in range(9))
    near = of(f"Traceback (most recent call last):\n{frames}ValueError: x\n", Part.OWN_CODE)
    assert [frame[-2:] for frame in near] == ["f6", "f7", "f8"]


def test_the_innermost_frames_are_the_first_ones_elsewhere() -> None:
    frames = "".join(f"    at f{i} (/app/a.js:{i}:1)\n" for i in range(9))
    near = of(f"Error: x\n{frames}", Part.OWN_CODE)
    assert [frame[3:5] for frame in near] == ["f0", "f1", "f2"]


def test_lines_without_frames_are_no_trace() -> None:
    assert piece_starts("one\ntwo\nthree\n") == []


@pytest.mark.parametrize("unit", ["  at a", '  File "a', "a(", "a.b(", " " * 9, "Caused by: ", "\tat x\n", "#1 "])
def test_time_is_linear_in_the_text(unit: str) -> None:
    assert_linear(lambda text: parts_of(pieces(text)), lambda size: (unit * size)[:size], 20_000)
