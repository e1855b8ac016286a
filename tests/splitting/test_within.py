"""Text that other text wraps: what a string of JSON spells, what a fence holds, what a harness puts around output."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Syntax, Unit
from contextprune.splitting import cut
from contextprune.splitting.sniff import Shape, parts
from tests.splitting.test_columns import NODES
from tests.splitting.test_delimited import STRIPE_EXPORT
from tests.splitting.test_outline import COMPOSE, DEPLOYMENT, needed
from tests.splitting.tiling import assert_linear_cuts, assert_tiles, nasty, pieces

LOG = "".join(f'2026-11-02 10:00:{n:02} INFO worker {n} of "mail" started\n\twith 4 threads\n' for n in range(12))
TRACE = "".join(f'  File "a.py", line {n}, in f\n    f()\n' for n in range(12))
INNER = {
    "yaml": (DEPLOYMENT, "64Mi", "containers:"),
    "a table": (NODES * 3, "node-c", "ROLES"),
    "csv": (STRIPE_EXPORT * 2, "Postcards", "charge,amount"),
    "a log": (LOG, "with 4 threads", "10:00:00 INFO"),
}
WRAPS = [
    lambda text: json.dumps({"output": text, "metadata": {"exit_code": 0, "duration_seconds": 0.4}}),
    lambda text: json.dumps({"stdout": text, "stderr": ""}, indent=2),
    lambda text: json.dumps([{"type": "text", "text": "é😀\\\n" + text}], ensure_ascii=False),
    lambda text: json.dumps([{"type": "text", "text": "é😀\\\n" + text}]),
    lambda text: f"# What it says\n\n```text\n{text}```\n\nThat is all.\n",
    lambda text: f"# What it says\n\n```bash\n{text}```\n",
    lambda text: f"STDOUT:\n{text}STDERR:\n",
    lambda text: f"<returncode>0</returncode>\n<output>\n{text}</output>\n",
    lambda text: f"Exit code: 0\nWall time: 0.2 seconds\nOutput:\n{text}",
]


@pytest.mark.parametrize("kind", INNER)
@pytest.mark.parametrize("wrapping", range(len(WRAPS)))
def test_what_is_wrapped_is_cut_as_what_it_is(kind: str, wrapping: int) -> None:
    text, needle, needs = INNER[kind]
    wrapped = WRAPS[wrapping](text)
    cuts = cut(wrapped)
    assert_tiles(wrapped, cuts)
    assert needs in needed(wrapped, cuts, needle)


def test_a_trace_in_a_string_is_one_record() -> None:
    text = json.dumps({"output": f"start\nTraceback (most recent call last):\n{TRACE}KeyError: 1\nend\n", "exit": 1})
    assert Unit.RECORD in {each.unit for each in cut(text)}


@given(nasty(), st.booleans())
def test_no_cut_in_a_string_tears_an_escape(text: str, plain: bool) -> None:
    spelled = ("a line\n" * 70) + text
    literal = json.dumps([spelled], ensure_ascii=plain)
    cuts = cut(literal)
    assert_tiles(literal, cuts)
    spans = pieces(literal, cuts)
    inner = [
        json.loads(f'"{span}"') for span, each in zip(spans, cuts, strict=True) if each.syntax is Syntax.JSON_STRING
    ]
    assert "".join(inner).encode("utf-16", "surrogatepass") == spelled.encode("utf-16", "surrogatepass")


def test_a_fence_of_code_is_code_whatever_is_in_it() -> None:
    text = "# Use it\n\n```python\nconfig = {\n    'a': 1,\n}\nprint(config)\n```\n"
    assert Syntax.HASH_CODE in {each.syntax for each in cut(text)}


def test_a_log_is_a_log_whoever_printed_it() -> None:
    assert [part.shape for part in parts(f"$ tail -n 24 mail.log\n{LOG}")] == [Shape.LOG]


def test_strings_in_strings_take_linear_time() -> None:
    assert_linear_cuts(cut, '["a\\nb\\nc\\n', '{"a": "\\n\\n\\n', "```\n```json\n", "STDOUT:\n")
    text = COMPOSE
    for _ in range(8):
        text = json.dumps({"output": text})
    assert_tiles(text, cut(text))


SCHEMA = {
    "type": "object",
    "properties": {
        "state": {"type": "string", "description": "Where the order stands. " * 12, "enum": ["open", "paid", "sent"]},
        "amount": {"type": "number", "description": "In cents, without the tax of the country. " * 6},
        "note": {"type": "string", "description": "Shown to nobody but the shop. " * 12},
    },
    "required": ["state", "amount"],
}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_property_of_a_schema_keeps_what_is_required_and_its_values(indent: int | None) -> None:
    text = json.dumps({"openapi": "3.1.0", "components": {"schemas": {"Order": SCHEMA}}}, indent=indent)
    shown = needed(text, cut(text), "Where the order")
    for part in ('"required"', '"enum"', '"state"', '"Order"', '"schemas"'):
        assert part in shown
    assert '"note"' not in shown


def test_an_image_in_a_notebook_is_whole() -> None:
    data = "\n".join(["iVBORw0KGgoAAAANSUhEUgAAAbAAAAEgCAYAAADVKCZpAAAAOXRFWHRTb2Z0d2FyZQBNYXRw"] * 30) + "\n"
    cell = {
        "cell_type": "code",
        "outputs": [{"data": {"image/png": data, "text/plain": ["<Figure>"]}}],
        "source": ["f()"],
    }
    text = json.dumps({"cells": [cell, cell], "nbformat": 4}, indent=1)
    cuts = cut(text)
    start = text.index("iVBOR")
    assert not any(start < each.start < start + len(data) for each in cuts)
