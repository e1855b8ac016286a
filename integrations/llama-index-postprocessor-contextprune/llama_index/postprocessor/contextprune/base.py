"""The node postprocessor: what a question needs of retrieved nodes, under one budget over all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr
from llama_index.core.callbacks import CallbackManager
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

import contextprune as cp
from llama_index.postprocessor.contextprune.engine import nodes_pruner
from llama_index.postprocessor.contextprune.events import ContextPruneEndEvent, ContextPruneStartEvent
from llama_index.postprocessor.contextprune.failures import TellsFailures
from llama_index.postprocessor.contextprune.nodes import as_document, is_text, with_text

dispatcher = get_dispatcher(__name__)
_log = logging.getLogger(__name__)

_MARKERS = 16  # tokens beside a sentence, for the marks of what is missing around it
SHARE = 0.3
"""The budget unless another is given: the share at which the benchmark of this package measures most."""
TITLES = ("title", "document_title")


class ContextPrunePostprocessor(TellsFailures, BaseNodePostprocessor):
    """Shortens nodes to what the query needs; kept text is verbatim and in order, and each gap in it is `[…]`.

    One budget holds for all nodes together, so that a node that answers may stay whole while others go. Nodes of which
    nothing is worth keeping are left out. What several nodes share is kept once, in the first: its
    `metadata["contextprune"]["merged"]` names the others. `["kept"]` holds [start, end] offsets into the node's
    text before. Nodes are copied, never changed; ids, scores and order stay; images and other media are not touched.

    With `budget=None` a node loses only what is very unlikely to be needed, and nodes of fewer tokens than `min_tokens`
    (100) of the pruner's policy stay as they are. Without a query nodes are taken to be in the order of their worth: a
    budget drops the last ones; without a budget, too, only what repeats goes.

    A budget that cannot hold a single sentence is raised until it does, with a warning in the log: an answer from
    nothing would be an invention. Where something fails, the nodes come back as they are; `failures` counts that, and
    `reason` says why.

    Args:
        budget: How much may remain of all nodes' texts together: a share as a number, `cp.Budget(tokens=2000)`, or
            None for as much as the recall asks for.
        recall: Share of needed sentences that must survive where the budget is None; as the settings say where not
            given (0.95).
        scorer: "neural", "lexical" or a folder; as the settings say where not given.
        keep_empty: Whether nodes of which nothing is left come back empty; otherwise they are left out.
        title_keys: Metadata keys that may hold a title, which counts towards the match.
        pruner: One of your own, in place of `recall` and `scorer`; it is not serialised.
        callback_manager: As LlamaIndex's postprocessors take it.

    Raises:
        SettingsError: A budget or recall makes no sense, or a pruner is given beside recall or scorer.
        ScorerError: The scorer cannot be loaded; MissingExtra where it wants torch.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    budget: cp.Budget | float | None = Field(
        default=SHARE, description="Share or tokens that may remain of all nodes' texts together; None: by the recall."
    )
    recall: float | None = Field(
        default=None, description="Share of needed sentences that must survive where the budget is None."
    )
    scorer: str | None = Field(default=None, description='"neural", "lexical" or a folder; None: as the settings say.')
    keep_empty: bool = Field(default=False, description="Whether nodes of which nothing is left come back empty.")
    title_keys: list[str] = Field(
        default=list(TITLES), description="Metadata keys that may hold a title, which counts towards the match."
    )

    _pruner: cp.Pruner = PrivateAttr()
    _fail_open: cp.FailOpen = PrivateAttr(default_factory=lambda: cp.FailOpen(_log))

    def __init__(
        self,
        budget: cp.Budget | float | Mapping[str, Any] | None = SHARE,
        recall: float | None = None,
        scorer: str | None = None,
        *,
        keep_empty: bool = False,
        title_keys: Sequence[str] = TITLES,
        pruner: cp.Pruner | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        fields: dict[str, Any] = {"budget": as_budget(budget), "recall": recall, "scorer": scorer}
        fields |= {"keep_empty": keep_empty, "title_keys": list(title_keys)}
        super().__init__(callback_manager=callback_manager or CallbackManager([]), **fields)
        if pruner is not None and (recall, scorer) != (None, None):
            raise cp.SettingsError("a pruner has its own recall and scorer: give it, or recall and scorer, not both")
        self._pruner = pruner or nodes_pruner(recall, scorer)

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "ContextPrunePostprocessor"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query = _query(query_bundle)
        self._begin(nodes, query)
        return self._end(self._done(nodes, query))

    @dispatcher.span  # the base gives a span to what it declares abstract alone
    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        """As above, with the model in a thread of its own, so that the event loop goes on."""
        query = _query(query_bundle)
        self._begin(nodes, query)
        return self._end(await asyncio.to_thread(self._done, nodes, query))

    def _begin(self, nodes: list[NodeWithScore], query: str | None) -> None:
        event = ContextPruneStartEvent(query=query, nodes=nodes, budget=self.budget, scorer=self._pruner.scorer.name)
        dispatcher.event(event)

    def _done(self, nodes: list[NodeWithScore], query: str | None) -> _Done:
        failures = self._fail_open.count
        as_they_are = _Done(list(nodes), [], None, None)
        done = self._fail_open("nodes come back as they are", lambda: self._prune(nodes, query), as_they_are)
        if self._fail_open.count > failures and done is as_they_are:
            return replace(done, failed=self._fail_open.reason)
        return done

    def _end(self, done: _Done) -> list[NodeWithScore]:
        if done.raised is not None:
            _log.warning(
                "a budget of %s holds no sentence of any node; it was raised to %d tokens", self.budget, done.raised
            )
        report = done.report
        end = ContextPruneEndEvent(
            nodes=done.nodes,
            before=report.before if report else 0,
            after=report.after if report else 0,
            dropped=done.dropped,
            raised=done.raised,
            notes=list(report.notes) if report else [],
            failed=done.failed,
        )
        dispatcher.event(end)
        return done.nodes

    def _prune(self, nodes: Sequence[NodeWithScore], query: str | None) -> _Done:
        """The nodes that are returned; what nothing changes about is the caller's own object."""
        places = [i for i, scored in enumerate(nodes) if is_text(scored.node)]
        documents = [as_document(nodes[i].node, str(i), self.title_keys) for i in places]
        if not any(document.text.strip() for document in documents):
            return _Done(list(nodes), [], None, None)
        got, raised = self._fit(documents, query)
        after = dict(zip(places, zip(documents, got.documents, strict=True), strict=True))
        kept: list[NodeWithScore] = []
        dropped: list[str] = []
        for i, scored in enumerate(nodes):
            before, now = after.get(i, (None, None))
            if before is None or now is None or (now.text == before.text and not now.merged):
                kept.append(scored)
            elif not self.keep_empty and not now.text.strip():
                dropped.append(scored.node.node_id)
            else:
                kept.append(_shortened(scored, now, nodes))
        return _Done(kept, dropped, got.report, raised)

    def _fit(self, documents: Sequence[cp.Document], query: str | None) -> tuple[cp.PrunedDocuments, int | None]:
        """What remains of the documents, and the tokens to which the budget had to be raised, if so."""
        budget, pruner = as_budget(self.budget), self._pruner
        if budget is None and query is None:  # nobody knows what is needed: only what repeats may go
            pruner = cp.Pruner(replace(pruner.policy, recall=1.0), pruner.scorer, pruner.counter, pruner.store)
        got = cp.prune_documents(documents, query or "", budget, pruner)
        if _says_something(got):
            return got, None
        tokens = _best(got.plan) + _MARKERS  # else a shorter sentence would take its place
        while not _says_something(got := cp.prune_documents(documents, query or "", cp.Budget(tokens=tokens), pruner)):
            tokens *= 2  # what the best sentence cannot be understood without may cost more than itself
        return got, tokens


@dataclass(frozen=True, slots=True)
class _Done:
    """What one call made of its nodes; no report where none of them has text, or something failed."""

    nodes: list[NodeWithScore]
    dropped: list[str]
    report: cp.Report | None
    raised: int | None
    failed: str = ""


def as_budget(value: Any) -> cp.Budget | None:
    """Read a budget: a `cp.Budget`, a share as a number, a saved budget, or None for none.

    Raises:
        SettingsError: It is none of these, cannot be a ceiling, or leaves nothing.
    """
    if isinstance(value, Mapping) and set(value) <= {"tokens", "ratio"}:
        value = cp.Budget(**value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = cp.Budget(ratio=float(value))
    if value is not None and not isinstance(value, cp.Budget):
        raise cp.SettingsError(f"a budget is a share between 0 and 1, a cp.Budget, or None, not {value!r}")
    if value is not None and not (value.tokens or value.ratio):
        raise cp.SettingsError("a budget of 0 leaves nothing; None leaves as much as the recall asks for")
    return value


def _shortened(scored: NodeWithScore, document: cp.Document, nodes: Sequence[NodeWithScore]) -> NodeWithScore:
    own = scored.node.node_id
    names = (nodes[int(name)].node.node_id for name in document.merged)
    node = with_text(scored.node, document, [name for name in names if name != own])
    return NodeWithScore(node=node, score=scored.score)


def _says_something(got: cp.PrunedDocuments) -> bool:
    return any(document.text.strip() for document in got.documents)


def _best(plan: cp.Plan) -> int:
    """Tokens of the sentence that is most likely to be needed."""
    return max(plan.decisions, key=lambda decision: decision.score).cost


def _query(bundle: Any) -> str | None:
    """The question as the user put it; None where there is none, as for a query by image.

    Chat engines make a bundle of what they are given, also of a bundle.
    """
    while isinstance(bundle, QueryBundle):
        bundle = bundle.query_str
    return (bundle.strip() or None) if isinstance(bundle, str) else None
