"""The way back as a tool: what a marker stands for, asked for by the model that read the marker."""

from __future__ import annotations

import logging

from llama_index.core.tools import FunctionTool

import contextprune as cp
from llama_index.postprocessor.contextprune.engine import agents_pruner
from llama_index.postprocessor.contextprune.messages import RECALL

_log = logging.getLogger(__name__)

_UNREADABLE = "the originals cannot be read now; call the original tool again"


def recall_tool(pruner: cp.Pruner | None = None, *, max_tokens: int = 8000) -> FunctionTool:
    """Make a tool that gives back what a marker stands for. What goes wrong is an answer for the model.

    Args:
        pruner: The one that wrote the markers; one from the settings where none is given.
        max_tokens: The most tokens of an answer; its last line says what was left off and how to ask for it.

    Raises:
        SettingsError: `max_tokens` is below 1.
    """
    if max_tokens < 1:
        raise cp.SettingsError(f"max_tokens is a number of tokens above 0, not {max_tokens}")
    engine, fail_open = pruner or agents_pruner(), cp.FailOpen(_log)

    def contextprune_recall(
        key: str,
        lines: str | None = None,
        query: str | None = None,
        rows: str | None = None,
        path: str | None = None,
        chars: str | None = None,
    ) -> str:
        """Read text that was shortened: a note such as [lines 12-40 cut, recall=abcdefgh2345] stands for it.

        Each place narrows what the others leave.

        :param key: the 12 characters after recall=
        :param lines: only these lines of the original: 12, 12-40 or 12-40,60
        :param query: only lines that hold all of these words; of a long line what is around them
        :param rows: only these elements of its JSON list, or records of its table, counted from 1: 3 or 3-20
        :param path: only the value at this place of its JSON, such as items[17].status
        :param chars: only these characters, counted from 1, such as 64001-96000: for parts of a line
        """
        places = {"query": query, "lines": lines, "rows": rows, "path": path, "chars": chars}
        asked = {name: value or None for name, value in places.items()}
        work = lambda: _answer(engine, key, asked, max_tokens)  # noqa: E731 - one line
        return fail_open("an original is not given back", work, _UNREADABLE)

    return FunctionTool.from_defaults(contextprune_recall, name=RECALL)


def _answer(pruner: cp.Pruner, key: str, asked: dict[str, str | None], most: int) -> str:
    try:
        return cp.recall(key.strip().removeprefix("recall="), pruner=pruner, max_tokens=most, **asked)
    except cp.MissingOriginal as exc:
        return exc.for_model
    except cp.SettingsError as exc:  # a place that cannot be
        return str(exc)
