"""Examples: whole, under the budget, in their order, and the very dicts that were given."""

from __future__ import annotations

import contextprune as cp
import pytest
from agents import engine
from langchain_core.prompts import FewShotPromptTemplate, PromptTemplate

from langchain_contextprune import ContextPruneExampleSelector

ROWS = [
    {"question": "Where is my card?", "intent": "card_arrival"},
    {"question": "My card has not arrived yet, when will it come?", "intent": "card_arrival"},
    {"question": "How do I change my PIN?", "intent": "change_pin"},
    {"question": "What is the exchange rate for euros?", "intent": "exchange_rate"},
    {"question": "Somebody stole my phone", "intent": "lost_phone"},
]


def selector(tokens: int = 25) -> ContextPruneExampleSelector:
    return ContextPruneExampleSelector(ROWS, tokens, input_keys=["question"], pruner=engine())


def test_near_ones_are_chosen_whole_and_in_their_order() -> None:
    got = selector().select_examples({"question": "When will my new card arrive?"})
    assert ROWS[1] in got
    assert len(got) < len(ROWS)
    assert got == [row for row in ROWS if row in got]


def test_they_fit_under_the_budget() -> None:
    pruner = engine()
    got = selector(20).select_examples({"question": "change my PIN"})
    assert ROWS[2] in got
    assert sum(pruner.counter("\n".join(row.values())) for row in got) <= 20


def test_one_that_is_added_can_be_chosen() -> None:
    one = selector()
    assert one.add_example({"question": "Unicorns?", "intent": "unicorn"}) == len(ROWS)
    assert {"question": "Unicorns?", "intent": "unicorn"} in one.select_examples({"question": "unicorns"})


def test_one_without_its_key_is_refused() -> None:
    with pytest.raises(ValueError, match="question"):
        selector().add_example({"intent": "x"})


async def test_asynchronously_the_same() -> None:
    asked = {"question": "my PIN"}
    assert await selector().aselect_examples(asked) == selector().select_examples(asked)
    assert await selector().aadd_example({"question": "q", "intent": "i"}) == len(ROWS)


def test_it_works_in_a_prompt() -> None:
    prompt = FewShotPromptTemplate(
        example_selector=ContextPruneExampleSelector(ROWS, cp.Budget(ratio=0.4), pruner=engine()),
        example_prompt=PromptTemplate.from_template("{question} -> {intent}"),
        suffix="{question} ->",
        input_variables=["question"],
    )
    text = prompt.format(question="How can I change the PIN of my card?")
    assert "change_pin" in text
    assert text.endswith("of my card? ->")
