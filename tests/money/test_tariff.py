"""Money: bills add up, shortening never costs more but at one known edge, and prices are those of the price lists."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import NoReturn

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contextprune.errors import SettingsError
from contextprune.money.tariff import (
    FAMILIES,
    MTOK,
    Bill,
    Piece,
    Tariff,
    charge,
    family_of,
    shared,
    tariff_of,
    unpriced,
)

PRICES = st.floats(0, 100)
ANY_TARIFF = st.builds(Tariff, st.just("any"), PRICES, PRICES, PRICES, PRICES, st.integers(0, 4096))
PIECES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3000)), max_size=10)
OPUS = "claude-opus-5-5"


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    """As providers have them: reading costs no more than input, writing no less."""
    read, fresh, write = sorted(draw(st.tuples(PRICES, PRICES, PRICES)))
    return Tariff("drawn", fresh, read, write, least=draw(st.integers(0, 2048)))


@st.composite
def shortened_sessions(draw: st.DrawFn) -> list[tuple[list[Piece], list[Piece]]]:
    """Requests without and with a compressor that turns equal pieces into equal ones, none longer."""
    sizes = draw(st.lists(st.integers(0, 3000), min_size=6, max_size=6))
    shorter = [draw(st.integers(0, size)) for size in sizes]
    sent = draw(st.lists(st.lists(st.integers(0, 5), max_size=8), min_size=1, max_size=3))
    requests = [branch[:end] for branch in sent for end in range(1, len(branch) + 1)]
    return [([(i, sizes[i]) for i in ids], [(f"{i}'", shorter[i]) for i in ids]) for ids in requests]


def bills(requests: Sequence[Sequence[Piece]], tariff: Tariff) -> Iterator[Bill]:
    yield from (charge(previous, current, tariff) for previous, current in pairwise([[], *requests]))


@given(previous=PIECES, current=PIECES, tariff=ANY_TARIFF)
def test_a_bill_has_the_tokens_that_were_sent(previous: list[Piece], current: list[Piece], tariff: Tariff) -> None:
    bill = charge(previous, current, tariff)
    assert bill.tokens == sum(tokens for _, tokens in current)
    assert min(bill.fresh, bill.written, bill.read) >= 0


@given(previous=PIECES, current=PIECES, tariff=ANY_TARIFF)
def test_a_charge_is_never_negative(previous: list[Piece], current: list[Piece], tariff: Tariff) -> None:
    assert charge(previous, current, tariff).dollars(tariff) >= 0


@given(pieces=PIECES, tariff=ANY_TARIFF)
def test_equal_requests_cost_equal_whatever_their_pieces_are_called(pieces: list[Piece], tariff: Tariff) -> None:
    renamed = [(f"piece {name!r} of {tokens}", tokens) for name, tokens in pieces]
    for cut in range(len(pieces) + 1):
        assert charge(pieces[:cut], pieces, tariff) == charge(renamed[:cut], renamed, tariff)


@given(session=shortened_sessions(), tariff=tariffs())
def test_shortening_without_rewriting_costs_more_only_where_the_cache_needs_a_longer_prompt(
    session: list[tuple[list[Piece], list[Piece]]], tariff: Tariff
) -> None:
    before = bills([request for request, _ in session], tariff)
    after = bills([request for _, request in session], tariff)
    for old, new in zip(before, after, strict=True):
        too_short = old.read and not new.read  # what both requests share fell below `least`
        edge = tariff.least * tariff.write / MTOK if too_short else 0.0
        assert new.dollars(tariff) <= old.dollars(tariff) + edge + 1e-9


def test_a_prompt_shrunk_below_the_least_that_is_cached_can_cost_more() -> None:
    tariff = FAMILIES["anthropic"]
    long: list[Piece] = [("system", 1050), ("question", 50)]
    short: list[Piece] = [("system'", 950), ("question", 50)]
    before = charge(long[:1], long, tariff).dollars(tariff)
    after = charge(short[:1], short, tariff).dollars(tariff)
    assert before < after <= tariff.least * tariff.write / MTOK


@given(previous=PIECES, current=PIECES, tariff=tariffs())
@example(previous=[(0, 1000)], current=[(0, 1000), (1, 2000)], tariff=FAMILIES["openai"])
def test_what_is_read_was_sent_before_and_is_long_enough(
    previous: list[Piece], current: list[Piece], tariff: Tariff
) -> None:
    bill = charge(previous, current, tariff)
    assert bill.read <= sum(tokens for _, tokens in previous)
    assert bill.read >= tariff.least or not bill.read


def test_the_beginning_is_read_and_the_rest_is_written() -> None:
    tariff = FAMILIES["anthropic"]
    assert charge([("a", 2000)], [("a", 2000), ("b", 500)], tariff) == Bill(written=500, read=2000)
    assert charge([("a", 2000), ("x", 9)], [("a", 2000), ("b", 500)], tariff) == Bill(written=500, read=2000)
    assert charge([("x", 2000)], [("a", 2000), ("b", 500)], tariff) == Bill(written=2500)
    assert charge([], [("a", 2000)], tariff) == Bill(written=2000)
    assert charge([("a", 500)], [("a", 500), ("b", 500)], tariff) == Bill(fresh=1000)
    assert charge([("a", 500)], [("a", 500), ("b", 600)], tariff) == Bill(written=1100)
    assert charge([], [], tariff) == Bill()


def test_pieces_are_shared_up_to_the_first_that_differs() -> None:
    assert shared([("a", 1), ("b", 2), ("c", 3)], [("a", 1), ("x", 2), ("c", 3)]) == 1
    assert shared([("a", 1)], [("a", 1), ("b", 2)]) == 1
    assert shared([], [("a", 1)]) == 0


def test_bills_add_up() -> None:
    total = Bill(1, 2, 3) + Bill(10, 20, 30)
    assert (total, total.tokens) == (Bill(11, 22, 33), 66)
    assert Bill(10**6, 10**6, 10**6).dollars(Tariff("t", 4.0, 0.2, 5.0)) == pytest.approx(9.2)


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_prices_are_numbers_of_nought_or_more(price: float) -> None:
    with pytest.raises(SettingsError, match="odd"):
        Tariff("odd", 1.0, price, 1.0)


@pytest.mark.parametrize(
    ("model", "fresh", "read", "write", "output", "least"),
    [
        ("claude-opus-5-5", 4.0, 0.2, 5.0, 20.0, 512),
        ("claude-fable-5-1", 10.0, 0.25, 12.5, 50.0, 512),
        ("claude-sonnet-5-5", 2.0, 0.1, 2.5, 10.0, 1024),
        ("claude-opus-4-6", 5.0, 0.5, 6.25, 25.0, 4096),
        ("claude-haiku-4-5", 1.0, 0.1, 1.25, 5.0, 4096),
        ("gpt-5.6", 4.0, 0.4, 5.0, 20.0, 1024),
        ("gpt-5.1", 1.25, 0.125, 1.25, 10.0, 1024),
        ("gpt-4.1", 2.0, 0.5, 2.0, 8.0, 1024),
        ("gpt-4o", 2.5, 1.25, 2.5, 10.0, 1024),
        ("gemini-2.5-pro", 1.25, 0.125, 1.25, 10.0, 4096),
    ],
)
def test_prices_are_those_of_the_price_lists(
    model: str, fresh: float, read: float, write: float, output: float, least: int
) -> None:
    tariff = tariff_of(model)
    assert tariff is not None
    assert (tariff.input, tariff.read, tariff.write, tariff.output, tariff.least) == (fresh, read, write, output, least)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("anthropic/claude-opus-5-5", OPUS),
        ("anthropic/claude-opus-5.5", OPUS),
        ("claude-opus-5.5", OPUS),
        ("Claude-Opus-5-5-20261001", OPUS),
        ("claude-opus-5-5[1m]", OPUS),
        ("litellm/anthropic/claude-opus-5-5", OPUS),
        ("openrouter/anthropic/claude-opus-5.5", "anthropic/claude-opus-5.5"),
        ("vertex_ai/claude-opus-4-6@20260101", "claude-opus-4-6"),
        ("openai/gpt-5.1", "gpt-5.1"),
        ("gpt-5.1-2025-11-13", "gpt-5.1"),
        ("gpt-5.1-20251113", "gpt-5.1"),
        ("azure/gpt-4o", "gpt-4o"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("global.anthropic.claude-opus-4-6-v1", "global.anthropic.claude-opus-4-6-v1:0"),
        ("amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        (
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
    ],
)
def test_a_model_is_found_under_the_names_that_requests_use(asked: str, name: str) -> None:
    tariff = tariff_of(asked)
    assert tariff is not None
    assert tariff.name == name


UNKNOWN = ["", " ", "/", "x/y/z", "no-such-model", "claude-nought", "gpt-4-nine", "<synthetic>", "sonnet", "whisper-0"]


@pytest.mark.parametrize("model", [*UNKNOWN, "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1"])
def test_a_price_is_unknown_rather_than_guessed(model: str) -> None:
    assert tariff_of(model) is None


@given(model=st.text(st.characters(), max_size=30))
def test_no_name_is_too_odd_to_be_looked_up(model: str) -> None:
    tariff = tariff_of(model)
    assert tariff is None or tariff.input >= 0


def test_a_price_without_cache_prices_is_the_input_price() -> None:
    tariff = tariff_of("moonshotai/kimi-k2")
    assert tariff is not None
    assert (tariff.input, tariff.read, tariff.write) == (0.57, 0.57, 0.57)


def test_prices_are_those_of_the_day_asked_for() -> None:
    old, new = tariff_of("gpt-5.6", on=date(2026, 8, 20)), tariff_of("gpt-5.6", on=date(2026, 8, 21))
    assert old is not None
    assert new is not None
    assert (old.input, new.input) == (5.0, 4.0)


@pytest.mark.parametrize("key", ["anthropic/claude-opus-5-5-20261001", "claude-opus-5-5-20261001", OPUS])
def test_prices_given_count_instead_of_the_known_ones(key: str) -> None:
    mine = Tariff("mine", 1.0, 0.5, 1.0)
    assert tariff_of("anthropic/claude-opus-5-5-20261001", {key: mine}) is mine


def test_prices_given_count_for_models_that_nobody_knows() -> None:
    mine = Tariff("mine", 1.0, 0.5, 1.0)
    assert tariff_of("My-Own-7B", {"My-Own-7B": mine}) is mine
    assert tariff_of("local/my-own-7b", {"my-own-7b": mine}) is mine
    assert tariff_of("my-own-8b", {"my-own-7b": mine}) is None


def test_looking_up_a_price_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("something opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert tariff_of("gpt-4o") is not None


def test_prices_are_unknown_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)  # as where it is not installed
    assert tariff_of(OPUS) is None
    assert unpriced(OPUS) == "prices need an extra: pip install 'contextprune-ai[prices]'"


def test_the_reason_for_an_unknown_price_names_the_model() -> None:
    assert unpriced("no-such-model") == "no price for model 'no-such-model'"
    assert unpriced("") == "the request names no model"


def test_importing_the_tariffs_does_not_import_the_price_list() -> None:
    code = "import sys, contextprune.money.tariff; sys.exit('genai_prices' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-fable-5-1", "anthropic-fable"),
        ("claude-fable-5", "anthropic"),
        ("claude-opus-5-5", "anthropic-5.5"),
        ("anthropic/claude-sonnet-5.5", "anthropic-5.5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic"),
        ("claude-haiku-5-5", "anthropic"),
        ("openai/gpt-5.6", "openai-5.6"),
        ("gpt-5.1-2025-11-13", "openai"),
        ("gpt-4o-mini", "openai-4o"),
        ("gemini-2.5-pro", "openai"),
    ],
)
def test_a_family_has_the_relative_prices_of_its_models(model: str, family: str) -> None:
    tariff, relative = tariff_of(model), family_of(model)
    assert tariff is not None
    assert relative.name == family
    assert relative.read == pytest.approx(tariff.read / tariff.input, abs=1e-6)
    assert relative.write == pytest.approx(tariff.write / tariff.input, abs=1e-6)


def test_a_name_that_tells_nothing_gets_the_family_with_the_cheapest_reads_and_dearest_writes() -> None:
    tariff = family_of("no-such-model")
    assert tariff.read == min(family.read for family in FAMILIES.values())
    assert tariff.write == max(family.write for family in FAMILIES.values())


@pytest.mark.parametrize(
    "model", ["gpt-4.1", "o3", "o4-mini", "deepseek-v4-pro", "gemini-4-argon", "amazon.nova-pro-v1:0"]
)
def test_a_family_never_makes_rewriting_look_cheaper_than_it_is(model: str) -> None:
    tariff, relative = tariff_of(model), family_of(model)
    assert tariff is not None
    assert relative.read <= tariff.read / tariff.input
    assert relative.write >= tariff.write / tariff.input


def test_what_enters_the_cache_for_an_hour_has_a_price_of_its_own() -> None:
    tariff = tariff_of("claude-opus-4-6")
    assert tariff is not None
    assert (tariff.write, tariff.hour) == (6.25, 10.0)
    assert Bill(hour=10**6).dollars(tariff) == pytest.approx(10.0)


def test_without_such_a_price_an_hour_costs_as_much_as_the_shortest_time() -> None:
    assert Bill(hour=10**6).dollars(Tariff("t", 4.0, 0.2, 5.0)) == pytest.approx(5.0)


def test_a_request_that_asks_for_an_hour_writes_for_an_hour() -> None:
    bill = charge([("a", 2000)], [("a", 2000), ("b", 500)], FAMILIES["anthropic"], hour=True)
    assert (bill, bill.tokens, bill.entered) == (Bill(read=2000, hour=500), 2500, 500)
