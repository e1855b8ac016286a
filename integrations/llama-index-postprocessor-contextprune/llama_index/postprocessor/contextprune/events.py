"""What instrumentation hears: an event before nodes are pruned and one after, inside the span, and one a result."""

from __future__ import annotations

from llama_index.core.instrumentation.events.base import BaseEvent
from llama_index.core.schema import NodeWithScore

import contextprune as cp


class ContextPruneStartEvent(BaseEvent):
    """Nodes are about to be pruned.

    Attributes:
        query: The question, None where there is none.
        nodes: As they came.
        budget: Share or tokens that may remain, as in `cp.Budget`; None where the recall decides.
        scorer: Label of what scores the sentences.
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

    Attributes:
        nodes: As they are returned.
        before: Tokens of the texts of all nodes that can be pruned, metadata not counted, as they came.
        after: The same, as they are returned.
        dropped: Ids of the nodes of which nothing was left.
        raised: The tokens to which the budget was raised, because it could not hold a single sentence; else None.
        notes: What a reader should know besides.
        failed: Why the nodes came back as they are; "" where nothing failed.
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

    Attributes:
        tool: The tool's name.
        before: Tokens of its texts as it came; 0 where there is no text, or something failed.
        after: The same, as it arrives.
        failed: Why the result arrived as it is; "" where nothing failed.
    """

    tool: str
    before: int
    after: int
    failed: str = ""

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "ContextPruneToolEvent"
