"""The side-car for gateways that call a prompt compressor: messages in, as many messages out, originals back.

A gateway sends whole histories and remembers nothing of us, so a history that the ledger does not know is decided as
if each of its requests had come by: it gets the same bytes each time. Two forms are read, headroom's (`/v1/compress`)
and that of LiteLLM's generic guardrail. Hints have the form that LiteLLM looks for (`hash=` and 24 hexadecimal digits).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from contextprune.context import Context, Kind, Ref, Segment
from contextprune.dialects import read
from contextprune.dialects.base import as_list, as_object
from contextprune.dialects.splice import splice, value_spans
from contextprune.errors import PayloadError, SettingsError
from contextprune.markers import KEY, RECALL_TOOL
from contextprune.plan import Action, Plan
from contextprune.prepare import is_shorter
from contextprune.pruner import Pruned
from contextprune.session.requests import boundaries
from contextprune.storage.excerpt import excerpt
from contextprune.storage.scope import scope_in
from contextprune.storage.store import Store
from contextprune.tokens import Counter

RETRIEVE_TOOL = "headroom_retrieve"
"""LiteLLM's name of the tool by which its model asks for originals: its results are never shortened again."""

_MESSAGES, _ROWS = "messages", "structured_messages"  # in headroom's form, and in LiteLLM's generic guardrail
_SESSION_HEADER = "x-litellm-session-id"
_LONGEST_ID = 256  # characters of a session's id, as headroom has it
_HASH = re.compile(r"\bhash=((?:[67][0-9a-f]|3[2-7]){12})\b")
_SHAPE = re.compile(r"[a-z2-7]{12}")


@dataclass(frozen=True, slots=True)
class CompressRequest:
    """A body of a gateway, read.

    body         as received
    context      its messages, markers in our own form
    translated   the segments whose text has another form there than in the body
    hashes       the gateway answers calls for originals: markers name them
    audit        measure, and give the messages back as they came
    at           the key of the messages in the body
    session      the id that the gateway gave, "" for none
    user         whom the gateway asks for, "" where it does not say
    frozen       the first segments, which the provider has cached as they were last returned
    withheld     results that the gateway kept back as long as they were new: they have been sent whole
    """

    body: bytes
    context: Context
    translated: frozenset[Ref]
    hashes: bool
    audit: bool
    at: str = _MESSAGES
    session: str = ""
    user: str = ""
    frozen: int = 0
    withheld: frozenset[Ref] = frozenset()

    def tenant(self, credential: str) -> str:
        """The tenant: the gateway's credential, and within it the user whom the gateway names."""
        if not self.user:
            return credential
        return blake2b(f"{credential}\0{self.user}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def own_session(self) -> str:
        """The session's id, which another user of the same gateway may have chosen, too, with the user before it."""
        return f"{self.user}\0{self.session}" if self.user and self.session else self.session


@dataclass(frozen=True, slots=True)
class CompressReply:
    """The response body, and tokens before and after."""

    body: bytes
    before: int
    after: int


def read_request(body: bytes, recall: str = "off") -> CompressRequest:
    """Read a gateway's body in one of two forms. Raises PayloadError.

    headroom's   {"messages": [...], "model"?: "...", "config"?: {"mode"?: "ccr" | "audit", "session_id"?: "...",
                 "frozen_message_count"?: 0}}; messages are OpenAI's or Anthropic's, as their content says
    LiteLLM's    {"input_type": "request", "structured_messages": [...], "model"?: "...", "request_data"?: {...},
                 "additional_provider_specific_params"?: the config}

    The gateway answers calls for originals where it says so by the mode "ccr", or the operator by the option `recall` =
    "tool" (LiteLLM's guardrail for headroom has no words); LiteLLM's generic guardrail has no such tool.
    """
    try:
        payload = as_object(json.loads(body.decode()), ())
    except (ValueError, RecursionError) as exc:
        raise PayloadError("the body is no JSON object in UTF-8 with messages in it") from exc

    at = _ROWS if "input_type" in payload else _MESSAGES
    config = _mapping(payload.get("config" if at == _MESSAGES else "additional_provider_specific_params"))
    context = _context(payload, at)
    ours = replace(context, segments=tuple(map(_in_our_form, context.segments)))
    pairs = zip(context.segments, ours.segments, strict=True)
    mode = config.get("mode")
    return CompressRequest(
        body=body,
        context=ours,
        translated=frozenset(old.ref for old, new in pairs if old.text != new.text),
        hashes=at == _MESSAGES and (mode == "ccr" or recall == "tool"),
        audit=mode == "audit",
        at=at,
        session=_session(config, payload),
        user=str(_mapping(payload.get("request_data")).get("user_api_key_hash") or ""),
        frozen=_frozen(config, ours.segments),
        withheld=frozenset(_withheld(ours.segments)),
    )


def _context(payload: Mapping[str, Any], at: str) -> Context:
    """The messages as a context. LiteLLM's guardrail is also called where there are none. Raises PayloadError."""
    if at == _ROWS and (not payload.get(_ROWS) or payload["input_type"] != "request"):
        return Context(())
    if not as_list(payload.get(at), (at,)):
        raise PayloadError("there is nothing to compress", at)
    further = {key: payload[key] for key in ("model", "tools", "system") if payload.get(key) is not None}
    return read({_MESSAGES: payload[at], **further})


def _session(config: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    """The session's id, from the config or from LiteLLM's header for it. Raises PayloadError for one that is none."""
    name = config.get("session_id")
    if name is None:
        name = _mapping(payload.get("request_headers")).get(_SESSION_HEADER)
    if name is None:
        return ""
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_ID:
        raise PayloadError(f"it is a text of 1 to {_LONGEST_ID} characters", "config.session_id")
    return name


def _frozen(config: Mapping[str, Any], segments: tuple[Segment, ...]) -> int:
    """How many segments stand in the first `frozen_message_count` messages or before. Raises PayloadError."""
    count = config.get("frozen_message_count")
    if count is None:
        return 0
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise PayloadError("it is a number of messages, 0 or more", "config.frozen_message_count")
    return max((i + 1 for i, segment in enumerate(segments) if 0 <= _message(segment) < count), default=0)


def _message(segment: Segment) -> int:
    """The number of the message in which a segment stands; -1 where it stands before all of them."""
    return at if segment.ref[:1] == (_MESSAGES,) and isinstance(at := segment.ref[1], int) else -1


def _withheld(segments: tuple[Segment, ...]) -> Iterator[Ref]:
    """Results whose call is not there.

    LiteLLM's guardrail for headroom keeps back what the model wrote, and the last exchange whole. So a result comes
    here one request late: the provider has it cached as it stands, and to shorten it would be to pay for it twice.
    """
    calls = {segment.pair for segment in segments if segment.kind is Kind.TOOL_CALL}
    for segment in segments:
        if segment.kind is Kind.TOOL_RESULT and segment.pair is not None and segment.pair not in calls:
            yield segment.ref


def write_reply(request: CompressRequest, pruned: Pruned, key: Callable[[str], str], count: Counter) -> CompressReply:
    """The response to a request, from what the engine decided about its context. `key` names an original."""
    edits, before, after = _gateway_edits(request, pruned, count)
    keys = [key(s.source or s.text) for s in request.context.segments if s.ref in edits]
    fields: dict[str, Any] = {
        "tokens_before": before,
        "tokens_after": after,
        "tokens_saved": before - after,
        "compression_ratio": round(after / before, 4) if before else 1.0,
        "transforms_applied": _transforms(pruned.plan, edits),
        "ccr_hashes": [hash_of(name) for name in keys] if request.hashes else [],
        "hashes": keys,
    }
    if request.session:
        fields["session"] = _session_words(request, edits)

    tail = json.dumps(fields, separators=(",", ":")).encode()[1:]
    return CompressReply(_messages_words(request, edits) + tail, before, after)


def _messages_words(request: CompressRequest, edits: Mapping[Ref, str]) -> bytes:
    """The beginning of a response: the messages, each without an edit byte for byte as it came."""
    is_row = request.at == _ROWS
    if is_row and (request.audit or not edits):
        return b'{"action":"NONE",'
    placed = {(request.at, *ref[1:]): text for ref, text in edits.items()}
    messages = _messages(request.body if request.audit else splice(request.body, placed), request.at)
    action = b'"action":"GUARDRAIL_INTERVENED",' if is_row else b""
    return b'{%b"%b":%b,' % (action, request.at.encode(), messages)


def _session_words(request: CompressRequest, edits: Mapping[Ref, str]) -> dict[str, Any]:
    """What headroom says of a session: how many messages came back as before, and whether that changed any."""
    segments = request.context.segments
    reply = max((end for end in boundaries(request.context) if end < len(segments)), default=None)
    settled = 0 if reply is None else max(0, _message(segments[reply]))
    replayed = any(segment.ref in edits and _message(segment) < settled for segment in segments)
    return {"id": request.session, "frozen_message_count": settled, "cached_prefix_replayed": replayed}


def _gateway_edits(request: CompressRequest, pruned: Pruned, count: Counter) -> tuple[dict[Ref, str], int, int]:
    """New texts in the gateway's form, and tokens before and after.

    Where the gateway wants hashes, recall keys become hashes, which are longer; a text that would grow stays whole.
    """
    edits: dict[Ref, str] = {}
    before = after = 0
    for segment, (old_tokens, new_tokens) in zip(request.context.segments, pruned.sizes, strict=True):
        text = None if segment.ref in request.translated else pruned.edits.get(segment.ref)
        tokens = old_tokens if text is None else new_tokens
        if text is not None and request.hashes and KEY.search(text):
            text = KEY.sub(lambda match: f"hash={hash_of(match[1])}", text)
            tokens = count(text)
        if text is not None and is_shorter(text, tokens, segment.source or segment.text, old_tokens):
            edits[segment.ref] = text
        else:
            tokens = old_tokens
        before, after = before + old_tokens, after + tokens
    return edits, before, after


def retrieve(body: bytes, store: Store) -> bytes | None:
    """The response to {"key": ..., "query": ..., ...}, whole; None where no original is kept under the key.

    The key may be a hash; the others are places. Raises StoreError where the store does not answer, PayloadError for
    places that are none.
    """
    request = json.loads(body)
    name = str(request.get("key") or "")
    original = store.get(key_of(name) or name)
    if original is None:
        return None
    scope = scope_in(request)
    try:
        text = excerpt(original, scope, None).text
    except SettingsError as exc:
        raise PayloadError(str(exc)) from exc
    if not text and scope.arguments().keys() == {"query"}:
        text = original  # a query is a wish: gateways pass on whatever the model wrote
    return json.dumps({"original_content": text, "hash": name}).encode()


def hash_of(key: str) -> str:
    """A recall key as 24 hexadecimal digits."""
    return key.encode().hex()


def key_of(hashed: str) -> str | None:
    """The recall key in 24 hexadecimal digits; None where there is none."""
    try:
        key = bytes.fromhex(hashed).decode("ascii")
    except ValueError:
        return None
    return key if _SHAPE.fullmatch(key) else None


def _in_our_form(segment: Segment) -> Segment:
    """A segment in the engine's form: with markers and a tool of our own."""
    name = RECALL_TOOL if (segment.name or "").endswith(RETRIEVE_TOOL) else segment.name
    text = segment.text
    if "hash=" in text:
        text = _HASH.sub(lambda match: f"recall={key}" if (key := key_of(match[1])) else match[0], text)
    return segment if (name, text) == (segment.name, segment.text) else replace(segment, name=name, text=text)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _messages(body: bytes, at: str) -> bytes:
    start, end = value_spans(body, [(at,)])[at,]
    return body[start:end]


def _transforms(plan: Plan, edits: Mapping[Ref, str]) -> list[str]:
    """Names of the edits by kind of block: "prune:tool_result" and the like."""
    verbs = {Action.DROP: "prune", Action.DIGEST: "digest", Action.MERGE: "merge"}
    segments = plan.context.segments
    decided = {
        f"{verbs[decision.action]}:{segments[span.segment].kind.value}"
        for span, decision in zip(plan.spans, plan.decisions, strict=True)
        if decision.action in verbs and segments[span.segment].ref in edits
    }

    # Edits of earlier requests have no decisions in this plan.
    replayed = {
        f"prune:{segment.kind.value}"
        for segment in segments
        if segment.ref in edits and not any(name.endswith(f":{segment.kind.value}") for name in decided)
    }
    return sorted(decided | replayed)
