"""What a compression did, in numbers: tokens by kind, spans by action, time by stage. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contextprune.context import Kind
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
    cost            None: money is unknown, because no table of prices was given
    notes           what a reader should know besides, one sentence each
    """

    before: int
    after: int
    by_kind: Mapping[Kind, tuple[int, int]]
    actions: Mapping[Action, tuple[int, int]]
    seconds: Mapping[str, float]
    counter: str
    scorer: str
    cost: None = None
    notes: tuple[str, ...] = ()

    @property
    def saved(self) -> int:
        """Tokens that are no longer sent."""
        return self.before - self.after

    @property
    def ratio(self) -> float:
        """Share of the tokens that remains, 1.0 where there were none."""
        return self.after / self.before if self.before else 1.0

    def __str__(self) -> str:
        """Totals, one row for each kind, then actions, time and notes."""
        rows = [("tokens", "before", "after", "saved", "kept")]
        rows += [_row(kind.value, *tokens) for kind, tokens in self.by_kind.items()]
        rows.append(_row("total", self.before, self.after))
        lines = _table(rows)
        rule = "-" * max(map(len, lines))
        facts = [("spans", _actions(self.actions)), ("time", _times(self.seconds))]
        facts += [("counter", self.counter), ("scorer", self.scorer), *(("note", note) for note in self.notes)]
        return "\n".join([*lines[:-1], rule, lines[-1], "", *(f"{name:8} {said}" for name, said in facts if said)])


def summarise(
    plan: Plan,
    before: Sequence[int],
    after: Sequence[int],
    seconds: Mapping[str, float],
    counter: str,
    scorer: str,
    notes: tuple[str, ...] = (),
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
        notes=notes,
    )


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
