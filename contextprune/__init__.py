"""The face of contextprune: everything that users call, and nothing else.

A name is imported when it is first used, so that a process which only relays requests never loads the engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from contextprune._version import __version__

if TYPE_CHECKING:
    from contextprune.api import (
        Compressed,
        PrunedDocuments,
        Selected,
        compress,
        prune_documents,
        recall,
        select_examples,
    )
    from contextprune.context import Context, Document, Example, Kind, Segment, Span, Syntax, Unit
    from contextprune.errors import (
        BudgetError,
        ContextPruneError,
        MissingExtra,
        MissingOriginal,
        PayloadError,
        ScorerError,
        SettingsError,
        StoreError,
    )
    from contextprune.fail_open import FailOpen
    from contextprune.money.cost import Cost, Session
    from contextprune.money.tariff import Tariff
    from contextprune.plan import Action, Decision, Plan
    from contextprune.policy import Budget, Policy, Rule
    from contextprune.pruner import Pruner
    from contextprune.report import Report
    from contextprune.scoring import Blend, Lexical, Scorer, Signals, load_scorer
    from contextprune.storage.sqlite import SQLiteStore
    from contextprune.storage.store import MemoryStore, Store
    from contextprune.tokens import Counter, Estimate, Tiktoken

_HOMES = {
    "api": "Compressed PrunedDocuments Selected compress prune_documents recall select_examples",
    "context": "Context Document Example Kind Segment Span Syntax Unit",
    "money.cost": "Cost Session",
    "errors": "BudgetError ContextPruneError MissingExtra MissingOriginal PayloadError ScorerError SettingsError "
    "StoreError",
    "fail_open": "FailOpen",
    "plan": "Action Decision Plan",
    "policy": "Budget Policy Rule",
    "pruner": "Pruner",
    "report": "Report",
    "scoring": "Blend Lexical Scorer Signals load_scorer",
    "storage.sqlite": "SQLiteStore",
    "storage.store": "MemoryStore Store",
    "money.tariff": "Tariff",
    "tokens": "Counter Estimate Tiktoken",
}

__all__ = [
    "Action",
    "Blend",
    "Budget",
    "BudgetError",
    "Compressed",
    "Context",
    "ContextPruneError",
    "Cost",
    "Counter",
    "Decision",
    "Document",
    "Estimate",
    "Example",
    "FailOpen",
    "Kind",
    "Lexical",
    "MemoryStore",
    "MissingExtra",
    "MissingOriginal",
    "PayloadError",
    "Plan",
    "Policy",
    "PrunedDocuments",
    "Pruner",
    "Report",
    "Rule",
    "SQLiteStore",
    "Scorer",
    "ScorerError",
    "Segment",
    "Selected",
    "Session",
    "SettingsError",
    "Signals",
    "Span",
    "Store",
    "StoreError",
    "Syntax",
    "Tariff",
    "Tiktoken",
    "Unit",
    "__version__",
    "compress",
    "load_scorer",
    "prune_documents",
    "recall",
    "select_examples",
]


if not TYPE_CHECKING:  # a checker is to know the names, not that any might be there

    def __getattr__(name: str) -> object:
        home = next((home for home, names in _HOMES.items() if name in names.split()), None)
        if home is None:
            raise AttributeError(f"module 'contextprune' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"contextprune.{home}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
