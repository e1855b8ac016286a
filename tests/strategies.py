"""Generated conversations, contexts, documents and examples: everything that the laws are held against.

A conversation comes in the shape of one provider, with parallel calls whose results arrive in any order, and with every
kind of block that must pass through untouched.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from zlib import crc32

from hypothesis import strategies as st

import contextprune as cp
from tests.tool_outputs import (
    BUILDERS,
    FORGED,
    NASTY,
    Builder,
    csv,
    json_lines,
    json_pretty,
    json_small,
    listing,
    log,
    markdown,
    numbered,
    prose,
    same_file,
    test_run,
)

SHAPES = ("chat", "responses", "anthropic")  # of the wires that the proxy knows
ALL_SHAPES = (*SHAPES, "gemini", "bedrock", "ai-sdk")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAZAAAADICAIAAABJdyC1"
BREAK = {"type": "ephemeral"}

COUNTER = cp.Tiktoken()


@dataclass
class Hashed:
    """An adversary: scores that have nothing to do with anything but the text."""

    name: str = "hashed.v1"

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:  # noqa: ARG002 - the seam
        return [crc32(span.text.encode("utf-8", "surrogatepass")) % 1000 / 999 for span in spans]


@dataclass
class Constant:
    """An adversary: every span is worth the same."""

    value: float
    name: str = "constant.v1"

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:  # noqa: ARG002 - the seam
        return [self.value] * len(spans)


LEXICAL = cp.load_scorer("lexical")
HAS_TORCH = find_spec("torch") is not None
NEURAL = cp.load_scorer("neural", "cpu") if HAS_TORCH else LEXICAL  # what takes over without the extra
SCORERS: tuple[cp.Scorer, ...] = (
    *(LEXICAL, Hashed(), Constant(0.0, "zero.v1"), Constant(1.0, "one.v1")),
    *([NEURAL] if HAS_TORCH else []),
)


def pruner(scorer: cp.Scorer = LEXICAL, **policy: Any) -> cp.Pruner:
    """A pruner with a store of its own. Small blocks count and much may go, so that small examples say something."""
    return cp.Pruner(cp.Policy(**{"min_tokens": 0, "recall": 0.6, **policy}), scorer, COUNTER, cp.MemoryStore())


def budgets() -> st.SearchStrategy[cp.Budget]:
    """Budgets of both sorts, tight ones first."""
    ratios = st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0]) | st.floats(0, 1)
    return ratios.map(lambda ratio: cp.Budget(ratio=ratio)) | st.integers(0, 4000).map(
        lambda tokens: cp.Budget(tokens=tokens)
    )


def nasty(most: int = 12) -> st.SearchStrategy[str]:
    """Texts of everything that has broken a text tool before."""
    return st.lists(st.sampled_from(NASTY) | st.text(max_size=8), max_size=most).map("".join)


def built(builders: Sequence[Builder] = BUILDERS) -> st.SearchStrategy[str]:
    """One real-looking output; few seeds, so that outputs repeat."""
    return st.builds(
        lambda build, size, seed: build(size, seed), st.sampled_from(builders), st.integers(1, 40), st.integers(0, 4)
    )


def outputs() -> st.SearchStrategy[str]:
    """What a tool may answer."""
    mixed = st.lists(built() | nasty(4), min_size=1, max_size=3).map("\n".join)
    crlf = built().map(lambda text: text.replace("\n", "\r\n"))
    return st.one_of(built(), built(), mixed, nasty(), crlf, st.just(""))


def json_outputs() -> st.SearchStrategy[str]:
    """Valid JSON, from one record to nested data of any form."""
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | nasty(3) | built(),
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=6) | nasty(1), inner, max_size=5),
        max_leaves=12,
    )
    dumped = st.builds(
        lambda value, indent, plain, close: json.dumps(
            value, indent=indent, ensure_ascii=plain, separators=(",", ":") if close else None
        ),
        values,
        st.sampled_from([None, 2, "\t"]),
        st.booleans(),
        st.booleans(),
    )
    return st.one_of(built((json_pretty, json_small, json_lines)), dumped, st.builds("{0}\n".format, dumped))


ASIDES = ("<system-reminder>\nFix billing soon.\n</system-reminder>", "Continue.")
"""Texts in the user's name that ask for nothing."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One reply of the model and what came back: `calls` are ids, `order` the order of their results."""

    said: str | None
    thought: str | None
    results: tuple[tuple[str, str], ...]
    order: tuple[int, ...]
    user: str | None
    failed: bool
    breakpoint: bool
    extra: int


@st.composite
def turns(draw: st.DrawFn, texts: st.SearchStrategy[str], number: int) -> Turn:
    """One turn with up to three parallel calls."""
    count = draw(st.sampled_from([0, 1, 1, 1, 2, 3]))
    answers = [(f"call_{number}_{k}", draw(texts)) for k in range(count)]
    said = st.sampled_from(["I will look.", "Now the tests, see src/app/models.py.", FORGED, "```\nopen"])
    return Turn(
        said=draw(st.none() | said) if answers else draw(said),
        thought=draw(st.none() | st.sampled_from(["Hmm. " * 5, "\ud83d thought"])),
        results=tuple(answers),
        order=tuple(draw(st.permutations(range(count)))),
        user=draw(st.none() | st.sampled_from(["Fix `parse_args` in billing, please.", "", "Warum? " * 8, *ASIDES])),
        failed=draw(st.booleans()),
        breakpoint=draw(st.sampled_from([False, False, False, True])),
        extra=draw(st.integers(0, 5)),
    )


@st.composite
def histories(draw: st.DrawFn, texts: st.SearchStrategy[str] | None = None) -> list[Turn]:
    """Up to six turns."""
    count = draw(st.integers(0, 6))
    return [draw(turns(outputs() if texts is None else texts, number)) for number in range(count)]


LONG: tuple[Builder, ...] = (log, listing, csv, json_pretty, prose, numbered, same_file, test_run)
MODELS = ("", "claude-sonnet-4-5", "claude-opus-5-5", "gpt-4o")
"""Models whose histories may be edited, and one whose signed reasoning is bound to what stands before it."""


def long_turns(number: int) -> st.SearchStrategy[Turn]:
    """A turn with a result or two of hundreds of tokens, as sessions are made of; few seeds, so that results repeat."""
    texts = st.builds(
        lambda build, size, seed: build(size, seed), st.sampled_from(LONG), st.integers(8, 40), st.integers(0, 2)
    )
    results = st.lists(texts, min_size=1, max_size=2).map(
        lambda some: tuple((f"call_{number}_{k}", text) for k, text in enumerate(some))
    )
    return st.builds(
        lambda results, thought, user, extra: Turn(
            f"Step {number}.", thought, results, tuple(range(len(results))), user, number % 5 == 4, False, extra
        ),
        results,
        st.sampled_from([None, "Hmm. " * 5]),
        st.sampled_from([None, None, None, "And what of billing?"]),
        st.sampled_from([0, 0, 1]),
    )


@st.composite
def long_histories(draw: st.DrawFn, least: int = 22, most: int = 40) -> list[Turn]:
    """A conversation long enough for epochs that pay."""
    return [draw(long_turns(number)) for number in range(draw(st.integers(least, most)))]


@st.composite
def payloads(
    draw: st.DrawFn, texts: st.SearchStrategy[str] | None = None, shapes: Sequence[str] = SHAPES
) -> dict[str, Any]:
    """A request body in one of three shapes."""
    history = draw(histories(texts))
    shape = draw(st.sampled_from(shapes))
    goal = draw(st.sampled_from(["Why does orders fail? Look at billing.", "fix it", "שלום", "\ud83d?", *ASIDES]))
    return BODIES[shape](history, goal)


def chat_messages(history: Sequence[Turn], goal: str) -> list[dict[str, Any]]:
    """OpenAI Chat messages."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a careful agent.\n\nUse the tools."},
        {"role": "user", "content": [{"type": "text", "text": goal}, _chat_image()] if len(goal) > 9 else goal},
    ]
    for turn in history:
        reply: dict[str, Any] = {"role": "assistant", "content": turn.said, "unknown_field": [1, {"a": None}]}
        if turn.thought:
            reply["reasoning_content"] = turn.thought
        if turn.results:
            reply["tool_calls"] = [
                {"id": key, "type": "function", "function": {"name": _name(key), "arguments": _arguments(key)}}
                for key, _ in turn.results
            ]
        messages.append(reply)
        messages += [_chat_result(turn, *turn.results[k]) for k in turn.order]
        if turn.user is not None:
            messages.append({"role": "developer" if turn.extra == 5 else "user", "content": turn.user})
    return messages


def _chat_result(turn: Turn, key: str, text: str) -> dict[str, Any]:
    content: Any = text
    if turn.extra == 1:
        content = [{"type": "text", "text": text}]
    if turn.breakpoint:
        content = [{"type": "text", "text": text, "cache_control": BREAK}]
    return {"role": "tool", "tool_call_id": key, "content": content}


def _chat_body(history: Sequence[Turn], goal: str) -> dict[str, Any]:
    tools = [{"type": "function", "function": {"name": "read_file", "parameters": {"type": "object"}}}]
    return {"model": "m", "tools": tools, "messages": chat_messages(history, goal), "temperature": 0.5}


def _responses_body(history: Sequence[Turn], goal: str) -> dict[str, Any]:
    items: list[Any] = [{"role": "user", "content": [{"type": "input_text", "text": goal}]}]
    for number, turn in enumerate(history):
        if turn.thought:
            summary = [{"type": "summary_text", "text": turn.thought}]
            items.append({"type": "reasoning", "id": f"rs_{number}", "summary": summary, "encrypted_content": PNG * 3})
        if turn.said:
            said = [{"type": "output_text", "text": turn.said, "annotations": []}]
            items.append({"type": "message", "id": f"msg_{number}", "role": "assistant", "content": said})
        items += [
            {"type": "function_call", "call_id": key, "name": _name(key), "arguments": _arguments(key)}
            for key, _ in turn.results
        ]
        items += [_responses_result(turn, *turn.results[k]) for k in turn.order]
        if turn.extra == 2:
            items.append({"type": "future_item", "payload": {"a": [turn.user]}})
        if turn.user is not None:
            items.append({"role": "user", "content": turn.user})
    return {"model": "m", "instructions": "Be careful.", "input": items, "store": False}


def _responses_result(turn: Turn, key: str, text: str) -> dict[str, Any]:
    output: Any = [{"type": "input_text", "text": text}] if turn.extra == 1 else text
    return {"type": "function_call_output", "call_id": key, "output": output}


def _anthropic_body(history: Sequence[Turn], goal: str) -> dict[str, Any]:
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": goal}, _anthropic_image()]}]
    for turn in history:
        reply: list[Any] = []
        if turn.thought:
            reply.append({"type": "thinking", "thinking": turn.thought, "signature": "c2lnbmVk" * 4})
        if turn.extra == 3:
            reply.append({"type": "redacted_thinking", "data": PNG})
        if turn.said:
            reply.append({"type": "text", "text": turn.said})
        reply += [
            {"type": "tool_use", "id": key, "name": _name(key), "input": {"path": key}} for key, _ in turn.results
        ]
        messages.append({"role": "assistant", "content": reply or "Done."})
        answers: list[Any] = [_anthropic_result(turn, *turn.results[k]) for k in turn.order]
        if turn.extra == 4:
            answers.append({"type": "brand_new_block", "data": {"x": 1}})
        if turn.user:
            answers.append({"type": "text", "text": turn.user})
        messages.append({"role": "user", "content": answers or "Go on."})
    system = [{"type": "text", "text": "Be careful.", "cache_control": BREAK}]
    tools = [{"name": "read_file", "input_schema": {"type": "object"}, "cache_control": BREAK}]
    return {"model": "m", "max_tokens": 9, "system": system, "tools": tools, "messages": messages}


def _anthropic_result(turn: Turn, key: str, text: str) -> dict[str, Any]:
    content: Any = text
    if turn.extra == 1:
        content = [{"type": "text", "text": text}, _anthropic_image()]
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": key, "content": content}
    if turn.failed:
        block["is_error"] = True
    if turn.breakpoint:
        block["cache_control"] = BREAK
    return block


def _chat_image() -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}


def _anthropic_image() -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}


def _name(key: str) -> str:
    return ("read_file", "run_shell", "fetch.json")[crc32(key.encode()) % 3]


def _arguments(key: str) -> str:
    return f'{{"path":  "src/{key}.py"}}'


def _gemini_body(history: Sequence[Turn], goal: str) -> dict[str, Any]:
    contents: list[Any] = [
        {"role": "user", "parts": [{"text": goal}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]}
    ]
    for turn in history:
        reply: list[Any] = [{"text": turn.thought, "thought": True}] if turn.thought else []
        reply += [{"text": turn.said, "thoughtSignature": "c2ln"}] if turn.said else []
        reply += [{"functionCall": {"name": _name(key), "args": {"path": key}}} for key, _ in turn.results]
        contents.append({"role": "model", "parts": reply})
        answers = [
            {"functionResponse": {"name": _name(key), "response": {"error" if turn.failed else "output": text, "n": 1}}}
            for key, text in (turn.results[k] for k in sorted(turn.order))
        ]
        contents.append({"role": "user", "parts": [*answers, *([{"text": turn.user}] if turn.user else [])]})
    tools = [{"functionDeclarations": [{"name": "read_file", "parameters": {"type": "object"}}]}]
    return {"systemInstruction": {"parts": [{"text": "Be careful."}]}, "tools": tools, "contents": contents}


def _bedrock_body(history: Sequence[Turn], goal: str) -> dict[str, Any]:
    messages: list[Any] = [{"role": "user", "content": [{"text": goal}]}]
    for turn in history:
        reply: list[Any] = []
        if turn.thought:
            reply.append({"reasoningContent": {"reasoningText": {"text": turn.thought, "signature": "c2ln"}}})
        reply += [{"text": turn.said}] if turn.said else []
        reply += [
            {"toolUse": {"toolUseId": key, "name": _name(key), "input": {"path": key}}} for key, _ in turn.results
        ]
        messages.append({"role": "assistant", "content": reply})
        answers: list[Any] = [_bedrock_result(turn, *turn.results[k]) for k in turn.order]
        messages.append({"role": "user", "content": [*answers, *([{"text": turn.user}] if turn.user else [])]})
    tools = [{"toolSpec": {"name": "read_file", "inputSchema": {"json": {"type": "object"}}}}]
    return {"system": [{"text": "Be careful."}], "toolConfig": {"tools": tools}, "messages": messages}


def _bedrock_result(turn: Turn, key: str, text: str) -> dict[str, Any]:
    content = [{"json": {"a": text}}] if turn.extra == 1 else [{"text": text}]
    return {"toolResult": {"toolUseId": key, "content": content, "status": "error" if turn.failed else "success"}}


def _ai_sdk_body(history: Sequence[Turn], goal: str) -> dict[str, Any]:
    messages: list[Any] = [
        {"role": "user", "content": [{"type": "text", "text": goal}, {"type": "image", "image": PNG}]}
    ]
    for turn in history:
        reply: list[Any] = [{"type": "reasoning", "text": turn.thought}] if turn.thought else []
        reply += [{"type": "text", "text": turn.said}] if turn.said else []
        reply += [
            {"type": "tool-call", "toolCallId": key, "toolName": _name(key), "input": {"path": key}}
            for key, _ in turn.results
        ]
        messages.append({"role": "assistant", "content": reply})
        answers = [_ai_sdk_result(turn, *turn.results[k]) for k in turn.order]
        messages += [{"role": "tool", "content": answers}] if answers else []
        messages += [{"role": "user", "content": turn.user}] if turn.user is not None else []
    return {"system": "Be careful.", "messages": messages}


def _ai_sdk_result(turn: Turn, key: str, text: str) -> dict[str, Any]:
    output: Any = {"type": "error-text" if turn.failed else "text", "value": text}
    if turn.extra == 1:
        output = {"type": "content", "value": [{"type": "text", "text": text}]}
    return {"type": "tool-result", "toolCallId": key, "toolName": _name(key), "output": output}


BODIES = {
    "chat": _chat_body, "responses": _responses_body, "anthropic": _anthropic_body,
    "gemini": _gemini_body, "bedrock": _bedrock_body, "ai-sdk": _ai_sdk_body,
}  # fmt: skip


def skeleton(payload: Any, *, marked: bool = False) -> Any:
    """`payload` with every text blanked that the laws allow to change, found without the library's own readers.

    `marked` tells whether results with a breakpoint may change, too, as they do on arrival; the breakpoint may not.
    """
    if isinstance(payload, list):
        return [skeleton(item, marked=marked) for item in payload]
    if not isinstance(payload, dict):
        return payload
    answer = next((key for key in ("functionResponse", "toolResult") if key in payload), None)
    if answer or payload.get("type") == "tool-result":
        return _without_texts(payload)
    place = "output" if payload.get("type") == "function_call_output" else "content"
    of_ai_sdk = "tool-result" in json.dumps(payload.get("content"))
    if (payload.get("role") == "tool" and not of_ai_sdk) or payload.get("type") in (
        "function_call_output",
        "tool_result",
    ):
        if not marked and "cache_control" in json.dumps(payload):
            return payload
        return {key: _blanked(value) if key == place else value for key, value in payload.items()}
    return {key: skeleton(value, marked=marked) for key, value in payload.items()}


def _without_texts(value: Any) -> Any:
    """An answer with the texts that stand under these keys blanked; ids, names and kinds stay."""
    if isinstance(value, list):
        return [_without_texts(item) for item in value]
    if not isinstance(value, dict):
        return value
    texts = ("output", "error", "text", "value", "a")
    return {k: "" if k in texts and isinstance(v, str) else _without_texts(v) for k, v in value.items()}


def _blanked(content: Any) -> Any:
    if isinstance(content, str):
        return ""
    return [{**part, "text": ""} if "text" in part else part for part in content]


@st.composite
def contexts(draw: st.DrawFn) -> cp.Context:
    """Contexts as the engine meets them, whatever dialect they came from."""
    count = draw(st.integers(0, 6))
    segments = []
    for i in range(count):
        kind = draw(st.sampled_from([*cp.Kind, cp.Kind.TOOL_RESULT, cp.Kind.TOOL_RESULT, cp.Kind.DOCUMENT]))
        image = kind is cp.Kind.IMAGE
        segments.append(
            cp.Segment(
                kind,
                "" if image else draw(outputs()),
                ("messages", i),
                turn=i // 2,
                pair=f"call_{i}",
                name=draw(st.sampled_from([None, "a.py", "b.md", "bash", "x.json"])),
                editable=draw(st.sampled_from([True, True, True, False])),
                cost=85 if image else None,
                failed=draw(st.booleans()),
            )
        )
    return cp.Context(tuple(segments), draw(st.sampled_from(["", "why does billing fail", "parse_args"])))


@st.composite
def documents(draw: st.DrawFn) -> list[cp.Document]:
    """Retrieved documents: of every kind, overlapping chunks of one text, and copies."""
    texts: list[str] = draw(st.lists(outputs(), max_size=4))
    chunked, copied = draw(st.booleans()), draw(st.booleans())
    if chunked:
        long = draw(built((prose, markdown)))
        step = max(1, len(long) // 4)
        texts += [long[at : at + 2 * step] for at in range(0, len(long), step)]
    if texts and copied:
        texts.append(draw(st.sampled_from(texts)))
    return [
        cp.Document(
            text=text,
            id=draw(st.sampled_from([None, f"doc-{i}"])),
            title=draw(st.sampled_from([None, "Billing", "notes.md"])),
            metadata={"page": i},
            score=draw(st.sampled_from([None, 0.5])),
        )
        for i, text in enumerate(texts)
    ]


@st.composite
def examples(draw: st.DrawFn) -> list[cp.Example]:
    """In-context examples, copies among them."""
    found: list[cp.Example] = draw(
        st.lists(
            st.builds(
                cp.Example, input=nasty(3) | st.sampled_from(["2 + 2?", "sum of orders"]), output=built() | nasty(2)
            ),
            max_size=8,
        )
    )
    copied = draw(st.booleans())
    if found and copied:
        found.insert(draw(st.integers(0, len(found))), draw(st.sampled_from(found)))
    return found


def samples() -> list[dict[str, Any]]:
    """A handful of fixed bodies, one of each shape and every kind of output, for tests that run whole processes."""
    history = [
        Turn(
            "Looking.",
            "Hmm.",
            tuple((f"c{n}_{k}", build(25, n)) for k, build in enumerate(some)),
            (1, 0),
            None,
            n == 2,
            False,
            n,
        )
        for n, some in enumerate(zip(BUILDERS[::2], BUILDERS[1::2], strict=False))
    ]
    return [body(history, "Why does orders fail? Look at billing.") for body in BODIES.values()]
