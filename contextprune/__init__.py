"""The face of contextprune: everything that users call, and nothing else."""

from contextprune._version import __version__
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
from contextprune.cost import Cost, Session
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
from contextprune.plan import Action, Decision, Plan
from contextprune.policy import Budget, Policy, Rule
from contextprune.pruner import Pruner
from contextprune.report import Report
from contextprune.scoring import Blend, Lexical, Scorer, Signals, load_scorer
from contextprune.store import MemoryStore, SQLiteStore, Store
from contextprune.tariff import Tariff
from contextprune.tokens import Counter, Estimate, Tiktoken

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
