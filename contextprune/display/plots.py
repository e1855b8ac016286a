"""Plots as inline SVG that stretches with the page, and bars. The point under the pointer is described below.

Lines and areas scale without their strokes; all text is HTML, so that it stays readable on a narrow screen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

_POINTS = 400  # of one plot: more cannot be told apart
_MARKS: Mapping[str, str] = {
    "": "",
    "epoch": "; an epoch: old blocks decided anew",
    "cold": "; the cache had expired",
    "free": "; an epoch, free of charge: the cache had expired",
}


def curves(
    caption: str,
    before: Sequence[float],
    after: Sequence[float],
    amount: Callable[[float], str],
    marks: Sequence[str] = (),
    words: Sequence[str] = (),
    ends: tuple[str, str] | None = None,
) -> str:
    """A figure of two curves over requests. `amount` formats a value; `marks` has a class ("" for none) by request.

    words   the label of each point, in place of the number of its request; ends: under the ends of the curves
    """
    picked = _picked(len(before), marks)
    top = max((*before, *after), default=0) or 1.0
    old, new = ([_point(i, values[i], len(before), top) for i in picked] for values in (before, after))

    first, last = ends or ("request 1", f"{len(before):,}")
    labels = [words[i] if words else _label(i, amount(before[i]), amount(after[i]), marks) for i in picked]
    area = " ".join((*old, *reversed(new)))
    data = escape(json.dumps([[round(_x(i, len(before)), 1) for i in picked], labels]), quote=True)
    return (
        f'<figure class=plot tabindex=0 data-said="{data}"><figcaption>{caption}</figcaption>'
        f"<div class=frame>"
        f"<div class=scale><span>{amount(top)}</span><span>{amount(top / 2)}</span><span>0</span></div>"
        f'<svg viewBox="0 0 1000 1000" preserveAspectRatio=none aria-hidden=true>'
        f"<line class=grid x1=0 x2=1000 y1=500 y2=500 />{_marked_lines(marks, len(before))}"
        f'<polygon class=gain points="{area}" />'
        f'<polyline class=old points="{" ".join(old)}" /><polyline class=new points="{" ".join(new)}" />'
        f"<line class=at x1=-9 x2=-9 y1=0 y2=1000 /></svg>"
        f"<div class=ends><span>{first}</span><span>{last}</span></div></div>"
        f"<output>{escape(labels[-1]) if labels else ''}</output></figure>"
    )


def bar(before: float, after: float, longest: float) -> str:
    """A bar of `before` against the longest one, its part `after` in colour."""
    old, new = (max(0.0, min(100.0, 100 * value / longest)) if longest else 0.0 for value in (before, after))
    return (
        '<svg class=bars viewBox="0 0 100 10" preserveAspectRatio=none aria-hidden=true>'
        f"<rect class=old width={old:.2f} height=10 /><rect class=new width={new:.2f} height=10 /></svg>"
    )


def cumulated(values: Iterable[float]) -> list[float]:
    """Running sums."""
    total, sums = 0.0, []
    for value in values:
        total += value
        sums.append(total)
    return sums


def _label(index: int, before: str, after: str, marks: Sequence[str]) -> str:
    """The words of one point: its request, both amounts, and what its mark means."""
    return f"request {index + 1:,}: {before} without, {after} with{_MARKS[marks[index]] if marks else ''}"


def _marked_lines(marks: Sequence[str], length: int) -> str:
    """A vertical line, of its mark's class, at each of the `length` requests that has one."""
    places = [(mark, f"{_x(i, length):.1f}") for i, mark in enumerate(marks) if mark]
    return "".join(f"<line class={mark} x1={x} x2={x} y1=0 y2=1000 />" for mark, x in places)


def _picked(length: int, marks: Sequence[str]) -> list[int]:
    """The points to draw: all, or an even choice with both ends and all marked ones."""
    if length <= _POINTS:
        return list(range(length))
    marked = [i for i, mark in enumerate(marks) if mark]
    return sorted({*(round(i * (length - 1) / (_POINTS - 1)) for i in range(_POINTS)), *marked[:_POINTS]})


def _x(index: int, length: int) -> float:
    return 1000 * index / (length - 1) if length > 1 else 500.0


def _point(index: int, value: float, length: int, top: float) -> str:
    return f"{_x(index, length):.1f},{1000 - 960 * value / top:.1f}"
