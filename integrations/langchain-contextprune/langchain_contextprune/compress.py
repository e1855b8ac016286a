"""What is sent of a conversation, and what becomes of a result as it arrives: what every door asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import contextprune as cp
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_contextprune.messages import Reading, read
from langchain_contextprune.metadata import arrived, model_of, pinned, shortened
from langchain_contextprune.recall_tool import NAME

FORMAT = "anthropic"


class Arrived(NamedTuple):
    """A tool's result as it is kept from now on, and whether old blocks were decided anew as it came.

    That is decided once, so the request that sends the result does not tell it again.
    """

    message: ToolMessage
    epoch: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What is sent of a conversation. What does not change is the caller's own message.

    Attributes:
        messages: One for each that came in.
        report: What was decided, and the tokens before and after it.
        settled: Results since the last reply that are sent otherwise than they were kept, with their notes. Results
            that arrive at the same time do not know of one another; the request that sends them all does.
        fitted: Tokens that went beside those of the report, because results that came together were too many.
    """

    messages: list[AnyMessage]
    report: cp.Report
    settled: tuple[ToolMessage, ...] = ()
    fitted: int = 0


def view(
    pruner: cp.Pruner,
    messages: Sequence[BaseMessage],
    *,
    model: str = "",
    thinking: Mapping[str, Any] | None = None,
    pastes: int | None = None,
    from_start: bool = False,
    cold: bool = False,
    at_once: int | None = None,
) -> View:
    """Decide what is new in a conversation, and send the rest as it was sent. Raises ContextPruneError.

    Args:
        pruner: The engine.
        messages: The conversation.
        model: As `read` takes it; so are `thinking`, `pastes` and `from_start`.
        thinking: As above.
        pastes: As above.
        from_start: As above.
        cold: The provider's cache has expired since the last request.
        at_once: The most tokens that results since the last reply may keep together.
    """
    get = pruner.store.get
    reading = read(messages, get, model=model, thinking=thinking, pastes=pastes, from_start=from_start)
    out = cp.compress(reading.payload, pruner=pruner, format=FORMAT, cold=cold)
    payload, fitted = (out.payload, 0) if at_once is None else _fitted(pruner, reading, out.payload, at_once)
    return View(reading.written(payload), out.report, _settled(pruner, reading, payload, pin=fitted > 0), fitted)


def arrive(
    pruner: cp.Pruner,
    history: Sequence[BaseMessage],
    result: ToolMessage,
    *,
    model: str | None = None,
    pastes: int | None = None,
    from_start: bool = False,
) -> Arrived:
    """Decide how a tool's result is kept and sent from now on, by the `history` that called for it.

    `model` is that of the last request unless it is given. The caller's message is never changed; where nothing goes it
    comes back itself. Raises ContextPruneError.
    """
    if not result.content:
        return Arrived(result)
    model = model_of(history) if model is None else model
    own = result if from_start else arrived(result)
    sent = view(pruner, [*history, own], model=model, pastes=pastes, from_start=from_start)
    return Arrived(result if sent.messages[-1] is own else sent.settled[-1], sent.report.epoch)


def fitted(
    pruner: cp.Pruner,
    messages: Sequence[BaseMessage],
    budget: cp.Budget,
    *,
    model: str = "",
    pastes: int | None = None,
) -> list[AnyMessage]:
    """Fit a whole conversation under a budget, decided afresh. Raises ContextPruneError, BudgetError among them."""
    reading = read(messages, pruner.store.get, model=model, pastes=pastes, from_start=True)
    out = cp.compress(reading.payload, budget, pruner=pruner, format=FORMAT)
    return reading.written(out.payload)


def by_itself(pruner: cp.Pruner) -> cp.Pruner:
    """Make an engine like `pruner` in which no result points to an older one, which something else may clear."""
    own = pruner.resources
    if not own.references:
        return pruner
    return cp.Pruner(
        own.policy, own.scorer, own.counter, own.store, recallable=own.recallable, hints=own.hints, references=False
    )


def _fitted(pruner: cp.Pruner, reading: Reading, payload: Any, most: int) -> tuple[Any, int]:
    """Fit the results since the last reply under `most` tokens together; also the tokens that went for it.

    What the model asked back is not among them, and lines that tell of failures stay also where they are more.
    """
    newest = [i for i in sorted(_newest(reading)) if not str(reading.turns[i].message.name or "").endswith(NAME)]
    blocks = reading.payload["messages"]
    asked = _asked(reading)
    shown = {**reading.payload, "messages": [*(blocks[i] for i in asked), *(payload["messages"][i] for i in newest)]}
    if not newest or (tokens := _of_results(pruner, shown)[0]) <= most:
        return payload, 0

    whole = {**reading.payload, "messages": [blocks[i] for i in (*asked, *newest)]}
    beside = _of_results(pruner, whole)[1]
    try:
        fitted = cp.compress(whole, cp.Budget(tokens=most + beside), pruner=pruner, format=FORMAT).payload
    except cp.BudgetError:
        return payload, 0
    places = dict(zip(newest, fitted["messages"][len(asked) :], strict=True))
    messages = [places.get(i, block) for i, block in enumerate(payload["messages"])]
    return {**payload, "messages": messages}, tokens - _of_results(pruner, fitted)[0]


def _of_results(pruner: cp.Pruner, body: Any) -> tuple[int, int]:
    """Tokens of the results in a body, and of all else."""
    report = cp.compress(body, cp.Budget(ratio=1.0), pruner=pruner, format=FORMAT).report
    results = report.by_kind.get(cp.Kind.TOOL_RESULT, (0, 0))[0]
    return results, report.before - results


def _asked(reading: Reading) -> list[int]:
    """Indices of what the newest results answer: the last words of a person, and the calls of the last reply."""
    turns = reading.turns
    reply = next((i for i in range(len(turns) - 1, -1, -1) if isinstance(turns[i].message, AIMessage)), None)
    if reply is None:
        return []
    person = next((i for i in range(reply, -1, -1) if isinstance(turns[i].message, HumanMessage)), None)
    return [reply] if person is None else [person, reply]


def _newest(reading: Reading) -> frozenset[int]:
    """Indices of the results since the last reply that may still change."""
    newest = []
    for i in range(len(reading.turns) - 1, -1, -1):
        if isinstance(reading.turns[i].message, AIMessage):
            break
        if reading.turns[i].pieces:
            newest.append(i)
    return frozenset(newest)


def _settled(pruner: cp.Pruner, reading: Reading, payload: Any, *, pin: bool) -> tuple[ToolMessage, ...]:
    """Results since the last reply whose content changes, with the note of where their originals are kept."""
    settled = []
    for i in sorted(_newest(reading)):
        turn, block = reading.turns[i], payload["messages"][i]
        message = turn.message
        assert isinstance(message, ToolMessage)
        assert turn.back is not None
        content = turn.back(block["content"])
        if content == message.content:
            settled += [pinned(message)] if pin else []
        else:
            changes = turn.changes(block)
            keys = {at: pruner.store.key(before) for at, before, _ in changes}
            before = sum(pruner.counter(was) for _, was, _ in changes)
            after = sum(pruner.counter(now) for _, _, now in changes)
            new = shortened(message, content, keys, before, after)
            settled.append(pinned(new) if pin else new)
    return tuple(settled)
