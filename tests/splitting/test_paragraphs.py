from __future__ import annotations

from contextprune.splitting.logs import cut_log
from contextprune.splitting.paragraphs import paragraph_heads
from tests.splitting.tiling import assert_linear_cuts, assert_tiles

RECORDS = "".join(f"-[ RECORD {i} ]-----\nid    | {i}\nowner | Bo {i}\nberth | C{i}\n" for i in range(1, 8))
FINDINGS = "".join(f"door.sh:{i}: unquoted word\nrm $old\n   ^--^ quote it\n\n" for i in range(8))
MYSQL = "".join(
    f"*************************** {i}. row ***************************\n   id: {i}\nname: x\n" for i in range(8)
)


def heads_of(text: str) -> dict[int, int]:
    return paragraph_heads(text.split("\n"))


def test_fields_of_a_record_need_the_rule_that_numbers_it() -> None:
    assert [heads_of(RECORDS)[row] for row in (1, 2, 3, 5)] == [0, 0, 0, 4]


def test_lines_of_a_finding_need_its_first() -> None:
    assert heads_of(FINDINGS)[5] == 4


def test_rows_of_another_database_are_records_too() -> None:
    assert heads_of(MYSQL)[2] == 0


def test_output_that_is_one_long_paragraph_has_no_records() -> None:
    assert heads_of("".join(f"step {i} done\n" for i in range(100))) == {}


def test_a_few_paragraphs_in_a_long_log_are_no_records() -> None:
    assert heads_of("".join(f"step {i} done\n" for i in range(100)) + "\na\nb\n\nc\nd\n\ne\nf\n\ng\nh\n") == {}


def test_lines_without_a_second_are_no_records() -> None:
    assert heads_of("one\n\ntwo\n\nthree\n\nfour\n\nfive\n") == {}


def test_the_cuts_of_a_log_are_anchored_to_the_head_of_their_record() -> None:
    cuts = cut_log(FINDINGS)
    assert_tiles(FINDINGS, cuts)
    second = next(i for i, cut in enumerate(cuts) if FINDINGS.startswith("door.sh:1:", cut.start))
    assert cuts[second + 1].anchors == (second,)


def test_records_are_found_in_linear_time() -> None:
    assert_linear_cuts(cut_log, "-[ a ]-----\nid | 1\n-[ -[ -[ \n\n")
