# ruff: noqa: RUF001 - as jest prints it
from __future__ import annotations

import pytest

from contextprune.context import Context, Kind, Segment
from contextprune.splitting import split
from contextprune.text.failure_surroundings import belonging, neighbours

GO = """=== RUN   TestA
    a_test.go:9: all is well
--- PASS: TestA (0.00s)
=== RUN   TestB
    b_test.go:12: got 3 want 4
--- FAIL: TestB (0.00s)
=== RUN   TestC
"""
GCC = """cc -c main.c
main.c: In function 'main':
main.c:12:5: error: expected ';' before '}' token
   12 |   return 0
      |           ^
      |           ;
cc -c other.c
"""
RUSTC = """   Compiling app v0.1.0
error[E0382]: use of moved value: `x`
 --> src/main.rs:4:20
  |
4 |     println!("{}", x);
  |                    ^ value used here after move
  = note: move occurs because `x` has type `String`
   Compiling other v0.1.0
"""
ESLINT = """/app/src/a.js
  12:5  error  'x' is defined but never used  no-unused-vars

/app/src/b.js
   3:1  warning  'y' is defined but never used  no-unused-vars
"""
NODE = """/app/index.js:3
  throw new Error('closed')
        ^

Error: closed
    at main (/app/index.js:3:9)
"""
JEST = """  console.log
    loading the cart
  ● cart › adds

    expect(received).toBe(expected)

    Expected: 3
    Received: 4

  ● cart › removes
"""
PSQL = """INSERT 0 1
ERROR:  relation "foo" does not exist
LINE 1: SELECT * FROM foo;
                      ^
HINT:  Perhaps you meant "food".
INSERT 0 1
"""
SHELLCHECK = """
In clean.sh line 9:
rm -rf "$old/"*
       ^------^ SC2115 (warning): this may expand to /*

In clean.sh line 12:
"""
PANIC = """running 2 tests
thread 'adds' panicked at src/lib.rs:8:13:
attempt to divide by zero
note: run with `RUST_BACKTRACE=1`
test removes ... ok
"""
TAP = """ok 51 - locks
not ok 52 - archives
# (in test file test/ledger.t, line 23)
# expected : 14 pages
ok 53 - rotates
"""
TERRAFORM = """Initializing the backend...
Error: Failed to query available provider packages:
registry.example.org has no package acme/weir
"""
GXX = """g++ -c route.cpp
In file included from /usr/include/map:61,
                 from route.cpp:3:
/usr/include/stl_map.h: In instantiation of 'int& std::map<Stop, int>::operator[](Stop&&)':
route.cpp:11:32:   required from here
/usr/include/stl_function.h:408:20: error: no match for 'operator<'
g++ -c other.cpp
"""
PYTHON = """Compiling './fork.py'...
Compiling './queue.py'...
***   File "./queue.py", line 13
    def broken()
                ^
SyntaxError: expected ':'
"""
VALGRIND = """==1== Command: ./leak
==1== 100 bytes in 1 blocks are definitely lost in loss record 1 of 2
==1==    at 0x48417B4: malloc (in /usr/libexec/valgrind/vgpreload.so)
==1==    by 0x1092E0: main (leak.c:14)
==1==
==1== 640 bytes in 40 blocks are still reachable
"""
HANDLEBARS = """building 12 templates
Error: Parse error on line 3:
...berths}}  {{/eech}}</ul>
-----------------^
Expecting 'EOF', got 'OPEN_ENDBLOCK'
building the index
"""
SVELTE = """vite v6.0.1 building for production...
[vite-plugin-svelte] Error: src/Quay.svelte:2:9 Expected token }
see https://svelte.dev/e/expected_token
src/Quay.svelte:2:9
\x1b[2m1: <script>let tide = 3;</script>
2: <p>{tide</p>
           ^\x1b[22m
3: <footer/>
"""
NEARLEY = """reading the log
Error: Syntax error at line 1 col 9:

  berth = = 4
          ^
Unexpected "="

tides.csv read
"""
APART = """Error: the harbour is closed

let tide = 3
    ^
"""


def belongs(text: str, failure: str) -> str:
    spans = split(Context((Segment(Kind.TOOL_RESULT, text, ("r",)),)))
    at = next(i for i, span in enumerate(spans) if failure in span.text)
    return "".join(spans[i].text for i in sorted({at, *belonging(spans, range(len(spans)), at)}))


@pytest.mark.parametrize(
    ("text", "failure", "needed", "other"),
    [
        (GO, "--- FAIL", ["got 3 want 4"], ["all is well", "TestC"]),
        (GCC, "error: expected", ["In function 'main'", "12 |   return 0", "|           ^"], ["cc -c other.c"]),
        (RUSTC, "E0382", ["--> src/main.rs:4:20", "value used here", "= note: move"], ["app v0.1.0"]),
        (ESLINT, "12:5", ["/app/src/a.js"], []),
        (NODE, "Error: closed", ["/app/index.js:3", "throw new Error"], []),
        (JEST, "cart › adds", ["Expected: 3", "Received: 4"], ["loading the cart"]),
        (SHELLCHECK, "SC2115", ["In clean.sh line 9", "rm -rf"], []),
        (VALGRIND, "definitely lost", ["main (leak.c:14)"], ["still reachable", "Command"]),
        (PANIC, "panicked", ["divide by zero", "RUST_BACKTRACE"], ["running", "removes"]),
        (TAP, "not ok", ["ledger.t, line 23", "14 pages"], []),
        (TERRAFORM, "Error", ["has no package acme/weir"], ["Initializing"]),
        (GXX, "error: no match", ["required from here", "from route.cpp:3", "In instantiation"], ["g++"]),
        (PYTHON, "SyntaxError", ['File "./queue.py", line 13', "def broken()"], ["fork.py", "queue.py'..."]),
        (PSQL, "relation", ["LINE 1", "HINT"], ["INSERT"]),
        (HANDLEBARS, "Parse error", ["{{/eech}}", "-^"], ["building 12", "the index"]),
        (SVELTE, "Expected token", ["2: <p>{tide</p>", "  ^"], ["vite v6", "footer"]),
        (NEARLEY, "Syntax error", ["berth = = 4", "  ^"], ["the log"]),
        (APART, "closed", [], ["let tide"]),
    ],
)
def test_what_tells_of_a_failure_belongs_to_it(text: str, failure: str, needed: list[str], other: list[str]) -> None:
    whole = belongs(text, failure)
    assert [line for line in needed if line not in whole] == []
    assert [line for line in other if line in whole] == []


def test_neighbours_are_the_lines_around_a_failure() -> None:
    text = "".join(f"12:00:0{i} line {i}\n" for i in range(9))
    spans = split(Context((Segment(Kind.TOOL_RESULT, text, ("r",)),)))
    assert list(neighbours(spans, range(9), 4, 2)) == [2, 3, 5, 6]
    assert list(neighbours(spans, range(9), 0, 2)) == [1, 2]
