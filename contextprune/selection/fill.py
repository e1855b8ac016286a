"""The greedy fill: starts from nothing but what is protected, and keeps spans one step after another.

Steps come in an order that does not depend on the budget, and the first step that does not fit ends the fill; so a larger
budget only ever walks further, and keeps a superset. Every step is charged its anchors, its share of markers and the
identifiers in them; a gap that would cost more than it saves is closed on the spot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from contextprune.context import Span
from contextprune.plan import Prices
from contextprune.selection.constraints import closure


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
        self._journal: list[tuple[int, int | None]] = []
        self._books: dict[int, _Book] = {}
        self._prices = prices
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
                continue
            book = self._books.get(span.segment)
            if book is None:
                book = self._books[span.segment] = _Book(first=i, end=i)
            book.end = i + 1
            book.removed += self.costs[i]
            book.chars += len(span.text)
            book.gap = max(book.gap, self._prices.gap[span.syntax])
            book.gap_chars = max(book.gap_chars, self._prices.gap_chars[span.syntax])
        self.used += sum(book.gap + self._prices.key for book in self._books.values())

    def keep(self, i: int, why: str, ceiling: float = inf) -> bool:
        """Keep span `i` with its anchors; False, and nothing changed, where that would exceed `ceiling` tokens."""
        if self.kept[i]:
            return True
        self._journal.clear()
        self._keep(i, why)
        return self._within(ceiling)

    def carry(self, atom: int, ceiling: float = inf) -> bool:
        """Let the marker in its home's gap name identifier `atom`, unless a kept span shows it anyway."""
        if any(self.kept[i] for i in self._atom_spans[atom]):
            return True
        self._journal.clear()
        home = self._atom_spans[atom][-1]
        names = [*self.carried.get(home, ()), atom]
        tokens, chars = (sum(self._atom_costs[a][part] for a in names) for part in (0, 1))
        if tokens >= self.costs[home] or chars >= len(self.spans[home].text):
            self._keep(home, "no longer than its identifiers")
        else:
            self._load(atom, home)
            self._journal.append((-1, atom))
            for i in self._small_gap(home):
                self._keep(i, CLOSED)
        return self._within(ceiling)

    def saving(self, segment: int) -> int:
        """Tokens that segment's markers save over its whole text."""
        book = self._books[segment]
        return book.removed - book.gaps * book.gap - book.atoms - (book.gaps > 0) * self._prices.key

    def _within(self, ceiling: float) -> bool:
        """Whether the last step fits; where not, undo it."""
        if self.used <= ceiling:
            return True
        for i, atom in reversed(self._journal):
            if atom is None:
                del self.why[i]
                self._flip(i, -1)
            elif i < 0:
                self._unload(atom)
            else:
                self._load(atom, i)
        return False

    def _keep(self, start: int, why: str) -> None:
        """Keep `start`, its anchors, and every gap that is then too small to be worth its marker."""
        waiting = [(start, why)]
        while waiting:
            i, reason = waiting.pop()
            if self.kept[i]:
                continue
            for j in closure(i, self.spans, self.kept):
                self._add(j, reason if j == i else "needed by what is kept")
                for k in (*self._small_gap(j - 1), *self._small_gap(j + 1), *self._settled(self.spans[j].segment)):
                    waiting.append((k, CLOSED))

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
        """Set or clear span `i`, and book its tokens, its gaps and its segment's recall key."""
        book = self._books[self.spans[i].segment]
        open_before = i > book.first and not self.kept[i - 1]
        open_after = i + 1 < book.end and not self.kept[i + 1]
        gaps = book.gaps + sign * (open_before + open_after - 1)
        keys = (gaps > 0) - (book.gaps > 0)
        self.used += sign * self.costs[i] + (gaps - book.gaps) * book.gap + keys * self._prices.key
        book.gaps = gaps
        book.removed -= sign * self.costs[i]
        book.chars -= sign * len(self.spans[i].text)
        self.kept[i] = sign > 0

    def _load(self, atom: int, home: int) -> None:
        self._home[atom] = home
        self.carried.setdefault(home, []).append(atom)
        self._book_atom(atom, home, 1)

    def _unload(self, atom: int) -> None:
        home = self._home.pop(atom)
        self.carried[home].remove(atom)
        self._book_atom(atom, home, -1)

    def _book_atom(self, atom: int, home: int, sign: int) -> None:
        tokens, chars = self._atom_costs[atom]
        book = self._books[self.spans[home].segment]
        book.atoms += sign * tokens
        book.atom_chars += sign * chars
        self.used += sign * tokens

    def _small_gap(self, i: int) -> list[int]:
        """The gap around span `i` where its marker would cost as much as it saves, in tokens or characters; else none.

        Looks no further than the marker's price: a span never carries identifiers worth more than itself.
        """
        if not 0 <= i < len(self.spans) or self.kept[i]:
            return []
        book = self._books[self.spans[i].segment]
        saved, chars, gap = -book.gap, -book.gap_chars, []
        for step, j, stop in ((-1, i, book.first - 1), (1, i + 1, book.end)):
            while j != stop and not self.kept[j]:
                carried = self.carried.get(j, ())
                saved += self.costs[j] - sum(self._atom_costs[a][0] for a in carried)
                chars += len(self.spans[j].text) - sum(self._atom_costs[a][1] for a in carried)
                if saved > 0 and chars > 0:
                    return []
                gap.append(j)
                j += step
        return gap

    def _settled(self, segment: int) -> list[int]:
        """What is left of a segment whose markers together would cost as much as they save; else none."""
        book = self._books[segment]
        chars = book.chars - book.gaps * book.gap_chars - book.atom_chars
        if not book.gaps or (self.saving(segment) > 0 and chars > self._prices.key_chars):
            return []
        return [i for i in range(book.first, book.end) if not self.kept[i]]


CLOSED = "no shorter as a marker"


@dataclass(slots=True)
class _Book:
    """One movable segment's account: spans first..end, what is removed, its gaps, and the identifiers carried."""

    first: int
    end: int
    removed: int = 0
    chars: int = 0
    gaps: int = 1
    gap: int = 0
    gap_chars: int = 0
    atoms: int = 0
    atom_chars: int = 0
