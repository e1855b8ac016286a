from __future__ import annotations

import pytest

from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.splitting import split
from contextprune.text.reports import periods, records_of_report
from tests.growth import assert_linear


def records(text: str) -> list[str]:
    spans = split(Context((Segment(Kind.TOOL_RESULT, text, ("r",), name="bash"),)))
    ranges = dict.fromkeys(records_of_report(spans, range(len(spans))).values())
    return ["".join(_texts(spans, record)).strip() for record in ranges]


def _texts(spans: list[Span], record: range) -> list[str]:
    return [spans[i].text for i in record]


FINDINGS = [
    f"UnusedMember {word}_{i} [unused]\n  at: src/{word}.kt:{i + 3}:9\n  debt: 5min"
    for i, word in enumerate(("alder", "birch", "cedar", "elm", "fir"))
]


@pytest.mark.parametrize("between", ["\n\n", "\n\n\n", f"\n{'-' * 40}\n", f"\n\n{'=' * 60}\n"])
def test_paragraphs_between_blank_lines_or_rules_are_records(between: str) -> None:
    assert [record.splitlines()[:3] for record in records(between.join(FINDINGS))] == [
        finding.splitlines() for finding in FINDINGS
    ]


def test_a_titled_rule_opens_a_record() -> None:
    rows = [f"-[ RECORD {i} ]-------\nid   | {i}\nname | n{i}" for i in range(6)]
    assert records("\n".join(rows)) == rows


def test_tables_of_toml_are_records() -> None:
    tables = [f'[[crate]]\nname = "c{i}"\nversion = "1.{i}"' for i in range(6)]
    assert records("\n\n".join(tables)) == tables


def test_a_log_without_paragraphs_has_no_records() -> None:
    assert records("\n".join(f"2025-01-01 10:00:{i:02} INFO round {i}" for i in range(40))) == []


def test_a_log_with_a_few_paragraphs_has_no_records() -> None:
    lines = [f"step {i} of the long way" for i in range(60)]
    assert records("\n".join([*lines, "", "a", "b", "", "c", "d", *lines])) == []


def test_long_sections_are_no_records() -> None:
    sections = ["\n".join(f"section {k} line {i}" for i in range(30)) for k in range(6)]
    assert records("\n\n".join(sections)) == []


def test_reading_records_is_linear() -> None:
    def cut(size: int) -> list[Span]:
        return split(Context((Segment(Kind.TOOL_RESULT, "a\nb\n\n" * size, ("r",), name="bash"),)))

    assert_linear(lambda spans: records_of_report(spans, range(len(spans))), cut, 2_000)


def test_a_line_of_dashes_is_read_in_linear_time() -> None:
    def cut(size: int) -> list[Span]:
        text = "-" * size
        return [Span(0, 0, size, Unit.LINE, f"-[ {text}\n{text} \nx\n")] * 4

    assert_linear(lambda spans: records_of_report(spans, range(4)), cut, 20_000)


VCARDS = [line for i in range(9) for line in ("BEGIN", "N", f"TEL {i}", "END")]
SMART_DRIVES = [line for i in range(9) for line in ("Drive", "Serial", "Hours", *(["Notes"] if i % 3 else []))]


@pytest.mark.parametrize(("forms", "records"), [(VCARDS, 9), (SMART_DRIVES, 8)], ids=["vcf", "drives"])
def test_a_form_that_comes_again_and_again_opens_records(forms: list[str], records: int) -> None:
    assert len([record for record in periods(forms) if forms[record[0]] == forms[0]]) >= records


@pytest.mark.parametrize(
    "forms",
    [
        ["PASSED"] * 90,
        [f"form {i}" for i in range(90)],
        [f"form {i * i % 7} {i % 4 * (i % 9)}" for i in range(90)],
        ["=", *(f"form {i}" for i in range(14))] * 2,
    ],
    ids=["alike", "distinct", "mixed", "few"],
)
def test_lines_without_a_period_are_no_records(forms: list[str]) -> None:
    assert periods(forms) == []


@pytest.mark.parametrize("unit", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
def test_looking_for_periods_is_linear(unit: list[str]) -> None:
    assert_linear(periods, lambda size: unit * size, 2_000)
