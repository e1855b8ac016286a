from __future__ import annotations

import pytest
from hypothesis import given

from contextprune.splitting.sniff import Shape, parts
from tests.growth import assert_linear
from tests.splitting.tiling import SIZE, nasty

PROSE = (
    "The committee met on Monday to talk about the new harbour, which had been promised for years.\n"
    "Nobody expected that the vote would be close, but two members changed their minds overnight.\n"
    "In the end the plan was accepted with a single vote more than was needed for it.\n"
)
PYTHON = "import os\n\n\ndef main(path):\n    for name in os.listdir(path):\n        print(name)\n    return 0\n"
JAVA = "public class A {\n    private int x;\n    public int get() {\n        return x;\n    }\n}\n"
JSON = '{\n  "name": "contextprune",\n  "items": [1, 2, 3],\n  "deep": {"a": null}\n}\n'
JSONL = '{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n{"a": 3, "b": "z"}\n'
CSV = "name,age,town\nAnn,31,Ulm\nBob,29,Bonn\nCid,44,Kiel\nDan,18,Jena\n"
TABLE = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
LOG = "2024-01-01 10:00:00 INFO start\n2024-01-01 10:00:01 WARN slow\n2024-01-01 10:00:02 INFO stop\n"
GREP = "src/a.py:12:def f():\nsrc/a.py:40:    f()\nsrc/b.py:3:from a import f\n"
LS = "total 8\ndrwxr-xr-x 2 root root 4096 Jan  1 00:00 .\n-rw-r--r-- 1 root root   12 Jan  1 00:00 a.txt\n"
CAT = "     1\timport os\n     2\t\n     3\tdef f():\n     4\t    return os\n"
EDITOR = "12:import os\n13:\n14:def f():\n15:    return os\n"
HTML = "<!DOCTYPE html>\n<html>\n<body>\n<p>Hi</p>\n</body>\n</html>\n"
DIFF = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
FENCED = "# Title\n\nRun this:\n\n```python\nx = 1\n```\n\nThen read on and on and on, it is worth the time.\n"
TRACE = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    f()\nKeyError: 1\n'


def _shapes(text: str, name: str | None = None) -> list[Shape]:
    return [part.shape for part in parts(text, name)]


STATICCHECK = (
    "store/pg.go:88:17: possible nil pointer dereference\n\treturn row.Scan(&id)\n\t       ^\nfunc f() {\n" * 9
)
DETEKT = "src/Cart.kt:14:5: Cart is too long [LargeClass]\n    fun add(item: Item) {\n    ^\n    val x = 1;\n" * 9
CHECKLIST = "weir test\n  * adds a gate (0.1ms) [L#12]\n  * removes a gate (0.2ms) [L#20]\n  * counts [L#31]\n" * 9


@given(nasty())
def test_parts_tile_the_text_and_end_at_line_ends(text: str) -> None:
    at = 0
    for part in parts(text):
        assert part.start == at < part.end
        at = part.end
        assert at == len(text) or text[at - 1] == "\n"
    assert at == len(text)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (PROSE, Shape.PROSE),
        (PYTHON, Shape.PYTHON),
        (JAVA, Shape.CODE),
        (JSON, Shape.JSON),
        (JSONL, Shape.JSONL),
        ('{\n "a": 1,\n "b": "x"\n}\n' * 3, Shape.JSONL),
        (CSV, Shape.CSV),
        (TABLE, Shape.TABLE),
        (LOG, Shape.LOG),
        (GREP, Shape.LISTING),
        (LS, Shape.LISTING),
        ("./a\n./a/b.py\n./c\n", Shape.LISTING),
        (".\n├── a\n│   ├── b\n│   └── c\n└── d\n", Shape.LISTING),
        ("src/a.py\n3:import f\n9:f()\n\nsrc/b.py\n1:x\n", Shape.LISTING),
        (CAT, Shape.NUMBERED),
        (EDITOR, Shape.NUMBERED),
        (HTML, Shape.HTML),
        (DIFF, Shape.DIFF),
        (FENCED, Shape.MARKDOWN),
        (TRACE, Shape.LOG),
        (STATICCHECK, Shape.LOG),
        (DETEKT, Shape.LOG),
        (CHECKLIST, Shape.LOG),
    ],
)
def test_a_text_of_one_shape_is_one_part(text: str, shape: Shape) -> None:
    assert _shapes(text) in ([shape], [Shape.LOG, shape])  # `tree` opens with a line that is only a dot
    assert _shapes(text.replace("\n", "\r\n"))[-1] == shape


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        pytest.param(f"Result:\n{JSON}Bye.\n", [Shape.LOG, Shape.JSON, Shape.LOG], id="JSON between lines"),
        pytest.param(
            f"[File: /a/b.py (200 lines total)]\n{EDITOR}", [Shape.LOG, Shape.NUMBERED], id="a file with a header"
        ),
        pytest.param(f"$ python a.py\n{TRACE}$ git diff\n{DIFF}", [Shape.LOG, Shape.DIFF], id="a transcript"),
        pytest.param(
            f"$ cat a.py\n{PYTHON}$ cat b.json\n{JSON}", [Shape.LOG, Shape.PYTHON, Shape.LOG, Shape.JSON], id="cat"
        ),
        pytest.param(f"{PROSE}\n{TABLE}\n{PROSE}", [Shape.PROSE, Shape.TABLE, Shape.PROSE], id="a table in prose"),
        pytest.param(f"{DIFF}\n{PROSE}", [Shape.DIFF, Shape.PROSE], id="prose after a diff"),
    ],
)
def test_a_mixed_text_falls_into_its_parts(text: str, shapes: list[Shape]) -> None:
    assert _shapes(text) == shapes


def test_the_name_of_a_file_decides_where_the_content_does_not() -> None:
    assert parts("x\ny\nz\n", "/a/b.py")[0].shape is Shape.PYTHON
    assert parts("x\ny\nz\n", "b.go")[0] == (0, 6, Shape.CODE, "go")
    assert _shapes(EDITOR, "a.py") == [Shape.NUMBERED]


def test_times_are_no_line_numbers() -> None:
    assert _shapes("12:30:01 start\n12:30:02 load\n12:30:03 stop\n") == [Shape.LOG]


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "[\n",
        "[1,\n",
        '{"a":',
        '{"a":\n',
        "```a\n",
        "--- a\n",
        "commit 1234567\n\n",
        "<html>\n",
        "|-|\n",
        "1:x\n",
        "a/",
        "\n",
        " ",
    ],
)
def test_a_long_run_of_anything_takes_linear_time(unit: str) -> None:
    assert_linear(parts, lambda size: unit * (size // len(unit)), SIZE)


@pytest.mark.parametrize("before", ["", "\n\t", " ", "\r\n"])
def test_a_small_value_of_several_lines_is_json_however_it_begins(before: str) -> None:
    text = f'{before}{{\n\t"gates": []\n}}'
    assert [part.shape for part in parts(text)] == [Shape.JSON]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_marks_that_keep_a_passage_are_no_markup(end: str) -> None:
    lines = ["<contextprune-keep>", "the berth is B6", "</contextprune-keep>"]
    lines += [f"ship {i} moored in {i} ms" for i in range(4)]
    [part] = parts(end.join(lines))
    assert part.shape is not Shape.XML
