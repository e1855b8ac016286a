"""Ours in every subagent of deepagents, which takes none of the main agent's middleware over to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_contextprune.middleware import ContextPruneMiddleware

_GENERAL = "general-purpose"
_MADE_ELSEWHERE = ("runnable", "graph_id")  # compiled ones, and remote ones


def with_contextprune(
    subagents: Iterable[Mapping[str, Any]] = (),
    middleware: ContextPruneMiddleware | None = None,
    *,
    general_purpose: bool = True,
    skills: Sequence[str] | None = None,
) -> list[Any]:
    """Put the middleware into each subagent: for `create_deep_agent(subagents=with_contextprune(...))`.

    deepagents hands no middleware on to its subagents, so without it their results are sent whole. What is compiled
    already (`runnable`) or runs elsewhere (`graph_id`) stays as it is, and so does a subagent that has one of its own,
    or that forks the main agent's conversation and its middleware with it.

    Args:
        subagents: Specifications, as deepagents takes them; they are not changed.
        middleware: That of the main agent, so that all of them share one store; None: one from the settings.
        general_purpose: Whether the general-purpose subagent, which deepagents adds otherwise, is added here, where no
            specification has its name.
        skills: Those of the main agent, which the general-purpose subagent of deepagents would have.

    Raises:
        ImportError: The general-purpose subagent is to be added, and deepagents is not installed.
    """
    ours = middleware or ContextPruneMiddleware()
    specifications = [_covered(spec, ours) for spec in subagents]
    if general_purpose and all(spec.get("name") != _GENERAL for spec in specifications):
        from deepagents.middleware.subagents import GENERAL_PURPOSE_SUBAGENT  # noqa: PLC0415 - not a dependency

        skilled = {} if skills is None else {"skills": list(skills)}
        specifications.insert(0, _covered({**GENERAL_PURPOSE_SUBAGENT, **skilled}, ours))
    return specifications


def _covered(spec: Mapping[str, Any], ours: ContextPruneMiddleware) -> dict[str, Any]:
    present = list(spec.get("middleware") or ())
    covered = any(isinstance(each, ContextPruneMiddleware) for each in present) or spec.get("mode") == "fork"
    if covered or any(key in spec for key in _MADE_ELSEWHERE):
        return dict(spec)
    return {**spec, "middleware": [*present, ours]}
