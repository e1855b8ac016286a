"""What a compression did: tokens by kind, spans by action, time by stage, money. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contextprune.context import Kind
from contextprune.money.cost import Cost, Prompt
from contextprune.plan import Action, Plan


@dataclass(frozen=True, slots=True)
class Report:
    """The numbers of one compression; `str(report)` is a plain-text table.

    before, after   tokens of the whole payload
    by_kind         kind -> tokens before and after, for the kinds that occur
    actions         action -> spans, and the tokens that their text has
    seconds         stage -> seconds, in the order of the stages
    counter         label of what counted the tokens
    scorer          label of what scored the spans
    prompts         the requests that were compressed, for `cost`; none where they are not known as such
    notes           what a reader should know besides, one sentence each
    key             the recall key of all that went together, where markers had no room for keys of their own; else ""
    """

    before: int
    after: int
    by_kind: Mapping[Kind, tuple[int, int]]
    actions: Mapping[Action, tuple[int, int]]
    seconds: Mapping[str, float]
    counter: str
    scorer: str
    prompts: tuple[Prompt, ...] = ()
    notes: tuple[str, ...] = ()
    key: str = ""

    @property
    def cost(self) -> Cost | None:
        """Money, without a budget; None under one, or for documents, since nobody knows then what the cache holds.

        Prices are looked up when this is read. The first time in a process that takes a third of a second.
        """
        return sum((prompt.cost() for prompt in self.prompts), Cost()) if self.prompts else None

    @property
    def epoch(self) -> bool:
        """Whether old blocks were decided anew, so that a part of the provider's cache is lost this once."""
        return any(prompt.epoch for prompt in self.prompts)

    @property
    def saved(self) -> int:
        """Tokens that are no longer sent."""
        return self.before - self.after

    @property
    def ratio(self) -> float:
        """Share of the tokens that remains, 1.0 where there were none."""
        return self.after / self.before if self.before else 1.0

    def __str__(self) -> str:
        """Totals, one row for each kind, then actions, money, time and notes."""
        rows = [("tokens", "before", "after", "saved", "kept")]
        rows += [_row(kind.value, *tokens) for kind, tokens in self.by_kind.items()]
        rows.append(_row("total", self.before, self.after))
        lines = _table(rows)
        rule = "-" * max(map(len, lines))
        facts = [("spans", _actions(self.actions)), ("cost", str(self.cost or "")), ("time", _times(self.seconds))]
        facts += [("counter", self.counter), ("scorer", self.scorer), *(("note", note) for note in self.notes)]
        return "\n".join([*lines[:-1], rule, lines[-1], "", *(f"{name:8} {fact}" for name, fact in facts if fact)])


def summarise(
    plan: Plan,
    before: Sequence[int],
    after: Sequence[int],
    seconds: Mapping[str, float],
    counter: str,
    scorer: str,
    notes: tuple[str, ...] = (),
    prompts: tuple[Prompt, ...] = (),
) -> Report:
    """The report on a plan; `before` and `after` are the tokens of each segment of its context, in order."""
    by_kind: dict[Kind, tuple[int, int]] = {}
    for segment, old, new in zip(plan.context.segments, before, after, strict=True):
        was, is_now = by_kind.get(segment.kind, (0, 0))
        by_kind[segment.kind] = (was + old, is_now + new)

    actions: dict[Action, tuple[int, int]] = {}
    for decision in plan.decisions:
        spans, tokens = actions.get(decision.action, (0, 0))
        actions[decision.action] = (spans + 1, tokens + decision.cost)

    return Report(
        before=sum(before),
        after=sum(after),
        by_kind={kind: by_kind[kind] for kind in Kind if kind in by_kind},
        actions={action: actions[action] for action in Action if action in actions},
        seconds=dict(seconds),
        counter=counter,
        scorer=scorer,
        prompts=prompts,
        notes=notes,
    )


def marker_tokens(plan: Plan, after: Sequence[int]) -> list[int]:
    """Tokens of the markers in each segment: what is sent of it, less the kept spans. `after` as for `summarise`.

    Where a block was left alone it is 0. Tokens do not add up exactly at the seams, so it may be off by a few.
    """
    kept = [0] * len(after)
    touched = set()
    for span, decision in zip(plan.spans, plan.decisions, strict=True):
        if decision.action is Action.KEEP:
            kept[span.segment] += decision.cost
        else:
            touched.add(span.segment)
    return [max(0, sent - kept[i]) if i in touched else 0 for i, sent in enumerate(after)]


def _row(name: str, before: int, after: int) -> tuple[str, str, str, str, str]:
    kept = f"{after / before:.1%}" if before else "-"
    return name, f"{before:,}", f"{after:,}", f"{before - after:,}", kept


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines with the first column aligned left and the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _actions(actions: Mapping[Action, tuple[int, int]]) -> str:
    return ", ".join(f"{action.value} {spans:,} ({tokens:,} tokens)" for action, (spans, tokens) in actions.items())


def _times(seconds: Mapping[str, float]) -> str:
    """Each stage and their sum, in the unit that suits the whole."""
    total = sum(seconds.values())
    scale, unit = (1.0, "s") if total >= 1 else (1000.0, "ms")
    stages = ", ".join(f"{stage} {value * scale:.2f}" for stage, value in seconds.items())
    return f"{total * scale:.2f} {unit} ({stages})" if seconds else ""
