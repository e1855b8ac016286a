"""The greedy fill: starts from nothing but what is protected, and keeps spans one step after another.

Every step is charged its anchors, its share of markers and the identifiers in them; one that does not fit changes
nothing. A gap that would cost more than it saves is closed on the spot.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter as Tally
from collections.abc import Sequence
from itertools import accumulate
from math import inf

from contextprune.context import Span
from contextprune.plan import Prices
from contextprune.selection.account import BAR, Account
from contextprune.selection.foresee import Foreseen, foresee
from contextprune.selection.protection import closure
from contextprune.selection.sums import Sums


class Fill:
    """Which spans are kept so far, and what that costs in tokens (`used`), markers included.

    identifier_costs   (tokens, characters) of each identifier in a marker
    identifier_spans   the spans that show it, in order; the last one is its home
    """

    def __init__(
        self,
        spans: Sequence[Span],
        costs: Sequence[int],
        movable: Sequence[bool],
        prices: Prices,
        identifier_costs: Sequence[tuple[int, int]],
        identifier_spans: Sequence[Sequence[int]],
    ) -> None:
        self.spans, self.costs = spans, costs
        self.kept = bytearray(not movable[span.segment] for span in spans)
        self.why: dict[int, str] = {}
        self.carried: dict[int, list[int]] = {}  # home span -> identifiers in its gap's marker
        self._identifier_costs, self._identifier_spans = identifier_costs, identifier_spans
        self._shows: dict[int, list[int]] = {}
        for identifier, spans_of_it in enumerate(identifier_spans):
            for i in spans_of_it:
                self._shows.setdefault(i, []).append(identifier)

        self._home: dict[int, int] = {}  # carried identifier -> home
        self._foreseen: dict[int, Foreseen] = {}  # span -> what keeping it would take
        self._least: dict[int, tuple[int, int]] = {}  # span -> changes to its segment, and the least it would take
        self._named = Sums(len(spans))  # what the names cost that each home carries
        self._visible_in = [0] * len(identifier_spans)  # how many kept spans show each identifier
        self._journal: list[tuple[int, int | None]] = []
        self._history: list[list[tuple[int, int | None]]] = []
        self._accounts: dict[int, Account] = {}
        self._prices = prices
        self._tokens = [0, *accumulate(costs)]
        self._chars = [0, *accumulate(len(span.text) for span in spans)]
        self._open(movable)
        for segment in self._accounts:
            for i in self._not_worth(segment):
                self._keep(i, CLOSED)

    def _open(self, movable: Sequence[bool]) -> None:
        """Open an account for each movable segment: everything removed, one gap, one recall key."""
        self.used = 0
        for i, span in enumerate(self.spans):
            if not movable[span.segment]:
                self.used += self.costs[i]
            elif span.segment in self._accounts:
                self._accounts[span.segment].end = i + 1
            else:
                self._accounts[span.segment] = Account(first=i, end=i + 1)
        for segment, account in self._accounts.items():
            account.key, account.key_chars = self._prices.key(segment)
            account.removed = self._tokens[account.end] - self._tokens[account.first]
            account.chars = self._chars[account.end] - self._chars[account.first]
            self._charge_gap(account, account.first, account.end, 1)

    def keep(self, i: int, why: str, ceiling: float = inf) -> bool:
        """Keep span `i` with its anchors; False, and nothing changed, where that would exceed `ceiling` tokens."""
        if self.kept[i]:
            return True
        if self._surely_exceeds(i, ceiling):
            return False
        account = self._accounts[self.spans[i].segment]
        changes, used = account.changes, self.used
        journal = self._journal = []
        self._keep(i, why)
        added = self.used - used
        if self._within(ceiling):
            return True

        spans = [j for j, identifier in journal if identifier is None]
        account.changes = changes  # all is as it was
        self._foreseen[i] = Foreseen(changes, added + self._freed(spans), spans)
        return False

    def may_fit(self, i: int, ceiling: float) -> bool:
        """Tell quickly whether keeping span `i` could fit: False is certain, for all that it could free is reckoned."""
        if self.kept[i]:
            return True
        account = self._accounts[self.spans[i].segment]
        changes, least = self._least.get(i, (-1, 0))
        if changes != account.changes:
            key = account.key if len(account.gaps) == 1 else 0
            freed = self._prices.gap(*account.gap_at(i))[0] + key + account.identifiers
            least = min(self.costs[i] - freed, self.saving(self.spans[i].segment))
            self._least[i] = account.changes, least
        return self.used + least <= ceiling

    def carry(self, identifier: int, ceiling: float = inf) -> bool:
        """Let the marker in its home's gap name identifier `identifier`, unless a kept span shows it anyway.

        False, and nothing changes, where the marker has no room for it, or that would exceed `ceiling` tokens.
        """
        if self.shows(identifier):
            return True
        home = self._identifier_spans[identifier][-1]
        if self._names_beyond_room(home) + self._identifier_costs[identifier][0] > 0:
            return False

        self._journal = []
        extra = self._identifier_costs[identifier]
        if not self.carried.get(home):
            extra = extra[0] + BAR[0], extra[1] + BAR[1]
        account = self._accounts[self.spans[home].segment]
        tokens, chars = self._names_in(account, home, home + 1)
        if tokens + extra[0] >= self.costs[home] or chars + extra[1] >= len(self.spans[home].text):
            self._keep(home, "no longer than its identifiers")
        elif self.used + extra[0] > ceiling and self._pays(account, *account.gap_at(home), extra):
            return False
        else:
            self._load(identifier, home)
            self._journal.append((-1, identifier))
            for i in self._small_gap(home):
                self._keep(i, CLOSED)
        return self._within(ceiling)

    def trim(self) -> None:
        """Let no marker name more than it has room for, as gaps are smaller now: one step, if any."""
        self._journal = []
        for account in self._accounts.values():
            for home in reversed(account.homes):
                while self.carried[home] and self._names_beyond_room(home) > 0:
                    identifier = self.carried[home][-1]
                    self._unload(identifier)
                    self._journal.append((home, identifier))
        if self._journal:
            self._history.append(self._journal)

    def _names_beyond_room(self, home: int) -> int:
        """Tokens by which the names in the gap around `home` exceed what its marker has room for; less than 0: room."""
        account = self._accounts[self.spans[home].segment]
        first, end = account.gap_at(home)
        names = self._named.between(first, end)[0] if account.homes else 0
        key = account.key if first == account.gaps[0] else 0
        return BAR[0] + names + key - self._prices.room(first, end)

    def _names_in(self, account: Account, first: int, end: int) -> tuple[int, int]:
        """Tokens and characters of the names that spans first..end carry, with the bars before them."""
        bars = bisect_left(account.homes, end) - bisect_left(account.homes, first)
        if not bars:
            return 0, 0
        tokens, chars = self._named.between(first, end)
        return tokens + bars * BAR[0], chars + bars * BAR[1]

    def shows(self, identifier: int) -> bool:
        """Whether identifier `identifier` is visible: in a kept span or in a marker."""
        return self._visible_in[identifier] > 0 or identifier in self._home

    def saving(self, segment: int) -> int:
        """Tokens that segment's markers save over its whole text."""
        account = self._accounts[segment]
        return account.removed - account.markers - account.identifiers

    def _surely_exceeds(self, start: int, ceiling: float) -> bool:
        """Reckon what keeping a span comes to where it closes no other gap; False where only trying tells.

        Most steps that are taken while a budget is nearly used up do not fit, and trying is dear.
        """
        segment = self.spans[start].segment
        if self.used + self.saving(segment) <= ceiling:
            return False  # even all of the segment would fit
        changes = self._accounts[segment].changes
        foreseen = self._foreseen.get(start)
        if foreseen is None or foreseen.changes != changes:
            needed = closure(start, self.spans, self.kept)
            foreseen = foresee(needed, self._accounts[segment], self.spans, self.costs, self._prices, self._pays)
            self._foreseen[start] = foreseen
        added = foreseen.added
        return added is not None and self.used + added - self._freed(foreseen.spans) > ceiling

    def _freed(self, spans: Sequence[int]) -> int:
        """Tokens of the names that no marker need carry any more where these spans are kept."""
        names = {k for i in spans for k in self._shows.get(i, ()) if k in self._home}
        if not names:
            return 0
        homes = Tally(self._home[k] for k in names)
        bars = sum(count == len(self.carried[home]) for home, count in homes.items())
        return bars * BAR[0] + sum(self._identifier_costs[k][0] for k in names)

    def _within(self, ceiling: float) -> bool:
        """Whether the last step fits; where not, undo it."""
        self._history.append(self._journal)
        if self.used <= ceiling:
            return True
        self.undo()
        return False

    @property
    def steps_taken(self) -> int:
        """How many steps were taken; `rewind` comes back to here."""
        return len(self._history)

    @property
    def last_step(self) -> int:
        """The span that the last step kept, or ~identifier of what it let a marker name."""
        i, identifier = self._history[-1][0]
        return i if identifier is None else ~identifier

    @property
    def last_kept(self) -> list[int]:
        """The spans that the last step kept: one, and the anchors that were not kept before."""
        return [i for i, identifier in self._history[-1] if identifier is None] if self._history else []

    def changed_since(self, steps: int) -> set[int]:
        """The segments that were changed by all steps after the first `steps`."""
        return {segment for journal in self._history[steps:] for segment in self._segments(journal)}

    def rewind(self, steps: int) -> None:
        """Take back all steps after the first `steps`."""
        while len(self._history) > steps:
            self._revert(self._history.pop())

    def undo(self) -> set[int]:
        """Take back the last step that changed anything; returns the segments that it changed, none if none is left."""
        while self._history:
            journal = self._history.pop()
            self._revert(journal)
            if journal:
                return self._segments(journal)
        return set()

    def _segments(self, journal: Sequence[tuple[int, int | None]]) -> set[int]:
        """The segments that a step changed."""
        homes = (
            self._identifier_spans[identifier][-1] if i < 0 and identifier is not None else i
            for i, identifier in journal
        )
        return {self.spans[i].segment for i in homes}

    def _revert(self, journal: Sequence[tuple[int, int | None]]) -> None:
        for i, identifier in reversed(journal):
            if identifier is None:
                del self.why[i]
                self._flip(i, -1)
            elif i < 0:
                self._unload(identifier)
            else:
                self._load(identifier, i)

    def _keep(self, start: int, why: str) -> None:
        """Keep `start`, its anchors, and every gap that is then too small to be worth its marker."""
        waiting = [(start, why)]
        while waiting:
            i, reason = waiting.pop()
            if self.kept[i]:
                continue
            for j in closure(i, self.spans, self.kept):
                self._add(j, reason if j == i else "needed by what is kept")
                closed = (*self._small_gap(j - 1), *self._small_gap(j + 1), *self._not_worth(self.spans[j].segment))
                waiting.extend((k, CLOSED) for k in closed)

    def _add(self, i: int, why: str) -> None:
        if self.kept[i]:
            return
        self.why[i] = why
        self._flip(i, 1)
        self._journal.append((i, None))
        for identifier in self._shows.get(i, ()):
            home = self._home.get(identifier)
            if home is not None:
                self._unload(identifier)
                self._journal.append((home, identifier))

    def _flip(self, i: int, sign: int) -> None:
        """Set or clear span `i`: book its tokens, and split or join the gaps around it."""
        account = self._accounts[self.spans[i].segment]
        account.changes += 1
        first = account.gap_at(i - 1)[0] if i > account.first and not self.kept[i - 1] else i
        end = account.gap_at(i + 1)[1] if i + 1 < account.end and not self.kept[i + 1] else i + 1
        parts = [(a, b, sign) for a, b in ((first, i), (i + 1, end)) if a < b]
        moves = [(first, end, -sign), *parts]
        for a, b, direction in moves if sign > 0 else reversed(moves):
            self._charge_gap(account, a, b, direction)
        account.removed -= sign * self.costs[i]
        account.chars -= sign * len(self.spans[i].text)
        self.used += sign * self.costs[i]
        self.kept[i] = sign > 0
        for identifier in self._shows.get(i, ()):
            self._visible_in[identifier] += sign

    def _charge_gap(self, account: Account, first: int, end: int, sign: int) -> None:
        """Open (+1) or close (-1) a gap, with its marker, and the recall key where it is the segment's only one."""
        tokens, chars = self._prices.gap(first, end)
        if sign > 0:
            if not account.gaps:
                tokens, chars = tokens + account.key, chars + account.key_chars
            account.open(first, end)
        else:
            account.close(first)
            if not account.gaps:
                tokens, chars = tokens + account.key, chars + account.key_chars
        account.markers += sign * tokens
        account.marker_chars += sign * chars
        self.used += sign * tokens

    def _load(self, identifier: int, home: int) -> None:
        self._home[identifier] = home
        names = self.carried.setdefault(home, [])
        names.append(identifier)
        if len(names) == 1:
            insort(self._accounts[self.spans[home].segment].homes, home)
        self._charge_identifier(identifier, home, 1, opens=len(names) == 1)

    def _unload(self, identifier: int) -> None:
        home = self._home.pop(identifier)
        self.carried[home].remove(identifier)
        if not self.carried[home]:
            homes = self._accounts[self.spans[home].segment].homes
            del homes[bisect_left(homes, home)]
        self._charge_identifier(identifier, home, -1, opens=not self.carried[home])

    def _charge_identifier(self, identifier: int, home: int, sign: int, *, opens: bool) -> None:
        tokens, chars = self._identifier_costs[identifier]
        self._named.add(home, sign * tokens, sign * chars)
        if opens:
            tokens, chars = tokens + BAR[0], chars + BAR[1]
        account = self._accounts[self.spans[home].segment]
        account.changes += 1
        account.identifiers += sign * tokens
        account.identifier_chars += sign * chars
        self.used += sign * tokens

    def _small_gap(self, i: int) -> list[int]:
        """The gap around span `i` where its marker would cost as much as it saves, in tokens or bytes; else none."""
        if not 0 <= i < len(self.spans) or self.kept[i]:
            return []
        account = self._accounts[self.spans[i].segment]
        first, end = account.gap_at(i)
        return [] if self._pays(account, first, end) else list(range(first, end))

    def _pays(self, account: Account, first: int, end: int, extra: tuple[int, int] = (0, 0)) -> bool:
        """Whether the marker of a gap, its names and as much `extra` are less than what it stands for."""
        price, price_chars = self._prices.gap(first, end)
        tokens = self._tokens[end] - self._tokens[first] - price - extra[0]
        chars = self._chars[end] - self._chars[first] - price_chars - extra[1]
        if tokens > account.identifiers and chars > account.identifier_chars:
            return True
        names, name_chars = self._names_in(account, first, end)
        return tokens > names and chars > name_chars

    def _not_worth(self, segment: int) -> list[int]:
        """What is left of a segment whose markers together would cost as much as they save; else none."""
        account = self._accounts[segment]
        if not account.gaps or (
            self.saving(segment) > 0 and account.chars > account.marker_chars + account.identifier_chars
        ):
            return []
        return [i for first in account.gaps for i in range(first, account.ends[first])]


CLOSED = "no shorter as a marker"
