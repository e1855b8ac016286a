"""Retrieved documents, shortened for the question: for retrievers that take a compressor, and for LCEL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import contextprune as cp
from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda, RunnableParallel, RunnablePassthrough
from pydantic import ConfigDict, Field, PrivateAttr, SkipValidation, field_validator

from langchain_contextprune.budgets import as_budget
from langchain_contextprune.engines import built
from langchain_contextprune.failures import TellsFailures

_log = logging.getLogger(__name__)

METADATA = "contextprune"
_NAMES = ("title", "source", "file_name")
_PROVENANCE = ("source", "title", "page")
_MARKERS = 16  # tokens beside a sentence, for the marks of what is missing around it


class ContextPruneCompressor(TellsFailures, BaseDocumentCompressor):
    """Keeps what the question needs of each document: sentences, lines, rows, as they stand.

    Documents come back in the order given, with their ids and metadata: those that changed as new ones, whose
    `metadata["contextprune"]` has `kept` (stretches of the original's text), `merged` (documents whose text is shown
    here in their place) and `tokens` (before, after); all others as they are. A budget that cannot hold a single
    sentence is raised until it does, with a warning in the log: an answer from nothing would be an invention. Where
    something fails, the documents come back as they are; `failures` counts that, and `reason` says why.

    Args:
        budget: How much may remain of all documents together: a `contextprune.Budget`, or a share as a number. None: as
            much as the policy's recall asks for.
        pruner: One for everything that shares a scorer; one from the settings where none is given.
        keep_empty: Whether documents of which nothing is needed come back empty; otherwise they are left out.
    """

    budget: SkipValidation[cp.Budget | float | None] = 0.3
    pruner: SkipValidation[cp.Pruner] = Field(default_factory=lambda: built(deadline=None), exclude=True, repr=False)
    keep_empty: bool = False

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    _fail_open: cp.FailOpen = PrivateAttr(default_factory=lambda: cp.FailOpen(_log))

    @field_validator("budget", mode="before")
    @classmethod
    def _is_budget(cls, value: Any) -> Any:
        return value if isinstance(value, int | float) and as_budget(value) else as_budget(value)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Shorten documents for a question.

        Args:
            documents: The documents; they are not changed.
            query: The question.
            callbacks: Hear nothing, since no model is called.
        """
        del callbacks
        if not any(document.page_content.strip() for document in documents):
            return list(documents)
        work = lambda: self._compressed(documents, query)  # noqa: E731 - one line
        return self._fail_open("documents come back as they are", work, list(documents))

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """As `compress_documents`; the work is done in a thread."""
        return await asyncio.to_thread(self.compress_documents, documents, query, callbacks)

    def as_runnable(self, retriever: Runnable[str, list[Document]] | None = None) -> Runnable[Any, list[Document]]:
        """Make a runnable for LCEL.

        Args:
            retriever: With one it goes from a question to its documents, shortened; without, it takes
                `{"documents": ..., "query": ...}`.
        """
        prune = RunnableLambda(self._run, self._arun, name="ContextPruneCompressor")
        if retriever is None:
            return prune
        return RunnableParallel(documents=retriever, query=RunnablePassthrough()) | prune

    def _run(self, asked: Mapping[str, Any], config: RunnableConfig) -> list[Document]:
        return self.compress_documents(asked["documents"], asked["query"], config.get("callbacks"))

    async def _arun(self, asked: Mapping[str, Any], config: RunnableConfig) -> list[Document]:
        return await self.acompress_documents(asked["documents"], asked["query"], config.get("callbacks"))

    def _compressed(self, documents: Sequence[Document], query: str) -> list[Document]:
        read = [_read(document, i) for i, document in enumerate(documents)]
        done = self._fitted(read, query)
        about = {doc.id: _provenance(old, doc.id) for old, doc in zip(documents, read, strict=True)}
        pairs = zip(documents, done.documents, strict=True)
        return [
            self._taken(old, new, about) for old, new in pairs if new.text or not old.page_content or self.keep_empty
        ]

    def _fitted(self, documents: Sequence[cp.Document], query: str) -> cp.PrunedDocuments:
        """What remains of the documents under the budget, or under the least that holds a sentence."""
        done = cp.prune_documents(documents, query, as_budget(self.budget), self.pruner)
        if _says_something(done):
            return done
        best = max(done.plan.decisions, key=lambda decision: decision.score)
        tokens = best.cost + _MARKERS  # else a shorter sentence would take its place
        while not _says_something(done := cp.prune_documents(documents, query, cp.Budget(tokens=tokens), self.pruner)):
            tokens *= 2  # what the best sentence cannot be understood without may cost more than itself
        _log.warning(
            "a budget of %s holds no sentence of any document; it was raised to %d tokens", self.budget, tokens
        )
        return done

    def _taken(self, old: Document, new: cp.Document, about: Mapping[str | None, Mapping[str, Any]]) -> Document:
        if new.text == old.page_content and not new.merged:
            return old
        note = {
            "kept": [list(run) for run in new.kept],
            "merged": [dict(about[other]) for other in new.merged],
            "tokens": [self.pruner.counter(old.page_content), self.pruner.counter(new.text)],
        }
        return old.model_copy(update={"page_content": new.text, "metadata": {**old.metadata, METADATA: note}})


def _says_something(done: cp.PrunedDocuments) -> bool:
    return any(document.text.strip() for document in done.documents)


def _read(document: Document, index: int) -> cp.Document:
    """The engine's document. Its id is the place, since ids may be missing or repeat; names help to rank."""
    title = next((str(document.metadata[name]) for name in _NAMES if document.metadata.get(name)), None)
    return cp.Document(text=document.page_content, id=str(index), title=title)


def _provenance(document: Document, place: str | None) -> dict[str, Any]:
    """How a document is named where its text is shown in another."""
    named = {name: document.metadata[name] for name in _PROVENANCE if name in document.metadata}
    return {"id": document.id, "place": int(place or 0), **named}
