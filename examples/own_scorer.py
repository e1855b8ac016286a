"""Bring a scorer of your own: anything with a name that gives each span a score from 0 to 1.

Run with `python examples/own_scorer.py`. This one wants every line of a result that names a symbol; the shipped signals
speak for the rest. What is protected, the budget and the markers are the engine's business, not the scorer's.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import contextprune as cp


class Naming:
    """1.0 for spans of tools' results that hold a word, else 0.0."""

    name = "naming.v1"  # change it when the scores would change

    def __init__(self, word: str) -> None:
        self.word = word

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
        """One score for each span, in order."""
        results = {i for i, segment in enumerate(context.segments) if segment.kind is cp.Kind.TOOL_RESULT}
        return [float(span.segment in results and self.word in span.text) for span in spans]


shares = {"naming.v1": 0.5, "signals.v1": 0.5}
blend = cp.Blend((Naming("precision"), cp.Signals()), default=shares, weights={}, asked=shares)

body = json.loads((Path(__file__).parent / "data" / "swe.json").read_bytes())
for scorer in (cp.load_scorer("lexical"), blend):
    out = cp.compress(body, cp.Budget(ratio=0.4), pruner=cp.Pruner(scorer=scorer))
    lines = [line for message in out.payload["messages"] for line in str(message["content"]).splitlines()]
    print(f"{scorer.name}: {out.report.after:,} tokens, {sum('precision' in line for line in lines)} lines name it")
