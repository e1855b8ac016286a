"""Each law as a question about bytes that went in and bytes that came out, by means of its own.

Of the package only what a user has is used: `compress`, `recall`, a pruner, a counter of tokens, and the splice of the
proxy, which is itself under test. An oracle yields one sentence for each violation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import contextprune as cp
from tests.laws.bodies import Body
from tests.laws.changes import Change, frees_of, texts
from tests.laws.spelling import tokens

KEY = re.compile(r"recall=([a-z2-7]{12})(?![a-z2-7])")
NOTE = re.compile(
    r"(?:# |// |-- |<!-- | |\| )?\"?\[(?:\.\.\.|as above|image|…|lines? \d+|\d+ [a-z]+)"
    r"(?:[^\n\"]{0,40}? like \"[^\"\n]*\")?[^\n]*?\](?:\": \"[^\"\n]*\")?\"?(?: -->| \|)?"
)
"""A marker in any syntax, as the reference describes them, with what frames it."""
OWN_LINE = re.compile(r"^\W{0,6}\[lines? (\d+)(?:-(\d+))? [^\n]*\]\W{0,5}$")
FRAME = "".join(letter for letter in map(chr, range(0x3001)) if letter.isspace()) + '\\n",:#/-<>!|'


@dataclass(frozen=True, slots=True)
class Sent:
    """A request before and after: trees and bytes, what changed, and what was reported.

    ceiling   tokens of the budget; None on arrival
    """

    body: Body
    old: Any
    new: Any
    raw: bytes
    raw_new: bytes
    changed: Sequence[Change]
    before: int
    after: int
    ceiling: int | None
    key: str


def broken_laws(sent: Sent, pruner: cp.Pruner) -> Iterator[str]:
    """Everything that a request violates by itself."""
    yield from protected(sent)
    yield from spliced(sent)
    yield from counted(sent, pruner.counter)
    for change in sent.changed:
        if not change.wrong:
            yield from recalled(change, sent, pruner)
            yield from never_longer(change, pruner.counter)
            yield from verbatim(change)
            yield from json_stays_json(change)
            yield from whole_letters_and_fences(change)
            yield from numbered_rightly(change)
    if not sent.body.broken:
        yield from first_of_all(sent, pruner.counter)


def protected(sent: Sent) -> Iterator[str]:
    """Laws 5 and 7: nothing but texts that may change has changed, and under a budget none with a breakpoint."""
    for change in sent.changed:
        if change.wrong:
            yield f"5: {change.wrong} at {change.path}: {change.old!r:.150} -> {change.new!r:.150}"
        elif change.free is None and not sent.body.broken:
            yield f"5: a protected text changed at {change.path}: {change.old!r:.100} -> {change.new!r:.150}"
        elif sent.ceiling is not None and change.free is not None and change.free.marked and not sent.body.broken:
            yield f"5: a text with a breakpoint changed under a budget at {change.path}"


def spliced(sent: Sent) -> Iterator[str]:
    """The bytes read as the new tree, and but for the literals of changed texts they are the old bytes."""
    if json.dumps(json.loads(sent.raw_new.decode("utf-8-sig"))) != json.dumps(sent.new):
        yield "splice: the bytes read otherwise than the payload"
        return
    if any(isinstance(step, str) and ":" in step for change in sent.changed for step in change.path[-1:]):
        return
    old, new = tokens(sent.raw), tokens(sent.raw_new)
    differ = [(a, b) for a, b in zip(old, new, strict=False) if a != b]
    if len(old) != len(new) or len(differ) != len(sent.changed):
        yield f"splice: {len(differ)} tokens differ for {len(sent.changed)} changed texts, {len(old)} became {len(new)}"
    wanted = sorted((change.old, change.new) for change in sent.changed)
    if not all(a.startswith(b'"') for a, _ in differ) or sorted((_text(a), _text(b)) for a, b in differ) != wanted:
        yield "splice: other literals changed than those of the texts"


def counted(sent: Sent, counter: cp.Counter) -> Iterator[str]:
    """Laws 3 and 8 for the request: the budget holds, the report says what was saved, nothing is longer."""
    if sent.ceiling is not None and sent.after > sent.ceiling:
        yield f"3: {sent.after} tokens under a budget of {sent.ceiling}"
    saved = sum(counter(change.old) - counter(change.new) for change in sent.changed if not change.wrong)
    if sent.before - sent.after != saved:
        yield f"3: {sent.before - sent.after} tokens saved as reported, {saved} as counted"
    if len(sent.raw_new) > len(sent.raw):
        yield f"8: {len(sent.raw)} bytes became {len(sent.raw_new)}"


def recalled(change: Change, sent: Sent, pruner: cp.Pruner) -> Iterator[str]:
    """Law 12: a key in the text, or the one of the request, gives back what stood there."""
    for key in KEY.findall(change.new):
        if pruner.store.get(key) is not None and change.old in cp.recall(key, pruner=pruner):
            return
    if not sent.key or change.old not in cp.recall(sent.key, pruner=pruner):
        yield f"12: no way back at {change.path}: {change.new!r:.200}"


def never_longer(change: Change, counter: cp.Counter) -> Iterator[str]:
    """Law 8 for one text, in tokens and bytes."""
    if counter(change.new) > counter(change.old) or len(_utf8(change.new)) > len(_utf8(change.old)):
        yield f"8: {change.old!r:.100} grew to {change.new!r:.100}"


def verbatim(change: Change) -> Iterator[str]:
    """Law 3 of the design: what stands between markers stood in the original, in this order."""
    at = 0
    for run in _between_notes(change.new):
        found = change.old.find(run, at)
        if found < 0:
            yield f"verbatim: {run!r:.120} of {change.new!r:.300} is no part of {change.old!r:.300}"
            return
        at = found + len(run)


def json_stays_json(change: Change) -> Iterator[str]:
    """Law 6: JSON, and JSON lines, stay so or become a single marker."""
    if re.fullmatch(r"\[[^\n]*\]", change.new.strip()):
        return
    if _is_json(change.old):
        if not _is_json(change.new):
            yield f"6: no JSON any more: {change.old!r:.200} -> {change.new!r:.300}"
        return
    lines = [line for line in change.old.split("\n") if line.strip()]
    if len(lines) > 2 and all(line.lstrip().startswith("{") and _is_json(line) for line in lines):
        bad = next((line for line in change.new.split("\n") if line.strip() and not _is_json(line)), None)
        if bad is not None:
            yield f"6: no JSON lines any more: {bad!r:.200}"


def whole_letters_and_fences(change: Change) -> Iterator[str]:
    """Law 6: no pair of surrogates is torn, no fence stands alone."""
    if _lone(change.new) > _lone(change.old):
        yield f"6: a torn letter in {change.new!r:.200}"
    if not _open_fence(change.old) and _open_fence(change.new):
        yield f"6: a fence by itself in {change.new!r:.300}"


def numbered_rightly(change: Change) -> Iterator[str]:
    """A marker's line numbers are those of the original: its neighbours stand just before and after them."""
    old, new = change.old.split("\n"), change.new.split("\n")
    for at, line in enumerate(new):
        note = OWN_LINE.match(line)
        if note is None or line in old:
            continue
        first, last = int(note[1]), int(note[2] or note[1])
        before, after = new[at - 1] if at else "[", new[at + 1] if at + 1 < len(new) else ""
        want = old[first - 2] if 2 <= first <= len(old) else None
        if "[" not in before and before != want:
            yield f"marker: {line!r:.120} follows {before!r:.80}, not {want!r:.80}"
        elif after and "[" not in after and after != (old[last] if last < len(old) else ""):
            yield f"marker: {line!r:.120} stands before {after!r:.80}, not {old[last : last + 1]!r:.80}"


def first_of_all(sent: Sent, counter: cp.Counter) -> Iterator[str]:
    """Law 14, and marks that keep: failures and marked passages stand somewhere, where there is room for all."""
    free = [text for text in frees_of(sent.body.tree) if text]
    told = [(line, "14") for text in free for line in text.made.failures]
    told += [(line, "5") for text in free for passage in text.made.kept for line in passage.splitlines()]
    if sent.ceiling is not None:
        fixed = sent.before - sum(counter(text) for text in free)
        need = sum(counter(line) + 4 for line, _ in told) + 45 * len(free)
        if sent.ceiling - fixed < 1.3 * need:
            return
    shown = "\n".join(texts(sent.new))
    for line, law in told:
        if line not in shown:
            yield f"{law}: {'arrival' if sent.ceiling is None else 'budget'}: gone is {line!r}"


def _between_notes(new: str) -> Iterator[str]:
    """The runs of a new text between its markers, without what frames those."""
    at = 0
    for note in NOTE.finditer(new):
        yield new[at : note.start()].strip(FRAME)
        at = note.end()
    yield new[at:].strip(FRAME)


def _open_fence(text: str) -> bool:
    """Whether a fence is still open at the end: one is closed by at least as many of its marks and nothing else."""
    opened = ""
    for line in re.split(r"\r?\n", text):
        fence = re.match(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})", line)
        if fence is not None and not opened:
            opened = fence[1]
        elif opened and (closing := re.fullmatch(r" {0,3}(`{3,}|~{3,})\s*", line)) and closing[1].startswith(opened):
            opened = ""
    return bool(opened)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=float.fromhex)
    except (ValueError, RecursionError):
        return False
    return True


def _lone(text: str) -> int:
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return sum("\ud800" <= letter <= "\udfff" for letter in paired)


def _text(literal: bytes) -> str:
    return str(json.loads(literal)) if literal.startswith(b'"') else ""


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
