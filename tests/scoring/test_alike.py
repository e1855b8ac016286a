from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from contextprune.context import Context, Kind, Segment, Span
from contextprune.scoring.alike import Alike, compare, weighed
from contextprune.splitting import split
from tests.alike_outputs import OUTPUTS, Output
from tests.growth import assert_linear


def compared(text: str, kind: Kind = Kind.TOOL_RESULT) -> tuple[Sequence[Span], Alike]:
    context = Context((Segment(kind, text, ("r",), name="bash"),))
    spans = split(context)
    return spans, compare(context, spans, [0.0] * len(spans), {0})


def odd(text: str) -> list[str]:
    spans, alike = compared(text)
    return [spans[i].text.strip() for i in sorted(alike.odd)]


LINES = [f"tests/test_shop.py::test_{i} PASSED" for i in range(40)]


@pytest.mark.parametrize("make", OUTPUTS, ids=lambda make: make.__name__)
def test_what_differs_in_the_output_of_a_tool_stands_out(make: Callable[[], Output]) -> None:
    output = make()
    spans, alike = compared(output.text)
    standing_out = "".join(spans[i].text for i in sorted(alike.odd))
    assert all(piece in standing_out for piece in output.stays)


def test_colours_hide_nothing() -> None:
    rows = [f"test_{i} \x1b[32mPASSED\x1b[0m" for i in range(40)]
    rows[3] = "test_3 \x1b[33mXPASS\x1b[0m"
    assert odd("\n".join(rows)) == [rows[3]]


def test_what_differs_stays_with_the_name_of_its_record() -> None:
    pods = [
        {
            "metadata": {"name": f"shop-{i}", "uid": f"{i * 7919:08x}", "labels": {"app": "shop", "tier": "web"}},
            "spec": {"nodeName": f"node-{i}", "containers": [{"image": "shop:2", "args": ["serve"] * 20}]},
            "status": {"phase": "Running" if i != 7 else "Unknown", "conditions": [{"type": "Ready"}] * 9},
        }
        for i in range(12)
    ]
    standing_out = " ".join(odd(json.dumps(pods, indent=2)))
    assert '"phase": "Unknown"' in standing_out
    assert '"name": "shop-7"' in standing_out


@pytest.mark.parametrize(
    ("usual", "odd_record"),
    [
        (
            "W291: trailing blank [style]\n  --> part_{i}.py:{i}:80",
            "S608: SQL by hand [injection]\n  --> part_19.py:19:12",
        ),
        ("plugin: part-{i}\nversion: 1.0.{i}\nstate: current", "plugin: part-19\nversion: 1.0.19\nstate: restart"),
        ("job {i}: done\nran on: node-{i}", "job 19: left queued\nran on: node-19"),
    ],
)
def test_what_stands_out_in_a_report_stays_with_its_record(usual: str, odd_record: str) -> None:
    paragraphs = [usual.format(i=i) for i in range(40)]
    paragraphs[19] = odd_record
    assert odd("\n\n".join(paragraphs)) == [line.strip() for line in odd_record.split("\n")]


def test_a_statement_under_the_head_of_its_record_is_a_line_of_it() -> None:
    rows = [
        f"# Time: 2025-06-10T05:{i}:10Z\n# Query_time: 1.{i}  Rows_sent: 30\nSELECT * FROM ships WHERE id = {i * 7};\n"
        for i in range(10, 40)
    ]
    rows[20] = "# Time: 2025-06-10T05:30:10Z\n# Query_time: 94.2  Rows_sent: 30\nUPDATE berths SET state = 'free';\n"
    head = "mysqld, Version: 8.0.36. started with:\nTime  Id Command  Argument\n"
    assert "UPDATE berths SET state = 'free';" in odd(head + "".join(rows))


def test_documents_are_left_to_the_scorer() -> None:
    assert compared("\n".join([*LINES, "something else"]), Kind.DOCUMENT)[1] == Alike()


def test_where_much_is_odd_little_stands_out() -> None:
    rows = [f"{i} | ok" if i % 10 else f"{i} | {'x' * i}" for i in range(400)]
    spans, alike = compared("\n".join(rows))
    assert sum(len(spans[i].text) for i in alike.odd) <= 0.13 * sum(len(span.text) for span in spans)


def test_what_stands_out_is_worth_more_than_the_usual_span_and_no_more_than_the_best() -> None:
    spans = split(Context((Segment(Kind.TOOL_RESULT, "\n".join(LINES), ("r",)),)))
    scores = [0.4 if i else 0.8 for i in range(len(spans))]
    assert 0.4 < weighed(scores, spans, Alike({5: 0.9}))[5] <= 0.8


def test_a_group_is_worth_a_few_of_its_members_but_for_its_first_and_last() -> None:
    spans, alike = compared("\n".join(LINES))
    scores = weighed([0.5] * len(spans), spans, alike)
    assert scores[0] == scores[-1] == 0.5
    assert sum(scores[1:-1]) < 0.5 * 7


def test_what_a_member_of_a_group_is_scored_above_the_others_stays_its_own() -> None:
    spans, alike = compared("\n".join(LINES))
    scores = [0.1] * len(spans)
    scores[20] = 0.9
    assert weighed(scores, spans, alike)[20] >= 0.8


def test_what_was_named_is_worth_as_much_as_the_best_of_its_block() -> None:
    spans, alike = compared("\n".join(LINES))
    scores = [0.5] * len(spans)
    scores[3] = 0.7
    assert weighed(scores, spans, alike, {20})[20] == 0.7


@pytest.mark.parametrize(
    "unit", ['{"a": 1, "b": [2]}\n', "a | b | c\n", "x 1 done\n", "1c1\n< a\n---\n> b\n", "a\tb\n"]
)
def test_comparing_is_linear(unit: str) -> None:
    def work(context: Context) -> int:
        spans = split(context)
        return len(compare(context, spans, [0.0] * len(spans), {0}).odd)

    def make(size: int) -> Context:
        return Context((Segment(Kind.TOOL_RESULT, unit * size, ("r",)),))

    assert assert_linear(work, make, 1_500) < 1_500
