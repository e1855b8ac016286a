"""What gateways ask for that call a prompt compressor on the side: messages in, as many messages out, originals back.

A gateway sends whole histories and remembers nothing of us, so a history that the ledger does not know is decided as
if each of its requests had come by. Hints have the form that LiteLLM looks for (`hash=` and 24 hexadecimal digits).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from contextprune.arrival import RECALL_TOOL
from contextprune.context import Context, Ref, Segment
from contextprune.dialects import read
from contextprune.dialects.base import as_list, as_object
from contextprune.dialects.splice import places, splice
from contextprune.errors import PayloadError, SettingsError
from contextprune.plan import Action, Plan
from contextprune.pruner import Pruned
from contextprune.rendering import KEY
from contextprune.storage.codec import size_of
from contextprune.storage.excerpt import recall_text
from contextprune.storage.store import Store
from contextprune.tokens import Counter

RETRIEVE_TOOL = "headroom_retrieve"
"""How LiteLLM calls the tool by which its model asks for originals: what that gave back is never shortened again."""

_HASH = re.compile(r"\bhash=((?:[67][0-9a-f]|3[2-7]){12})\b")
_SHAPE = re.compile(r"[a-z2-7]{12}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A body of POST /v1/compress, read.

    body      as received
    context   its messages, markers in our own form
    turned    the segments whose text has another form there than in the body
    hashes    the gateway answers calls for originals: markers name them
    audit     measure, and give the messages back as they came
    """

    body: bytes
    context: Context
    turned: frozenset[Ref]
    hashes: bool
    audit: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """The response body, and tokens before and after."""

    body: bytes
    before: int
    after: int


def asked(body: bytes, recall: str = "off") -> Asked:
    """Read {"messages": [...], "model"?: "...", "config"?: {"mode"?: "ccr" | "audit"}}. Raises PayloadError.

    Messages are OpenAI's or Anthropic's, whichever their content says. The gateway answers calls for originals where
    it says so by the mode "ccr", or the operator by the option `recall` = "tool" (LiteLLM's guardrail has no words).
    """
    try:
        payload = as_object(json.loads(body.decode()), ())
    except (ValueError, RecursionError) as exc:
        raise PayloadError("the body is no JSON object in UTF-8 with messages in it") from exc
    messages = as_list(payload.get("messages"), ("messages",))
    if not messages:
        raise PayloadError("there is nothing to compress", "messages")
    config = payload.get("config")
    mode = config.get("mode") if isinstance(config, Mapping) else None
    context = read({key: payload[key] for key in ("messages", "model", "tools", "system") if key in payload})
    inward = replace(context, segments=tuple(map(_inward, context.segments)))
    pairs = zip(context.segments, inward.segments, strict=True)
    turned = frozenset(old.ref for old, new in pairs if old.text != new.text)
    return Asked(body, inward, turned, hashes=mode == "ccr" or recall == "tool", audit=mode == "audit")


def compressed(request: Asked, done: Pruned, key: Callable[[str], str], count: Counter, *, hashes: bool) -> Reply:
    """The response to a request about which `done` was decided.

    key      names an original
    hashes   turns recall keys into the hashes that a gateway looks for; a text that would grow by it stays whole
    """
    edits: dict[Ref, str] = {}
    before = after = 0
    for segment, (whole, short) in zip(request.context.segments, done.sizes, strict=True):
        text = None if segment.ref in request.turned else done.edits.get(segment.ref)
        tokens = whole if text is None else short
        if text is not None and hashes and KEY.search(text):
            text = KEY.sub(lambda found: f"hash={hash_of(found[1])}", text)
            tokens = count(text)
        if text is not None and tokens <= whole and size_of(text) <= size_of(segment.source or segment.text):
            edits[segment.ref] = text
        else:
            tokens = whole
        before, after = before + whole, after + tokens
    named = [key(s.source or s.text) for s in request.context.segments if s.ref in edits]
    told = {
        "tokens_before": before,
        "tokens_after": after,
        "tokens_saved": before - after,
        "compression_ratio": round(after / before, 4) if before else 1.0,
        "transforms_applied": _transforms(done.plan, edits),
        "ccr_hashes": [hash_of(name) for name in named] if hashes else [],
        "hashes": named,
    }
    messages = _messages(request.body if request.audit else splice(request.body, edits))
    return Reply(
        b'{"messages":' + messages + b"," + json.dumps(told, separators=(",", ":")).encode()[1:], before, after
    )


def retrieved(body: bytes, store: Store) -> bytes | None:
    """The response to {"key": ..., "query": ..., "lines": ...}; None where no original is kept under the key.

    The key may be a hash. Raises StoreError where the store does not answer, PayloadError for lines that are no lines.
    """
    wanted = json.loads(body)
    name = str(wanted.get("key") or "")
    text = store.get(key_of(name) or name)
    if text is None:
        return None
    query, lines = (str(value) if (value := wanted.get(part)) else None for part in ("query", "lines"))
    try:
        found = recall_text(text, query=query, lines=lines)
    except SettingsError as exc:
        raise PayloadError(str(exc), "lines") from exc
    if query and not lines and not found:
        found = text  # a query is a wish: gateways pass on whatever the model wrote
    return json.dumps({"original_content": found, "hash": name}).encode()


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


def _inward(segment: Segment) -> Segment:
    """A segment as the engine knows it: with markers and a tool of our own."""
    name = RECALL_TOOL if (segment.name or "").endswith(RETRIEVE_TOOL) else segment.name
    text = segment.text
    if "hash=" in text:
        text = _HASH.sub(lambda found: f"recall={key}" if (key := key_of(found[1])) else found[0], text)
    return segment if (name, text) == (segment.name, segment.text) else replace(segment, name=name, text=text)


def _messages(body: bytes) -> bytes:
    start, end = places(body, [("messages",)])["messages",]
    return body[start:end]


def _transforms(plan: Plan, edits: Mapping[Ref, str]) -> list[str]:
    """What was done, by kind of block: "prune:tool_result" and the like."""
    words = {Action.DROP: "prune", Action.DIGEST: "digest", Action.MERGE: "merge"}
    segments = plan.context.segments
    found = {
        f"{words[decision.action]}:{segments[span.segment].kind.value}"
        for span, decision in zip(plan.spans, plan.decisions, strict=True)
        if decision.action in words and segments[span.segment].ref in edits
    }
    replayed = {
        f"prune:{segment.kind.value}"
        for segment in segments
        if segment.ref in edits and not any(word.endswith(f":{segment.kind.value}") for word in found)
    }
    return sorted(found | replayed)
