"""The Python door: whole payloads, documents, examples, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Generic, TypeVar

from contextprune.context import Context, Document, Example, Kind, Segment
from contextprune.dialects import apply, read
from contextprune.errors import MissingOriginal, PayloadError
from contextprune.plan import Action, Plan
from contextprune.policy import Budget
from contextprune.prepare import count, prepare
from contextprune.pruner import Pruned, Pruner
from contextprune.report import Report, summarise
from contextprune.scoring import remarks
from contextprune.selection.examples import as_spans, choose
from contextprune.settings import data_folder, load_settings
from contextprune.splitting.sniff import Shape, parts
from contextprune.storage.excerpt import excerpt
from contextprune.storage.scope import Scope
from contextprune.storage.store import open_store
from contextprune.tokens import open_counter

T = TypeVar("T")

_PROSE = frozenset({Shape.PROSE, Shape.MARKDOWN})


@dataclass(frozen=True, slots=True)
class Compressed(Generic[T]):
    """`payload` has the shape and type of the input; what did not change is the caller's own object."""

    payload: T
    report: Report
    plan: Plan

    @property
    def text(self) -> str:
        """The shortened text, where a text came in. Raises PayloadError for any other payload."""
        if isinstance(self.payload, str):
            return self.payload
        raise PayloadError(f"a {type(self.payload).__name__} came in, and no text: take `.payload`")


@dataclass(frozen=True, slots=True)
class PrunedDocuments:
    """The documents in the caller's order, one for each that came in; "" where nothing of one was worth keeping."""

    documents: list[Document]
    report: Report
    plan: Plan


@dataclass(frozen=True, slots=True)
class Selected:
    """The chosen examples in the caller's order, each whole."""

    examples: list[Example]
    report: Report


def compress(
    payload: T,
    budget: Budget | None = None,
    query: str | None = None,
    pruner: Pruner | None = None,
    *,
    format: str | None = None,  # noqa: A002 - the word of the command line, too
    cold: bool = False,
) -> Compressed[T]:
    """Shorten a request body, a message list, a recorded session, or a plain text such as the output of a command.

    budget   a ceiling to fit under; None decides each block as on its arrival, stable from turn to turn
    query    what the context is needed for; None takes what the user asked last, and at first
    format   the payload's format where its content does not tell
    cold     the provider's cache has expired since the last request: without a budget, old blocks may be decided anew
             at once, since that rewrites nothing

    Formats are listed in docs/reference/formats.md. A text comes back as `.text`: it is read as the result of a tool,
    and as a document where it is prose and there is a query.
    The caller's object is never changed. Raises PayloadError, BudgetError, StoreError.
    """
    started = perf_counter()
    context = replace(read(payload, query, format), asked=query is not None)
    if isinstance(payload, str) and query:
        context = _as_document(context)
    seconds = perf_counter() - started

    pruned = (pruner or Pruner())(context, budget, query, cold=cold)
    report = replace(pruned.report, seconds={"read": seconds, **pruned.report.seconds})
    return Compressed(apply(payload, pruned.edits), report, pruned.plan)


def _as_document(context: Context) -> Context:
    """The context of a plain text, read as a document if most of it is prose."""
    (segment,) = context.segments
    prose = sum(part.end - part.start for part in parts(segment.text) if part.shape in _PROSE)
    if 2 * prose > len(segment.text):
        return replace(context, segments=(replace(segment, kind=Kind.DOCUMENT),))
    return context


def prune_documents(
    documents: Sequence[Document], query: str, budget: Budget | None = None, pruner: Pruner | None = None
) -> PrunedDocuments:
    """Keep what `query` needs of retrieved documents; gaps become `[…]`, and `.kept` says what stands where.

    Order, ids, scores and metadata survive. What two documents share is kept once: `.merged` of the document that
    shows it names the others. The originals stay with the caller, so nothing is stored.
    """
    segments = tuple(
        Segment(Kind.DOCUMENT, document.text, (i,), name=document.title or document.id)
        for i, document in enumerate(documents)
    )
    engine = pruner or Pruner()
    pruned = engine(Context(segments, query, asked=True), budget, query, recallable=False)
    return PrunedDocuments(_shortened(documents, pruned), pruned.report, pruned.plan)


def _shortened(documents: Sequence[Document], pruned: Pruned) -> list[Document]:
    kept: list[list[tuple[int, int]]] = [[] for _ in documents]
    merged: list[dict[str, None]] = [{} for _ in documents]
    for span, decision in zip(pruned.plan.spans, pruned.plan.decisions, strict=True):
        runs = kept[span.segment]
        if decision.action is Action.KEEP:
            if runs and runs[-1][1] == span.start:
                runs[-1] = (runs[-1][0], span.end)
            else:
                runs.append((span.start, span.end))
        elif decision.into is not None:
            source = pruned.plan.spans[decision.into].segment
            merged[source][documents[span.segment].id or str(span.segment)] = None
    return [
        replace(document, text=pruned.edits.get((i,), document.text), kept=tuple(kept[i]), merged=tuple(merged[i]))
        for i, document in enumerate(documents)
    ]


def select_examples(examples: Sequence[Example], query: str, budget: Budget, pruner: Pruner | None = None) -> Selected:
    """Choose whole in-context examples for `query`: close to it, unlike one another, within the budget.

    They keep the caller's order, so that a prompt's cached beginning survives a change at its end.
    """
    engine = pruner or Pruner()
    started = perf_counter()
    texts = (f"{example.input}\n{example.output}" for example in examples)
    segments = tuple(Segment(Kind.EXAMPLE, text, (i,)) for i, text in enumerate(texts))
    context = Context(segments, query, asked=True)

    counted = count(engine.counter, context, as_spans(context))
    prepared = prepare(engine.resources, counted, range(len(segments)))
    plan = choose(prepared, budget.resolve(sum(counted.tokens)))

    after = [cost if d.action is Action.KEEP else 0 for cost, d in zip(counted.tokens, plan.decisions, strict=True)]
    seconds = {"select": perf_counter() - started}
    names = engine.counter.name, engine.scorer.name
    report = summarise(plan, counted.tokens, after, seconds, *names, remarks(engine.scorer))
    chosen = [example for example, d in zip(examples, plan.decisions, strict=True) if d.action is Action.KEEP]
    return Selected(chosen, report)


def recall(
    key: str,
    query: str | None = None,
    lines: str | None = None,
    pruner: Pruner | None = None,
    *,
    chars: str | None = None,
    rows: str | None = None,
    path: str | None = None,
    max_tokens: int | None = None,
) -> str:
    """What a marker stands for: the original text of its block, byte for byte, or the part asked for.

    lines       "12-40" or "12,60-70", counted from 1
    query       the lines that hold all words; of a long line, what is around them
    chars       "64001-96000", counted from 1: parts of a line
    rows        "3" or "3-20": elements of a JSON list, or records of a table, counted from 1
    path        "items[17].status": the value at this place of a JSON text
    max_tokens  the most that an answer to a model may have; its last line says what was left off and how to ask for
                it, or that nothing matches. Without it nothing is left off, and what matches nothing is ""

    Each place narrows what the others leave. Raises MissingOriginal where the store does not hold the key, and
    SettingsError for places that are none.
    """
    store = pruner.store if pruner else open_store(load_settings().store, data_folder())
    original = store.get(key)
    if original is None:
        raise MissingOriginal(key)

    scope = Scope(lines=lines, chars=chars, rows=rows, path=path, query=query)
    if max_tokens is None:
        return excerpt(original, scope, None).text
    counter = pruner.counter if pruner else open_counter(load_settings().tokenizer)
    return str(excerpt(original, scope, max_tokens, counter))
