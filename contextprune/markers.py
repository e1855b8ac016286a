"""The grammar of markers: how a text names what was taken out of it, and how somebody marks what must stay."""

from __future__ import annotations

import re
from collections.abc import Iterator

KEY = re.compile(r"\brecall=([a-z2-7]{12})\b")
"""Where a marker names its recall key. A look-alike in a text is inert: only keys that the store knows count."""
KEY_SHAPE = re.compile(r"\b[a-z2-7]{12}\b")
"""A recall key by itself, as a call quotes it."""

KEY_LETTERS = 12
_KEY_LETTERS = re.compile(r"[a-z2-7]{12,}")

MARKER = re.compile(
    r"\[(?:(?:lines? \d+(?:-\d+)?|\d+ [a-z]+(?: [a-z]+)?(?: at \d+)?|image)(?: like \"[^\"\n]*\")?"
    r" (?:cut|as above)(?:[, ][^\]\n]*)?"
    r"|(?:\.\.\.|as above)(?: \d+)?(?:, recall=[a-z2-7]{12})?(?: \| [^\]\n]*)?|…[^\]\n]*)\]"
    r'(?:": "[^"\n]*")?'
)
"""A marker of any kind, in any syntax: what is gone, the key, identifiers. A text that merely looks so matches, too."""

_SPACES = "".join(letter for letter in map(chr, range(0x3001)) if letter.isspace())  # of any script
_FRAMES = _SPACES + '\\n",:#/-<>!|'  # around a marker: comments, JSON, tables
MOST_TOKENS = 40
ONE_IN, ONE_IN_SMALL = 10, 3
EXAMPLES = 60, 30  # characters of a line that a marker shows, the first that there is room for
_STAMP = re.compile(r"\s*[\[(]?\d{2,4}[-/.]\d\d[-/.]\d{2,4}[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?[Z\])]?\s+(?=\S)")

KEEP, END_KEEP = "<contextprune-keep>", "</contextprune-keep>"
"""What stands between the two stays; without the second one, all that follows."""

RECALL_TOOL = "contextprune_recall"
"""The tool by which a model asks for an original; servers may put their own name before it."""


def recall_note(key: str) -> str:
    """The part of a marker that names its original; "" where nobody could ask for it."""
    return f", recall={key}" if key else ""


def most_tokens(tokens: int) -> int:
    """The most tokens that a marker may have in place of so many: a tenth, or 40 where that is no more than a third."""
    return max(tokens // ONE_IN, min(MOST_TOKENS, tokens // ONE_IN_SMALL))


def short_marker(member: str, recall: str, *, copies: bool) -> str:
    """The marker where no words fit. `member` keeps members of an object apart, `recall` names the key."""
    return f"[{'as above' if copies else '...'}{member}{recall}]"


def alike_note(line: str, longest: int) -> str:
    """The part of a marker that shows one of many lines of a template: printable, on one line, without time or end."""
    line = _STAMP.sub("", line, 1)
    shown = " ".join(line[: 16 * longest].split()).replace('"', "'")
    if not shown.isprintable():
        shown = "".join(letter for letter in shown if letter.isprintable())
    shown = shown if len(shown) <= longest else f"{shown[:longest].rstrip()}..."
    return f' like "{shown}"'


def recall_keys(text: str) -> list[str]:
    """The keys that stand in `text` as markers name them, in order."""
    return KEY.findall(text) if "recall=" in text else []


def key_shapes(text: str) -> Iterator[str]:
    """All that has the shape of a recall key and stands anywhere in `text`, as a part of a longer word, too."""
    for run in _KEY_LETTERS.findall(text):
        yield from (run[at : at + KEY_LETTERS] for at in range(len(run) - KEY_LETTERS + 1))


def stands_for(text: str, original: str) -> bool:
    """Whether `text` may be what is left of `original`: its runs between markers stand there, in this order.

    A text that only quotes a marker is not. What frames a marker in its syntax does not count.
    """
    if _size(text) >= _size(original):
        return False
    at = start = 0
    for end, next_start in (*(match.span() for match in MARKER.finditer(text)), (len(text), len(text))):
        run = text[start:end].strip(_FRAMES)
        at = original.find(run, at) + len(run)
        if at < len(run):
            return False
        start = next_start
    return True


def _size(text: str) -> int:
    """Bytes of a text: by letters, a marker is longer than the Chinese sentence that it stands for."""
    return len(text.encode("utf-8", "surrogatepass"))


def marker_ranges(text: str, original: str) -> list[tuple[int, int]]:
    """The character ranges of the markers in `text`, which was sent in place of `original`.

    What looks like a marker and stands in the original, too, is a kept part of it.
    """
    return [match.span() for match in MARKER.finditer(text) if match[0] not in original]


def unreferred(text: str, original: str) -> str:
    """The text that was sent in place of `original` with markers that refer to nothing: what they stood for is cut."""
    parts = []
    end = 0
    for start, stop in marker_ranges(text, original):
        marker = text[start:stop].replace(" as above", " cut", 1).replace("[as above", "[...", 1)
        parts += [text[end:start], marker]
        end = stop
    return "".join([*parts, text[end:]])


def line_count(lines: int) -> str:
    """So many lines, as a marker says it."""
    return f"{lines} lines" if lines > 1 else "1 line"


def kept_ranges(text: str) -> list[tuple[int, int]]:
    """The character ranges that somebody marked to be kept, the marks included."""
    ranges = []
    start = text.find(KEEP)
    while start >= 0:
        end = text.find(END_KEEP, start)
        end = len(text) if end < 0 else end + len(END_KEEP)
        ranges.append((start, end))
        start = text.find(KEEP, end)
    return ranges
