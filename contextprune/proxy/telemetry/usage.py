"""The provider's own counts of tokens, read from a bounded copy of an answer's bytes while they pass by.

`feed` only copies (and, where the answer is compressed, unpacks a few kilobytes at a time); the JSON is read after the
end. Nothing in an answer can make it raise, and counts that cannot be understood are None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contextprune.proxy.wire.decompress import Unpacker, unpacker

HEAD, TAIL = 64 << 10, 256 << 10  # bytes kept of an answer's beginning, and of its end up to twice as many
_READ = ("json", "event-stream", "text/")  # types that may hold counts; audio, images and the like are let go
_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")  # of an event
_TRIED = 8  # events that name usage, from either end
_LINES = re.compile(rb"\r\n|\n|\r")
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]{1,100})"')
_LARGEST_COUNT = 1 << 40  # tokens; more is a mistake


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them: input by how it was paid for, and output.

    fresh      input that neither came from the cache nor entered it
    written    input that entered the cache
    read       input that came from the cache
    output     what the model wrote, reasoning included
    reasoning  its reasoning
    model      the model that answered, "" where not told
    hour       part of `written` that entered the cache for an hour
    """

    fresh: int = 0
    written: int = 0
    read: int = 0
    output: int = 0
    reasoning: int = 0
    model: str = ""
    hour: int = 0

    @property
    def input(self) -> int:
        """All input tokens."""
        return self.fresh + self.written + self.read


class Tap:
    """Listens to one answer. Holds at most `HEAD + 2 * TAIL` bytes, and a little more while it unpacks."""

    __slots__ = ("_cut", "_deaf", "_head", "_tail", "_unpack")

    def __init__(self, content_type: str = "", content_encoding: str = "") -> None:
        kind = content_type.casefold()
        self._unpack: Unpacker | None = unpacker(content_encoding)
        self._deaf = self._unpack is None or bool(kind and not any(word in kind for word in _READ))
        self._head, self._tail = bytearray(), bytearray()
        self._cut = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the answer as they are on the wire."""
        if not self._deaf and self._unpack is not None:
            self._take(self._unpack.feed(chunk))

    def usage(self) -> Usage | None:
        """The counts, after the last chunk; None where there are none, or where they cannot be read."""
        if not self._deaf and self._unpack is not None:
            self._take(self._unpack.finish())
        if self._deaf:
            return None

        head, tail = bytes(self._head), bytes(self._tail)
        texts = (head, tail) if self._cut else (head + tail,)
        merged: dict[str, Any] = {}
        for counts in _usages(texts):
            merged |= {name: value for name, value in counts.items() if value is not None}
        return _usage(merged, _model(texts)) if merged else None

    def _take(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            space = max(0, HEAD - len(self._head))
            self._head += piece[:space]
            self._tail += piece[space:]
            if len(self._tail) > 2 * TAIL:
                del self._tail[:-TAIL]
                self._cut = True
        if self._unpack is not None and self._unpack.failed:
            self._deaf = not self._head  # what came before the damage may still tell the input
            self._unpack = None


def _usages(texts: tuple[bytes, ...]) -> Iterator[Mapping[str, Any]]:
    """The first usage and the last one: Anthropic counts the input at the start and the output at the end."""
    complete = len(texts) == 1
    if complete and texts[0].lstrip()[:1] in (b"{", b"["):
        if (inner := _inner(_parsed(texts[0]))) is not None:
            yield inner
        return

    first = next(_of_events(texts[0], last_first=False), None)
    if first is not None:
        yield first
    last = next(_of_events(texts[-1], last_first=True), None) or (None if complete else _loose(texts[-1]))
    if last is not None:
        yield last


def _of_events(text: bytes, *, last_first: bool) -> Iterator[Mapping[str, Any]]:
    """The usages in the server-sent events of a text. Only the outermost few events that name it are parsed."""
    offsets = [match.start() for match in _USAGE.finditer(text)]
    for offset in offsets[: -_TRIED - 1 : -1] if last_first else offsets[:_TRIED]:
        begins = (at + len(end) for end in _ENDS if (at := text.rfind(end, 0, offset)) >= 0)
        stops = (text.find(end, offset) for end in _ENDS)
        event = text[max(begins, default=0) : min((stop for stop in stops if stop >= 0), default=len(text))]
        lines = (line for line in _LINES.split(event) if line.startswith(b"data:"))
        inner = _inner(_parsed(b"\n".join(line[5:] for line in lines)))
        if inner is not None:
            yield inner


def _inner(value: Any) -> Mapping[str, Any] | None:
    """The usage of an answer or of an event, which may carry the answer as `message` or `response`."""
    if not isinstance(value, Mapping):
        return None
    for holder in (value, value.get("message"), value.get("response")):
        usage = holder.get("usage") if isinstance(holder, Mapping) else None
        if isinstance(usage, Mapping):
            return usage
    return None


def _loose(text: bytes) -> Mapping[str, Any] | None:
    """The last usage in a text whose beginning was let go, so that it cannot be parsed as JSON."""
    last = None
    for last in _USAGE.finditer(text):  # noqa: B007 - the last match is wanted
        pass
    if last is None:
        return None
    excerpt = text[last.end() - 1 : last.end() + 4096].decode("utf-8", "replace")
    try:
        value, _ = json.JSONDecoder().raw_decode(excerpt)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, Mapping) else None


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _model(texts: tuple[bytes, ...]) -> str:
    match = _MODEL.search(texts[0])
    return match[1].decode("utf-8", "replace") if match else ""


def _usage(counts: Mapping[str, Any], model: str) -> Usage | None:
    """The counts in either dialect, which differ by their names: OpenAI counts cached tokens within the input."""
    details = _details(counts, "prompt_tokens_details", "input_tokens_details")
    output_details = _details(counts, "completion_tokens_details", "output_tokens_details")
    reasoning = _count(output_details, "reasoning_tokens", "thinking_tokens")
    output = _count(counts, "completion_tokens", "output_tokens")

    if details or "prompt_tokens" in counts or "total_tokens" in counts:
        total = _count(counts, "prompt_tokens", "input_tokens")
        read = min(total, _count(details, "cached_tokens") or _count(counts, "prompt_cache_hit_tokens"))
        written = min(total - read, _count(details, "cache_write_tokens"))
        fresh = total - read - written
    else:
        fresh = _count(counts, "input_tokens")
        written, read = _count(counts, "cache_creation_input_tokens"), _count(counts, "cache_read_input_tokens")

    hour = min(written, _count(_details(counts, "cache_creation"), "ephemeral_1h_input_tokens"))
    usage = Usage(fresh, written, read, output, reasoning, model, hour)
    return usage if usage.input or usage.output else None


def _details(counts: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return next((value for name in names if isinstance(value := counts.get(name), Mapping)), {})


def _count(counts: Mapping[str, Any], *names: str) -> int:
    """The number of tokens under the first of the names that holds one, else 0."""
    for name in names:
        value = counts.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST_COUNT:
            return value
    return 0
