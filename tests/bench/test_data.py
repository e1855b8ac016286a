"""Facts about where rows come from, and that halves share no document."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from contextprune.bench.data import find_data, find_sets, groups, half_of, load_rows, load_sessions
from contextprune.errors import SettingsError


def raw(number: int, *titles: str, gold: tuple[int, ...] = (0,), **meta: Any) -> dict[str, Any]:
    docs = [{"title": title, "text": f"Text of {title}. It says {number}."} for title in titles]
    evidence = [{"doc": 0, "start": 0, "end": 8}]
    row = {"id": f"r{number}", "question": "What?", "docs": docs, "gold_doc_ids": list(gold), "meta": meta}
    return {**row, "answers": [str(number)], "evidence": evidence}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


@pytest.fixture
def qa(tmp_path: Path) -> Path:
    return write(tmp_path / "train" / "qa_tiny.jsonl.gz", [raw(i, f"article {i % 20}") for i in range(100)])


def test_halves_share_no_group_and_leave_nothing_out_where_rows_have_one_document(qa: Path) -> None:
    dev, test = (load_rows("tiny", qa, None, half) for half in ("dev", "test"))
    titles = [{row.docs[0]["title"] for row in rows} for rows in (dev, test)]
    assert titles[0].isdisjoint(titles[1])
    assert all(titles)
    assert len(dev) + len(test) == 100


def test_a_row_whose_evidence_lies_in_both_halves_is_in_neither(tmp_path: Path) -> None:
    names = {half_of(name): name for name in map(str, range(20))}
    path = write(tmp_path / "qa_two.jsonl.gz", [raw(0, names["dev"], names["test"], gold=(0, 1))])
    assert [len(load_rows("two", path, None, half)) for half in ("dev", "test", "all")] == [0, 0, 1]


def test_distractors_do_not_count_as_a_rows_documents() -> None:
    assert groups(raw(1, "Gold", "Noise")) == {"Gold"}


def test_a_repository_is_one_group_whatever_its_files() -> None:
    assert groups(raw(1, "a.py", repo="org/name")) == groups(raw(2, "b.py", repo="org/name")) == {"org/name"}
    assert groups(raw(1, "a.py", instance="org__name-12")) == {"org__name"}


def test_sessions_of_one_conversation_are_one_group() -> None:
    assert groups({"id": "x", "doc_refs": ["26-s1", "26-s19"], "gold_doc_ids": [1]}) == {"26"}


def test_a_title_that_names_nothing_gives_way_to_the_text() -> None:
    assert groups(raw(1, "table", "paragraph 1", gold=(1,))) == groups(raw(1, "table", "paragraph 1", gold=(0,)))
    assert groups(raw(1, "table")) != groups(raw(2, "table"))


def test_a_smaller_sample_is_the_start_of_a_larger_one(qa: Path) -> None:
    assert load_rows("tiny", qa, 30)[:10] == load_rows("tiny", qa, 10)


def test_a_sample_does_not_depend_on_the_order_of_the_file(qa: Path, tmp_path: Path) -> None:
    rows = [raw(i, f"article {i % 20}") for i in reversed(range(100))]
    assert load_rows("tiny", write(tmp_path / "qa_back.jsonl.gz", rows), 10) == load_rows("tiny", qa, 10)


def test_shared_documents_are_found_in_the_file_beside(tmp_path: Path) -> None:
    row = raw(1)
    del row["docs"]
    path = write(tmp_path / "qa_long.jsonl.gz", [{**row, "doc_refs": ["d2"]}])
    write(tmp_path / "qa_long.docs.jsonl.gz", [{"doc_id": f"d{i}", "title": "", "text": f"long {i}"} for i in (1, 2)])
    (loaded,) = load_rows("long", path, None)
    assert loaded.docs == ({"title": "", "text": "long 2"},)
    assert find_sets(tmp_path, "qa") == {"long": path}


def test_sets_are_found_in_any_folder_and_narrowed_by_name(qa: Path, tmp_path: Path) -> None:
    write(tmp_path / "other" / "qa_more.jsonl.gz", [])
    assert list(find_sets(tmp_path, "qa")) == ["more", "tiny"]
    assert find_sets(tmp_path, "qa", frozenset({"tiny"})) == {"tiny": qa}


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        find_data(tmp_path / "nowhere")


def test_sessions_are_read_with_their_messages(tmp_path: Path) -> None:
    path = write(tmp_path / "traj_x.jsonl.gz", [{"id": "a", "messages": [{"role": "user", "content": "hi"}]}])
    (session,) = load_sessions("x", path, 5)
    assert session.messages == ({"role": "user", "content": "hi"},)


def test_trials_of_one_task_are_one_group_even_where_the_task_is_a_record() -> None:
    trials = [{"id": str(i), "messages": [], "meta": {"task": {"user": "mia", "do": "book"}}} for i in range(2)]
    assert groups(trials[0]) == groups(trials[1])
