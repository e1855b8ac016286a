"""Formats of the dashboard: times, money, outcomes, tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contextprune.display.amounts import share
from contextprune.display.heatmap import shown, with_code
from contextprune.money.format import format_usd
from contextprune.proxy.telemetry.reasons import advice
from contextprune.proxy.telemetry.record import RequestRecord

NONE = "–"  # noqa: RUF001 - a dash, where there is no figure


def time(seconds: float | None) -> str:
    """`0.4 ms`, `12 ms`, `1.5 s`, `3 min`."""
    if seconds is None:
        return NONE
    if seconds < 0.9995:
        return f"{seconds * 1000:.{1 if seconds < 0.00995 else 0}f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def ago(seconds: float) -> str:
    """`now`, `12 s ago`, `5 min ago`, `3 h ago`."""
    if seconds < 1:
        return "now"
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def dollars_saved(record: RequestRecord) -> str:
    """Dollars that a request's input costs less; NONE where they are not known, or nobody pays."""
    return format_usd(record.dollars[0] - record.dollars[1]) if record.dollars else NONE


def tokens(record: RequestRecord) -> str:
    """Tokens as received and as sent."""
    if not record.answer.before:
        return NONE
    return f"{record.answer.before:,} → {record.answer.after:,}" if record.saved else f"{record.answer.before:,}"


def cached(record: RequestRecord) -> str:
    """The share of the input that the provider read from its cache, as it says."""
    return share(record.usage.read, record.usage.input) if record.usage else NONE


def table(
    name: str, caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], text: Sequence[int] = ()
) -> str:
    """A table that scrolls by itself where the screen is narrow. Cells are HTML; the first heads its row.

    text   the columns that hold words, so that they are aligned left and may wrap
    """
    header = "".join(f"<th scope=col{_alignment(i in text or not i)}>{head}" for i, head in enumerate(heads))
    body = "".join(
        f"<tr><th scope=row>{first}"
        + "".join(f"<td{_alignment(i in text)}>{cell}" for i, cell in enumerate(cells, start=1))
        for first, *cells in rows
    )
    return (
        f'<div class="wide {name}" tabindex=0 role=region aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{header}<tbody>{body}</table></div>"
    )


def _alignment(is_text: bool) -> str:
    return " class=t" if is_text else ""


def fact(name: str, value: str, *notes: str) -> str:
    """One figure of a headline, with notes below it."""
    return f"<div><dt>{name}<dd>{value}{''.join(f'<dd>{note}' for note in notes if note)}</div>"


def advice_html(reason: str) -> str:
    """Two sentences on a reason, or on a status without a reason: why, and what helps."""
    return with_code(" ".join(advice(reason)))


def named(text: str) -> str:
    """A name that came from outside, for HTML."""
    return f"<code>{shown(text[:100])}</code>" if text else ""
