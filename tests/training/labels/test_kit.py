"""Facts about halves and groups: the same everywhere, cut by document."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from contextprune.training.labels.kit import groups, half, rng_for, rows, session_groups


def test_a_group_is_always_in_the_same_half_and_an_eighth_of_them_in_dev() -> None:
    names = [str(i) for i in range(2000)]
    share = sum(half([name]) == "dev" for name in names) / len(names)
    assert 0.09 < share < 0.15
    assert half(["Normans"]) == half(["Normans", "Normans"])


def test_groups_in_both_halves_or_none_are_in_neither() -> None:
    by_half = {half([str(i)]): str(i) for i in range(100)}
    assert half([by_half["dev"], by_half["train"]]) is None
    assert half([]) is None


def test_a_repository_is_one_group_and_an_articles_parts_are_one() -> None:
    docs = [{"title": "Israel / Museums", "text": "x"}]
    assert groups({"id": "a", "docs": docs, "gold_doc_ids": [0], "meta": {"repo": "o/r"}}, "code_edit") == ("o/r",)
    assert groups({"id": "a", "docs": docs, "gold_doc_ids": [0]}, "selqa") == ("Israel",)
    assert groups({"id": "a", "docs": docs, "gold_doc_ids": [0]}, "kv") == ("a",)


def test_documents_without_a_name_are_known_by_their_text() -> None:
    row, other = ({"id": "a", "docs": [{"title": "table", "text": text}], "gold_doc_ids": [0]} for text in "xy")
    assert groups(row, "tatqa") != groups(other, "tatqa")


def test_only_gold_documents_count() -> None:
    assert groups({"id": "a", "doc_refs": ["p", "q"], "gold_doc_ids": [1]}, "lihua") == ("q",)


def test_sessions_of_one_customer_are_one_group() -> None:
    messages = [{"role": "user", "content": "Hello"}]
    assert session_groups({"id": "1", "messages": messages, "meta": {"task": {"user_id": "u7"}}}) == ("u7",)
    assert session_groups({"id": "1", "messages": messages, "meta": {}}) == session_groups(
        {"id": "2", "messages": messages}
    )
    assert session_groups({"id": "1", "messages": []}) != session_groups({"id": "2", "messages": []})


def test_sessions_on_one_database_are_one_group() -> None:
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "sql", "arguments": "SHOW TABLES"}}]}
    result = {"role": "tool", "content": "[('singer',), ('song',)]"}
    first, second = ([{"role": "user", "content": text}, call, result] for text in ("How many?", "Who?"))
    assert session_groups({"id": "1", "messages": first}) == session_groups({"id": "2", "messages": second})


def test_rows_get_the_documents_that_they_share(tmp_path: Path) -> None:
    for name, records in (
        ("qa_x.jsonl.gz", [{"id": "1", "doc_refs": ["d"]}, {"id": "2", "docs": []}]),
        ("qa_x.docs.jsonl.gz", [{"doc_id": "d", "title": "T", "text": "long"}]),
    ):
        with gzip.open(tmp_path / name, "wt") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
    assert [row["docs"][0]["text"] for row in rows(tmp_path / "qa_x.jsonl.gz")] == ["long"]


def test_dice_fall_alike_for_the_same_key() -> None:
    assert rng_for(0, "a").random() == rng_for(0, "a").random() != rng_for(1, "a").random()
