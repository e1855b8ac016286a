"""Request bodies of every wire, in shapes that clients send and in some that they should not, by a seed alone.

A body is a tree of plain JSON in which the texts that the laws allow to change are `Free`: the generator knows what it
made, so no oracle has to ask the package which text is whose.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.laws.changes import frees_of
from tests.laws.failing_lines import word
from tests.laws.nasty import make_nasty
from tests.laws.talks import Answer, Free, Turn, content_of, free_text, free_texts, turns_of
from tests.laws.texts import Made, sentence, value

PNG = "iVBORw0KGgoAAAANSUhEUgAAAZAAAADICAIAAABJdyC1"
BREAK = {"type": "ephemeral"}


@dataclass(slots=True)
class Body:
    """A request: `tree` is its JSON, with `Free` texts; `at` the key of its messages, None where it is their list."""

    wire: str
    tree: Any
    at: str | None = None
    broken: bool = False
    seed: int = 0


def body_of(seed: int, size: int = 900, turns: int | None = None, wire: str = "") -> Body:
    """The body of a seed; its texts have about `size` characters each. A wire goes by the name of its dialect."""
    rng = random.Random(seed)
    talk = turns_of(rng, size, rng.choice((0, 1, 1, 2, 3, 4, 6)) if turns is None else turns)
    wires = [WIRES[name] for name in sorted(WIRES) if not wire or DIALECT_OF.get(name, name) == wire]
    made = rng.choice(wires)(rng, talk)
    made.seed = seed
    make_nasty(random.Random(f"nasty {seed}"), made.tree, made.at)
    if made.at is not None:
        _add_strange_fields(rng, made.tree)
        if rng.random() < 0.06:
            made.broken = True
            _break(rng, made.tree)
    return made


def tiny_messages(count: int) -> Body:
    """So many messages of a word or two."""
    messages = [{"role": ("user", "assistant")[n % 2], "content": f"m {n}"} for n in range(count)]
    return Body("openai-chat", {"model": "m", "messages": messages}, "messages")


def _anthropic(rng: random.Random, turns: list[Turn]) -> Body:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    first: list[Any] = [
        {"type": "text", "text": sentence(rng)},
        *_documents(rng),
        *([image] if rng.random() < 0.3 else []),
    ]
    messages: list[Any] = [{"role": "user", "content": first}]
    for turn in turns:
        reply: list[Any] = []
        if turn.thought:
            reply.append({"type": "thinking", "thinking": turn.thought, "signature": "c2ln" * 9})
        if rng.random() < 0.05:
            reply.append({"type": "redacted_thinking", "data": PNG})
        if turn.said:
            reply.append({"type": "text", "text": turn.said, "citations": [{"cited_text": turn.said}]})
        if rng.random() < 0.1:
            found = [{"type": "web_search_result", "title": word(rng), "encrypted_content": PNG * 4}]
            reply.append({"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {"query": word(rng)}})
            reply.append({"type": "web_search_tool_result", "tool_use_id": "srv", "content": found})
        reply += [{"type": "tool_use", "id": pair, "name": name, "input": args} for pair, name, args in turn.calls]
        messages.append({"role": "assistant", "content": reply or "Done."})
        answers = [_anthropic_answer(rng, answer, image) for answer in turn.answers]
        if turn.user:
            answers.append({"type": "text", "text": turn.user})
        if answers:
            messages.append({"role": "user", "content": answers})
    system = rng.choice(("Be careful.", [{"type": "text", "text": "Be careful.", "cache_control": BREAK}]))
    tools = [{"name": "bash", "input_schema": {"type": "object"}}]
    return Body(
        "anthropic", {"model": "claude-sonnet-4-5", "system": system, "tools": tools, "messages": messages}, "messages"
    )


def _anthropic_answer(rng: random.Random, answer: Answer, image: dict[str, Any]) -> dict[str, Any]:
    papers = _documents(rng, in_result=True) if answer.form == "papers" else []
    content = content_of(rng, answer, lambda text: {"type": "text", "text": text}, image, papers)
    block = {"type": "tool_result", "tool_use_id": answer.pair, "content": content}
    block |= {"is_error": True} if answer.failed else {}
    block |= {"cache_control": BREAK} if answer.marked else {}
    if any("cache_control" in paper for paper in papers):  # it marks the whole answer
        answer.marked = True
    for text in frees_of(content):
        text.marked = answer.marked
    return block


def _documents(rng: random.Random, *, in_result: bool = False) -> list[Any]:
    """Documents with citations, or in a message with a breakpoint, must not change; in a result one marks them all."""
    blocks: list[Any] = []
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        made = Made(" ".join(sentence(rng) for _ in range(12)))
        mark = rng.choice(({"citations": {"enabled": True}}, {"cache_control": BREAK})) if rng.random() < 0.4 else {}
        fixed = "citations" in mark or (mark and not in_result)
        text: str = made.text if fixed else free_text(made)
        source: Any = {"type": "text", "media_type": "text/plain", "data": text}
        if rng.random() < 0.4:
            source = {"type": "content", "content": [{"type": "text", "text": text}]}
        block = {"type": "document", "title": word(rng), "source": source}
        if rng.random() < 0.2:
            block = {
                "type": "search_result",
                "source": "https://x",
                "title": word(rng),
                "content": [{"type": "text", "text": text}],
            }
        blocks.append(block | mark)
    return blocks


def _chat(rng: random.Random, turns: list[Turn]) -> Body:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    return Body("openai-chat", {"model": "m", "messages": _chat_messages(rng, turns, image)}, "messages")


def _langchain(rng: random.Random, turns: list[Turn]) -> Body:
    """As LangChain's converter writes them: a bare list, blocks of its own form, names on results."""
    image = {"type": "image", "source_type": "base64", "mime_type": "image/png", "data": PNG}
    messages = _chat_messages(rng, turns, image)
    for message in messages:
        if message["role"] == "tool":
            message |= {"name": "bash", "status": rng.choice(("success", "error")), "artifact": {"rows": [1, 2]}}
    return Body("messages", messages)


def _chat_messages(rng: random.Random, turns: list[Turn], image: dict[str, Any]) -> list[Any]:
    messages: list[Any] = [{"role": "system", "content": "Use the tools."}, {"role": "user", "content": sentence(rng)}]
    for turn in turns:
        reply: dict[str, Any] = {"role": "assistant", "content": turn.said}
        if turn.thought:
            reply["reasoning_content"] = turn.thought
        if turn.calls:
            reply["tool_calls"] = [
                {"id": pair, "type": "function", "function": {"name": name, "arguments": str(args)}}
                for pair, name, args in turn.calls
            ]
        answers = [_chat_answer(rng, answer, image) for answer in turn.answers]
        early = bool(answers) and rng.random() < 0.03  # results that stand before their call
        messages += [*answers, reply] if early else [reply, *answers]
        if turn.user is not None:
            messages.append({"role": rng.choice(("user", "user", "developer")), "content": turn.user})
    return messages


def _chat_answer(rng: random.Random, answer: Answer, image: dict[str, Any]) -> dict[str, Any]:
    def part(text: Free) -> dict[str, Any]:
        return {"type": "text", "text": text, **({"cache_control": BREAK} if answer.marked else {})}

    if answer.form not in ("part", "parts"):
        answer.marked = False
    paper = {"type": "file", "file": {"filename": f"{word(rng)}.pdf", "file_data": PNG}}
    return {"role": "tool", "tool_call_id": answer.pair, "content": content_of(rng, answer, part, image, [paper])}


def _responses(rng: random.Random, turns: list[Turn]) -> Body:
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    items: list[Any] = [{"role": "user", "content": [{"type": "input_text", "text": sentence(rng)}]}]
    for number, turn in enumerate(turns):
        if turn.thought:
            thought = [{"type": "summary_text", "text": turn.thought}]
            items.append({"type": "reasoning", "id": f"rs_{number}", "summary": thought, "encrypted_content": PNG})
        if turn.said:
            said = [{"type": "output_text", "text": turn.said, "annotations": []}]
            items.append({"type": "message", "role": "assistant", "content": said})
        for pair, name, args in turn.calls:
            items.append({"type": "function_call", "call_id": pair, "name": name, "arguments": str(args)})
        if rng.random() < 0.1:
            items.append({"type": "web_search_call", "id": "ws", "status": "completed", "action": {"query": word(rng)}})
        items += [_responses_answer(rng, answer, image) for answer in turn.answers]
        if turn.user is not None:
            items.append({"role": "user", "content": turn.user})
    return Body(
        "openai-responses", {"model": "m", "instructions": "Be careful.", "input": items, "store": False}, "input"
    )


def _responses_answer(rng: random.Random, answer: Answer, image: dict[str, Any]) -> dict[str, Any]:
    answer.marked = False
    if rng.random() < 0.2:
        output: Any = [
            {
                "stdout": free_text(answer.made),
                "stderr": "",
                "outcome": {"type": "exit", "exit_code": int(answer.failed)},
            }
        ]
        return {"type": "shell_call_output", "call_id": answer.pair, "output": output}
    kind = rng.choice(("function_call_output", "function_call_output", "custom_tool_call_output"))
    paper = {"type": "input_file", "filename": f"{word(rng)}.pdf", "file_data": PNG}
    return {
        "type": kind,
        "call_id": answer.pair,
        "output": content_of(rng, answer, lambda text: {"type": "input_text", "text": text}, image, [paper]),
    }


def _gemini(rng: random.Random, turns: list[Turn]) -> Body:
    contents: list[Any] = [
        {"role": "user", "parts": [{"text": sentence(rng)}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]}
    ]
    answer_key = rng.choice(("functionResponse", "function_response"))
    for turn in turns:
        reply: list[Any] = [{"text": turn.thought, "thought": True}] if turn.thought else []
        reply += [{"text": turn.said, "thoughtSignature": "c2ln"}] if turn.said else []
        reply += [{"functionCall": {"name": name, "args": args}} for _, name, args in turn.calls]
        contents.append({"role": "model", "parts": reply})
        answers = []
        for answer in turn.answers:
            text = free_text(answer.made)
            response = rng.choice(
                ({"output": text}, {"error" if answer.failed else "result": {"text": text, "n": 1e3}})
            )
            answers.append({answer_key: {"name": answer.name, "response": response if answer.form != "none" else None}})
        contents.append({"role": "user", "parts": [*answers, *([{"text": turn.user}] if turn.user else [])]})
    return Body("gemini", {"systemInstruction": {"parts": [{"text": "Be careful."}]}, "contents": contents}, "contents")


def _bedrock(rng: random.Random, turns: list[Turn]) -> Body:
    messages: list[Any] = [{"role": "user", "content": [{"text": sentence(rng)}]}]
    for turn in turns:
        reply: list[Any] = []
        if turn.thought:
            reply.append({"reasoningContent": {"reasoningText": {"text": turn.thought, "signature": "c2ln"}}})
        reply += [{"text": turn.said}] if turn.said else []
        reply += [{"toolUse": {"toolUseId": pair, "name": name, "input": args}} for pair, name, args in turn.calls]
        messages.append({"role": "assistant", "content": reply})
        answers: list[Any] = []
        for answer in turn.answers:
            text = free_text(answer.made)
            content: list[Any] = rng.choice(
                (
                    [{"text": text}],
                    [{"json": {"a": text, "n": free_texts(value(rng, 0))}}],
                    [{"text": text}, {"image": {"format": "png", "source": {"bytes": PNG}}}],
                )
            )
            status = "error" if answer.failed else "success"
            answers.append({"toolResult": {"toolUseId": answer.pair, "content": content, "status": status}})
        messages.append({"role": "user", "content": [*answers, *([{"text": turn.user}] if turn.user else [])]})
    tools = [{"toolSpec": {"name": "bash", "inputSchema": {"json": {"type": "object"}}}}]
    return Body(
        "bedrock",
        {"system": [{"text": "Be careful."}], "toolConfig": {"tools": tools}, "messages": messages},
        "messages",
    )


def _ai_sdk(rng: random.Random, turns: list[Turn]) -> Body:
    messages: list[Any] = [
        {"role": "user", "content": [{"type": "text", "text": sentence(rng)}, {"type": "image", "image": PNG}]}
    ]
    for turn in turns:
        reply: list[Any] = [{"type": "reasoning", "text": turn.thought}] if turn.thought else []
        reply += [{"type": "text", "text": turn.said}] if turn.said else []
        reply += [
            {"type": "tool-call", "toolCallId": pair, "toolName": name, "input": args}
            for pair, name, args in turn.calls
        ]
        messages.append({"role": "assistant", "content": reply})
        answers: list[Any] = []
        for answer in turn.answers:
            part = {"type": "tool-result", "toolCallId": answer.pair, "toolName": answer.name}
            text = free_text(answer.made)
            output = rng.choice((
                {"type": "error-text" if answer.failed else "text", "value": text},
                {"type": "json", "value": {"out": text, "deep": free_texts(value(rng, 2))}},
                {"type": "content", "value": [{"type": "text", "text": text}]},
            ))  # fmt: skip
            answers.append(part | ({"output": output} if answer.form != "part" else {"result": text}))
        messages += [{"role": "tool", "content": answers}] if answers else []
        messages += [{"role": "user", "content": turn.user}] if turn.user is not None else []
    return Body("ai-sdk", {"system": "Be careful.", "messages": messages}, "messages")


def _ai_sdk_shown(rng: random.Random, turns: list[Turn]) -> Body:
    """Messages of the user interface, where a call and its answer are one part."""
    messages: list[Any] = [{"id": "u", "role": "user", "parts": [{"type": "text", "text": sentence(rng)}]}]
    for number, turn in enumerate(turns):
        parts: list[Any] = [{"type": "step-start"}, *([{"type": "text", "text": turn.said}] if turn.said else [])]
        for answer in turn.answers:
            text = free_text(answer.made)
            parts.append(
                {
                    "type": "tool-bash",
                    "toolCallId": answer.pair,
                    "state": "output-available",
                    "input": {"a": 1},
                    "output": rng.choice((text, {"stdout": text, "exitCode": 0})),
                }
            )
        messages.append({"id": f"a{number}", "role": "assistant", "parts": parts})
        if turn.user:
            messages.append({"id": f"u{number}", "role": "user", "parts": [{"type": "text", "text": turn.user}]})
    return Body("ai-sdk", {"messages": messages}, "messages")


WIRES: dict[str, Callable[[random.Random, list[Turn]], Body]] = {
    "anthropic": _anthropic, "chat": _chat, "langchain": _langchain, "responses": _responses, "gemini": _gemini,
    "bedrock": _bedrock, "ai-sdk": _ai_sdk, "ai-sdk-shown": _ai_sdk_shown,
}  # fmt: skip

DIALECT_OF = {"chat": "openai-chat", "langchain": "messages", "responses": "openai-responses", "ai-sdk-shown": "ai-sdk"}


def _add_strange_fields(rng: random.Random, tree: dict[str, Any]) -> None:
    if rng.random() < 0.4:
        tree["metadata"] = {
            "big": 10**60,
            "nan": float("nan"),
            "inf": float("inf"),
            "deep": value(rng, 6),
            "": "\ud83d",
        }
    if rng.random() < 0.2:
        tree["max_tokens"] = rng.choice((0, -1, 10**30, 1e400, None, "9"))


def _break(rng: random.Random, tree: Any) -> None:
    """Put something in a place where nobody expects it."""
    holder: Any = tree
    path: list[Any] = []
    while isinstance(holder, dict | list) and holder:
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
        path.append((holder, key))
        holder = holder[key]
        if rng.random() < 0.2:
            break
    if path:
        holder, key = path[-1]
        deep: Any = []
        for _ in range(rng.choice((3, 60))):
            deep = [deep]
        holder[key] = rng.choice((None, 0, "", "text", [], {}, [None], {"type": 3}, deep, [["a"]], float("nan"), True))
