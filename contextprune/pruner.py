"""The engine: the stages in order. Read this first; it is the table of contents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from math import inf
from time import perf_counter
from typing import Any

from contextprune.context import Context, Reading, Ref, Segment, blocks_of
from contextprune.errors import BudgetError
from contextprune.markers import recall_keys, stands_for
from contextprune.money.cost import Prompt
from contextprune.money.tariff import FAMILIES
from contextprune.one_key import are_dear, total, with_one_key
from contextprune.plan import Action, Decision, Plan
from contextprune.policy import Budget, Policy
from contextprune.prepare import Before, Counted, New, Resources, count, finish, prepare
from contextprune.report import Report, marker_tokens, summarise
from contextprune.scoring import Calibrated, Scorer, in_time, load_scorer, remarks
from contextprune.selection import Prepared, on_arrival, under_budget
from contextprune.selection.protection import movable, shortenable
from contextprune.session.arrival import UNCUT
from contextprune.session.conversations import Conversations
from contextprune.session.decided import Decided
from contextprune.session.identity import Key
from contextprune.session.ledger import Entry, Ledger
from contextprune.session.requests import boundaries
from contextprune.settings import Settings, data_folder, load_settings
from contextprune.splitting import split
from contextprune.splitting.coarse import is_uncut
from contextprune.storage.bundle import bundled
from contextprune.storage.store import Notes, Store, open_store, stored
from contextprune.tokens import Counter, open_counter

MOST_KEYS = 32  # of other originals that a text may quote before its own key; by hand


@dataclass(frozen=True, slots=True)
class Pruned:
    """What the engine decided: new text by ref (nothing where nothing changes), the plan, the report.

    sizes   tokens of each segment of the context, before and after
    epoch   whether old blocks were decided anew in this very call
    notes   what was decided in this call about a conversation, as the ledger keeps it: enough to replay it elsewhere
    unknown blocks of earlier requests of which nothing was known in this call: they stand as they are
    """

    edits: Mapping[Ref, str]
    plan: Plan
    report: Report
    sizes: tuple[tuple[int, int], ...]
    epoch: bool = False
    notes: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    unknown: int = 0


class Pruner:
    """Holds what is costly to build: scorer, counter, store. Built once, called often, from any thread.

    Whatever is not given comes from the settings (environment, configuration files, defaults).
    `recallable=False` is for callers who hold the originals themselves: gaps are bare ellipses, nothing is stored.
    `hints=False` leaves recall keys out of markers, where whoever reads them cannot ask for the originals.
    `references=False` is for conversations that something else clears or trims as well: no block points to an earlier
    one ("as above"), and no epoch decides old blocks anew.
    `deadline` is for callers who wait: seconds after which a block is scored by words and not by the model. What came
    too late is said once in the log, and counted in the notes of reports.
    `lasting=True`: what was sent of a conversation stays sent, whatever the policy, the scorer or the version of the
    package by which it was decided; for proxies, behind which a provider has it cached.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        scorer: Scorer | None = None,
        counter: Counter | None = None,
        store: Store | None = None,
        *,
        recallable: bool = True,
        hints: bool = True,
        references: bool = True,
        deadline: float | None = None,
        lasting: bool = False,
    ) -> None:
        settings = Settings() if None not in (policy, scorer, counter, store) else load_settings()
        self.policy = policy or settings.policy
        self.scorer = in_time(scorer or load_scorer(settings.scorer, settings.device), deadline)
        self.counter = counter or open_counter(settings.tokenizer)
        self.store = store if store is not None else open_store(settings.store, data_folder())
        self.recallable, self._lasting = recallable, lasting

        self.resources = Resources(self.policy, self.scorer, self.counter, self.store, recallable, hints, references)
        notes = self.store if isinstance(self.store, Notes) else None
        self._ledger = Ledger(notes)
        self._conversations = Conversations(self.resources, self._ledger, lasting=lasting)

    def __reduce__(self) -> tuple[Any, ...]:
        """By what it was built of: decisions are in the store's notes, or are made again."""
        resources = self.resources
        switches = resources.recallable, resources.hints, resources.references, self._lasting
        return _built, (self.policy, self.scorer, self.counter, self.store, *switches)

    def __deepcopy__(self, memo: dict[int, Any]) -> Pruner:
        """Itself: it is shared between threads, and a copy would know nothing of what this one decides."""
        return self

    def __call__(
        self,
        context: Context,
        budget: Budget | None = None,
        query: str | None = None,
        *,
        cold: bool = False,
        uncached: bool = False,
        as_sent: bool = False,
        frozen: int = 0,
        enough: Callable[[Segment], bool] | None = None,
        recallable: bool | None = None,
    ) -> Pruned:
        """Fit `context` under `budget`; without one, decide each block as on its arrival.

        `cold` says that the provider's cache has expired since the last request: where no budget is given, old blocks
        may be decided anew at once, since nothing that is cached is rewritten; `uncached`, that the last request never
        reached that cache. `as_sent` says, of a conversation without a budget, that earlier requests of which the
        ledger knows nothing were sent as they stand: they stay so, since the provider may have them cached, and its
        signatures may hold for just them. `frozen` counts the first segments that a caller knows to be cached as they
        were sent: they stay so, too, and no epoch begins. `enough` is for callers who have no time: it is asked before
        each block that is new there, and where it says so, that one stands as it is. What it raises goes through;
        nothing new is remembered then. `recallable` takes the place of the pruner's own for documents and under a
        budget.

        Raises BudgetError where what is protected does not fit, StoreError where an original cannot be kept.
        """
        watch = _Watch()
        if budget is None and context.reading is not Reading.DOCUMENTS:
            decide = self._conversations.decide
            decided = decide(
                context, query, cold=cold, uncached=uncached, as_sent=as_sent, frozen=frozen, enough=enough
            )
            return self._conversation(context, decided, watch, cold=cold)

        resources = self.resources if recallable is None else replace(self.resources, recallable=recallable)
        return self._fit(resources, context, budget, watch)

    def replay(self, context: Context) -> Mapping[Ref, str]:
        """What earlier requests sent of a conversation: new text by ref. Quick: decides nothing, remembers nothing."""
        return self._conversations.replay(context)

    def sent_unchanged(self, context: Context, *, whole: bool = False) -> None:
        """Remember that what is new in a conversation was sent as it stands, after all; with `whole`, all of it.

        For callers who could not wait for a decision, or whose provider refused it. Raises StoreError.
        """
        self._conversations.sent_unchanged(context, whole=whole)

    def remember(self, entries: Mapping[Key, Entry]) -> None:
        """Remember what another process has decided; for callers whose store ends with each process."""
        self._ledger.remember(entries)

    def forget(self, context: Context) -> None:
        """Drop from memory what was decided about what is new in a conversation: notes say what was sent of it."""
        self._conversations.forget(context)

    def prepare_next(self, context: Context, *, enough: Callable[[], bool]) -> None:
        """Do what the next request of a conversation just decided would have to do first, until `enough`.

        For idle moments: nothing but that request's time depends on it.
        """
        self._conversations.prepare_next(context, enough=enough)

    def _fit(self, resources: Resources, context: Context, budget: Budget | None, watch: _Watch) -> Pruned:
        """Decide a context that is no conversation, all of it at once."""
        counted = self._counted(context, watch)
        marked = self._frozen(context)
        if budget is None:
            plan = self._on_arrival(resources, counted, marked, watch)
            return self._pruned(counted, plan, self._rendered(resources, counted, plan, watch), watch)
        missing = sum(max(0, self.counter(original) - counted.tokens[i]) for i, original in marked.items())
        return self._under_budget(resources, counted, budget.resolve(sum(counted.tokens) + missing), marked, watch)

    def _counted(self, context: Context, watch: _Watch) -> Counted:
        """The context in spans, each with its tokens."""
        spans = split(context)
        watch.lap("split")
        counted = count(self.counter, context, spans)
        watch.lap("count")
        return counted

    def _on_arrival(self, resources: Resources, counted: Counted, frozen: Collection[int], watch: _Watch) -> Plan:
        """Documents without a budget: they arrive together, so all of them are scored at once."""
        context, spans = counted.context, counted.spans
        blocks = shortenable(context, counted.tokens, self.policy, frozen)
        prepared = prepare(resources, counted, blocks, before=Before())
        bars: dict[int, float] = {}
        if isinstance(self.scorer, Calibrated) and not self.policy.repetitions_only:
            for block in blocks_of(spans):
                segment, own_spans = spans[block.start].segment, [spans[i] for i in block]
                bar = self.scorer.threshold(context, own_spans, segment, self.policy.recall)
                bars |= {} if bar is None else {segment: bar}
        watch.lap("score")
        plan = on_arrival(prepared, bars)
        watch.lap("select")
        return plan

    def _under_budget(
        self, resources: Resources, counted: Counted, ceiling: int, frozen: Collection[int], watch: _Watch
    ) -> Pruned:
        """Choose under a ceiling; images and the like have their cost whatever is chosen."""
        context = counted.context
        if sum(counted.tokens) <= ceiling:
            return self._pruned(counted, _keep_all(counted), {}, watch)
        prepared = prepare(resources, counted, movable(context, self.policy, frozen))
        watch.lap("score")

        try:
            plan = None if resources.recallable and are_dear(prepared, ceiling) else under_budget(prepared, ceiling)
        except BudgetError:  # less than the usual markers take
            if not resources.recallable:
                raise
            plan = None
        if plan is None:
            return self._with_one_key(resources, counted, prepared, ceiling, watch)
        watch.lap("select")
        return self._pruned(counted, plan, self._rendered(resources, counted, plan, watch, ceiling), watch)

    def _with_one_key(
        self, resources: Resources, counted: Counted, prepared: Prepared, ceiling: int, watch: _Watch
    ) -> Pruned:
        """Choose under a ceiling that holds the shortest markers alone, and one key for all."""
        fitted = with_one_key(resources, prepared, counted.tokens, ceiling)
        watch.lap("select")
        self.store.put(fitted.originals)
        watch.lap("render")
        return self._pruned(counted, fitted.plan, fitted.texts, watch, fitted.key)

    def _rendered(self, resources: Resources, counted: Counted, plan: Plan, watch: _Watch, ceiling: float = inf) -> New:
        """The new texts of a plan; their originals are in the store before anyone sees them."""
        segments, tokens = counted.context.segments, counted.tokens
        texts = finish(
            resources, plan, lambda i: (segments[i].text, tokens[i]), lambda new: total(tokens, new) <= ceiling
        )
        if resources.recallable:
            self.store.put({self.store.key(segments[i].text): segments[i].text for i in texts})
        watch.lap("render")
        return texts

    def _frozen(self, context: Context) -> dict[int, str]:
        """Segments that are short already, with their originals: they are never shortened again.

        One that only quotes a marker is a text like any other, or it would raise a ceiling that is a ratio.
        """
        frozen: dict[int, str] = {}
        quoted = [list(dict.fromkeys(recall_keys(segment.text))) for segment in context.segments]
        known_keys = frozenset(stored(self.store, list(dict.fromkeys(chain.from_iterable(quoted)))))

        for i, keys in enumerate(quoted):
            for key in islice(filter(known_keys.__contains__, keys), MOST_KEYS):
                original = self.store.get(key)
                originals = {} if original is None else _beside(context, i, original)
                if i in originals:
                    frozen |= originals
                    break
        return frozen

    def _pruned(self, counted: Counted, plan: Plan, texts: New, watch: _Watch, key: str = "") -> Pruned:
        """The decision about a context that is no conversation, with its report; `key` stands for all that went."""
        plan = _without(plan, texts)
        before = counted.tokens
        after = [texts[i][1] if i in texts else tokens for i, tokens in enumerate(before)]
        edits = {plan.context.segments[i].ref: text for i, (text, _) in texts.items()}
        notes = (*remarks(self.scorer), *_uncut(plan))
        notes += (f"markers are too short for keys of their own: recall={key} gives back all that went",) if key else ()
        report = summarise(plan, before, after, watch.seconds, self.counter.name, self.scorer.name, notes)
        return Pruned(edits, plan, replace(report, key=key), tuple(zip(before, after, strict=True)))

    def _conversation(self, context: Context, decided: Decided, watch: _Watch, *, cold: bool) -> Pruned:
        """The decision about a conversation, with its report and what it costs."""
        watch.lap("fold")  # the name of this stage in reports and metrics
        before, after = ([size[k] for size in decided.sizes] for k in (0, 1))
        prompt = replace(_prompt(context, decided, self.policy), cold=cold)
        watch.lap("account")
        notes = (*remarks(self.scorer), *_uncut(decided.plan, arriving=True), *_epochs(context, self.policy, prompt))
        report = summarise(
            decided.plan, before, after, watch.seconds, self.counter.name, self.scorer.name, notes, (prompt,)
        )
        return Pruned(decided.edits, decided.plan, report, decided.sizes, decided.epoch, decided.notes, decided.unknown)


def _built(
    policy: Policy,
    scorer: Scorer,
    counter: Counter,
    store: Store,
    recallable: bool,
    hints: bool,
    references: bool,
    lasting: bool,
) -> Pruner:
    """A pruner of the parts of another one."""
    return Pruner(
        policy, scorer, counter, store, recallable=recallable, hints=hints, references=references, lasting=lasting
    )


def _prompt(context: Context, decided: Decided, policy: Policy) -> Prompt:
    """The request beside the one before it, which sent the conversation up to the last reply of the model."""
    again = max((end for end in boundaries(context) if end < len(context.segments)), default=0)
    unchanged = again if decided.rewritten is None else min(decided.rewritten, again)
    parts = (decided.sizes[:unchanged], decided.sizes[unchanged:again], decided.sizes[again:])
    sums = [(sum(before for before, _ in part), sum(after for _, after in part)) for part in parts]
    markers = sum(marker_tokens(decided.plan, [after for _, after in decided.sizes])[again:])
    named = policy.prices and policy.prices not in FAMILIES  # a family's prices are relative: no dollars
    model = policy.prices if named else context.model
    return Prompt(model, sums[0], sums[1], sums[2], markers, policy.tariffs)


class _Watch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, stage: str) -> None:
        now = perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def _keep_all(counted: Counted) -> Plan:
    decisions = tuple(Decision(Action.KEEP, 1.0, cost, "within the budget") for cost in counted.costs)
    return Plan(counted.context, tuple(counted.spans), decisions)


def _beside(context: Context, i: int, original: str) -> dict[int, str]:
    """The originals that a key in segment `i` stands for: its own, or those of all blocks that share the key."""
    parts, segments = bundled(original), context.segments
    if i not in parts:
        parts = {i: original}
    return {k: text for k, text in parts.items() if k < len(segments) and stands_for(segments[k].text, text)}


def _without(plan: Plan, texts: New) -> Plan:
    """The plan with KEEP for every span of a segment whose new text was not used after all."""
    decisions = tuple(
        decision
        if decision.action is Action.KEEP or span.segment in texts
        else replace(decision, action=Action.KEEP, reason="no shorter as a marker", into=None, digest=())
        for span, decision in zip(plan.spans, plan.decisions, strict=True)
    )
    return replace(plan, decisions=decisions)


def _uncut(plan: Plan, *, arriving: bool = False) -> Iterator[str]:
    """What a reader should know about texts that fall into too many pieces to choose among them."""
    segments = plan.context.segments
    pairs = zip(plan.spans, plan.decisions, strict=True)
    if arriving:
        texts = sum(decision.reason == UNCUT for _, decision in pairs)
    else:
        texts = len({span.segment for span, _ in pairs if is_uncut(segments[span.segment], span)})
    if texts:
        what = "sent whole" if arriving else "kept or left out whole"
        yield f"{texts} {'texts of' if texts > 1 else 'text of'} very many short pieces not cut: {what}"


def _epochs(context: Context, policy: Policy, prompt: Prompt) -> Iterator[str]:
    """What a reader should know about epochs."""
    if prompt.epoch:
        price = "" if prompt.cold else f", and {prompt.redone[1]:,} tokens behind the first enter the cache again"
        yield f"an epoch: old blocks were decided anew{price}"
    if context.bound and policy.redecides:
        yield "no epochs: reasoning that is signed together with the history forbids to change it"
