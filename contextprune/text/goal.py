"""What a user wants: the latest request and the first one, as far as the conversation has come.

A request is what a person asked. What harnesses write in the user's name is none, nor is a file, nor a word that the
agent go on; so a question that was asked many turns ago still guides. Each block is decided once, as it arrives, which
makes the goal a function of what stands before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from contextprune.context import MODEL_MADE, Kind, Segment
from contextprune.text.harness import is_request, own_words

GOAL_CHARACTERS = 16_000  # of a request count, from its two ends; by hand, for speed
FIRST_CHARACTERS = 120  # of the first request count beside a later one; set by what sessions used later
PARTS = 16  # of a request's texts count, the first and the latest; by hand, for speed


@dataclass(slots=True)
class Goal:
    """What the user asked so far. It grows by one segment at a time.

    first     the first request: the user's own words between two replies of the model, where they ask for something
    latest    the latest request
    nod       the user's latest words that ask for nothing
    text      the latest text in the user's name, whoever wrote it; None where there is none
    """

    first: str = ""
    latest: str = ""
    nod: str = ""
    text: str | None = None
    _parts: list[str] = field(default_factory=list)  # texts of the request that the model has not answered yet
    _requests: int = 0

    def __str__(self) -> str:
        """The latest request and the two ends of the first, else what comes nearest to one; "" where no user spoke."""
        if self.first == self.latest:
            return self.latest or self.nod or self.text or ""
        return f"{self.latest}\n{ends(self.first, FIRST_CHARACTERS)}"

    def add(self, segment: Segment) -> None:
        """Read one more segment."""
        if segment.kind in MODEL_MADE:
            self._parts.clear()
        if segment.kind is not Kind.USER or not segment.text:
            return

        self.text = segment.text
        words = own_words(segment.text)
        if is_request(words):
            self._ask(words)
        elif words:
            self.nod = words

    def _ask(self, words: str) -> None:
        """Note a request, or one more part of it: the texts of a message, and messages in a row, are one."""
        if not self._parts:
            self._requests += 1
        self._parts.append(words)
        if len(self._parts) > PARTS:
            del self._parts[PARTS // 2]

        size = GOAL_CHARACTERS // len(self._parts)
        whole = sum(map(len, self._parts)) <= GOAL_CHARACTERS
        self.latest = "\n".join(self._parts if whole else [ends(part, size) for part in self._parts])
        if self._requests == 1:
            self.first = self.latest


def goal_of(segments: Iterable[Segment]) -> Goal:
    """What the user asked in `segments`."""
    goal = Goal()
    for segment in segments:
        goal.add(segment)
    return goal


def ends(text: str, size: int) -> str:
    """The beginning and the end of a text, `size` characters in all: a question stands before a file or behind it."""
    if len(text) <= size:
        return text
    end = size // 3
    return f"{text[: size - end - 1]}\n{text[-end:]}"
