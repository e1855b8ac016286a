"""In-context examples for `FewShotPromptTemplate`: whole, close to the input, unlike one another, under a budget."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import contextprune as cp
from langchain_core.example_selectors import BaseExampleSelector

from langchain_contextprune.budgets import as_budget
from langchain_contextprune.engines import built
from langchain_contextprune.failures import TellsFailures

_log = logging.getLogger(__name__)

_CHARACTERS = 4  # of a token, where nothing counts them


class ContextPruneExampleSelector(TellsFailures, BaseExampleSelector):
    """Chooses examples under a budget of tokens; they keep their order, so that a prompt's beginning stays the same.

    Tokens are those of the examples' values, without what the template puts around them. Where something fails, the
    first examples that fit are taken; `failures` counts that, and `reason` says why.

    Args:
        examples: Dicts, as the prompt template takes them.
        budget: A `contextprune.Budget`, or a number of tokens.
        input_keys: Keys of an example that hold what was asked; the others hold the answer. None: all but the last.
        pruner: One for everything that shares a scorer.

    Raises:
        ValueError: An example lacks an input key, or the budget leaves nothing.
    """

    def __init__(
        self,
        examples: Sequence[Mapping[str, Any]] = (),
        budget: cp.Budget | int = 1000,
        *,
        input_keys: Sequence[str] | None = None,
        pruner: cp.Pruner | None = None,
    ) -> None:
        budget = cp.Budget(tokens=budget) if isinstance(budget, int) else budget
        self.budget = as_budget(budget) or cp.Budget(tokens=1000)
        self.pruner = pruner or built()
        self._fail_open = cp.FailOpen(_log)
        self._input_keys = None if input_keys is None else tuple(input_keys)
        self.examples: list[dict[str, Any]] = []
        for example in examples:
            self.add_example(dict(example))

    def add_example(self, example: dict[str, str]) -> int:
        """Add one at the end, and say at which place it stands. Raises ValueError where an input key is missing."""
        missing = [key for key in self._input_keys or () if key not in example]
        if missing or not example:
            raise ValueError(f"an example needs the keys {list(self._input_keys or ['any'])}, not {list(example)}")
        self.examples = [*self.examples, example]  # a selection under way keeps the list that it began with
        return len(self.examples) - 1

    def select_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """Choose for an input: the very dicts that were given, in their order."""
        examples = self.examples
        read = [self._example(example, i) for i, example in enumerate(examples)]

        def chosen() -> list[dict[str, Any]]:
            picked = cp.select_examples(read, self._query(input_variables), self.budget, self.pruner)
            return [examples[int(example.id or 0)] for example in picked.examples]

        return self._fail_open("the first examples that fit are taken", chosen, None) or self._first(examples, read)

    async def aselect_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """As `select_examples`; the work is done in a thread."""
        return await asyncio.to_thread(self.select_examples, input_variables)

    def _first(self, examples: Sequence[dict[str, Any]], read: Sequence[cp.Example]) -> list[dict[str, Any]]:
        """The first examples that fit, by a rule of thumb."""
        sizes = [(len(example.input) + len(example.output)) // _CHARACTERS + 1 for example in read]
        room, first = self.budget.resolve(sum(sizes)), []
        for example, size in zip(examples, sizes, strict=True):
            room -= size
            if room < 0:
                break
            first.append(example)
        return first

    def _example(self, example: Mapping[str, Any], index: int) -> cp.Example:
        keys = self._input_keys or tuple(example)[:-1] or tuple(example)
        asked = "\n".join(str(example[key]) for key in keys)
        told = "\n".join(str(value) for key, value in example.items() if key not in keys)
        return cp.Example(input=asked, output=told, id=str(index))

    def _query(self, variables: Mapping[str, str]) -> str:
        keys = [key for key in self._input_keys or () if key in variables] or list(variables)
        return "\n".join(str(variables[key]) for key in keys)
