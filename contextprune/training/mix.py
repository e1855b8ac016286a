"""The mix of a training run: each source of samples, its share at each stage, and what of it is never trained on.

Shares are of the samples drawn, not of those that exist: a small source is drawn more often than a large one. The first
stage learns words and forms on short contexts; the last is the mix that the scorer meets in an agent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from contextprune.training.samples import Sample

HELD_OUT_PACKAGES = 0.15
"""Share of the packages and made projects that executed tools are never run on for training."""
HELD_OUT_TOOLS = frozenset({
    "git_log", "http", "mypy", "build", "javac", "node_test", "sphinx", "ansible", "sqlite_script", "pip_resolver",
    "bandit", "uvicorn",
})  # fmt: skip
"""Kinds of tools that are never trained on: a history, an API, a checker of types and one of safety, a build, a
compiler, a test runner, documents, deployments, a database, a resolver and a server; each in daily use."""
HELD_OUT_REPOSITORIES = frozenset({"entireio/auth-go", "eitatech/gatomia-vscode", "entireio/skills"})
"""Repositories whose sessions are never trained on: two languages that the others have, and one that they lack."""
MAX_SHARE_OF_REPOSITORY = 0.15
"""Largest share of one repository in a mix."""


@dataclass(frozen=True, slots=True)
class SourceShare:
    """A source of samples.

    sources     names of the samples' sources, as a regular expression that matches the whole
    shares      parts of the draws at each stage
    held_out    the groups of it that are never trained on, in words
    """

    name: str
    sources: str
    shares: tuple[float, float, float]
    held_out: str


STAGES = ("words and forms", "everything", "agents")
UNTIL = (0.25, 0.75, 1.0)
"""Share of a run at which each stage ends."""
MIX = (
    SourceShare("coding sessions", r"entire_\w+|gatomia|specstory|dgm|whowhen", (0.10, 0.20, 0.24), "repositories"),
    SourceShare("executed tools", r"tools", (0.24, 0.22, 0.22), "tools, and packages"),
    SourceShare(
        "agents with records", r"tau_airline|sgd|sweagent_demo|intercode|fireact", (0.10, 0.08, 0.08), "requests"
    ),
    SourceShare("code by commits", r"code_\w+", (0.08, 0.10, 0.10), "repositories"),
    SourceShare(
        "long documents",
        r"(?:qmsum|evinf|covidqa|lihua|scitldr|doc_section|medquad)(?:_call)?",
        (0.18, 0.15, 0.13),
        "documents",
    ),
    SourceShare("tables and records", r"(?:wtq|tatqa|sgd_toolresult|kv)(?:_call)?", (0.12, 0.10, 0.08), "tables"),
    SourceShare("questions on passages", r".*", (0.18, 0.15, 0.15), "articles"),
)
"""The first row that matches a source has it."""

KINDS_OF_RESULT: Mapping[str, float] = {"view": 0.35, "out": 0.40, "trace": 0.25}
"""Shares of the samples of coding sessions: views of files (most long results are), other outputs, whole contexts."""


def is_held_out(package: str) -> bool:
    """Whether a package, or a made project, named as in the groups of a sample, is held out."""
    return int.from_bytes(blake2b(f"holdout:{package}".encode(), digest_size=4).digest()) < HELD_OUT_PACKAGES * 2**32


def row_of(source: str) -> SourceShare:
    """Find the row of the table that a source belongs to."""
    return next(row for row in MIX if re.fullmatch(row.sources, source))


def stage_at(progress: float) -> int:
    """Find the stage of a run by the share of it that is over."""
    return next((i for i, end in enumerate(UNTIL) if progress < end), len(UNTIL) - 1)


def weights(counts: Mapping[str, int], stage: int) -> dict[str, float]:
    """Weigh one sample of each source, from the number of samples of each: the weights of all samples add up to 1.

    Within a row a source counts by the root of its number, so that no large one drowns the others; a row without
    samples gives its share to the rest.
    """
    rows: dict[str, dict[str, float]] = {}
    for source, count in counts.items():
        rows.setdefault(row_of(source).name, {})[source] = count**0.5
    present = sum(row.shares[stage] for row in MIX if row.name in rows)

    weighed: dict[str, float] = {}
    for row in MIX:
        of_row = rows.get(row.name, {})
        for source, part in of_row.items():
            share = row.shares[stage] / present * part / sum(of_row.values())
            weighed[source] = share / counts[source]
    return weighed


def capped(samples: Iterable[Sample], limit: float | None = None) -> Iterator[Sample]:
    """Drop samples of repositories with more than a share of all, by a hash; the first group is the repository.

    limit   share among the samples that remain; None: as large as one may be among coding sessions, so that it is
            MAX_SHARE_OF_REPOSITORY of the mix at every stage
    """
    every = list(samples)
    limit = MAX_SHARE_OF_REPOSITORY / max(MIX[0].shares) if limit is None else limit
    cap = _cap_of(sorted(Counter(sample.groups[0] for sample in every).values()), limit)
    counts_taken: Counter[str] = Counter()
    for sample in sorted(every, key=lambda sample: _draw_key(sample.id)):
        if counts_taken[sample.groups[0]] < cap:
            counts_taken[sample.groups[0]] += 1
            yield sample


def _cap_of(counts: Sequence[int], limit: float) -> int:
    """Find the largest cap that is at most `limit` of the sum of the counts cut to it; counts ascend."""
    for position in range(len(counts)):
        cut = len(counts) - position  # repositories that would be cut to c
        below = sum(counts[:position])
        if limit * cut < 1:
            cap = int(limit * below / (1 - limit * cut))
            if cap < counts[position]:
                return max(cap, counts[0])
    return counts[-1] if counts else 0


def balanced(samples: Iterable[Sample], shares: Mapping[str, float] = KINDS_OF_RESULT) -> Iterator[Sample]:
    """Drop samples so that the kinds of result, which stand before the colon of a kind, have these shares at most."""
    every = list(samples)
    counts = Counter(_kind(sample) for sample in every)
    size = min((counts[kind] / share for kind, share in shares.items() if counts[kind]), default=0.0)
    size = max(size, len(every) / 2)  # a kind that is rare does not cost more than half of the rest
    counts_taken: Counter[str] = Counter()
    for sample in sorted(every, key=lambda sample: _draw_key(sample.id)):
        kind = _kind(sample)
        if counts_taken[kind] < size * shares.get(kind, 1.0):
            counts_taken[kind] += 1
            yield sample


def _kind(sample: Sample) -> str:
    return sample.kind.partition(":")[0]


def _draw_key(name: str) -> bytes:
    return blake2b(f"mix:{name}".encode(), digest_size=8).digest()
