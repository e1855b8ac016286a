"""The engine: the stages in order. Read this first; it is the table of contents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from time import perf_counter

from contextprune.arrival import Tools
from contextprune.context import Context, Kind, Ref, Segment, Span
from contextprune.cost import Prompt
from contextprune.fold import Fold, Folded
from contextprune.ledger import Ledger
from contextprune.plan import Action, Decision, Plan
from contextprune.policy import Budget, Policy
from contextprune.rendering import KEY, Markers, render
from contextprune.replay import boundaries
from contextprune.report import Report, marker_tokens, summarise
from contextprune.scoring import Calibrated, Scorer, arriving, atoms, check, load_scorer, notes
from contextprune.selection import arrive, movable, select
from contextprune.settings import Settings, data_folder, load_settings
from contextprune.storage.store import Notes, Store, open_store
from contextprune.tariff import FAMILIES
from contextprune.tokens import Counter, open_counter


@dataclass(frozen=True, slots=True)
class Pruned:
    """What the engine decided: new text by ref (nothing where nothing changes), the plan, the report.

    sizes   tokens of each segment of the context, before and after
    epoch   whether old blocks were decided anew in this very call
    """

    edits: Mapping[Ref, str]
    plan: Plan
    report: Report
    sizes: tuple[tuple[int, int], ...]
    epoch: bool = False


class Pruner:
    """Holds what is costly to build: scorer, counter, store. Built once, called often, from any thread.

    Whatever is not given comes from the settings (environment, configuration files, defaults).
    `recallable=False` is for callers who hold the originals themselves: gaps are bare ellipses, nothing is stored.
    `hints=False` leaves recall keys out of markers, where whoever reads them cannot ask for the originals.
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
    ) -> None:
        from contextprune.splitting import split  # noqa: PLC0415 - compiling its expressions is a third of the import

        self._split = split
        settings = Settings() if None not in (policy, scorer, counter, store) else load_settings()
        self.policy = policy or settings.policy
        self.scorer = scorer or load_scorer(settings.scorer, settings.device)
        self.counter = counter or open_counter(settings.tokenizer)
        self.store = store if store is not None else open_store(settings.store, data_folder())
        self.recallable = recallable
        tools = self._tools = Tools(self.policy, self.scorer, self.counter, self.store, split, recallable, hints)
        self._fold = Fold(tools, Ledger(self.store if isinstance(self.store, Notes) else None))

    def __call__(
        self,
        context: Context,
        budget: Budget | None = None,
        query: str | None = None,
        *,
        cold: bool = False,
        as_sent: bool = False,
        enough: Callable[[Segment], bool] | None = None,
    ) -> Pruned:
        """Fit `context` under `budget`; without one, decide each block as on its arrival.

        `cold` says that the provider's cache has expired since the last request: where no budget is given, old blocks
        may be decided anew at once, since nothing that is cached is rewritten. `as_sent` says, of a conversation
        without a budget, that earlier requests of which the ledger knows nothing were sent as they stand: they stay
        so, since the provider may have them cached, and its signatures may hold for just them. `enough` is for callers
        who have no time: it is asked before each block that is new there, and where it says so, that one stands as it
        is from then on. What it raises goes through; nothing new is remembered then.

        Raises BudgetError where what is protected does not fit, StoreError where an original cannot be kept.
        """
        watch = _Watch()
        if budget is None and any(segment.kind is not Kind.DOCUMENT for segment in context.segments):
            done = self._fold(context, query, cold=cold, as_sent=as_sent, enough=enough)
            return self._folded(context, query, watch, done, cold=cold)
        spans = self._split(context)
        watch.lap("split")
        costs = self._costs(context, spans)
        tokens = _by_segment(context, spans, costs)
        watch.lap("count")
        frozen = self._frozen(context)
        if budget is None:
            plan, texts = self._together(context, spans, costs, frozen, watch)
        else:
            missing = sum(max(0, self.counter(original) - tokens[i]) for i, original in frozen.items())
            ceiling = budget.resolve(sum(tokens) + missing)
            plan, texts = self._fit(context, spans, costs, ceiling, frozen, watch)
        texts, after = self._shorter(context, texts, tokens)
        plan = _without(plan, texts)
        if self.recallable:
            originals = [context.segments[i].text for i in texts]
            self.store.put({self.store.key(text): text for text in originals})
        watch.lap("render")
        edits = {context.segments[i].ref: text for i, text in texts.items()}
        said = notes(self.scorer)
        report = summarise(plan, tokens, after, watch.seconds, self.counter.name, self.scorer.name, said)
        return Pruned(edits, plan, report, tuple(zip(tokens, after, strict=True)))

    def replay(self, context: Context) -> Mapping[Ref, str]:
        """What earlier requests sent of a conversation: new text by ref. Quick: decides nothing, remembers nothing."""
        return self._fold.replay(context)

    def passed(self, context: Context, *, whole: bool = False) -> None:
        """Remember that what is new in a conversation was sent as it stands, after all; with `whole`, all of it.

        For callers who could not wait for a decision, or whose provider refused it. Raises StoreError.
        """
        self._fold.passed(context, whole=whole)

    def prime(self, context: Context, *, enough: Callable[[], bool]) -> None:
        """Do what the next request of a conversation just decided would have to do first, until `enough`.

        For idle moments: nothing but that request's time depends on it.
        """
        self._fold.prime(context, enough=enough)

    def _folded(self, context: Context, query: str | None, watch: _Watch, done: Folded, *, cold: bool) -> Pruned:
        """What was decided of a conversation, each block as on its arrival, and what that costs."""
        watch.lap("fold")
        before, after = ([size[k] for size in done.sizes] for k in (0, 1))
        prompt = replace(self._prompt(context, query, done), cold=cold)
        watch.lap("account")
        said = (*notes(self.scorer), *_epochs(context, self.policy, prompt))
        report = summarise(
            done.plan, before, after, watch.seconds, self.counter.name, self.scorer.name, said, (prompt,)
        )
        return Pruned(done.edits, done.plan, report, done.sizes, done.epoch)

    def _prompt(self, context: Context, query: str | None, done: Folded) -> Prompt:
        """The request beside the one before it, which sent the conversation up to the last reply of the model."""
        segments, policy = context.segments, self.policy
        again = same = max((end for end in boundaries(context) if end < len(segments)), default=0)
        if done.epoch:  # what that request sent is what the fold says of it
            sent = self._fold(replace(context, segments=segments[:again]), query).edits
            refs = (segment.ref for segment in segments[:again])
            same = next((i for i, ref in enumerate(refs) if done.edits.get(ref) != sent.get(ref)), again)
        parts = (done.sizes[:same], done.sizes[same:again], done.sizes[again:])
        sums = [(sum(before for before, _ in part), sum(after for _, after in part)) for part in parts]
        markers = sum(marker_tokens(done.plan, [after for _, after in done.sizes])[again:])
        named = policy.prices and policy.prices not in FAMILIES  # a family's prices are relative: no dollars
        model = policy.prices if named else context.model
        return Prompt(model, sums[0], sums[1], sums[2], markers, policy.tariffs)

    def _fit(
        self,
        context: Context,
        spans: Sequence[Span],
        costs: Sequence[int],
        ceiling: int,
        frozen: Mapping[int, str],
        watch: _Watch,
    ) -> tuple[Plan, dict[int, str]]:
        """Choose under a ceiling; images and the like have their cost whatever is chosen."""
        images = sum(segment.cost or 0 for segment in context.segments)
        if sum(costs) + images <= ceiling:
            return _keep_all(context, spans, costs), {}
        scores = self._scores(context, spans)
        free = movable(context, self.policy, frozen)
        named = atoms(context, spans, free, self.counter.pieces) if self.recallable else []
        watch.lap("score")
        markers = self._markers(context, spans)
        plan = select(context, spans, scores, costs, self.policy, markers, ceiling, named, frozen)
        watch.lap("select")
        return plan, render(plan, markers)

    def _together(
        self,
        context: Context,
        spans: Sequence[Span],
        costs: Sequence[int],
        frozen: Mapping[int, str],
        watch: _Watch,
    ) -> tuple[Plan, dict[int, str]]:
        """Documents without a budget: they arrive together, so all of them are scored at once."""
        scores = self._scores(context, spans)
        bars = {}
        if isinstance(self.scorer, Calibrated):
            for block in _blocks(spans):
                segment, inside = spans[block.start].segment, [spans[i] for i in block]
                bars[segment] = self.scorer.threshold(context, inside, segment, self.policy.recall)
        free = set(movable(context, self.policy, frozen))
        named = arriving(context, spans, free, self.counter.pieces) if self.recallable else []
        watch.lap("score")
        markers = self._markers(context, spans)
        plan = arrive(context, spans, scores, costs, self.policy, markers, named, frozen, bars)
        watch.lap("select")
        return plan, render(plan, markers)

    def _scores(self, context: Context, spans: Sequence[Span]) -> list[float]:
        scores = self.scorer(context, spans)
        check(scores, spans, self.scorer.name)
        return scores

    def _markers(self, context: Context, spans: Sequence[Span]) -> Markers:
        return Markers(context, spans, self.counter, self._tools.key)

    def _costs(self, context: Context, spans: Sequence[Span]) -> list[int]:
        """Tokens of each span: every segment's text is encoded once."""
        costs: list[int] = []
        for block in _blocks(spans):
            text = context.segments[spans[block.start].segment].text
            if len(block) == 1:
                costs.append(self.counter(text))
            else:
                costs += self.counter.pieces(text, [spans[i].end for i in block])
        return costs

    def _frozen(self, context: Context) -> dict[int, str]:
        """Segments that already carry a marker of ours, with their originals: they are never shortened again."""
        frozen = {}
        for i, segment in enumerate(context.segments):
            if "recall=" in segment.text:
                for key in KEY.findall(segment.text):
                    original = self.store.get(key)
                    if original is not None:
                        frozen[i] = original
                        break
        return frozen

    def _shorter(
        self, context: Context, texts: Mapping[int, str], before: Sequence[int]
    ) -> tuple[dict[int, str], list[int]]:
        """Only those texts that are shorter than what they replace, in tokens and bytes; and tokens after."""
        after = list(before)
        shorter = {}
        for i, text in texts.items():
            tokens = self.counter(text)
            if tokens <= before[i] and _size(text) <= _size(context.segments[i].text):
                shorter[i], after[i] = text, tokens
        return shorter, after


class _Watch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, stage: str) -> None:
        now = perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def _blocks(spans: Sequence[Span]) -> list[range]:
    """The spans of each segment that has any, as index ranges."""
    starts = [i for i, span in enumerate(spans) if not i or span.segment != spans[i - 1].segment]
    return [range(start, end) for start, end in pairwise([*starts, len(spans)])]


def _by_segment(context: Context, spans: Sequence[Span], costs: Sequence[int]) -> list[int]:
    tokens = [segment.cost or 0 for segment in context.segments]
    for span, cost in zip(spans, costs, strict=True):
        tokens[span.segment] += cost
    return tokens


def _keep_all(context: Context, spans: Sequence[Span], costs: Sequence[int]) -> Plan:
    return Plan(context, tuple(spans), tuple(Decision(Action.KEEP, 1.0, cost, "within the budget") for cost in costs))


def _without(plan: Plan, texts: Mapping[int, str]) -> Plan:
    """The plan with KEEP for every span of a segment whose new text was not used after all."""
    decisions = tuple(
        decision
        if decision.action is Action.KEEP or span.segment in texts
        else replace(decision, action=Action.KEEP, reason="no shorter as a marker", into=None, digest=())
        for span, decision in zip(plan.spans, plan.decisions, strict=True)
    )
    return replace(plan, decisions=decisions)


def _epochs(context: Context, policy: Policy, prompt: Prompt) -> Iterator[str]:
    """What a reader should know about epochs."""
    if prompt.epoch:
        price = "" if prompt.cold else f", and {prompt.redone[1]:,} tokens behind the first enter the cache again"
        yield f"an epoch: old blocks were decided anew{price}"
    if context.bound and policy.epochs:
        yield "no epochs: reasoning that is signed together with the history forbids to change it"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
