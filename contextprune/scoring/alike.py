"""What differs among what is alike: spans that stand out from their block, and groups of spans that repeat one another.

A scorer reads each span beside a few others and does not count: of 152 tests that passed and one that was skipped it
finds all about equally likely. Counting knows better, whatever the scorer. Spans that stand out are worth nearly as
much as the best of their block; a group that repeats is worth as much as a few of its members, shared among all of
them, but for its first and its last, and what a member is scored above the others stays its own.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log2

from contextprune.context import Context, Kind, Span, Syntax, Unit, blocks_of
from contextprune.text.columns import odd_rows
from contextprune.text.levels import odd_levels
from contextprune.text.limits import limits_reached
from contextprune.text.records import Pair, names_it, odd_records, pairs_of, settings_of
from contextprune.text.renames import changes, is_plain_diff, real_changes
from contextprune.text.reports import periods, records_of_report
from contextprune.text.states import unwell
from contextprune.text.templates import plain, templates
from contextprune.text.views import is_code

WORTH = 6  # members that a group of alike spans is worth together; by hand
REPEATED = 8  # members from which on a group repeats; by hand
ODD_SHARE, ODD_CHARACTERS = 0.12, 600  # of a block's characters may stand out, and how many in any case; by hand
FEW_RECORDS, ODD_RECORDS = 3, 0.1  # of the records of a report may stay whole: so many, or such a share; by hand
LEAST_SPANS = 6  # of a block, below which nothing is usual
READ = 400  # characters of a span that are compared
SETTINGS = 0.5  # of the rows of a block must have a key and a value, or it is no file of settings
DEEPEST = 12  # records around a span whose names stay with it
NAMED_WITHIN = 40  # spans of a record in which its name is looked for

_MEMBERS = frozenset({Syntax.JSON_ITEM, Syntax.JSON_PAIR})
_TEXT = frozenset({Syntax.LINES, Syntax.PROSE})
_JSON = _MEMBERS | {Syntax.JSON_LINE, Syntax.JSON_STRING}


@dataclass(frozen=True, slots=True)
class Alike:
    """What counting says about the spans of a context.

    odd      span -> 0..1, how far it stands out from those like it
    groups   spans of one template, those that stand out left out, in order
    """

    odd: Mapping[int, float] = field(default_factory=dict)
    groups: Sequence[Sequence[int]] = ()


def compare(context: Context, spans: Sequence[Span], scores: Sequence[float], movable: Collection[int]) -> Alike:
    """Compare the spans of each result among the segments `movable` with one another; `scores` decide between equals.

    Documents are read for a question, of which a scorer knows more than counting does.
    """
    odd: dict[int, float] = {}
    groups: list[list[int]] = []
    for block in blocks_of(spans):
        segment = spans[block.start].segment
        if len(block) >= LEAST_SPANS and segment in movable and context.segments[segment].kind is Kind.TOOL_RESULT:
            bits, alike = _block(spans, block)
            bits |= _unwell(spans, block, bits)
            strongest = dict(_strongest(bits, spans, scores, len(context.segments[segment].text)))
            odd |= _with_records(strongest, spans, block, alike)
            groups += [[i for i in group if i not in odd] for group in alike]
    return Alike(odd, tuple(group for group in groups if len(group) >= REPEATED))


def weighed(scores: Sequence[float], spans: Sequence[Span], alike: Alike, needed: Collection[int] = ()) -> list[float]:
    """The scores, with what counting says; spans that are `needed` anyway are worth as much as the best of a block."""
    changed = list(scores)
    for group in alike.groups:
        usual = _middle([scores[i] for i in group])
        share = WORTH / len(group)
        for i in group[1:-1]:
            changed[i] = scores[i] - max(0.0, 1 - share) * min(scores[i], usual)

    raised = {**alike.odd, **dict.fromkeys(needed, 1.0)}
    if raised:
        blocks = {spans[block.start].segment: scores[block.start : block.stop] for block in blocks_of(spans)}
        levels = {s: (_middle(blocks[s]), max(blocks[s])) for s in {spans[i].segment for i in raised}}
        for i, value in raised.items():
            usual, best = levels[spans[i].segment]
            changed[i] = max(changed[i], usual + value * (best - usual))
    return changed


def _middle(scores: Sequence[float]) -> float:
    return sorted(scores)[len(scores) // 2]


def _block(spans: Sequence[Span], block: range) -> tuple[dict[int, float], list[list[int]]]:
    """Span of a block -> bits by which it stands out, and the groups of its spans that are alike."""
    hunks = [i for i in block if spans[i].syntax is Syntax.DIFF]
    if 3 * len(hunks) >= len(block):
        return _diff(spans, hunks, unified=True)

    bits: dict[int, float] = {}
    groups: list[list[int]] = []
    records = [i for i in block if spans[i].syntax in _JSON]
    if len(records) >= LEAST_SPANS:
        pairs = [pairs_of(spans[i].text) for i in records]
        bits |= _odd_records(spans, records, pairs)
        groups += _groups(records, [tuple(key for key, _ in members) for members in pairs])

    rows = _rows(spans, block)
    if len(rows) >= LEAST_SPANS:
        texts = [plain(spans[i].text[:READ]).strip().replace("\n", " ") for i in rows]
        if is_plain_diff(texts):
            return _diff(spans, rows, unified=False)
        keys = templates(texts)
        settings = [settings_of(spans[i].text) for i in rows]
        if sum(map(len, settings)) >= SETTINGS * len(rows):
            bits |= _odd_records(spans, rows, settings)
        for k, surprise in (*odd_rows(texts, keys).items(), *odd_levels(texts).items()):
            bits[rows[k]] = max(bits.get(rows[k], 0.0), surprise)
        groups += _groups(rows, keys)
    return bits, groups


def _diff(spans: Sequence[Span], pieces: Sequence[int], *, unified: bool) -> tuple[dict[int, float], list[list[int]]]:
    """The same for a diff: what is more than the common renaming stands out, and the renamings are alike."""
    all_changes = list(changes(((i, spans[i].text) for i in pieces), unified=unified))
    real, renaming = real_changes(all_changes)
    if len(renaming) < len(real):
        return {}, []  # no change is common, so none is uncommon
    bits = {i: log2(1 + len(renaming)) for k in real for i in all_changes[k].pieces}
    common = sorted({i for k in renaming for i in all_changes[k].pieces if i not in bits})
    return bits, [common]


def _odd_records(spans: Sequence[Span], records: Sequence[int], pairs: Sequence[Sequence[Pair]]) -> dict[int, float]:
    """The spans of data that stand out, each with what its record is called by; `pairs` are those of `records`."""
    bits = {records[k]: value for k, value in odd_records(pairs).items()}
    by_span = dict(zip(records, pairs, strict=True)) if bits else {}
    for i in list(bits):
        for j in _names(spans, i, by_span):
            bits[j] = max(bits.get(j, 0.0), bits[i])
    return bits


def _names(spans: Sequence[Span], i: int, pairs: Mapping[int, Sequence[Pair]]) -> Iterator[int]:
    """The first span in each of the records around span `i` that says what it is called."""
    opening = i
    for _ in range(DEEPEST):
        parent = next((a for a in spans[opening].anchors if a < opening), None)
        if parent is None:
            return
        opening = parent
        if spans[opening].syntax is Syntax.JSON_ITEM and pairs.get(i):
            within = range(opening, min(opening + NAMED_WITHIN, max(spans[opening].anchors)))
            named = next((j for j in within if names_it(pairs.get(j, ()))), None)
            if named is not None:
                yield named


def _rows(spans: Sequence[Span], block: range) -> list[int]:
    """The spans that are a line, a row or a record of text: no code, no sentence, and no part of a JSON value.

    Among lines a sentence that is one by itself is a row as well.
    """
    texts = [i for i in block if spans[i].syntax not in _JSON and not is_code(spans[i])]
    rows = [i for i in texts if spans[i].unit is not Unit.SENTENCE]
    if not 0 < len(texts) - len(rows) < len(rows):
        return rows
    return [i for i in texts if spans[i].unit is not Unit.SENTENCE or _is_line(spans, i)]


def _is_line(spans: Sequence[Span], i: int) -> bool:
    """Whether a span begins and ends a line."""
    opens = spans[i].start == 0 or (i > 0 and spans[i - 1].text.endswith("\n"))
    return opens and spans[i].text.endswith("\n") and "\n" not in spans[i].text.rstrip("\n")


def _strongest(
    bits: Mapping[int, float], spans: Sequence[Span], scores: Sequence[float], characters: int
) -> Iterator[tuple[int, float]]:
    """Those that stand out most, as far as a small share of a block goes: where much is odd, nothing is."""
    room = max(ODD_CHARACTERS, ODD_SHARE * characters)
    for i in sorted(bits, key=lambda i: (-bits[i], -scores[i], i)):
        room -= len(spans[i].text)
        if room < 0:
            return
        yield i, 1 - 2 ** (-bits[i] / 2)


def _unwell(spans: Sequence[Span], block: range, bits: Mapping[int, float]) -> dict[int, float]:
    """The spans that tell of a limit that is reached, or that something is not well, and how far they stand out.

    As far as something that came once.
    """
    lines = [i for i in block if spans[i].unit is not Unit.SENTENCE and not is_code(spans[i])]
    texts = [spans[i].text[:READ].strip() for i in lines]
    numbers = {*limits_reached(texts), *unwell(texts)}
    return {lines[k]: bits.get(lines[k], 0.0) + log2(len(block)) for k in numbers}


def _with_records(
    odd: Mapping[int, float], spans: Sequence[Span], block: range, alike: Sequence[Sequence[int]]
) -> dict[int, float]:
    """Those that stand out, with the other spans of their records where the text is a report of records.

    Where that would be many records, each with the line that opens it: it says what the record is about.
    """
    records = (records_of_report(spans, block) or _records_by_form(spans, alike)) if odd else {}
    touched = {records[i][0] for i in odd if i in records}
    few = len(touched) <= max(FEW_RECORDS, ODD_RECORDS * len({record[0] for record in records.values()}))
    raised = dict(odd)
    for i in odd:
        record = records.get(i, ())
        for j in record if few else record[:1]:
            raised[j] = max(raised.get(j, 0.0), odd[i])
    return raised


def _records_by_form(spans: Sequence[Span], alike: Sequence[Sequence[int]]) -> dict[int, list[int]]:
    """Row -> the rows of its record, where the forms of the rows tell records."""
    forms = {i: number for number, group in enumerate(alike, 1) for i in group if spans[i].syntax in _TEXT}
    rows = sorted(forms)
    records = ([rows[k] for k in record] for record in periods([forms[i] for i in rows]))
    return {i: record for record in records for i in record}


def _groups(rows: Sequence[int], keys: Sequence[Hashable]) -> list[list[int]]:
    """The spans of each template, or of each set of keys; empty ones are none."""
    members: dict[Hashable, list[int]] = {}
    for i, key in zip(rows, keys, strict=True):
        if key:
            members.setdefault(key, []).append(i)
    return list(members.values())
