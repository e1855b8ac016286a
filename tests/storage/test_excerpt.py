"""The part of an original that is asked for: verbatim, bounded, and with a way to all that was left off."""

from __future__ import annotations

import csv
import io
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextprune.errors import MissingOriginal, SettingsError
from contextprune.storage.excerpt import MOST_TOKENS, Excerpt, estimated, excerpt
from contextprune.storage.scope import Scope
from tests.growth import assert_linear

TEXTS = st.text(st.characters(), max_size=200)
TEXT = "alpha one\nBeta two\r\x0bstill two\ngamma three\n\ndelta ONE"
ROWS = [
    {"id": n, "status": "failed" if n == 170 else "ok", "note": f"order {n} of a customer, packed"} for n in range(400)
]


def recalled(text: str, **places: str) -> str:
    return excerpt(text, Scope(**places), None).text


@pytest.mark.parametrize(
    ("query", "lines", "expected"),
    [
        (None, None, TEXT),
        (None, "1", "alpha one\n"),
        (None, "2", "Beta two\r\x0bstill two\n"),
        (None, "1-2, 5", "alpha one\nBeta two\r\x0bstill two\n…\ndelta ONE"),
        (None, "5,1-2,2-3", "alpha one\nBeta two\r\x0bstill two\ngamma three\n…\ndelta ONE"),
        (None, "3-999999999", "gamma three\n\ndelta ONE"),
        (None, "77", ""),
        ("one", None, "alpha one\n…\ndelta ONE"),
        ("two BETA", None, "Beta two\r\x0bstill two\n"),
        ("absent", None, ""),
        ("one", "3-5", "delta ONE"),
        ("  ", None, TEXT),
    ],
)
def test_recall_gives_the_part_asked_for(query: str | None, lines: str | None, expected: str) -> None:
    assert excerpt(TEXT, Scope(query=query, lines=lines), None).text == expected


@given(text=TEXTS)
def test_all_the_lines_are_the_text(text: str) -> None:
    assert recalled(text, lines="1-999999999") == text
    assert recalled(text, query="") == text


def followed(text: str, scope: Scope, max_tokens: int) -> list[Excerpt]:
    """The answers to a question and to what each of them says to ask next."""
    answers = [excerpt(text, scope, max_tokens)]
    while answers[-1].remainder is not None:
        answers.append(excerpt(text, answers[-1].remainder, max_tokens))
        assert len(answers) <= len(text) + 1
    return answers


def shown(answers: list[Excerpt]) -> list[tuple[int, int]]:
    return [place for answer in answers for place in answer.ranges]


def table(count: int) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([["id", "name", "note"], *([n, f'a "{n}"', f"two\nlines, {n}"] for n in range(count))])
    return out.getvalue()


ORIGINALS = {
    "minified JSON": json.dumps(ROWS, separators=(",", ":")),
    "indented JSON": json.dumps({"items": ROWS}, indent=1),
    "a line without a break": "x" * 9000,
    "CSV with quotes": table(200),
    "CR LF": "a line of a log\r\n" * 900,
    "empty": "",
    "one line": "nothing",
    "surrogates": "half \ud83d a pair " * 500,
    "blanks": " " * 20_000 + "\n" * 9000,
    "signs of four bytes": "🙂🚀" * 2000,
}


@pytest.mark.parametrize("text", ORIGINALS.values(), ids=ORIGINALS)
@pytest.mark.parametrize("max_tokens", [150, 1000])
def test_whoever_follows_the_last_lines_reads_every_character_once(text: str, max_tokens: int) -> None:
    answers = followed(text, Scope(), max_tokens)
    assert "".join(text[start:end] for start, end in shown(answers)) == text
    assert "".join(answer.text for answer in answers) == text
    assert all(estimated(str(answer)) <= max_tokens for answer in answers)
    assert all("more characters: ask with" in answer.note for answer in answers[:-1])


@settings(max_examples=40)
@given(text=TEXTS, max_tokens=st.integers(1, 60))
def test_any_text_can_be_read_by_following_the_last_lines(text: str, max_tokens: int) -> None:
    assert "".join(answer.text for answer in followed(text, Scope(), max_tokens)) == text


@settings(max_examples=40)
@given(
    text=st.text(st.sampled_from('ab \n,"{}[]:1'), max_size=120),
    query=st.sampled_from(["a", "b a", "1"]),
    lines=st.none() | st.sampled_from(["1", "2-3", "1,3-5"]),
    max_tokens=st.integers(1, 40),
)
def test_what_is_left_off_a_query_is_reached_as_well(text: str, query: str, lines: str | None, max_tokens: int) -> None:
    scope = Scope(query=query, lines=lines)
    parts = shown(followed(text, scope, max_tokens))
    wanted = excerpt(text, scope, None).ranges
    assert [i for start, end in parts for i in range(start, end)] == [
        i for start, end in wanted for i in range(start, end)
    ]


def test_one_line_of_two_megabytes_is_read_to_its_end_in_bounded_parts() -> None:
    dice = random.Random(1)
    text = "".join(dice.choices("abcdefgh ,0123456789", k=2_000_000))
    answers = followed(text, Scope(), 100_000)
    assert "".join(answer.text for answer in answers) == text
    last = excerpt(text, Scope(chars="1999990-2000000"))
    assert (last.text, last.note) == (text[-11:], "")


@pytest.mark.parametrize("text", [TEXT, ORIGINALS["minified JSON"]])
@pytest.mark.parametrize(("chars", "start", "end"), [("1", 0, 1), ("3-7", 2, 7), ("40-9000000000", 39, None)])
def test_characters_are_counted_from_1_with_their_ends(text: str, chars: str, start: int, end: int | None) -> None:
    assert excerpt(text, Scope(chars=chars), None).text == text[start:end]


@pytest.mark.parametrize("form", [{}, {"indent": 2}, {"separators": (",", ":")}])
@pytest.mark.parametrize(
    "wrap", [lambda rows: rows, lambda rows: {"next": None, "data": {"total": 400, "items": rows}}]
)
def test_rows_are_the_elements_of_the_longest_list(form: dict[str, object], wrap: object) -> None:
    text = json.dumps(wrap(ROWS), **form)  # type: ignore[operator, arg-type]
    answer = excerpt(text, Scope(rows="2-3"))
    assert [json.loads(text[start:end]) for start, end in answer.ranges] == ROWS[1:3]


def test_rows_are_records_of_a_table_with_its_head_as_the_first() -> None:
    read = list(csv.reader(io.StringIO(recalled(table(50), rows="1,7"))))
    assert read == [["id", "name", "note"], ["…"], ["5", 'a "5"', "two\nlines, 5"]]


def test_rows_are_the_values_of_json_lines_and_lines_where_nothing_else_is() -> None:
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    assert json.loads(recalled(lines, rows="171")) == ROWS[170]
    assert json.loads(recalled(lines, path="[170].note")) == ROWS[170]["note"]
    assert recalled(TEXT, rows="3") == "gamma three\n"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("items[17].id", 17),
        ("$.items[170].status", "failed"),
        (".items[-1].id", 399),
        ("items[3]", ROWS[3]),
        ('["a.b"]["c\\"d"]', [1, {"e": None}]),
        ("['a.b'].c\"d[1].e", None),
        ("twice", 2),
        ("", {"items": ROWS, "a.b": {'c"d': [1, {"e": None}]}, "twice": 2}),
    ],
)
@pytest.mark.parametrize("before", ["", " \n", "Two results:\n"])
def test_a_path_leads_to_its_value(path: str, value: object, before: str) -> None:
    body = json.dumps({"items": ROWS, "a.b": {'c"d': [1, {"e": None}]}, "twice": 1})
    text = before + body[:-1] + ', "twice": 2}'
    assert json.loads(recalled(text, path=path)) == value


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("items[400]", "it has the items 0 to 399"),
        ("items[2].stat", r"in \$\.items\[2\]: it has id, status, note"),
        ("items[2].id.x", "which has no members"),
        ("items[", "a path is written like"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_there_is(path: str, error: str) -> None:
    with pytest.raises(SettingsError, match=error):
        recalled(json.dumps({"items": ROWS}), path=path)


def test_a_path_into_what_is_no_json_is_refused_with_what_to_ask_instead() -> None:
    for text in (TEXT, "[INFO] started\n", "[" * 100_000):
        with pytest.raises(SettingsError, match="is no JSON, so it has no path: ask with lines, chars or query"):
            recalled(text, path="a")


def test_a_query_of_one_line_gives_the_elements_that_hold_all_words() -> None:
    for text in (json.dumps(ROWS), json.dumps({"total": 400, "data": {"items": ROWS}}, separators=(",", ":"))):
        answer = excerpt(text, Scope(query="170 FAILED"))
        assert '"status"' in answer.text
        assert len(answer.text) < 600
        assert json.dumps(ROWS[170])[1:15].replace(" ", "") in answer.text.replace(" ", "")


def test_a_query_of_one_long_line_that_is_no_json_gives_what_is_around_the_words() -> None:
    words = [f"word{n}" for n in range(5000)]
    answer = excerpt(" ".join(words), Scope(query="word2500"))
    assert "word2499 word2500 word2501" in answer.text
    assert len(answer.text) < 600
    folding = "İß " * 3000 + "the needle " + "İß " * 3000  # letters that have another length in lower case
    assert "the needle" in excerpt(folding, Scope(query="NEEDLE")).text


def test_rows_that_hold_the_words_are_elements_too() -> None:
    answer = excerpt(json.dumps(ROWS), Scope(rows="100-300", query="failed"))
    assert json.loads(answer.text) == ROWS[170]


def test_places_narrow_one_another() -> None:
    text = json.dumps({"a": ["x one", "y two"], "b": ["x three"]})
    assert recalled(text, path="a", rows="2") == '"y two"'
    assert recalled(text, path="a", query="two", chars="1-18") == text[6:18]
    assert recalled(TEXT, lines="2-3", chars="11-14") == "Beta"
    assert recalled(TEXT, lines="1", chars="11-14") == ""


@pytest.mark.parametrize(
    ("text", "scope", "note"),
    [
        (TEXT, Scope(query="absent"), "No part of the original matches. It has 5 lines and 52 characters."),
        ("one", Scope(lines="2"), "No part of the original matches. It has 1 line and 3 characters."),
        ("", Scope(), "The original is empty."),
    ],
)
def test_an_answer_of_nothing_says_so(text: str, scope: Scope, note: str) -> None:
    answer = excerpt(text, scope)
    assert (answer.text, answer.note, answer.remainder, str(answer)) == ("", note, None, note)


def test_the_last_line_names_lines_where_whole_lines_are_left_and_characters_else() -> None:
    lines = excerpt("a line of a log\n" * 3000, Scope(), 1000)
    assert lines.note.endswith(' more characters: ask with lines="172-3000"]')
    characters = excerpt(ORIGINALS["minified JSON"], Scope(path="[3]"), 10)
    assert characters.remainder is not None
    assert list(characters.remainder.arguments()) == ["chars"]
    query = excerpt("a line of a log\nanother\n" * 3000, Scope(query="log"), 1000)
    assert query.remainder is not None
    assert query.remainder.arguments()["query"] == "log"
    assert str(query).endswith(query.note)


@pytest.mark.parametrize("lines", ["", "0", "0-3", "5-2", "a", "1-", "-3", "1,,2", "1.5"])
@pytest.mark.parametrize("name", ["lines", "chars", "rows"])
def test_places_that_are_no_numbers_are_refused(name: str, lines: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} are counted from 1"):
        recalled(TEXT, **{name: lines})


def test_a_query_of_thousands_of_words_costs_no_more_than_a_few() -> None:
    words = " ".join(f"w{n}" for n in range(4000))
    answer = assert_linear(lambda count: excerpt(words * 8, Scope(query=" ".join(words.split()[:count]))), int, 1000)
    assert "[only the first 64 of 4,000 words were looked for]" in answer.note


@pytest.mark.parametrize("piece", ["[", '{"a":', '"', ',"', "[1,", '[{"a":"w', ',"",', ',"x""', "w,1 ", "[\n"])
@pytest.mark.parametrize("scope", [Scope(rows="1"), Scope(query="w 1"), Scope(path="a[0]"), Scope(rows="2", query="a")])
def test_no_text_costs_more_than_its_length_allows(piece: str, scope: Scope) -> None:
    def ask(text: str) -> int:
        try:
            return len(excerpt(text, scope).text)
        except SettingsError as exc:
            return -len(str(exc))

    assert assert_linear(ask, lambda count: piece * count, 2000) < 30_000


def test_a_key_that_is_unknown_is_one_sentence_for_a_model() -> None:
    text = MissingOriginal("aaaaaaaaaaaa").for_model
    assert text == "No original is kept under the key 'aaaaaaaaaaaa': do not ask again, get the text another way."


def test_an_answer_has_8000_tokens_unless_said() -> None:
    answer = excerpt("a line of a log\n" * 9000, Scope())
    assert 0.9 * MOST_TOKENS < estimated(str(answer)) <= MOST_TOKENS
