"""The greedy fill: starts from nothing but what is protected, and keeps spans one step after another.

Steps come in an order that does not depend on the budget, and the first step that does not fit ends the fill; so a
larger budget only ever walks further, and keeps a superset. Every step is charged its anchors, its share of markers and
the identifiers in them; a gap that would cost more than it saves is closed on the spot.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf

from contextprune.context import Span
from contextprune.plan import Prices
from contextprune.selection.protection import closure


class Fill:
    """Which spans are kept so far, and what that costs in tokens (`used`), markers included.

    atom_costs   (tokens, characters) of each identifier in a marker
    atom_spans   the spans that show it, in order; the last one is its home
    """

    def __init__(
        self,
        spans: Sequence[Span],
        costs: Sequence[int],
        movable: Sequence[bool],
        prices: Prices,
        atom_costs: Sequence[tuple[int, int]],
        atom_spans: Sequence[Sequence[int]],
    ) -> None:
        self.spans, self.costs = spans, costs
        self.kept = bytearray(not movable[span.segment] for span in spans)
        self.why: dict[int, str] = {}
        self.carried: dict[int, list[int]] = {}  # home span -> identifiers in its gap's marker
        self._atom_costs, self._atom_spans = atom_costs, atom_spans
        self._shows: dict[int, list[int]] = {}
        for atom, places in enumerate(atom_spans):
            for i in places:
                self._shows.setdefault(i, []).append(atom)
        self._home: dict[int, int] = {}  # carried identifier -> home
        self._seen = [0] * len(atom_spans)  # how many kept spans show each identifier
        self._journal: list[tuple[int, int | None]] = []
        self._history: list[list[tuple[int, int | None]]] = []
        self._books: dict[int, _Book] = {}
        self._prices = prices
        self._tokens = [0, *accumulate(costs)]
        self._chars = [0, *accumulate(len(span.text) for span in spans)]
        self._open(movable)
        for segment in self._books:
            for i in self._settled(segment):
                self._keep(i, CLOSED)

    def _open(self, movable: Sequence[bool]) -> None:
        """Open a book for each movable segment: everything removed, one gap, one recall key."""
        self.used = 0
        for i, span in enumerate(self.spans):
            if not movable[span.segment]:
                self.used += self.costs[i]
            elif span.segment in self._books:
                self._books[span.segment].end = i + 1
            else:
                self._books[span.segment] = _Book(first=i, end=i + 1)
        for segment, book in self._books.items():
            book.key, book.key_chars = self._prices.key(segment)
            book.removed = self._tokens[book.end] - self._tokens[book.first]
            book.chars = self._chars[book.end] - self._chars[book.first]
            self._book_gap(book, book.first, book.end, 1)

    def keep(self, i: int, why: str, ceiling: float = inf) -> bool:
        """Keep span `i` with its anchors; False, and nothing changed, where that would exceed `ceiling` tokens."""
        if self.kept[i]:
            return True
        self._journal = []
        self._keep(i, why)
        return self._within(ceiling)

    def carry(self, atom: int, ceiling: float = inf) -> bool:
        """Let the marker in its home's gap name identifier `atom`, unless a kept span shows it anyway."""
        if self.shows(atom):
            return True
        self._journal = []
        home = self._atom_spans[atom][-1]
        names = [*self.carried.get(home, ()), atom]
        tokens, chars = (BAR[part] + sum(self._atom_costs[a][part] for a in names) for part in (0, 1))
        if tokens >= self.costs[home] or chars >= len(self.spans[home].text):
            self._keep(home, "no longer than its identifiers")
        else:
            self._load(atom, home)
            self._journal.append((-1, atom))
            for i in self._small_gap(home):
                self._keep(i, CLOSED)
        return self._within(ceiling)

    def shows(self, atom: int) -> bool:
        """Whether identifier `atom` is visible: in a kept span or in a marker."""
        return self._seen[atom] > 0 or atom in self._home

    def saving(self, segment: int) -> int:
        """Tokens that segment's markers save over its whole text."""
        book = self._books[segment]
        return book.removed - book.markers - book.atoms

    def _within(self, ceiling: float) -> bool:
        """Whether the last step fits; where not, undo it."""
        self._history.append(self._journal)
        if self.used <= ceiling:
            return True
        self.undo()
        return False

    @property
    def taken(self) -> int:
        """How many steps were taken; `rewind` comes back to here."""
        return len(self._history)

    def rewind(self, taken: int) -> None:
        """Take back all steps after the first `taken`."""
        while len(self._history) > taken:
            self._revert(self._history.pop())

    def undo(self) -> set[int]:
        """Take back the last step that changed anything; returns the segments that it changed, none if none is left."""
        while self._history:
            journal = self._history.pop()
            self._revert(journal)
            if journal:
                homes = (self._atom_spans[atom][-1] if i < 0 and atom is not None else i for i, atom in journal)
                return {self.spans[i].segment for i in homes}
        return set()

    def _revert(self, journal: Sequence[tuple[int, int | None]]) -> None:
        for i, atom in reversed(journal):
            if atom is None:
                del self.why[i]
                self._flip(i, -1)
            elif i < 0:
                self._unload(atom)
            else:
                self._load(atom, i)

    def _keep(self, start: int, why: str) -> None:
        """Keep `start`, its anchors, and every gap that is then too small to be worth its marker."""
        waiting = [(start, why)]
        while waiting:
            i, reason = waiting.pop()
            if self.kept[i]:
                continue
            for j in closure(i, self.spans, self.kept):
                self._add(j, reason if j == i else "needed by what is kept")
                closed = (*self._small_gap(j - 1), *self._small_gap(j + 1), *self._settled(self.spans[j].segment))
                waiting.extend((k, CLOSED) for k in closed)

    def _add(self, i: int, why: str) -> None:
        if self.kept[i]:
            return
        self.why[i] = why
        self._flip(i, 1)
        self._journal.append((i, None))
        for atom in self._shows.get(i, ()):
            home = self._home.get(atom)
            if home is not None:
                self._unload(atom)
                self._journal.append((home, atom))

    def _flip(self, i: int, sign: int) -> None:
        """Set or clear span `i`: book its tokens, and split or join the gaps around it."""
        book = self._books[self.spans[i].segment]
        first = self._gap_at(book, i - 1)[0] if i > book.first and not self.kept[i - 1] else i
        end = self._gap_at(book, i + 1)[1] if i + 1 < book.end and not self.kept[i + 1] else i + 1
        split = [(a, b, sign) for a, b in ((first, i), (i + 1, end)) if a < b]
        moves = [(first, end, -sign), *split]
        for a, b, way in moves if sign > 0 else reversed(moves):
            self._book_gap(book, a, b, way)
        book.removed -= sign * self.costs[i]
        book.chars -= sign * len(self.spans[i].text)
        self.used += sign * self.costs[i]
        self.kept[i] = sign > 0
        for atom in self._shows.get(i, ()):
            self._seen[atom] += sign

    def _gap_at(self, book: _Book, i: int) -> tuple[int, int]:
        """The bounds of the gap that span `i` lies in."""
        first = book.gaps[bisect_right(book.gaps, i) - 1]
        return first, book.ends[first]

    def _book_gap(self, book: _Book, first: int, end: int, sign: int) -> None:
        """Open (+1) or close (-1) a gap, with its marker, and the recall key where it is the segment's only one."""
        tokens, chars = self._prices.gap(first, end)
        if sign > 0:
            if not book.gaps:
                tokens, chars = tokens + book.key, chars + book.key_chars
            insort(book.gaps, first)
            book.ends[first] = end
        else:
            book.gaps.remove(first)
            del book.ends[first]
            if not book.gaps:
                tokens, chars = tokens + book.key, chars + book.key_chars
        book.markers += sign * tokens
        book.marker_chars += sign * chars
        self.used += sign * tokens

    def _load(self, atom: int, home: int) -> None:
        self._home[atom] = home
        names = self.carried.setdefault(home, [])
        names.append(atom)
        self._book_atom(atom, home, 1, opens=len(names) == 1)

    def _unload(self, atom: int) -> None:
        home = self._home.pop(atom)
        self.carried[home].remove(atom)
        self._book_atom(atom, home, -1, opens=not self.carried[home])

    def _book_atom(self, atom: int, home: int, sign: int, *, opens: bool) -> None:
        tokens, chars = self._atom_costs[atom]
        if opens:
            tokens, chars = tokens + BAR[0], chars + BAR[1]
        book = self._books[self.spans[home].segment]
        book.atoms += sign * tokens
        book.atom_chars += sign * chars
        self.used += sign * tokens

    def _small_gap(self, i: int) -> list[int]:
        """The gap around span `i` where its marker would cost as much as it saves, in tokens or bytes; else none."""
        if not 0 <= i < len(self.spans) or self.kept[i]:
            return []
        book = self._books[self.spans[i].segment]
        first, end = self._gap_at(book, i)
        price, price_chars = self._prices.gap(first, end)
        tokens = self._tokens[end] - self._tokens[first] - price
        chars = self._chars[end] - self._chars[first] - price_chars
        if tokens > book.atoms and chars > book.atom_chars:
            return []
        carried = [self._atom_costs[a] for j in range(first, end) for a in self.carried.get(j, ())]
        carried += [BAR for j in range(first, end) if self.carried.get(j)]
        if tokens > sum(cost for cost, _ in carried) and chars > sum(length for _, length in carried):
            return []
        return list(range(first, end))

    def _settled(self, segment: int) -> list[int]:
        """What is left of a segment whose markers together would cost as much as they save; else none."""
        book = self._books[segment]
        if not book.gaps or (self.saving(segment) > 0 and book.chars > book.marker_chars + book.atom_chars):
            return []
        return [i for first in book.gaps for i in range(first, book.ends[first])]


CLOSED = "no shorter as a marker"
BAR = 1, 2  # tokens and characters of what parts a marker's words from its identifiers


@dataclass(slots=True)
class _Book:
    """One movable segment's account: spans first..end, what is removed, its markers and identifiers, its gaps."""

    first: int
    end: int
    key: int = 0
    key_chars: int = 0
    removed: int = 0
    chars: int = 0
    markers: int = 0
    marker_chars: int = 0
    atoms: int = 0
    atom_chars: int = 0
    gaps: list[int] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
