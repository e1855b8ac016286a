"""Every error that contextprune raises on purpose.

ContextPruneError
├── PayloadError       the input cannot be read; says where
├── BudgetError        what is protected does not fit under the budget; says what
├── SettingsError      a setting, flag or policy value makes no sense
├── ScorerError        a scorer cannot be loaded or gave unusable scores
├── StoreError         the store of originals cannot be opened, written or read
│   └── MissingOriginal    no original under this key
└── MissingExtra       an optional package is not installed (also an ImportError)
"""


class ContextPruneError(Exception):
    """Base of all errors raised on purpose; the message says what to do."""


class PayloadError(ContextPruneError):
    """The input cannot be read as any known format.

    `where` is a path into the input, such as `messages[3].content[0]`, or "" for the whole.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where


class BudgetError(ContextPruneError):
    """The protected text alone exceeds the budget.

    `budget` and `needed` are tokens; `protected` maps each kind to the tokens that it holds.
    """

    def __init__(self, budget: int, needed: int, protected: dict[str, int]) -> None:
        held = ", ".join(f"{kind} {tokens:,}" for kind, tokens in protected.items() if tokens)
        super().__init__(
            f"a budget of {budget:,} tokens cannot hold what must stay: {needed:,} tokens ({held}). "
            f"Raise the budget to {needed:,}, or shorten or unprotect one of these kinds (Policy(protect=...))."
        )
        self.budget, self.needed, self.protected = budget, needed, protected


class SettingsError(ContextPruneError):
    """A setting, flag or policy value is not usable."""


class ScorerError(ContextPruneError):
    """A scorer cannot be loaded, or returned something that is not one score in 0..1 for each span."""


class StoreError(ContextPruneError):
    """The store of originals cannot be opened, written or read."""


class MissingOriginal(StoreError):  # noqa: N818 - says what is missing
    """No original is kept under this key: it expired, was evicted, or was never written here."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"no original under the key {key!r}: it expired, was evicted, or belongs to another store "
            "(`contextprune doctor` shows which store is in use)"
        )
        self.key = key

    @property
    def for_model(self) -> str:
        """The same for a model that asked, in one sentence: it can run no command."""
        return f"No original is kept under the key {self.key[:40]!r}: do not ask again, get the text another way."


class MissingExtra(ContextPruneError, ImportError):  # noqa: N818 - as above
    """An optional package is needed and absent."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra: pip install 'contextprune-ai[{extra}]'")
        self.extra = extra
