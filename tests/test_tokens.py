"""Counting: the shipped vocabulary agrees with tiktoken, pieces add up, and nothing is slow or downloaded."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.errors import SettingsError
from contextprune.tokens import (
    _LAST_CUT,
    Counter,
    Estimate,
    Tiktoken,
    _chunks,
    _Recent,
    _vocabulary,
    label_of,
    open_counter,
)
from tests.growth import assert_linear
from tests.nightly import NIGHTLY

TIKTOKEN = Tiktoken()
COUNTERS: list[Counter] = [TIKTOKEN, Estimate(), Estimate(3.7)]
CODE = "def f(x):\n    return {'a': x[0], \"b\": it's}\n\n\n  // 12345 snake_case CamelCase\r\n\t…🙂漢字 naïve\n"
TEXTS = st.one_of(
    st.text(st.characters(), max_size=80),
    st.text("aZ9 \n\r\t'/_.(é漢🙂\ud83d\ude42\u0301", max_size=120),
    st.lists(st.sampled_from([CODE, " " * 40, "a" * 40, "'ll", "\n\n"]), max_size=12).map("".join),
)


@st.composite
def cut_texts(draw: st.DrawFn) -> tuple[str, list[int]]:
    text = draw(TEXTS)
    inner = draw(st.lists(st.integers(0, len(text)), max_size=10))
    return text, sorted([*inner, len(text)])


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Load the vocabulary before hypothesis times anything."""
    _vocabulary()


@pytest.mark.parametrize("counter", COUNTERS, ids=lambda c: c.name)
@given(cut=cut_texts())
def test_the_pieces_of_a_text_add_up_to_the_text(counter: Counter, cut: tuple[str, list[int]]) -> None:
    text, ends = cut
    pieces = counter.pieces(text, ends)
    assert len(pieces) == len(ends)
    assert min(pieces) >= 0
    assert sum(pieces) == counter(text)


@given(cut=cut_texts())
def test_a_token_belongs_to_the_piece_in_which_it_starts(cut: tuple[str, list[int]]) -> None:
    text, ends = cut
    vocabulary = _vocabulary()
    starts = [0, *accumulate(vocabulary.lengths[token] for token in vocabulary.encode(_clean(text)))][:-1]
    offsets = [len(_clean(text)[:end].encode()) for end in ends]
    expected = [sum(a <= s < b for s in starts) for a, b in pairwise([0, *offsets])]
    assert TIKTOKEN.pieces(text, ends) == expected


@given(text=TEXTS)
def test_cutting_at_a_true_break_changes_no_count(text: str) -> None:
    encode = _vocabulary().encode
    text = _clean(text)
    for end in range(2, len(text) + 1):
        if found := _LAST_CUT.match(text, end - 2, end):
            cut = found.end()
            assert encode(text[:cut]) + encode(text[cut:]) == encode(text)


@given(text=TEXTS, most=st.integers(1, 50))
def test_chunks_tile_the_text_and_none_is_too_long(text: str, most: int) -> None:
    chunks = list(_chunks(text, most))
    assert "".join(chunks) == text
    assert all(len(chunk) <= most for chunk in chunks)


def test_a_long_text_counts_as_tiktoken_counts_it_whole() -> None:
    text = CODE * 2_000
    assert TIKTOKEN(text) == len(_vocabulary().encode(text))


def test_known_counts_are_reproduced() -> None:
    assert [TIKTOKEN(text) for text in ("", "hello world", "<|endoftext|>", "tiktoken is great!")] == [0, 2, 7, 6]


def test_a_lone_surrogate_is_counted_as_the_replacement_character() -> None:
    assert TIKTOKEN("a\ud800b") == TIKTOKEN("a\ufffdb")


@pytest.mark.parametrize("unit", ["a", " ", "\n", "!", "漢", "\ud800", " \n", "x1"])
def test_a_run_without_breaks_is_counted_in_time_that_grows_with_its_length(unit: str) -> None:
    def counted(text: str) -> int:
        return Tiktoken()(text)  # one that remembers nothing

    assert assert_linear(counted, lambda size: unit * size + "x", 250_000 if NIGHTLY else 50_000) > 0


def test_the_same_text_is_counted_once() -> None:
    counter = Tiktoken()
    text = CODE * 20_000
    counter.pieces(text, [len(text)])
    assert counter._counts.get(text) == TIKTOKEN(text)


@given(sizes=st.lists(st.integers(0, 30), max_size=60))
def test_the_cache_never_outgrows_its_bounds(sizes: list[int]) -> None:
    recent = _Recent(most_texts=8, most_chars=60)
    for index, size in enumerate(sizes):
        recent.put(chr(0x4E00 + index) * size, index)
        kept = [*recent._young, *recent._old]
        assert len(kept) <= 8
        assert sum(map(len, kept)) <= 60


def test_a_text_used_again_and_again_stays_in_the_cache() -> None:
    recent = _Recent(most_texts=4)
    recent.put("often", 1)
    for index in range(50):
        recent.put(str(index), index)
        assert recent.get("often") == 1


def test_counting_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("something opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    _vocabulary.cache_clear()
    assert Tiktoken()("hello world") == 2


def test_importing_the_counters_does_not_import_tiktoken() -> None:
    code = "import sys, contextprune.tokens; sys.exit('tiktoken' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_estimate_says_that_it_is_one() -> None:
    assert Estimate(4.0).label == "estimate: 4.0 characters a token"
    assert Tiktoken().label == "o200k_base (shipped, exact)"


def test_counters_that_count_differently_have_different_names() -> None:
    assert len({counter.name for counter in COUNTERS}) == len(COUNTERS)


def test_the_default_counter_is_exact() -> None:
    assert open_counter().name == open_counter("o200k_base").name == "o200k_base"
    assert open_counter("estimate")("12345") == 2


@pytest.mark.parametrize("open_it", [lambda: open_counter("gpt2"), lambda: Tiktoken("cl100k_base")])
def test_an_unknown_encoding_is_refused_with_the_choices(open_it: Callable[[], Counter]) -> None:
    with pytest.raises(SettingsError, match="o200k_base"):
        open_it()


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_an_estimate_needs_characters_in_a_token(value: float) -> None:
    with pytest.raises(SettingsError, match="characters"):
        Estimate(value)


class Unlabelled:
    """A caller's own counter."""

    name = "words"

    def __call__(self, text: str) -> int:
        return len(text.split())

    def pieces(self, text: str, ends: Sequence[int]) -> list[int]:
        return [self(text[start:end]) for start, end in pairwise([0, *ends])]


@pytest.mark.parametrize(
    ("counter", "label"), [(Tiktoken(), "o200k_base (shipped, exact)"), (Unlabelled(), "words")], ids=["ours", "own"]
)
def test_a_counter_without_a_label_goes_by_its_name(counter: Counter, label: str) -> None:
    assert label_of(counter) == label


def _clean(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def test_a_vocabulary_that_is_not_the_shipped_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contextprune.tokens._SHA256", "0" * 64)
    with pytest.raises(SettingsError, match="is damaged; reinstall contextprune-ai"):
        _vocabulary.__wrapped__()
