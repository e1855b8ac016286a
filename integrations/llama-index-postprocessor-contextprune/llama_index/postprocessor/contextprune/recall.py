"""The way back as a tool: what a marker stands for, asked for by the model that read the marker."""

from __future__ import annotations

import logging

from llama_index.core.tools import FunctionTool

import contextprune as cp
from llama_index.postprocessor.contextprune.engine import agents_pruner
from llama_index.postprocessor.contextprune.failures import FailOpen
from llama_index.postprocessor.contextprune.messages import RECALL

_log = logging.getLogger(__name__)

_UNREADABLE = "the originals cannot be read now; call the original tool again"


def recall_tool(pruner: cp.Pruner | None = None, *, max_tokens: int = 8000) -> FunctionTool:
    """Make a tool that gives back what a marker stands for. What goes wrong is an answer for the model.

    Args:
        pruner: The one that wrote the markers; one from the settings where none is given.
        max_tokens: The most tokens of an answer; a longer one says what to ask for next.

    Raises:
        SettingsError: `max_tokens` is below 1.
    """
    if max_tokens < 1:
        raise cp.SettingsError(f"max_tokens is a number of tokens above 0, not {max_tokens}")
    engine, fail_open = pruner or agents_pruner(), FailOpen(_log)

    def contextprune_recall(key: str, lines: str | None = None, query: str | None = None) -> str:
        """Read text that was shortened: a note such as [lines 12-40 cut, recall=abcdefgh2345] stands for it.

        :param key: the 12 characters after recall=
        :param lines: only these lines of the original, such as 12-40 or 12,60-70
        :param query: only the lines that hold each of these words
        """
        work = lambda: _answer(engine, key, lines or None, query or None, max_tokens)  # noqa: E731 - one line
        return fail_open("an original is not given back", work, _UNREADABLE)

    return FunctionTool.from_defaults(contextprune_recall, name=RECALL)


def _answer(pruner: cp.Pruner, key: str, lines: str | None, query: str | None, most: int) -> str:
    key = key.strip().removeprefix("recall=")
    try:
        text = cp.recall(key, query=query, lines=lines, pruner=pruner)
    except cp.MissingOriginal:
        return f"nothing is kept under the key {key!r}; call the original tool again"
    except cp.SettingsError as exc:
        return str(exc)
    if not text:
        return "no line matches; ask without `query` or `lines`, or with others"
    return _bounded(text, pruner.counter, most, partly=bool(query or lines))


def _bounded(text: str, count: cp.Counter, most: int, *, partly: bool) -> str:
    if len(text) <= most or (len(text) <= 16 * most and count(text) <= most):  # no token is empty
        return text
    rows = text.splitlines(keepends=True)
    kept: list[str] = []
    room = most
    for row in rows:
        room -= count(row[: 16 * most])
        if room < 0:
            break
        kept.append(row)
    if not kept:
        return f"{rows[0][:most]}\n[{len(text) - most} more characters: ask with a `query`]"
    more = "narrower `lines` or a `query`" if partly else f'lines="{len(kept) + 1}-{len(rows)}" or a `query`'
    return f"{''.join(kept)}\n[{len(rows) - len(kept)} more lines: ask with {more}]"
