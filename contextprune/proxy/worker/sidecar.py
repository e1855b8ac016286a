"""The side-car for gateways that call a prompt compressor: messages in, as many messages out, originals back.

A gateway sends whole histories and remembers nothing of us, so a history that the ledger does not know is decided as
if each of its requests had come by. Hints have the form that LiteLLM looks for (`hash=` and 24 hexadecimal digits).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from contextprune.context import Context, Ref, Segment
from contextprune.dialects import read
from contextprune.dialects.base import as_list, as_object
from contextprune.dialects.splice import splice, value_spans
from contextprune.errors import PayloadError, SettingsError
from contextprune.markers import KEY, RECALL_TOOL
from contextprune.plan import Action, Plan
from contextprune.prepare import is_shorter
from contextprune.pruner import Pruned
from contextprune.storage.excerpt import recall_text
from contextprune.storage.store import Store
from contextprune.tokens import Counter

RETRIEVE_TOOL = "headroom_retrieve"
"""LiteLLM's name of the tool by which its model asks for originals: its results are never shortened again."""

_HASH = re.compile(r"\bhash=((?:[67][0-9a-f]|3[2-7]){12})\b")
_SHAPE = re.compile(r"[a-z2-7]{12}")


@dataclass(frozen=True, slots=True)
class CompressRequest:
    """A body of POST /v1/compress, read.

    body         as received
    context      its messages, markers in our own form
    translated   the segments whose text has another form there than in the body
    hashes       the gateway answers calls for originals: markers name them
    audit        measure, and give the messages back as they came
    """

    body: bytes
    context: Context
    translated: frozenset[Ref]
    hashes: bool
    audit: bool


@dataclass(frozen=True, slots=True)
class CompressReply:
    """The response body, and tokens before and after."""

    body: bytes
    before: int
    after: int


def read_request(body: bytes, recall: str = "off") -> CompressRequest:
    """Read {"messages": [...], "model"?: "...", "config"?: {"mode"?: "ccr" | "audit"}}. Raises PayloadError.

    Messages are OpenAI's or Anthropic's, as their content says. The gateway answers calls for originals where
    it says so by the mode "ccr", or the operator by the option `recall` = "tool" (LiteLLM's guardrail has no words).
    """
    try:
        payload = as_object(json.loads(body.decode()), ())
    except (ValueError, RecursionError) as exc:
        raise PayloadError("the body is no JSON object in UTF-8 with messages in it") from exc
    if not as_list(payload.get("messages"), ("messages",)):
        raise PayloadError("there is nothing to compress", "messages")

    config = payload.get("config")
    mode = config.get("mode") if isinstance(config, Mapping) else None
    context = read({key: payload[key] for key in ("messages", "model", "tools", "system") if key in payload})
    ours = replace(context, segments=tuple(map(_in_our_form, context.segments)))
    pairs = zip(context.segments, ours.segments, strict=True)
    translated = frozenset(old.ref for old, new in pairs if old.text != new.text)
    return CompressRequest(body, ours, translated, hashes=mode == "ccr" or recall == "tool", audit=mode == "audit")


def write_reply(request: CompressRequest, pruned: Pruned, key: Callable[[str], str], count: Counter) -> CompressReply:
    """The response to a request, from what the engine decided about its context. `key` names an original."""
    edits, before, after = _gateway_edits(request, pruned, count)
    keys = [key(s.source or s.text) for s in request.context.segments if s.ref in edits]
    fields = {
        "tokens_before": before,
        "tokens_after": after,
        "tokens_saved": before - after,
        "compression_ratio": round(after / before, 4) if before else 1.0,
        "transforms_applied": _transforms(pruned.plan, edits),
        "ccr_hashes": [hash_of(name) for name in keys] if request.hashes else [],
        "hashes": keys,
    }

    # The messages go in as bytes, so that each message without an edit comes back byte for byte.
    messages = _messages(request.body if request.audit else splice(request.body, edits))
    tail = json.dumps(fields, separators=(",", ":")).encode()[1:]
    return CompressReply(b'{"messages":' + messages + b"," + tail, before, after)


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
    """The response to {"key": ..., "query": ..., "lines": ...}; None where no original is kept under the key.

    The key may be a hash. Raises StoreError where the store does not answer, PayloadError for lines that are no lines.
    """
    request = json.loads(body)
    name = str(request.get("key") or "")
    original = store.get(key_of(name) or name)
    if original is None:
        return None
    query, lines = (str(value) if (value := request.get(field)) else None for field in ("query", "lines"))
    try:
        text = recall_text(original, query=query, lines=lines)
    except SettingsError as exc:
        raise PayloadError(str(exc), "lines") from exc
    if query and not lines and not text:
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


def _messages(body: bytes) -> bytes:
    start, end = value_spans(body, [("messages",)])["messages",]
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
