"""LangChain messages as a request body that the engine reads, and the way back into the very same messages.

The body is Anthropic's, because it has a place for everything: documents, signed reasoning, failed results. It is never
sent. One message becomes one message; what comes back is text of tools' results and of documents, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_contextprune.content import Back, Part, Piece, in_text, of_person, of_results, put_back, texts_of
from langchain_contextprune.metadata import came_from_tool, is_pinned, kept_under, sent_before

KEEP = "<contextprune-keep>\n"
"""The engine leaves alone what stands behind it."""

LEAST = 40
"""Characters of a result below which nobody need know who made it: no marker is shorter."""

Get = Callable[[str], str | None]
"""What a recall key stands for, or None."""

Message = TypeVar("Message", bound=BaseMessage)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: the dict that the engine reads, and how the message's content follows from what came out of it.

    Attributes:
        message: The message.
        block: What the engine reads.
        back: From a content that came out to the message's; None where that stays as it is, whatever comes out.
        pieces: Of a tool's result: what the engine reads of its parts.
    """

    message: BaseMessage
    block: Mapping[str, Any]
    back: Back | None = None
    pieces: tuple[Piece, ...] = ()

    def changes(self, block: Mapping[str, Any]) -> list[tuple[int, str, str]]:
        """Find the texts of a result that differ: index in its new content, the text as it came, and as it is now."""
        content = block["content"][0]["content"]
        return list(texts_of(self.pieces, [{"type": "text", "text": content}] if isinstance(content, str) else content))


@dataclass(frozen=True, slots=True)
class Reading:
    """The body to compress, and one turn for each message."""

    payload: dict[str, Any]
    turns: tuple[Turn, ...]

    def written(self, payload: Mapping[str, Any]) -> list[AnyMessage]:
        """The messages as `payload`, the compressed body, has them; what does not change is the caller's own object."""
        blocks = payload["messages"]
        return [cast("AnyMessage", _written(turn, block)) for turn, block in zip(self.turns, blocks, strict=True)]


def read(
    messages: Sequence[BaseMessage],
    get: Get,
    *,
    model: str = "",
    thinking: Mapping[str, Any] | None = None,
    pastes: int | None = None,
    from_start: bool = False,
) -> Reading:
    """Read a conversation without its system prompt and tools: prompts that change must not change decisions.

    Args:
        messages: The conversation.
        get: Finds originals of results that were shortened on arrival: the engine sees what it decided on.
        model: The model's name.
        thinking: The request's setting of that name: it may ask the provider to drop reasoning that no longer fits.
        pastes: Characters from which on blocks in a person's words are documents; None: words are left alone.
        from_start: All of it went through contextprune, and every result is a tool's, whatever the notes in the
            messages say; otherwise what was sent without it, and what no tool made, is locked.
    """
    sent = 0 if from_start else sent_before(messages)
    turns = tuple(
        _turn(message, get, pastes, locked=i < sent or not (from_start or _is_tools(message)))
        for i, message in enumerate(messages)
    )
    said = {"model": model, "thinking": thinking}
    body = {"system": "", "messages": [turn.block for turn in turns], **{k: v for k, v in said.items() if v}}
    return Reading(body, turns)


def _is_tools(message: BaseMessage) -> bool:
    """Tell whether a message is no result, or one that a tool made, or so short that it does not matter."""
    if not isinstance(message, ToolMessage) or came_from_tool(message):
        return True
    return isinstance(message.content, str) and len(message.content) < LEAST


def _written(turn: Turn, block: Mapping[str, Any]) -> BaseMessage:
    if turn.back is None:
        return turn.message
    content = turn.back(block["content"])
    return turn.message if content == turn.message.content else turn.message.model_copy(update={"content": content})


def _turn(message: BaseMessage, get: Get, pastes: int | None, *, locked: bool) -> Turn:
    if isinstance(message, AIMessage):
        return Turn(message, {"role": "assistant", "content": list(_said(message))})
    if isinstance(message, ToolMessage):
        return _result(message, get, locked=locked)
    if isinstance(message, SystemMessage):
        return Turn(message, {"role": "system", "content": message.text})
    if isinstance(message, HumanMessage):
        return _person(message, None if locked else pastes, locked=locked)
    return Turn(message, {"role": "user", "content": message.text})


def _result(message: ToolMessage, get: Get, *, locked: bool) -> Turn:
    """A tool's result as it came; locked where it was sent before the middleware was there, or cannot be restored.

    So is one that was cut to fit beside others.
    """
    locked = locked or is_pinned(message)
    keys = {} if locked else kept_under(message)
    found = {i: get(key) for i, key in keys.items()}
    originals = {i: text for i, text in found.items() if text is not None}
    locked = locked or len(originals) < len(keys)
    pieces = _pieces(message, {} if locked else originals)
    is_text = isinstance(message.content, str)
    content: Any = pieces[0].block["text"] if is_text else [piece.block for piece in pieces]
    if locked:
        content = _kept(content)
    result = {
        "type": "tool_result",
        "tool_use_id": message.tool_call_id,
        "content": content,
        "is_error": message.status == "error",
    }
    block = {"role": "user", "content": [result]}
    if locked:
        return Turn(message, block)

    def back(new: Any) -> Any:
        content = new[0]["content"]
        return content if is_text else put_back(pieces, content)

    return Turn(message, block, back, pieces)


def _pieces(message: ToolMessage, originals: Mapping[int, str]) -> tuple[Piece, ...]:
    content = message.content
    return tuple(of_results([content] if isinstance(content, str) else content, originals))


def _kept(content: Any) -> Any:
    if isinstance(content, str):
        return KEEP + content
    return [
        {**block, "text": KEEP + block["text"]} if block.get("type") == "text" and "text" in block else block
        for block in content
    ]


def _person(message: HumanMessage, pastes: int | None, *, locked: bool) -> Turn:
    """A person's words come first: what they ask about stands in the same message, and arrives with them."""
    content = message.content
    if isinstance(content, str):
        pieces = in_text(content, pastes) if pastes is not None else []
        if len(pieces) < 2:
            return Turn(message, {"role": "user", "content": content})
        return Turn(message, *_in_one_text(pieces))
    brief = any(isinstance(p, Mapping | str) and 0 < len(_text(p)) < (pastes or 0) for p in content)
    parts = [of_person(part, pastes if brief else None) for part in content]
    order = sorted(range(len(parts)), key=lambda i: parts[i].asked)

    def back(new: Any) -> Any:
        made = dict(zip(order, new, strict=True))
        return [part.back(made[i]) for i, part in enumerate(parts)]

    block = {"role": "user", "content": [parts[i].block for i in order]}
    return Turn(message, block, None if locked else back)


def _in_one_text(pieces: Sequence[Part]) -> tuple[dict[str, Any], Back]:
    """The words around documents are one question, also where they stand on both sides."""
    words = "".join(piece.block["text"] for piece in pieces if not piece.asked)
    documents = [piece.block for piece in pieces if piece.asked]

    def back(new: Any) -> Any:
        made = iter(new[1:])
        return "".join(piece.back(next(made) if piece.asked else piece.block) for piece in pieces)

    return {"role": "user", "content": [{"type": "text", "text": words}, *documents]}, back


def _text(part: Any) -> str:
    text = part if isinstance(part, str) else part.get("text")
    return text if isinstance(text, str) else ""


def _said(message: AIMessage) -> Iterator[Mapping[str, Any]]:
    """What the model said, thought and called, in the engine's words."""
    calls = {call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls)} - {None}
    thought = message.additional_kwargs.get("reasoning_content")
    if isinstance(thought, str):
        yield {"type": "thinking", "thinking": thought}
    for part in [message.content] if isinstance(message.content, str) else message.content:
        block = _spoken(part)
        if block.get("id") not in calls:  # some providers' calls stand in the content, too
            yield block
    for call in message.tool_calls:
        yield {"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["args"]}
    for broken in message.invalid_tool_calls:
        yield {"type": "tool_use", "id": broken["id"], "name": broken["name"], "input": broken["args"]}


def _spoken(part: Any) -> Mapping[str, Any]:
    """Reasoning keeps its signature in each provider's spelling: it may hold for just what stands before it."""
    if not isinstance(part, Mapping):
        return {"type": "text", "text": str(part)}
    match part.get("type"):
        case "reasoning":
            extras = part.get("extras")
            signature = part.get("signature") or (extras.get("signature") if isinstance(extras, Mapping) else None)
            return {"type": "thinking", "thinking": str(part.get("reasoning") or ""), "signature": signature or ""}
        case "reasoning_content" if isinstance(part.get("reasoning_content"), Mapping):
            inner = part["reasoning_content"]
            return {
                "type": "thinking",
                "thinking": str(inner.get("text") or ""),
                "signature": inner.get("signature") or "",
            }
        case "non_standard" if isinstance(part.get("value"), Mapping):
            return _spoken(part["value"])
        case "text" if not isinstance(part.get("text"), str):
            return {"type": "unknown", "value": part}
    return part
