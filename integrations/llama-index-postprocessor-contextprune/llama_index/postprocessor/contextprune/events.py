"""What instrumentation hears: an event before nodes are pruned and one after, inside the span, and one a result."""

from __future__ import annotations

from llama_index.core.instrumentation.events.base import BaseEvent
from llama_index.core.schema import NodeWithScore

import contextprune as cp


class ContextPruneStartEvent(BaseEvent):
    """Nodes are about to be pruned.

    query            the question, None where there is none
    nodes            as they came
    budget           share or tokens that may remain, as in `cp.Budget`; None where the recall decides
    scorer           label of what scores the sentences
    """

    query: str | None
    nodes: list[NodeWithScore]
    budget: float | cp.Budget | None
    scorer: str

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "ContextPruneStartEvent"


class ContextPruneEndEvent(BaseEvent):
    """Nodes were pruned.

    nodes            as they are returned
    before, after    tokens of the texts of all nodes that can be pruned, metadata not counted
    dropped          ids of the nodes of which nothing was left
    raised           the tokens to which the budget was raised, because it could not hold a single sentence; else None
    notes            what a reader should know besides
    failed           why the nodes came back as they are; "" where nothing failed
    """

    nodes: list[NodeWithScore]
    before: int
    after: int
    dropped: list[str]
    raised: int | None
    notes: list[str]
    failed: str = ""

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "ContextPruneEndEvent"


class ContextPruneToolEvent(BaseEvent):
    """A result of a tool arrived.

    tool             the tool's name
    before, after    tokens of its texts; both 0 where there is no text, or something failed
    failed           why the result arrived as it is; "" where nothing failed
    """

    tool: str
    before: int
    after: int
    failed: str = ""

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "ContextPruneToolEvent"
