from __future__ import annotations

from typing import Any

import pytest

import contextprune as cp
from tests import tool_outputs as outputs
from tests.strategies import ALL_SHAPES, COUNTER, pruner, samples

TEXT = (
    "The parser reads one record at a time and keeps no state between the records that it reads. "
    "A retry waits for two seconds before it connects again, which the operators asked for last year. "
    "The value of max_retries is read from the settings file when the service starts for the first time. "
)
OTHER = "Nothing in this document has anything to do with the question that was asked by the user today. " * 3


@pytest.mark.parametrize("body", samples(), ids=ALL_SHAPES)
def test_the_payload_keeps_its_shape_and_shares_what_did_not_change(body: dict[str, Any]) -> None:
    out = cp.compress(body, cp.Budget(ratio=0.3), pruner=pruner()).payload
    assert out is not body
    assert list(out) == list(body)
    assert out["tools"] is body["tools"] if "tools" in body else True
    key = next(name for name in ("input", "messages", "contents") if name in body)
    assert out[key][0] is body[key][0]


def test_a_bare_list_of_messages_comes_back_as_one() -> None:
    out = cp.compress(samples()[0]["messages"], cp.Budget(ratio=0.3), pruner=pruner()).payload
    assert type(out) is list


def test_a_format_can_be_named() -> None:
    messages = samples()[0]["messages"]
    assert cp.compress({"messages": messages}, format="openai-chat", pruner=pruner()).report.before > 0
    with pytest.raises(cp.PayloadError, match="known formats"):
        cp.compress(messages, format="nothing", pruner=pruner())


def test_the_report_counts_reading_as_a_stage() -> None:
    assert next(iter(cp.compress(samples()[0], pruner=pruner()).report.seconds)) == "read"


def test_a_query_decides_what_stays() -> None:
    lines = "".join(
        f"src/{name}.py:1: this line is about {name}\n" for name in ("alpha", "beta", "gamma", "delta") * 10
    )
    payload = [{"role": "user", "content": "Go."}, {"role": "tool", "tool_call_id": "c", "content": lines}]
    kept = cp.compress(payload, cp.Budget(ratio=0.4), query="gamma", pruner=pruner()).payload[1]["content"]
    assert kept.count("about gamma") >= max(kept.count("about alpha"), kept.count("about delta"))


def test_the_part_of_a_document_that_answers_stays() -> None:
    documents = [cp.Document(OTHER, id="other"), cp.Document(TEXT, id="good")]
    other, good = cp.prune_documents(documents, "max_retries", cp.Budget(ratio=0.25), pruner()).documents
    assert "max_retries" in good.text
    assert "[…]" in good.text
    assert len(other.text) < len(OTHER)
    assert [TEXT[a:b] for a, b in good.kept][-1].startswith("The value of max_retries")


def test_what_two_documents_share_is_kept_once_and_says_so() -> None:
    documents = [cp.Document(TEXT, id="first"), cp.Document(TEXT + OTHER, id="second")]
    got = cp.prune_documents(documents, "max_retries parser retry", cp.Budget(ratio=0.6), pruner())
    first, second = got.documents
    assert first.merged == ("second",)
    assert second.merged == ()
    assert "".join(d.text for d in got.documents).count("max_retries") == 1


def test_documents_without_an_id_are_named_by_their_place() -> None:
    got = cp.prune_documents([cp.Document(TEXT), cp.Document(TEXT + OTHER)], "parser", cp.Budget(ratio=0.6), pruner())
    assert got.documents[0].merged == ("1",)


def test_documents_leave_nothing_in_the_store() -> None:
    engine = pruner()
    cp.prune_documents([cp.Document(TEXT + OTHER)], "parser", cp.Budget(ratio=0.4), engine)
    assert engine.store.get(engine.store.key(TEXT + OTHER)) is None


def test_the_callers_documents_are_never_changed() -> None:
    document = cp.Document(TEXT + OTHER, metadata={"page": 1})
    (got,) = cp.prune_documents([document], "parser", cp.Budget(ratio=0.4), pruner()).documents
    assert document.text == TEXT + OTHER
    assert document.kept == ()
    assert got.metadata is document.metadata


def test_examples_near_the_query_are_chosen_in_the_callers_order() -> None:
    examples = [
        cp.Example(f"What is {word}?", f"{word} it is.") for word in ("addition", "sorting", "parsing", "billing")
    ]
    cost = COUNTER("What is addition?\naddition it is.")
    got = cp.select_examples(examples, "parsing and sorting", cp.Budget(tokens=2 * cost + 4), pruner()).examples
    assert got == [examples[1], examples[2]]


def test_recall_gives_lines_and_matches() -> None:
    engine = pruner()
    log = outputs.log(60, 1)
    payload = [{"role": "tool", "tool_call_id": "c", "content": log}]
    cp.compress(payload, cp.Budget(ratio=0.3), pruner=engine)
    key = engine.store.key(log)
    rows = log.splitlines(keepends=True)
    assert cp.recall(key, pruner=engine) == log
    assert cp.recall(key, lines="2-3", pruner=engine) == "".join(rows[1:3])
    assert cp.recall(key, query="took 70 ms", pruner=engine) == rows[10]
    with pytest.raises(cp.SettingsError, match="counted from 1"):
        cp.recall(key, lines="0", pruner=engine)


def test_recall_of_an_unknown_key_says_so() -> None:
    with pytest.raises(cp.MissingOriginal, match="expired, was evicted"):
        cp.recall("abcdefghijkl", pruner=pruner())


def test_a_text_comes_back_as_a_text() -> None:
    log = "".join(f"10:00:{n % 60:02} GET /v1/items/{n} 200 in {n % 30} ms\n" for n in range(300))
    text = log + "10:05:00 ERROR pool exhausted: no connection left\n" + log
    got = cp.compress(text, cp.Budget(ratio=0.1), query="why did it fail?", pruner=pruner())
    assert "ERROR pool exhausted: no connection left" in got.text
    assert got.report.after <= got.report.before / 10
    assert got.payload is got.text


def test_a_text_that_stays_is_the_same_object() -> None:
    assert cp.compress(text := "short", pruner=pruner()).payload is text


def test_a_text_of_prose_is_a_document_where_there_is_a_question() -> None:
    page = "The weather was fine. Nobody remarked on it. " * 30 + "Keys are rotated in May. " + "Lunch was late. " * 40
    by_kind = cp.compress(page, cp.Budget(ratio=0.2), query="when are keys rotated?", pruner=pruner()).report.by_kind
    assert [kind.value for kind in by_kind] == ["document"]


def test_only_a_text_has_a_text() -> None:
    with pytest.raises(cp.PayloadError, match=r"take `\.payload`"):
        _ = cp.compress([{"role": "user", "content": "x"}], pruner=pruner()).text
