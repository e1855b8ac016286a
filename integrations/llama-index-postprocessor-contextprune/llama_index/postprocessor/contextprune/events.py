"""What instrumentation hears: one event before nodes are pruned and one after, inside the postprocessor's span."""

from __future__ import annotations

from llama_index.core.instrumentation.events.base import BaseEvent
from llama_index.core.schema import NodeWithScore


class ContextPruneStartEvent(BaseEvent):
    """Nodes are about to be pruned.

    query            the question, None where there is none
    nodes            as they came
    ratio, tokens    the budget; both None where the recall decides
    scorer           label of what scores the sentences
    """

    query: str | None
    nodes: list[NodeWithScore]
    ratio: float | None
    tokens: int | None
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
    """

    nodes: list[NodeWithScore]
    before: int
    after: int
    dropped: list[str]
    raised: int | None
    notes: list[str]

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "ContextPruneEndEvent"
