from __future__ import annotations

import json
from typing import Any

from contextprune.text.records import names_it, odd_records, pairs_of, settings_of
from tests.growth import assert_linear


def odd(records: list[dict[str, Any]]) -> set[int]:
    return set(odd_records([pairs_of(json.dumps(record)) for record in records]))


def test_a_rare_value_stands_out() -> None:
    records: list[dict[str, Any]] = [{"id": i, "state": "running", "cpu": 4} for i in range(12)]
    records[5]["state"] = "stopped"
    assert odd(records) == {5}


def test_an_absent_value_among_numbers_stands_out() -> None:
    records: list[dict[str, Any]] = [{"id": i, "price": 9.5 + i} for i in range(12)]
    records[7]["price"] = None
    assert odd(records) == {7}


def test_a_key_that_others_lack_stands_out() -> None:
    records: list[dict[str, Any]] = [{"id": i, "zone": f"z{i}"} for i in range(12)]
    records[2]["held"] = {"by": "ops"}
    assert odd(records) == {2}


def test_a_record_that_lacks_a_key_stands_out() -> None:
    records: list[dict[str, Any]] = [{"id": i, "zone": f"z{i}", "owner": f"team {i}"} for i in range(12)]
    del records[10]["owner"]
    assert odd(records) == {10}


def test_nothing_stands_out_of_records_with_values_of_their_own() -> None:
    assert odd([{"id": i, "name": f"n{i * 7}", "on": f"d{i}"} for i in range(30)]) == set()


def test_nothing_stands_out_of_settings_whose_keys_come_once() -> None:
    assert odd([{f"key_{i}": i, f"other_{i}": "x"} for i in range(12)]) == set()


def test_nested_pairs_are_read_with_the_brackets_that_open_them() -> None:
    assert pairs_of('{"a": {"b": [], "c": "x\\"y"}}') == [("a", "{"), ("b", "[]"), ("c", '"x\\"y"')]


def test_a_record_is_called_by_its_name_or_id() -> None:
    assert names_it([("port", "80"), ("InstanceId", '"i-1"')])


def test_a_record_is_not_called_by_what_a_key_opens() -> None:
    assert not names_it([("name", "{"), ("port", "80")])


def test_a_line_of_settings_has_a_key_and_a_value() -> None:
    assert settings_of("  - restart: always\n") == [("restart", "always")]
    assert settings_of("services:\n") == []


def test_reading_pairs_is_linear() -> None:
    def odd_of(text: str) -> dict[int, float]:
        return odd_records([pairs_of(row) for row in text.split("\n")])

    assert assert_linear(odd_of, lambda size: '{"a": 1, "b": "\\"\n' * size, 2_000) == {}
