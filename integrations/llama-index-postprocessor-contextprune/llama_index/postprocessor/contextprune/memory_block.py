"""A memory block that keeps what fell out of a memory, and shows what a question needs of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr
from llama_index.core.memory import BaseMemoryBlock

import contextprune as cp
from llama_index.postprocessor.contextprune.engine import nodes_pruner
from llama_index.postprocessor.contextprune.failures import TellsFailures

_log = logging.getLogger(__name__)


class ContextPruneMemoryBlock(TellsFailures, BaseMemoryBlock[str]):
    """Keeps what fell out of `Memory`, and shows what the last question needs of it, verbatim, within `tokens`.

    What it shows changes with each question, so insert it at the end (`insert_method="user"`): in the system message
    it would cost the provider's cache of the whole history. Where something fails it shows the newest messages that
    fit; `failures` counts that, and `reason` says why.

    Args:
        name: The name of the memory block.
        priority: 0: it is never truncated; blocks of higher numbers are truncated first.
        tokens: The most tokens that it shows.
        most: How many messages it keeps; older ones are forgotten.
        messages: What fell out, in order.
        pruner: How to shorten; one from the settings where none is given.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    name: str = Field(default="earlier_messages", description="The name of the memory block.")
    priority: int = Field(default=1, description="0 = never truncate; higher ones are truncated first.")
    tokens: int = Field(default=2000, ge=1, description="Most tokens that it shows.")
    most: int = Field(default=1000, ge=1, description="How many messages it keeps; older ones are forgotten.")
    messages: list[ChatMessage] = Field(default_factory=list, description="What fell out, in order.")
    pruner: cp.Pruner | None = Field(default=None, exclude=True, description="How to shorten.")

    _fail_open: cp.FailOpen = PrivateAttr(default_factory=lambda: cp.FailOpen(_log))
    _by_words: cp.Scorer | None = PrivateAttr(default=None)

    async def _aget(self, messages: list[ChatMessage] | None = None, **_: Any) -> str:
        return await asyncio.to_thread(self._shown, _question(messages or []))

    async def _aput(self, messages: list[ChatMessage]) -> None:
        self.messages = [*self.messages, *messages][-self.most :]

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """Shorten a content by at least so many tokens; None where that leaves nothing."""
        return await asyncio.to_thread(self._truncated, content, tokens_to_truncate)

    def _shown(self, question: str) -> str:
        documents = [
            cp.Document(text=text, title=message.role.value)
            for message in self.messages
            if (text := message.content or "").strip()
        ]
        outcome = "the newest earlier messages are shown"
        return self._fail_open(outcome, lambda: self._needed(documents, question), _newest(documents, self.tokens))

    def _needed(self, documents: Sequence[cp.Document], question: str) -> str:
        """Find what a question needs; the heading of each message that is shown counts, too."""
        pruner = self._engine()
        documents = self._likely(documents, question, pruner)
        room = self.tokens
        while documents and room > 0:
            shown = _joined(cp.prune_documents(documents, question, cp.Budget(tokens=room), pruner).documents)
            size = pruner.counter(shown)
            if size <= self.tokens:
                return shown
            room = min(room - 1, room * self.tokens // size)
        return ""

    def _likely(self, documents: Sequence[cp.Document], question: str, pruner: cp.Pruner) -> Sequence[cp.Document]:
        """Leave out what the words of the question do not point to, where a model would read many times what is shown.

        A model reads question and text together, so nothing that it read for one question serves for another.
        """
        most = _READ * self.tokens
        if sum(pruner.counter(document.text) for document in documents) <= most:
            return documents
        if self._by_words is None:
            self._by_words = cp.load_scorer("lexical")
        if self._by_words.name == pruner.scorer.name:
            return documents
        words = cp.Pruner(pruner.policy, self._by_words, pruner.counter, pruner.store)
        plan = cp.prune_documents(documents, question, cp.Budget(tokens=most), words).plan
        best = [0.0] * len(documents)
        for span, decision in zip(plan.spans, plan.decisions, strict=True):
            best[span.segment] = max(best[span.segment], decision.score)
        chosen: set[int] = set()
        for i in sorted(range(len(documents)), key=lambda i: (-best[i], -i)):
            most -= pruner.counter(documents[i].text)
            if most < 0:
                break
            chosen.add(i)
        return [document for i, document in enumerate(documents) if i in chosen]

    def _truncated(self, content: str, fewer: int) -> str | None:
        least = len(content) // _LONG
        size = self._fail_open("tokens are estimated", lambda: self._engine().counter(content), least)
        room = size - fewer
        if room <= 0:
            return None
        return (
            self._fail_open("a content is cut at its end", lambda: self._fitted(content, room), content[:room]) or None
        )

    def _fitted(self, content: str, room: int) -> str:
        got = cp.prune_documents([cp.Document(text=content)], "", cp.Budget(tokens=room), self._engine())
        return got.documents[0].text

    def _engine(self) -> cp.Pruner:
        if self.pruner is None:
            self.pruner = nodes_pruner()
        return self.pruner


_READ = 8  # times the tokens shown: what a model reads to choose from
_CHARACTERS = 2  # of a token, at the least in any text that people write
_LONG = 8  # characters of a token, at the most in such a text


def _joined(documents: Sequence[cp.Document]) -> str:
    return "\n\n".join(f"{document.title}: {document.text}" for document in documents if document.text)


def _newest(documents: Sequence[cp.Document], tokens: int) -> str:
    """Show the newest messages that fit by a rule of thumb, which asks nobody."""
    room, first = _CHARACTERS * tokens, len(documents)
    while first and (room := room - len(_joined(documents[first - 1 : first])) - 2) >= 0:
        first -= 1
    return _joined(documents[first:])


def _question(messages: list[ChatMessage]) -> str:
    """What the user said last."""
    return next((m.content or "" for m in reversed(messages) if m.role.value == "user"), "")
