from __future__ import annotations

from contextprune.bench.field.cases import Case
from contextprune.bench.field.measure import Remains, compressing, error_lines, is_torn, judge

BLOB = "".join(chr(97 + i * 7 % 26) for i in range(400))
TEXT = "".join(f"step {i} of the night shift is done\n" for i in range(200)) + "error: lamp 7 is out\n" + BLOB


def a_case(*needs: str, unbroken: tuple[str, ...] = (), text: str = TEXT, valid_json: bool = False) -> Case:
    call = "bash", '{"command": "lamp list"}'
    return Case(
        "lights", "household", "lamp", "written", "Which lamp is out?", *call, text, needs, unbroken, valid_json
    )


def test_a_case_passes_where_all_needs_stay() -> None:
    result = judge(a_case("error: lamp 7 is out"), "ours", compressing("lexical"), 0.3)
    assert result.passed
    assert 0 < result.share <= 0.31
    assert result.mode == "30%"


def test_a_need_that_only_a_marker_names_is_missing() -> None:
    def marked(_: Case, __: float | None) -> Remains:
        return Remains("[200 lines cut, recall=abcdefghijkl | lamp 7]\n", 0.1)

    assert judge(a_case("lamp 7"), "ours", marked, None).missing == ("lamp 7",)


def test_half_of_what_must_stay_whole_is_torn() -> None:
    def half(case: Case, _: float | None) -> Remains:
        return Remains(case.text[:-200], 0.5)

    result = judge(a_case("error: lamp 7 is out", unbroken=(BLOB,)), "ours", half, None)
    assert not result.passed
    assert result.faults[0].startswith("torn")


def test_all_or_nothing_is_not_torn() -> None:
    assert not is_torn(BLOB, TEXT)
    assert not is_torn(BLOB, TEXT[:-400])


def test_json_that_must_stay_valid_is_parsed() -> None:
    def broken(_: Case, __: float | None) -> Remains:
        return Remains('{"a": 1,', 0.1)

    assert "no valid JSON" in judge(a_case("1", text='{"a": 1}', valid_json=True), "ours", broken, None).faults


def test_more_than_the_budget_is_a_fault() -> None:
    def everything(case: Case, _: float | None) -> Remains:
        return Remains(case.text, 1.0)

    assert not judge(a_case("error: lamp 7 is out"), "ours", everything, 0.3).passed


def test_the_script_has_a_share_of_its_own_on_arrival() -> None:
    remains = error_lines(a_case("error: lamp 7 is out"), None)
    assert 0.3 < remains.share <= 0.46
