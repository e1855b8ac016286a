"""The recall tool, for models whose client knows nothing of us: offered in a request, and answered in a later one.

No response is touched. The client cannot run the tool, tells the model so in the next request, and what it said there
is replaced by the original that was asked for. A tool that comes or goes within a session costs the whole prompt
cache and breaks signed reasoning, so what holds for the first request of a conversation holds for all of them.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Any

from contextprune.context import MODEL_MADE, Context, Kind, Ref, Segment
from contextprune.dialects.splice import value_spans
from contextprune.errors import MissingOriginal, PayloadError, SettingsError, StoreError
from contextprune.markers import RECALL_TOOL
from contextprune.proxy.replay.root import root_of
from contextprune.proxy.replay.tenants import Scoped
from contextprune.storage.excerpt import excerpt
from contextprune.storage.scope import ARGUMENTS, scope_in
from contextprune.storage.store import Notes, Store

OFF, TOOL, MCP = "off", "tool", "mcp"

_DESCRIPTION = (
    "Gives back what was cut out of this conversation. A marker such as [lines 2-40 cut, recall=2gk5hq3m7xvo] stands "
    "for text that was left out to save tokens; call this with its key if you need that text. "
    "Ask for the part you need rather than for all of it."
)
_PARAMETERS = {
    "type": "object",
    "properties": {
        "key": {"type": "string", "description": "The twelve characters after recall= in the marker."},
        **{name: {"type": "string", "description": meaning} for name, meaning in ARGUMENTS.items()},
    },
    "required": ["key"],
}
_NAMED = {"name": RECALL_TOOL, "description": _DESCRIPTION}
_SCHEMAS: Mapping[str, bytes] = {
    name: json.dumps(schema, separators=(",", ":")).encode()
    for name, schema in {
        "openai-chat": {"type": "function", "function": {**_NAMED, "parameters": _PARAMETERS}},
        "openai-responses": {"type": "function", **_NAMED, "strict": False, "parameters": _PARAMETERS},
        "anthropic": {**_NAMED, "input_schema": _PARAMETERS},
    }.items()
}

NO_KEY = "This call names no key. Call it with the twelve characters after recall= in a marker."
UNREADABLE = "The original cannot be read at the moment. Do not ask for it again; get the text another way."


def tool_schema(dialect: str) -> str:
    """The definition of the recall tool as a request in this dialect carries it."""
    return _SCHEMAS[dialect].decode()


def with_tool(body: bytes, dialect: str, answered: Iterable[Ref] = ()) -> bytes:
    """The body of a request with the recall tool before all other tools; every byte that was there is still there.

    It comes first, since agents add tools at the end, and what stands before stays in the provider's cache. The
    results at the refs in `answered` are no errors any more: their flag, where they have one, is turned over. Raises
    PayloadError where the body has a "tools" that is no list.
    """
    flags = {(*ref[:4], "is_error") for ref in answered} if dialect == "anthropic" else set()
    offsets = value_spans(body, [(), ("tools",), *flags])
    cuts = [(*offsets[flag], b"false") for flag in flags & offsets.keys() if body[slice(*offsets[flag])] == b"true"]
    cuts.append(_opening(body, _SCHEMAS[dialect], offsets))

    pieces, at = [], 0
    for start, end, new in sorted(cuts):
        pieces += [body[at:start], new]
        at = end
    return b"".join((*pieces, body[at:]))


def _opening(body: bytes, schema: bytes, offsets: Mapping[Ref, tuple[int, int]]) -> tuple[int, int, bytes]:
    """The bytes that the schema replaces, from and to, and the bytes that go there."""
    first, last = offsets[()]
    start, end = offsets.get(("tools",), (-1, -1))
    if body[first : first + 1] != b"{":
        raise PayloadError("a request body is an object")
    if start < 0:
        return first + 1, first + 1, b'"tools":[' + schema + (b"]," if body[first + 1 : last - 1].strip() else b"]")
    if body[start:end] == b"null":
        return start, end, b"[" + schema + b"]"
    if body[start : start + 1] != b"[":
        raise PayloadError("tools are a list", "tools")
    return start + 1, start + 1, schema + (b"," if body[start + 1 : end - 1].strip() else b"")


class Recalls:
    """The modes of one tenant's conversations, and the answers that they were given. Thread-safe.

    Both are kept as notes in the store, so that every process answers the same, and in memory, `max_bytes` of it.
    """

    def __init__(self, store: Store, max_bytes: int = 4 << 20) -> None:
        self._store = store
        self._notes = store if isinstance(store, Notes) else None
        at_home = store.at_home if isinstance(store, Scoped) else store
        self._answered = at_home if isinstance(at_home, Notes) else None  # originals are for their tenant, no guest's
        self._recent: OrderedDict[bytes, bytes] = OrderedDict()
        self._max_bytes, self._size = max_bytes, 0
        self._lock = threading.Lock()

    def mode(self, payload: Any, context: Context, dialect: str, wanted: str, *, remember: bool = True) -> str:
        """The recall mode of a conversation: "off", "tool" or "mcp". With "tool", use `with_tool` on its body.

        payload   the request body, read; `context` was read of it
        wanted    the mode of new conversations
        remember  False for requests that count or measure

        A request without a reply of the model is the first of its conversation: there `wanted` decides. Later ones go
        on as they began; one that began before us gets no tool. Markers name keys unless it is "off". Raises
        StoreError where that cannot be kept: then nothing may be promised.
        """
        possible = _possible(payload, dialect, wanted)
        key = _hash(b"mode", root_of(context))
        note = self._read_note(key, self._notes)
        modes = [] if note is None else note.decode().split(",")  # several, where conversations begin alike

        if _is_first(context) or possible in modes:
            mode = possible
        elif modes:
            mode = modes[-1]
        else:
            mode = OFF if possible == TOOL else possible

        if remember and mode not in modes:
            self._write_note(key, ",".join([*modes, mode]).encode(), self._notes)
        return _possible(payload, dialect, TOOL) if mode == TOOL else mode

    def mode_note(self, context: Context) -> dict[str, str]:
        """How a conversation recalls, as far as it is in memory, for another process to remember."""
        key = _hash(b"mode", root_of(context))
        with self._lock:
            value = self._recent.get(key)
        return {} if value is None else {key.hex(): value.decode()}

    def remember_mode(self, note: Mapping[str, str]) -> None:
        """Remember what another process says of a conversation: its `mode_note`."""
        for key, value in note.items():
            self._remember(bytes.fromhex(key), value.encode())

    def sent_unchanged(self, context: Context, *, whole: bool = False) -> None:
        """Note that a request was sent as received: where it was the first, or with `whole`, the tool stays away.

        Raises StoreError where that cannot be kept.
        """
        if whole or _is_first(context):
            self._write_note(_hash(b"mode", root_of(context)), OFF.encode(), self._notes)

    def answers(self, context: Context) -> dict[Ref, str]:
        """Texts in place of the results of calls to the recall tool, by ref; the same on every later turn.

        For conversations of the mode "tool" alone: there no client has that tool, so none of its results is real.
        """
        root = root_of(context)
        calls: dict[str | None, Segment] = {}
        answers: dict[Ref, str] = {}
        for segment in context.segments:
            if segment.kind is Kind.TOOL_CALL and segment.name == RECALL_TOOL:
                calls[segment.pair] = segment
            elif segment.kind is Kind.TOOL_RESULT and segment.pair in calls and _is_text(segment):
                call = calls.pop(segment.pair)
                answers[segment.ref] = self._answer(root, call)
        return answers

    def _answer(self, root: bytes, call: Segment) -> str:
        """The answer that a call was given, or is given from now on."""
        key = _hash(b"answer", root, _bytes(call.pair or ""), _bytes(call.text))
        with suppress(StoreError):
            earlier = self._read_note(key, self._answered)
            if earlier is not None:
                return earlier.decode("utf-8", "surrogatepass")
        text = _look_up(self._store, call.text)
        self._remember(key, _bytes(text))
        with suppress(StoreError):
            self._write_note(key, _bytes(text), self._answered)
        return text

    def _read_note(self, key: bytes, notes: Notes | None) -> bytes | None:
        with self._lock:
            if key in self._recent:
                self._recent.move_to_end(key)
                return self._recent[key]
        value = notes.noted([key]).get(key) if notes is not None else None
        if value is not None:
            self._remember(key, value)
        return value

    def _write_note(self, key: bytes, value: bytes, notes: Notes | None) -> None:
        if notes is not None:
            notes.note({key: value})
        self._remember(key, value)

    def _remember(self, key: bytes, value: bytes) -> None:
        with self._lock:
            self._size += len(value) - len(self._recent.pop(key, b""))
            self._recent[key] = value
            while self._size > self._max_bytes and len(self._recent) > 1:
                self._size -= len(self._recent.popitem(last=False)[1])


def _possible(payload: Any, dialect: str, wanted: str) -> str:
    """`wanted`, or the mode nearest to it: where the client has such a tool itself, it answers, as for MCP."""
    if wanted != TOOL:
        return wanted

    tools = payload.get("tools") if isinstance(payload, Mapping) else ()
    if not isinstance(payload, Mapping) or dialect not in _SCHEMAS or not isinstance(tools, list | None):
        return OFF
    if any(name.endswith(RECALL_TOOL) for name in _names(tools or ())):
        return MCP
    if "functions" in payload:  # the older way to offer tools, which excludes the newer one
        return OFF
    elsewhere = payload.get("store") is not False or payload.get("previous_response_id") or payload.get("conversation")
    if dialect == "openai-responses" and elsewhere:
        return OFF  # the provider may keep the history: later requests would show neither replies nor calls
    return TOOL


def _names(tools: Iterable[Any]) -> Iterable[str]:
    for tool in tools:
        inner = tool.get("function") if isinstance(tool, Mapping) else None
        name = (inner if isinstance(inner, Mapping) else tool).get("name") if isinstance(tool, Mapping) else None
        if isinstance(name, str):
            yield name


def _look_up(store: Store, arguments: str) -> str:
    """The part of an original that a call names, or a short text that says why there is none."""
    try:
        call = json.loads(arguments)
    except (ValueError, RecursionError):
        call = None
    key = call.get("key") if isinstance(call, dict) else None
    if not isinstance(key, str) or not key:
        return NO_KEY
    key = key.strip().removeprefix("recall=")
    try:
        text = store.get(key)
        return MissingOriginal(key).for_model if text is None else str(excerpt(text, scope_in(call)))
    except StoreError:
        return UNREADABLE
    except SettingsError as exc:
        return str(exc)


def _is_first(context: Context) -> bool:
    """True for the first request of a conversation: the model has not replied yet."""
    return not any(segment.kind in MODEL_MADE for segment in context.segments)


def _is_text(segment: Segment) -> bool:
    """True where a text of ours may stand in its place."""
    return segment.cost is None and (segment.editable or not segment.text)


def _hash(*parts: bytes) -> bytes:
    return blake2b(
        b"\0".join(b"%d\0%b" % (len(part), part) for part in parts), digest_size=16, person=b"recall"
    ).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
