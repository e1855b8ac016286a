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
from pydantic import ConfigDict, Field, SkipValidation, field_validator

_log = logging.getLogger(__name__)

METADATA = "contextprune"
_NAMES = ("title", "source", "file_name")
_PROVENANCE = ("source", "title", "page")


class ContextPruneCompressor(BaseDocumentCompressor):
    """Keeps what the question needs of each document: sentences, lines, rows, as they stand.

    budget       how much may remain of all documents together: a `contextprune.Budget`, or a share as a number. None:
                 as much as the policy's recall asks for
    pruner       one for everything that shares a scorer; built when it is first needed
    keep_empty   whether documents of which nothing is needed come back empty; otherwise they are left out

    New documents come back, in the order given, with their ids and metadata. `metadata["contextprune"]` has `kept`
    (stretches of the original's text), `merged` (documents whose text is shown here in their place) and `tokens`
    (before, after).
    """

    budget: SkipValidation[cp.Budget | float | None] = 0.3
    pruner: SkipValidation[cp.Pruner] = Field(default_factory=cp.Pruner, exclude=True, repr=False)
    keep_empty: bool = False

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    @field_validator("budget", mode="after")
    @classmethod
    def _is_budget(cls, value: Any) -> Any:
        _ceiling(value)
        return value

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """The documents, shortened for `query`. No model is called, so `callbacks` hear nothing. Raises BudgetError."""
        del callbacks
        given = [_given(document, i) for i, document in enumerate(documents)]
        done = cp.prune_documents(given, query, _ceiling(self.budget), self.pruner)
        about = {doc.id: _provenance(old, doc.id) for old, doc in zip(documents, given, strict=True)}
        pairs = zip(documents, done.documents, strict=True)
        found = [
            self._taken(old, new, about) for old, new in pairs if new.text or not old.page_content or self.keep_empty
        ]
        if documents and not any(document.page_content for document in found):
            _log.warning("the budget left nothing of %d documents; raise it", len(documents))
        return found

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """As `compress_documents`; the work is done in a thread."""
        return await asyncio.to_thread(self.compress_documents, documents, query, callbacks)

    def as_runnable(self, retriever: Runnable[str, list[Document]] | None = None) -> Runnable[Any, list[Document]]:
        """For LCEL: with a retriever, from a question to its documents, shortened.

        Without one, from `{"documents": ..., "query": ...}`.
        """
        prune = RunnableLambda(self._run, self._arun, name="ContextPruneCompressor")
        if retriever is None:
            return prune
        return RunnableParallel(documents=retriever, query=RunnablePassthrough()) | prune

    def _run(self, asked: Mapping[str, Any], config: RunnableConfig) -> list[Document]:
        return self.compress_documents(asked["documents"], asked["query"], config.get("callbacks"))

    async def _arun(self, asked: Mapping[str, Any], config: RunnableConfig) -> list[Document]:
        return await self.acompress_documents(asked["documents"], asked["query"], config.get("callbacks"))

    def _taken(self, old: Document, new: cp.Document, about: Mapping[str | None, Mapping[str, Any]]) -> Document:
        note = {
            "kept": [list(run) for run in new.kept],
            "merged": [dict(about[other]) for other in new.merged],
            "tokens": [self.pruner.counter(old.page_content), self.pruner.counter(new.text)],
        }
        return old.model_copy(update={"page_content": new.text, "metadata": {**old.metadata, METADATA: note}})


def _ceiling(value: Any) -> cp.Budget | None:
    if value is None or isinstance(value, cp.Budget):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return cp.Budget(ratio=float(value))
    raise ValueError(f"a budget is a contextprune.Budget, a share between 0 and 1, or None, not {value!r}")


def _given(document: Document, index: int) -> cp.Document:
    """The engine's document. Its id is the place, since ids may be missing or repeat; names help to rank."""
    title = next((str(document.metadata[name]) for name in _NAMES if document.metadata.get(name)), None)
    return cp.Document(text=document.page_content, id=str(index), title=title)


def _provenance(document: Document, place: str | None) -> dict[str, Any]:
    """How a document is named where its text is shown in another."""
    told = {name: document.metadata[name] for name in _PROVENANCE if name in document.metadata}
    return {"id": document.id, "place": int(place or 0), **told}
