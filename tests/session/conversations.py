"""Long conversations, built step by step, in which an epoch may come; and the state of one that is under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import contextprune as cp
from contextprune.context import Context, Kind, Segment
from contextprune.money.payback import Meter, tables
from contextprune.prepare import Resources
from contextprune.session.arrival import decide
from contextprune.session.requests import boundaries
from contextprune.session.state import State
from tests.strategies import COUNTER, LEXICAL
from tests.tool_outputs import log

Step = tuple[Segment, ...]

LOG = log(80, 1)

CHAT = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why does it fail?"},
        {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "sh", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": LOG},
        {"role": "assistant", "content": "It is the disk."},
        {"role": "user", "content": "Thanks."},
    ]
}
"""A short session in OpenAI's chat format, with one long result."""


def said(text: str) -> Step:
    """The user speaks."""
    return (Segment(Kind.USER, text, ()),)


def step(result: str, tool: str = "bash", call: str = "make check", *, failed: bool = False, thought: str = "") -> Step:
    """One call and its result; `thought` is reasoning before it that the provider lets go."""
    reply = (Segment(Kind.REASONING, thought, ()),) if thought else ()
    answer = Segment(Kind.TOOL_RESULT, result, (), name=tool, failed=failed)
    return (*reply, Segment(Kind.TOOL_CALL, call, (), name=tool, editable=False), answer)


def look(source: str, cost: int = 1568, **fields: Any) -> Step:
    """One call and the screen that it shows."""
    screen = Segment(Kind.IMAGE, "", (), name="screen", cost=cost, source=source, **fields)
    return Segment(Kind.TOOL_CALL, "{}", (), name="screen", editable=False), screen


def talk(*steps: Step, bound: bool = False, model: str = "") -> Context:
    """The steps as one conversation: a turn for each that begins with the model, a pair for each call."""
    segments: list[Segment] = []
    turn = 0
    for step_ in steps:
        turn += step_[0].kind is not Kind.USER
        for s in step_:
            pair = None if s.kind in (Kind.USER, Kind.REASONING) else f"call_{turn}"
            ref = ("messages", len(segments))
            segments.append(
                Segment(
                    s.kind, s.text, ref, turn, pair, s.name, s.editable, s.cost, s.failed, s.marked, s.source
                )
            )  # fmt: skip
    return Context(tuple(segments), model=model, bound=bound)


def source(n: int, size: int = 30) -> str:
    """A file that shares no line with any other."""
    return "".join(f"def handle_{n}_{k}(order_{n * k}):\n    return order_{n * k} * {n} + {k}\n" for k in range(size))


def work(turns: int, seed: int = 0, view: int = 40, noise: int = 60) -> list[Step]:
    """Turns that look at files, of which nothing goes on arrival, and at logs, of which much does."""
    found: list[Step] = [said("Why does billing fail? Look at parse_args.")]
    for n in range(turns):
        if n % 2:
            found.append(step(log(noise, seed + n), call=f"make run{n}"))
        else:
            found.append(step(source(1000 * seed + n, view), "read_file", f'{{"path": "src/m{n}.py"}}'))
    return found


def tools(policy: cp.Policy | None = None, scorer: cp.Scorer = LEXICAL, *, recallable: bool = True) -> Resources:
    """What deciding needs, with a store of its own."""
    return Resources(policy or cp.Policy(), scorer, COUNTER, cp.MemoryStore(), recallable)


def pruner(**policy: Any) -> cp.Pruner:
    """A pruner with a store of its own."""
    return cp.Pruner(cp.Policy(**policy), LEXICAL, COUNTER, cp.MemoryStore())


def state_of(using: Resources, context: Context) -> State:
    """The state before the last request of a conversation of which every earlier one went out without an epoch."""
    ends = boundaries(context)
    state = State(Meter(tables(context.model, using.policy.prices, using.policy.tariffs)))
    for at, segment in enumerate(context.segments):
        state.add(segment, decide(using, state, context.segments, at, None)[0])
        if at + 1 in ends[:-1]:
            state.end(())
    return state


def requests(context: Context) -> Sequence[Context]:
    """What each request of a conversation sent."""
    return [Context(context.segments[:end], model=context.model, bound=context.bound) for end in boundaries(context)]
