"""Contexts for tests of the network, and words for them."""

from __future__ import annotations

from contextprune.context import Context, Kind, Segment, Span
from contextprune.splitting import split

LOG = "\n".join(f"12:00:{i:02} worker {i % 3} took order {i * 37} from the queue" for i in range(40)) + "\n"
PROSE = "The payment was refused. Nobody saw it at night. A log would have shown why the order failed. " * 3


def trace() -> Context:
    """Two results of tools with their calls, and a question."""
    return Context((
        Segment(Kind.USER, "why does checkout fail", (0,)),
        Segment(Kind.TOOL_CALL, '{"command": "cat app.log"}', (1,), turn=1, pair="a", name="bash"),
        Segment(Kind.TOOL_RESULT, LOG, (2,), turn=1, pair="a", name="bash"),
        Segment(Kind.ASSISTANT, "The orders of worker 2 look odd.", (3,), turn=2),
        Segment(Kind.TOOL_CALL, '{"path": "notes.md"}', (4,), turn=2, pair="b", name="read"),
        Segment(Kind.TOOL_RESULT, PROSE, (5,), turn=2, pair="b", name="read"),
    ), "why does checkout fail", asked=True)  # fmt: skip


def documents(*texts: str, query: str = "why does the payment fail") -> Context:
    """Documents and a question."""
    segments = tuple(Segment(Kind.DOCUMENT, text, (i,), name=f"d{i}") for i, text in enumerate(texts))
    return Context(segments, query, asked=bool(query))


def with_spans(context: Context) -> tuple[Context, list[Span]]:
    """A context and its spans."""
    return context, split(context)
