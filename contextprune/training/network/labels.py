"""The label of each span, from the needs of its sample."""

from __future__ import annotations

from collections.abc import Sequence

from contextprune.context import Span
from contextprune.training.samples import Need, Sample


def labels_of(sample: Sample, spans: Sequence[Span]) -> list[float]:
    """Label each span: the greatest weight of a need that it holds half of, or that holds half of it; else 0."""
    needs: dict[int, list[Need]] = {}
    for need in sample.needs:
        needs.setdefault(need.segment, []).append(need)
    labels = []
    for span in spans:
        best = 0.0
        for need in needs.get(span.segment, ()):
            common = min(span.end, need.end) - max(span.start, need.start)
            if common > 0 and 2 * common >= min(len(span.text.strip()) or 1, need.end - need.start):
                best = max(best, need.weight)
        labels.append(best)
    return labels
