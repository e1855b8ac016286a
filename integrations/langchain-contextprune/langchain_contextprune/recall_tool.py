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
    """What to give back. Each place narrows what the others leave."""

    key: str = Field(description="The twelve characters after `recall=` in a marker.")
    query: str | None = Field(
        default=None, description="Only lines that hold all of these words; of a long line what is around them."
    )
    lines: str | None = Field(default=None, description="Only these lines of the original: 12, 12-40 or 12-40,60.")
    rows: str | None = Field(
        default=None,
        description="Only these elements of its JSON list, or records of its table, counted from 1: 3 or 3-20.",
    )
    path: str | None = Field(
        default=None, description="Only the value at this place of its JSON, such as items[17].status."
    )
    chars: str | None = Field(
        default=None, description="Only these characters, counted from 1, such as 64001-96000: for parts of a line."
    )


class ContextPruneRecall(BaseTool):
    """Gives back what was taken out of a tool's result: byte for byte, any part of it, up to `max_tokens` at a time.

    Args:
        pruner: Whose store holds the originals: the one that shortens.
        max_tokens: The most that one answer may have; its last line says what was left off and how to ask for it.
    """

    name: str = NAME
    description: str = (
        "Read text that was removed from an earlier tool result. A marker such as "
        "[lines 2-22 cut, recall=abcdefgh2345] shows where text is missing. Pass its key, and `lines`, `query`, "
        "`rows`, `path` or `chars` to read only a part. Use it when you need what a marker stands for; do not run the "
        "original tool again."
    )
    args_schema: Annotated[ArgsSchema | None, SkipValidation()] = RecallInput
    handle_tool_error: Any = True  # an unknown key is an answer for the model, not the end of the run
    pruner: SkipValidation[cp.Pruner] = Field(default_factory=built, exclude=True, repr=False)
    max_tokens: int = Field(default=8000, ge=1)

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    def _run(
        self,
        key: str,
        query: str | None = None,
        lines: str | None = None,
        rows: str | None = None,
        path: str | None = None,
        chars: str | None = None,
    ) -> str:
        """Give the original, or the part of it. Raises ToolException with what to do instead."""
        try:
            return cp.recall(
                key.strip().removeprefix("recall="), query, lines, self.pruner,
                rows=rows, path=path, chars=chars, max_tokens=self.max_tokens,
            )  # fmt: skip
        except cp.MissingOriginal as exc:
            raise ToolException(exc.for_model) from exc
        except Exception as exc:  # a store that cannot be read must not end the run
            raise ToolException(str(exc)) from exc

    async def _arun(
        self,
        key: str,
        query: str | None = None,
        lines: str | None = None,
        rows: str | None = None,
        path: str | None = None,
        chars: str | None = None,
    ) -> str:
        return await asyncio.to_thread(self._run, key, query, lines, rows, path, chars)
