"""The node postprocessor: what a question needs of retrieved nodes, under one budget over all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.callbacks import CallbackManager
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

import contextprune as cp
from llama_index.postprocessor.contextprune.events import ContextPruneEndEvent, ContextPruneStartEvent
from llama_index.postprocessor.contextprune.nodes import as_document, is_text, with_text

dispatcher = get_dispatcher(__name__)
logger = logging.getLogger(__name__)

_MARKERS = 6  # tokens that a mark on either side of a sentence takes
TITLES = ("title", "document_title")


class ContextPrunePostprocessor(BaseNodePostprocessor):
    """Shortens nodes to what the query needs; kept text is verbatim and in order, and each gap in it is `[…]`.

    One budget holds for all nodes together, so that a node that answers may stay whole while others go. Nodes of which
    nothing is worth keeping are left out. What several nodes share is kept once, in the first: its
    `metadata["contextprune"]["merged"]` names the others. `["kept"]` holds [start, end] offsets into the node's
    text before. Nodes are copied, never changed; ids, scores and order stay; images and other media are not touched.

    Without a budget a node loses only what is very unlikely to be needed, and nodes of fewer tokens than `min_tokens`
    (100) of the pruner's policy stay as they are. Without a query nodes are taken to be in the order of their worth: a
    budget drops the last ones; without a budget, too, only what repeats goes.

    A budget that cannot hold a single sentence is raised until it does, with a warning in the log: an answer from
    nothing would be an invention.
    """

    ratio: float | None = Field(default=None, description="Largest share of the nodes' tokens that may remain, 0 to 1.")
    tokens: int | None = Field(default=None, description="Most tokens that may remain of all nodes' texts together.")
    recall: float | None = Field(
        default=None, description="Share of needed sentences that must survive where no budget is given."
    )
    scorer: str | None = Field(default=None, description='"neural", "lexical" or a folder; None: as the settings say.')
    drop_empty: bool = Field(default=True, description="Whether nodes of which nothing is left are left out.")
    title_keys: list[str] = Field(
        default=list(TITLES), description="Metadata keys that may hold a title, which counts towards the match."
    )

    _pruner: cp.Pruner = PrivateAttr()

    def __init__(
        self,
        ratio: float | None = None,
        tokens: int | None = None,
        recall: float | None = None,
        scorer: str | None = None,
        *,
        drop_empty: bool = True,
        title_keys: Sequence[str] = TITLES,
        pruner: cp.Pruner | None = None,
        callback_manager: CallbackManager | None = None,
        **kwargs: Any,
    ) -> None:
        """`pruner` is one of your own, in place of `recall` and `scorer`; it is not serialised.

        Raises SettingsError for a budget or recall that makes no sense, ScorerError or MissingExtra for a scorer that
        cannot be loaded.
        """
        kwargs |= {"ratio": ratio, "tokens": tokens, "recall": recall, "scorer": scorer}
        kwargs |= {"drop_empty": drop_empty, "title_keys": list(title_keys)}
        super().__init__(callback_manager=callback_manager or CallbackManager([]), **kwargs)
        self._budget()  # nonsense is told here, not at the first query
        if pruner is not None and (recall, scorer) != (None, None):
            raise cp.SettingsError("a pruner has its own recall and scorer: give it, or recall and scorer, not both")
        self._pruner = pruner or _own_pruner(recall, scorer)

    @classmethod
    def class_name(cls) -> str:
        """The name in serialised form."""
        return "ContextPrunePostprocessor"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query = _query(query_bundle)
        self._begin(nodes, query)
        return self._end(self._prune(nodes, query))

    @dispatcher.span  # the base gives a span to what it declares abstract alone
    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        """As above, with the model in a thread of its own, so that the event loop goes on."""
        query = _query(query_bundle)
        self._begin(nodes, query)
        return self._end(await asyncio.to_thread(self._prune, nodes, query))

    def _begin(self, nodes: list[NodeWithScore], query: str | None) -> None:
        start = ContextPruneStartEvent(
            query=query, nodes=nodes, ratio=self.ratio, tokens=self.tokens, scorer=self._pruner.scorer.name
        )
        dispatcher.event(start)

    def _end(self, done: _Done) -> list[NodeWithScore]:
        if done.raised is not None:
            logger.warning(
                "the budget of %s holds no sentence of any node; it was raised to %d tokens",
                f"{self.tokens:,} tokens" if self.tokens is not None else f"a share of {self.ratio}",
                done.raised,
            )
        report = done.report
        end = ContextPruneEndEvent(
            nodes=done.nodes,
            before=report.before if report else 0,
            after=report.after if report else 0,
            dropped=done.dropped,
            raised=done.raised,
            notes=list(report.notes) if report else [],
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
            elif self.drop_empty and not now.text.strip():
                dropped.append(scored.node.node_id)
            else:
                kept.append(_shortened(scored, now, nodes))
        return _Done(kept, dropped, got.report, raised)

    def _fit(self, documents: Sequence[cp.Document], query: str | None) -> tuple[cp.PrunedDocuments, int | None]:
        """What remains of the documents, and the tokens to which the budget had to be raised, if so."""
        budget, pruner = self._budget(), self._pruner
        if budget is None and query is None:  # nobody knows what is needed: only what repeats may go
            pruner = cp.Pruner(replace(pruner.policy, recall=1.0), pruner.scorer, pruner.counter, pruner.store)
        got = cp.prune_documents(documents, query or "", budget, pruner)
        if _says_something(got):
            return got, None
        tokens = _best(got.plan) + _MARKERS  # else a shorter sentence would take its place
        while not _says_something(got := cp.prune_documents(documents, query or "", cp.Budget(tokens=tokens), pruner)):
            tokens *= 2  # what the best sentence cannot be understood without may cost more than itself
        return got, tokens

    def _budget(self) -> cp.Budget | None:
        if self.ratio is None and self.tokens is None:
            return None
        return cp.Budget(tokens=self.tokens, ratio=self.ratio)


@dataclass(frozen=True, slots=True)
class _Done:
    """What one call made of its nodes; no report where none of them has text."""

    nodes: list[NodeWithScore]
    dropped: list[str]
    report: cp.Report | None
    raised: int | None


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


def _query(bundle: QueryBundle | None) -> str | None:
    """The question as the user put it; None where there is none, as for a query by image."""
    return (bundle.query_str.strip() or None) if bundle is not None else None


def _own_pruner(recall: float | None, scorer: str | None) -> cp.Pruner:
    """A pruner as the settings have it. Nothing is kept on disk, since the originals stay in the index."""
    loaded = cp.load_scorer(scorer) if scorer is not None else None
    pruner = cp.Pruner(scorer=loaded, store=cp.MemoryStore())
    if recall is None:
        return pruner
    return cp.Pruner(replace(pruner.policy, recall=recall), pruner.scorer, pruner.counter, pruner.store)
