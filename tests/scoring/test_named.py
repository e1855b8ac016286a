from __future__ import annotations

import json

import pytest

from contextprune.context import Context, Kind, Segment
from contextprune.scoring.named import longest, named
from contextprune.splitting import split


def holding(text: str, goal: str, arguments: str = "{}", results: int = 1) -> str:
    """What of a result stays since it was named."""
    call = Segment(Kind.TOOL_CALL, arguments, ("c",), pair="1")
    others = [Segment(Kind.TOOL_RESULT, "done", ("o", i), pair="0") for i in range(results - 1)]
    context = Context(
        (Segment(Kind.USER, goal, ("u",)), *others, call, Segment(Kind.TOOL_RESULT, text, ("r",), pair="1")), goal
    )
    spans = split(context)
    return "".join(spans[i].text for i in sorted(named(context, spans, {len(context.segments) - 1})))


ORDERS = json.dumps(
    [
        {"id": f"A-{20900 + i}", "street": f"Harbor road {i}", "lines": [{"sku": f"S{i}{k}", "n": 1} for k in range(3)]}
        for i in range(40)
    ],
    indent=1,
)  # fmt: skip
ROWS = "".join(f"{8800 + i},harbor,{i * 3}.20\n" for i in range(80))


def test_the_record_that_the_user_named_stays_whole() -> None:
    record = holding(ORDERS, "Where was order A-20931 sent?")
    assert '"A-20931"' in record
    assert '"Harbor road 31"' in record
    assert '"S312"' in record
    assert "A-20930" not in record


def test_the_record_that_the_call_named_stays() -> None:
    assert '"Harbor road 17"' in holding(ORDERS, "Is it sent?", json.dumps({"order": "A-20917"}))


def test_a_row_that_was_named_stays_alone() -> None:
    assert holding(ROWS, "Why was 8841 refused?") == "8841,harbor,123.20\n"


def test_what_stands_under_a_heading_that_was_named_stays() -> None:
    names = ("Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta")
    page = "# Settings\n\n" + "".join(
        f"## `{n.upper()}_WAIT`\n\n- Seconds that {n} waits.\n- Default: 5.\n\n" for n in names
    )
    section = holding(page, "What is `GAMMA_WAIT`?")
    assert "Seconds that Gamma waits" in section
    assert "Delta" not in section


def test_the_other_fields_of_a_record_that_holds_a_name_stay() -> None:
    rows = "".join(f"-[ RECORD {i} ]-----\nid    | {9000 + i}\nowner | Bo {i}\nberth | C{i}\n" for i in range(40))
    record = holding(rows, "Whose is booking 9017?")
    assert "owner | Bo 17\n" in record
    assert "berth | C17\n" in record
    assert "Bo 18" not in record


def test_the_other_rows_of_a_table_that_holds_a_name_go() -> None:
    table = "ORDER  CITY    SUM\n" + "".join(f"{8800 + i}   Harbor  {i}.20\n" for i in range(60))
    assert "8842" not in holding(table, "Why was 8841 refused?")


def test_the_section_around_a_line_that_was_named_stays() -> None:
    lock = "".join(f'[[package]]\nname = "part-{i}"\nversion = "0.{i}.2"\nsource = "registry"\n\n' for i in range(40))
    section = holding(f"version = 3\n\n{lock}", "Which version of `part-14` is locked?")
    assert 'version = "0.14.2"' in section
    assert 'version = "0.13.2"' not in section


def test_a_name_that_stands_in_many_lines_names_none() -> None:
    assert holding("".join(f"src/tax.py:{i}: rate_{i}\n" for i in range(40)), "What is in src/tax.py?") == ""


def test_of_work_under_way_the_call_names_nothing() -> None:
    assert holding(ORDERS, "Is it sent?", json.dumps({"order": "A-20917"}), results=3) == ""


def test_names_take_a_small_share_of_a_block() -> None:
    rows = "".join(f"row {i}: {'x' * 300}\n" for i in range(4_000, 4_100))
    goal = "Look at " + ", ".join(f"{i}" for i in range(4_000, 4_039))
    assert len(holding(rows, goal)) <= 0.16 * len(rows)


def test_nothing_is_named_without_a_goal() -> None:
    assert holding(ROWS, "") == ""


def test_a_plain_word_of_the_goal_that_few_lines_hold_names_its_record() -> None:
    lock = "".join(f'[[package]]\nname = "part-{i}"\nversion = "0.{i}.2"\nsource = "registry"\n\n' for i in range(40))
    section = holding(lock.replace("part-14", "rudder"), "In which version do we get rudder?")
    assert 'version = "0.14.2"' in section
    assert 'version = "0.13.2"' not in section


def test_a_plain_word_names_the_version_behind_it_too() -> None:
    rows = "".join(f"ii  libpart{i}dev  1.{i}  amd64\n" for i in range(60))
    assert holding(f"{rows}ii  libcurl4  7.88  amd64\n", "Which libcurl is there?") == "ii  libcurl4  7.88  amd64\n"


def test_a_plain_word_that_many_lines_hold_names_none() -> None:
    assert holding("".join(f"invoice {i} paid\n" for i in range(60)), "Was any invoice refused?") == ""


def test_in_a_short_result_no_word_is_rare() -> None:
    assert holding("".join(f"line {i}\n" for i in range(9)) + "rudder 4\n", "Which rudder?") == ""


def test_of_work_under_way_plain_words_name_nothing() -> None:
    assert holding(ROWS + "rudder,4,1.20\n", "Which rudder?", results=3) == ""


def slowest(text: str, goal: str) -> str:
    context = Context((Segment(Kind.USER, goal, ("u",)), Segment(Kind.TOOL_RESULT, text, ("r",))), goal)
    spans = split(context)
    return "".join(spans[i].text for i in sorted(longest(context, spans, {1})))


UNITS = "".join(f"{i * 7 + 20}ms unit-{i}.service\n" for i in range(20)) + "64.018s wait-online.service\n"


def test_where_it_is_asked_what_is_slow_the_longest_times_stay() -> None:
    assert slowest(UNITS, "Why is the boot so slow?") == "64.018s wait-online.service\n"


def test_where_nobody_asks_for_times_none_stays() -> None:
    assert slowest(UNITS, "Which units are there?") == ""


@pytest.mark.parametrize(
    "block",
    [
        "backend {name} {{\n    server 10.0.0.{i}:80;\n    keepalive {i};\n}}\n",
        'resource "volume" "{name}" {{\n  size = {i}\n  zone = "b"\n}}\n',
        "function {name}(x) {{\n  return x * {i};\n}}\n",
    ],
)
def test_code_that_holds_a_name_stays_where_one_result_is_read(block: str) -> None:
    text = "".join(block.format(name=f"pier{i}", i=i) for i in range(30, 60))
    assert "pier47" in holding(text, "What is set for pier47?")


def test_of_work_under_way_code_that_holds_a_name_is_for_the_views_of_files_to_keep() -> None:
    text = "".join(f"function pier{i}(x) {{\n  return x * {i};\n}}\n" for i in range(30, 60))
    assert not holding(text, "What is set for pier47?", results=2)
