"""The pruner of whoever gives none: as the settings have it, with what agents need besides."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cache

import contextprune as cp

_log = logging.getLogger(__name__)

DEADLINE = 1.0  # seconds; a model on a CPU takes 0.4 s for 12 kB, and eight for 250 kB

_TRIED = "contextprune"


def agents_pruner(*, hints: bool = True, references: bool = True) -> cp.Pruner:
    """Make a pruner as the settings have it: after a second the model gives way to the lexical scorer.

    Where the store cannot be written, as in a container that is read-only, originals are kept in memory, which is said
    once in the log.

    Args:
        hints: Whether markers name recall keys.
        references: Whether a result may point to an earlier one.
    """
    pruner = cp.Pruner(deadline=DEADLINE, hints=hints, references=references)
    _say_of_scorer(getattr(pruner.scorer, "note", ""))
    try:
        pruner.store.put({pruner.store.key(_TRIED): _TRIED})
    except cp.StoreError as exc:
        _log.warning("originals are kept in memory, for as long as this process lives: %s", exc)
    else:
        return pruner
    parts = pruner.policy, pruner.scorer, pruner.counter, cp.MemoryStore()
    return cp.Pruner(*parts, hints=hints, references=references)


def nodes_pruner(recall: float | None = None, scorer: str | None = None) -> cp.Pruner:
    """Make a pruner as the settings have it for texts whose originals the caller holds: nothing is kept on disk.

    Args:
        recall: Share of needed sentences that must survive where no budget is given; None: as the settings say.
        scorer: "neural", "lexical" or a folder; None: as the settings say.

    Raises:
        SettingsError: `recall` makes no sense.
        ScorerError: The scorer cannot be loaded; MissingExtra where it wants torch.
    """
    loaded = cp.load_scorer(scorer) if scorer is not None else None
    pruner = cp.Pruner(scorer=loaded, store=cp.MemoryStore(), deadline=DEADLINE)
    _say_of_scorer(getattr(pruner.scorer, "note", ""))
    if recall is None:
        return pruner
    return cp.Pruner(replace(pruner.policy, recall=recall), pruner.scorer, pruner.counter, pruner.store)


@cache
def _say_of_scorer(note: str) -> None:
    """Say once that there is no model, and why."""
    if note:
        _log.info("%s", note)
