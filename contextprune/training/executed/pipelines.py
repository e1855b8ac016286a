"""Runs of several commands in one result: real outputs of executed tools one after another, as pipelines print them.

A single run is short, and much of it is needed; a pipeline is long, and what is needed stands in one of its steps. A
goal stays true if it names something that no other step shows, or if no other step fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from random import Random

from contextprune.context import Context, Kind, Segment
from contextprune.training.samples import Need, Sample

KIND = "pipeline"
MAX_CHARS = 40_000  # characters of a pipeline
STEPS = (2, 3, 4, 6, 9)
_NAME = re.compile(r"[\w./-]*[\w](?:[_./]|\d)[\w./-]*\w")
_HEADINGS = (
    "==> {command}",
    "##[group]Run {command}",
    "$ {command}",
    "+ {command}",
    "=== step {number}: {command} ===",
)
_COMMANDS = ("make ci", "./ci.sh", "bash scripts/verify.sh", "act -j build", "just check", "gh run view --log")


def pipelines(samples: Sequence[Sample], count: int, seed: int = 0) -> Iterator[Sample]:
    """Make up to `count` samples by joining the outputs of others; the samples must be of one half."""
    rng = Random(f"{seed}:pipelines")  # noqa: S311 - a reproducible draw, not a secret
    usable = [sample for sample in samples if sample.needs and _command(sample)]
    for number in range(count if len(usable) > max(STEPS) else 0):
        sample = rng.choice(usable)
        steps = [step for step in rng.sample(usable, rng.choice(STEPS)) if _leaves_alone(sample, step)]
        pipeline = _joined(sample, steps, rng, f"pipeline-{number}")
        if steps and len(pipeline.context.segments[-1].text) <= MAX_CHARS:
            yield pipeline


def _command(sample: Sample) -> str:
    """Read the command of a sample's call; "" where it is no command line."""
    call = next((s.text for s in sample.context.segments if s.kind is Kind.TOOL_CALL), "")
    try:
        arguments = json.loads(call)
    except ValueError:
        return ""
    return str(arguments.get("command", "")) if isinstance(arguments, dict) else ""


def _leaves_alone(sample: Sample, step: Sample) -> bool:
    """Whether another output cannot answer the goal, too."""
    if sample.groups[0] == step.groups[0] or sample.context.segments[-1].text == step.context.segments[-1].text:
        return False
    names = _NAME.findall(sample.context.query)
    text = step.context.segments[-1].text
    return not any(name in text for name in names) if names else not step.context.segments[-1].failed


def _joined(sample: Sample, further_steps: Sequence[Sample], rng: Random, name: str) -> Sample:
    steps = [sample, *further_steps]
    rng.shuffle(steps)
    form = rng.choice(_HEADINGS)
    text, needs = "", list[Need]()

    for number, step in enumerate(steps, 1):
        heading = form.format(command=_command(step).split("\n")[0][:200], number=number)
        text += f"{heading}\n"
        if step is sample:
            start = len(text) - len(heading) - 1
            needs.append(Need(2, start, start + len(heading), 0.5))
            needs += [need._replace(start=need.start + len(text), end=need.end + len(text)) for need in sample.needs]
        text += step.context.segments[-1].text + "\n"

    return _sample(sample, steps, text, needs, name, rng)


def _sample(
    sample: Sample, steps: Sequence[Sample], text: str, needs: Sequence[Need], name: str, rng: Random
) -> Sample:
    pair = f"call_{blake2b(name.encode(), digest_size=4).hexdigest()}"
    call = json.dumps({"command": rng.choice(_COMMANDS)})
    failed = any(step.context.segments[-1].failed for step in steps)
    segments = (
        Segment(Kind.USER, sample.context.query, (0,)),
        Segment(Kind.TOOL_CALL, call, (1,), turn=1, pair=pair, name="bash"),
        Segment(Kind.TOOL_RESULT, text, (2,), turn=1, pair=pair, name="bash", failed=failed),
    )
    groups = (f"tool:{KIND}", *dict.fromkeys(group for step in steps for group in step.groups))
    return Sample(f"tools-{name}", "tools", KIND, groups, Context(segments, sample.context.query), (2,), tuple(needs))
