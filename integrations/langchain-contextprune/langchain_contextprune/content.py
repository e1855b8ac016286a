"""Parts of a message's content: what the engine reads of each, and the way back from what came out of it.

LangChain's content has many spellings of one thing (a text, `text-plain`, three kinds of images). The engine reads
Anthropic's; a part is never rebuilt from that, only its text is put back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Back = Callable[[Any], Any]


class Part(NamedTuple):
    """What the engine reads of one part, and how its result becomes a part again.

    asked   it is a document, to be read after the words of its message, which may ask about it
    """

    block: Any
    back: Back
    asked: bool = False


_MEDIA = frozenset({"audio", "video", "file", "input_audio", "input_file", "media"})
_IMAGES = frozenset({"image", "image_url", "input_image"})
_DOCUMENTS = frozenset({"document", "search_result"})
_PASTE = re.compile(
    r"(?:(?<=\n)|\A)(?P<fence>```[^\n]*\n)(?P<code>.*?)(?=\n```)"
    r"|(?P<tag><(?P<name>context|data|document|documents|file|log|output|paste|source)\b[^>]*>)(?P<body>.*?)(?=</(?P=name)>)",
    re.DOTALL,
)


class Piece(NamedTuple):
    """What the engine reads of one part of a result, or of a run of texts, and the way back to the parts."""

    block: Any
    back: Callable[[Any], list[Any]]


def of_results(parts: Sequence[Any], originals: Mapping[int, str]) -> list[Piece]:
    """Read the parts of a tool's result; a run of texts is one text, since servers of MCP send one for each item.

    Args:
        parts: A message's content.
        originals: Index of a part -> the text that it had when it came.
    """
    pieces: list[Piece] = []
    first = 0
    while first < len(parts):
        end = next((i for i in range(first, len(parts)) if not _is_plain(parts[i])), len(parts))
        if end - first >= _LIST:
            pieces.append(_run(parts[first:end], [originals.get(i) for i in range(first, end)]))
        else:
            end = max(end, first + 1)
            pieces += [_alone(of_result(parts[i], originals.get(i))) for i in range(first, end)]
        first = end
    return pieces


def put_back(pieces: Sequence[Piece], new: Sequence[Any]) -> list[Any]:
    """Make the content of a message of what came out of its pieces."""
    return [part for piece, block in zip(pieces, new, strict=True) for part in piece.back(block)]


def texts_of(pieces: Sequence[Piece], new: Sequence[Any]) -> Iterator[tuple[int, str, str]]:
    """Find the texts that differ: index in the new content, the text as it came, and as it is now."""
    at = 0
    for piece, block in zip(pieces, new, strict=True):
        before, after = _text_of(piece.block), _text_of(block)
        if before is not None and after is not None and before != after:
            yield at, before, after
        at += len(piece.back(block))


def _run(parts: Sequence[Any], originals: Sequence[str | None]) -> Piece:
    """Several texts as one, in which each begins a line; where it does not change, the parts stay as they are."""
    texts = [part if isinstance(part, str) else part["text"] for part in parts]
    texts = [text if original is None else original for text, original in zip(texts, originals, strict=True)]
    lines = [text if text.endswith("\n") else f"{text}\n" for text in texts[:-1]]
    whole = "".join((*lines, texts[-1]))
    marks = {key: part[key] for part in parts if isinstance(part, Mapping) for key in part if key in _MARKS}

    def back(block: Any) -> list[Any]:
        return list(parts) if block["text"] == whole else [{"type": "text", "text": block["text"], **marks}]

    return Piece({"type": "text", "text": whole}, back)


def _is_plain(part: Any) -> bool:
    """Tell whether a part is a text and nothing else, but for an id that LangChain gave it and marks for the cache.

    Fields that hold nothing, such as an empty list of annotations, are nothing.
    """
    if isinstance(part, str):
        return True
    if not isinstance(part, Mapping) or part.get("type") != "text" or not isinstance(part.get("text"), str):
        return False
    return all(key in _PLAIN or value in (None, [], {}) for key, value in part.items())


def _alone(part: Part) -> Piece:
    return Piece(part.block, lambda block: [part.back(block)])


def _text_of(block: Any) -> str | None:
    text = block.get("text") if isinstance(block, Mapping) and block.get("type") == "text" else None
    return text if isinstance(text, str) else None


_LIST = 3  # texts that are the items of one list; two beside one another are rather a text and a remark
_MARKS = frozenset({"cache_control"})
_PLAIN = frozenset({"type", "text", "id", "index"}) | _MARKS
"""LangChain numbers texts, and those of MCP have an id each."""


def of_result(part: Any, original: str | None = None) -> Part:
    """A part of a tool's result; `original` is the text that it had when it came."""
    if isinstance(part, str):
        return Part({"type": "text", "text": part if original is None else original}, lambda block: block["text"])
    if not isinstance(part, Mapping):
        return Part({"type": "unknown", "value": str(part)}, lambda _: part)
    kind = part.get("type")
    if kind == "text" and isinstance(part.get("text"), str):
        block = part if original is None else {**part, "text": original}
        return Part(block, lambda new: part if new["text"] == part["text"] else new)
    if kind in _IMAGES:
        return Part(_image(part), lambda block: block if block["type"] == "text" else part)
    return _other(part)


def of_person(part: Any, pastes: int | None) -> Part:
    """A part of a person's message. Words and images stay; documents may be shortened, and long texts as `pastes` says.

    A breakpoint is how the engine is told to leave an image alone.
    """
    text = part if isinstance(part, str) else part.get("text") if isinstance(part, Mapping) else None
    kind = "text" if isinstance(part, str) else part.get("type") if isinstance(part, Mapping) else None
    if kind == "text" and isinstance(text, str):
        if pastes is not None and len(text) >= pastes and not _is_marked(part):
            return pasted(part, text)
        return Part({"type": "text", "text": text}, lambda _: part)
    if kind in _IMAGES:
        return Part({**_image(part), "cache_control": {}}, lambda _: part)
    return _other(part)


def pasted(part: Any, text: str) -> Part:
    """A text that is read as a document."""

    def back(block: Any) -> Any:
        new = block["source"]["data"]
        return part if new == text else {**part, "text": new} if isinstance(part, Mapping) else new

    return Part(_document(text), back, asked=True)


def in_text(text: str, pastes: int) -> list[Part]:
    """The pieces of a text, in order; fenced and tagged blocks of `pastes` characters or more are documents."""
    return [pasted(piece, piece) if is_paste else _words(piece) for is_paste, piece in _pieces(text, pastes)]


def _words(text: str) -> Part:
    return Part({"type": "text", "text": text}, lambda _: text)


def _pieces(text: str, pastes: int) -> Iterator[tuple[bool, str]]:
    at = 0
    for found in _PASTE.finditer(text):
        start, end = found.span("code" if found["fence"] else "body")
        if end - start >= pastes:
            yield False, text[at:start]
            yield True, text[start:end]
            at = end
    yield False, text[at:]


def _other(part: Any) -> Part:
    """Documents by their text; files by a rule of thumb; all else is counted as it stands."""
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind in _DOCUMENTS:
        return Part(part, lambda block: block, asked=True)
    if kind == "text-plain" and isinstance(part.get("text"), str):
        block = _document(part["text"], part.get("title"))
        if _is_marked(part):
            block["cache_control"] = {}
        return Part(block, lambda new: {**part, "text": new["source"]["data"]}, asked=True)
    if kind in _MEDIA or kind == "text-plain":
        return Part({"type": "document", "source": {"type": "base64"}}, lambda _: part)
    return Part(part, lambda block: block)


def _document(text: str, title: Any = None) -> dict[str, Any]:
    return {"type": "document", "source": {"type": "text", "data": text}, "title": title}


def _is_marked(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("cache_control") is not None


def _image(part: Mapping[str, Any]) -> dict[str, Any]:
    """An image in Anthropic's spelling, from LangChain's two, OpenAI's two, or its own."""
    marks = {"cache_control": part["cache_control"]} if _is_marked(part) else {}
    if isinstance(part.get("source"), Mapping):
        return {"type": "image", "source": part["source"], **marks}
    url = part.get("image_url") or part.get("url")
    url = url.get("url") if isinstance(url, Mapping) else url
    data = part.get("base64") or part.get("data")
    head, _, inline = url.partition(";base64,") if isinstance(url, str) else ("", "", "")
    if inline:
        data, media = inline, head.removeprefix("data:")
    else:
        media = str(part.get("mime_type") or "image/png")
    if isinstance(data, str):
        return {"type": "image", "source": {"type": "base64", "media_type": media, "data": data}, **marks}
    return {"type": "image", "source": {"type": "url", "url": url or ""}, **marks}
