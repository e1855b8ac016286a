"""The segments of a payload while it is read: turns are counted, results find their tool, the user's words are kept.

Every dialect walks its own shape and calls a Draft for each text; the rules that hold for all of them live here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from contextprune.context import MODEL_MADE, Context, Kind, Ref, Segment
from contextprune.dialects.base import OBJECT, as_object, compact, optional_text
from contextprune.dialects.models import binds_reasoning
from contextprune.dialects.text_runs import as_step, joined, runs
from contextprune.text.goal import Goal


class Voice(NamedTuple):
    """The speaker of a text, and so the segment that it becomes. (A frozen dataclass takes twice as long to make.)

    model    it came in the model's reply, whatever its kind (results of server tools)
    message  the message whose words these are, where a user speaks: they may make the query
    marked   the provider's cache is told to cut here
    """

    kind: Kind
    editable: bool = False
    pair: str | None = None
    name: str | None = None
    failed: bool = False
    model: bool = False
    message: Ref | None = None
    marked: bool = False


TOOLS = Voice(Kind.TOOLS)
SYSTEM = Voice(Kind.SYSTEM, editable=True)
ASSISTANT = Voice(Kind.ASSISTANT, model=True)
REASONING = Voice(Kind.REASONING, model=True)
STRANGER = Voice(Kind.USER)


def user(message: Ref) -> Voice:
    """The voice of the user in the message at this ref."""
    return Voice(Kind.USER, editable=True, message=message)


def call(pair: Any, name: Any) -> Voice:
    """The voice of a tool call."""
    return Voice(Kind.TOOL_CALL, pair=optional_text(pair), name=optional_text(name), model=True)


def has_breakpoint(block: Mapping[str, Any]) -> bool:
    """Whether the provider's cache is told to cut at this very block."""
    return block.get("cache_control") is not None or block.get("prompt_cache_breakpoint") is not None


def within(voice: Voice, *blocks: Any) -> Voice:
    """The voice inside of `blocks`, outermost first: as it was, or marked where one has a breakpoint.

    A mark on instructions or documents means that their bytes are to last. Results are marked because they are the
    newest block of a request, and no longer on the next one: they stay editable.
    """
    for block in blocks:
        if isinstance(block, OBJECT) and has_breakpoint(block):
            return voice._replace(marked=True, editable=voice.editable and voice.kind is Kind.TOOL_RESULT)
    return voice


class Draft:
    """The segments read so far.

    reply     names the API call at hand, where a format spreads one reply over several records
    signed    a block of reasoning was met whose signature may hold for just the text before it
    model     the model's name, "" where the payload has none
    lenient   the request asks the provider to leave out reasoning whose signature does not hold
    """

    def __init__(self, model: Any = None, *, lenient: bool = False) -> None:
        self.reply: str | None = None
        self.signed = False
        self.model = optional_text(model) or ""
        self._lenient = lenient
        self._segments: list[Segment] = []
        self._tools: dict[str, str] = {}  # tool name by call id
        self._turn = 0
        self._in_reply = True  # a history that opens with a reply opens with turn 0
        self._last_reply: str | None = None
        self._goal = Goal()

    def text(self, voice: Voice, text: str, ref: Ref) -> None:
        """Note a text that stands at `ref`. An empty one is left out, unless it belongs to a call: that is a turn."""
        if not text and voice.kind not in (Kind.TOOL_CALL, Kind.TOOL_RESULT):
            return
        self._add(voice, text, ref, editable=voice.editable and bool(text))

    def parts(self, voice: Voice, parts: Sequence[Any], ref: Ref, read: Callable[[Any, Ref], None]) -> None:
        """Note the parts of a content, each by `read`; in a result that may change, a run of texts is one text."""
        is_result = voice.kind is Kind.TOOL_RESULT and voice.editable
        for first, end in runs(parts) if is_result else ((at, at + 1) for at in range(len(parts))):
            if end - first > 1:
                self.text(voice, joined([part["text"] for part in parts[first:end]]), (*ref, as_step(first, end)))
            else:
                read(parts[first], (*ref, first))

    def opaque(self, voice: Voice, value: Any, ref: Ref) -> None:
        """Note something that is no plain text: counted as JSON, never rewritten."""
        self._add(voice, compact(value, ref), ref)

    def either(self, voice: Voice, value: Any, ref: Ref) -> None:
        """Note a value that is a text in some messages and an object in others."""
        if isinstance(value, str):
            self.text(voice, value, ref)
        elif value is not None:
            self.opaque(voice, value, ref)

    def values(self, voice: Voice, value: Any, ref: Ref, depth: int = 6) -> None:
        """Note the JSON value of an answer: the texts in its objects and parts by themselves, and the rest.

        What is a text of its own must not depend on its length: the edited payload is read the same.
        """
        if isinstance(value, str):
            self.text(voice, value, ref)
        elif depth and value and isinstance(value, OBJECT):
            for key, item in value.items():
                self.values(voice, item, (*ref, key), depth - 1)
        elif depth and value and _are_parts(value):
            self.parts(voice, value, ref, lambda item, at: self.values(voice, item, at, depth - 1))
        elif value is not None:
            self.opaque(voice, value, ref)

    def sized(self, voice: Voice, cost: int, ref: Ref) -> None:
        """Note a file or a sealed block, whose tokens its text cannot tell."""
        self._add(voice, "", ref, cost=cost)

    def image(self, voice: Voice, cost: int, source: str | None, ref: Ref) -> None:
        """Note an image part that stands at `ref`; editable where a text part may stand in its place."""
        self._add(voice._replace(kind=Kind.IMAGE), "", ref, editable=voice.editable, cost=cost, source=source)

    def schemas(self, holder: Mapping[str, Any], key: str, ref: Ref = ()) -> None:
        """Note each tool schema of `holder[key]` by itself."""
        tools = holder.get(key)
        if not isinstance(tools, list | tuple):
            if tools is not None:
                self.opaque(TOOLS, tools, (*ref, key))
            return
        for index, tool in enumerate(tools):
            schema = as_object(tool, (*ref, key, index))
            voice = within(Voice(Kind.TOOLS, name=_name_of(schema)), schema)
            self.opaque(voice, tool, (*ref, key, index))

    def context(self, query: str | None) -> Context:
        """The segments as a context, with the query given or else what the user asked."""
        bound = self.signed and not self._lenient and binds_reasoning(self.model)
        query = str(self._goal) if query is None else query
        return Context(tuple(self._segments), query, model=self.model, bound=bound)

    def _add(
        self,
        voice: Voice,
        text: str,
        ref: Ref,
        *,
        editable: bool = False,
        cost: int | None = None,
        source: str | None = None,
    ) -> None:
        self._count_turn(model=voice.model or voice.kind in MODEL_MADE)

        name = voice.name
        if voice.kind is Kind.TOOL_CALL and voice.pair and name:
            self._tools[voice.pair] = name
        elif voice.kind in (Kind.TOOL_RESULT, Kind.IMAGE) and voice.pair:
            name = self._tools.get(voice.pair, name)

        segment = Segment(
            voice.kind, text, ref, self._turn, voice.pair, name, editable, cost, voice.failed, voice.marked, source
        )
        self._segments.append(segment)
        if voice.message is not None or voice.kind is not Kind.USER:
            self._goal.add(segment)

    def _count_turn(self, *, model: bool) -> None:
        if model:
            goes_on = self.reply is not None and self.reply == self._last_reply
            if not self._in_reply and not goes_on:
                self._turn += 1
            self._last_reply = self.reply
        self._in_reply = model


def _are_parts(value: Any) -> bool:
    """Whether a list holds parts of a content, as MCP's servers answer, and no records."""
    return isinstance(value, list | tuple) and all(isinstance(item, OBJECT) and "type" in item for item in value)


def _name_of(tool: Mapping[str, Any]) -> str | None:
    body = tool.get("function") or tool.get("custom")
    holder = body if isinstance(body, OBJECT) else tool
    return optional_text(holder.get("name")) or optional_text(tool.get("type"))
