"""The way back as a tool: what a marker stands for, asked for by the model that read the marker."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import contextprune as cp
from langchain_core.tools import ArgsSchema, BaseTool, ToolException
from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from langchain_contextprune.engines import built

NAME = "contextprune_recall"
"""The engine knows results by this name as originals that were asked for, and never shortens them again."""


class RecallInput(BaseModel):
    """What to give back."""

    key: str = Field(description="The twelve characters after `recall=` in a marker.")
    query: str | None = Field(default=None, description="Only the lines that hold all of these words.")
    lines: str | None = Field(
        default=None, description="Only these lines of the original: '12', '12-40' or '12,60-70'."
    )


class ContextPruneRecall(BaseTool):
    """Gives back what was taken out of a tool's result. The original comes byte for byte, up to `max_tokens`.

    Args:
        pruner: Whose store holds the originals: the one that shortens.
        max_tokens: A longer answer is cut after a whole line, and says which lines to ask for next.
    """

    name: str = NAME
    description: str = (
        "Read text that was removed from an earlier tool result. A marker such as "
        "[lines 2-22 cut, recall=abcdefgh2345] shows where text is missing. Pass its key, and `lines` or `query` to "
        "read only a part. Use it when you need what a marker stands for; do not run the original tool again."
    )
    args_schema: Annotated[ArgsSchema | None, SkipValidation()] = RecallInput
    handle_tool_error: Any = True  # an unknown key is an answer for the model, not the end of the run
    pruner: SkipValidation[cp.Pruner] = Field(default_factory=built, exclude=True, repr=False)
    max_tokens: int = 8000

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    def _run(self, key: str, query: str | None = None, lines: str | None = None) -> str:
        """The original, or the part of it. Raises ToolException with what to do instead."""
        try:
            text = cp.recall(key.removeprefix("recall="), query=query, lines=lines, pruner=self.pruner)
        except cp.MissingOriginal as exc:
            raise ToolException(f"nothing is kept under the key {key!r}; call the original tool again") from exc
        except Exception as exc:  # a store that cannot be read must not end the run
            raise ToolException(str(exc)) from exc
        if not text:
            return "no line matches; ask without `query` or `lines`, or with others"
        return self._fitting(text, partly=bool(query or lines))

    async def _arun(self, key: str, query: str | None = None, lines: str | None = None) -> str:
        return await asyncio.to_thread(self._run, key, query, lines)

    def _fitting(self, text: str, *, partly: bool) -> str:
        if len(text) <= self.max_tokens or self.pruner.counter(text) <= self.max_tokens:  # no token is empty
            return text
        rows = text.splitlines(keepends=True)
        kept: list[str] = []
        room = self.max_tokens
        for row in rows:
            room -= self.pruner.counter(row)
            if room < 0 and kept:
                break
            kept.append(row)
        more = "narrower `lines` or a `query`" if partly else f'lines="{len(kept) + 1}-{len(rows)}" or a `query`'
        return f"{''.join(kept)[: 8 * self.max_tokens]}\n[{len(rows) - len(kept)} more lines: ask with {more}]"
