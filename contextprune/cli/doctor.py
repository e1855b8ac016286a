"""Examines contextprune here: which parts are in use, and a proof on a small session that ends in an error.

The proof is the point: a wrong setting shows as "nothing is compressed", and that is found here, not in the bill.
"""

from __future__ import annotations

import json
import platform
import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from typing import Any

from contextprune import api
from contextprune._version import __version__
from contextprune.context import Context, Kind, Segment
from contextprune.errors import ContextPruneError, StoreError
from contextprune.markers import KEY
from contextprune.policy import Budget, Policy
from contextprune.pruner import Pruner
from contextprune.scoring import Calibrated, Scorer, device_of, load_scorer, remarks
from contextprune.settings import Settings, masked, resolve_settings
from contextprune.splitting import split
from contextprune.storage.damage import SetAside, find_set_aside
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore, Store, location_of
from contextprune.tokens import Counter, label_of

NEEDLE = "2024-05-13 09:31:07,411 ERROR checkout: order 48213 failed: ConnectionRefusedError: payments:8443 refused"
"""The line of the canary that must survive."""

_TOOL = "read_log"
_LINES = 300
_OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "code grammars": ("tree_sitter", "tree_sitter_javascript", "tree_sitter_go", "tree_sitter_java"),
    "torch": ("torch", "tokenizers", "safetensors", "numpy"),
    "sentence-transformers": ("sentence_transformers",),
    "prices": ("genai_prices",),
    "images": ("PIL",),
    "redis": ("redis",),
    "proxy": ("uvicorn", "httptools", "prometheus_client"),
    "mcp": ("mcp",),
    "langchain": ("langchain_core",),
    "llama-index": ("llama_index",),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of a part, and, where it is not in order, why and what to do."""

    name: str
    state: str
    trouble: str = ""


def examine(pruner: Pruner | None = None) -> list[Finding]:
    """Findings in reading order; any with `trouble` means that contextprune does not work as it should."""
    findings = [Finding("version", f"contextprune {__version__}, Python {platform.python_version()}")]
    try:
        findings.append(_settings())
        engine = pruner or Pruner()
    except ContextPruneError as exc:
        return [*findings, Finding("settings", "", str(exc)), _extras()]

    findings.append(_scorer(engine.scorer))
    needed = [_tokenizer(engine.counter), _store(engine.store)]
    findings += [*needed, *_set_aside(engine.store), _extras()]
    if not any(finding.trouble for finding in needed):
        findings += [_canary(engine, None), _canary(engine, Budget(ratio=0.4))]
    return findings


def canary(*, repeated: bool = False) -> dict[str, Any]:
    """A Chat body as an agent would send it: a question, a call, and a long log with one failure in it.

    `repeated`: the agent asked again, and the same log came once more, for settings under which only repetitions go.
    """
    log = [
        f"2024-05-13 09:{i // 10:02}:{i * 7 % 60:02},{i * 37 % 1000:03} INFO worker-{i % 8}: order {48000 + i} "
        f"{('received', 'priced', 'reserved', 'packed')[i % 4]} in {i * 13 % 97 + 3} ms"
        for i in range(_LINES)
    ]
    log[211] = NEEDLE

    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are an engineer on call. Find the cause before you change anything."},
        {"role": "user", "content": "Checkout fails for some customers since 9:30. Why?"},
    ]
    call = {"name": _TOOL, "arguments": json.dumps({"path": "/var/log/shop/checkout.log"})}
    for key in ("call_1", "call_2") if repeated else ("call_1",):
        calls = [{"id": key, "type": "function", "function": call}]
        messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        messages.append({"role": "tool", "tool_call_id": key, "content": "\n".join(log) + "\n"})
    return {"model": "any", "messages": messages}


def _canary(engine: Pruner, budget: Budget | None) -> Finding:
    """Compress the canary: something must go, the failure must stay, and all must come back."""
    name = "canary" if budget is None else "at 40%"
    repeated = budget is None and engine.policy.repetitions_only
    body = canary(repeated=repeated)
    original = body["messages"][-1]["content"]
    try:
        compressed = api.compress(body, budget, pruner=engine)
        state = f"{compressed.report.before:,} tokens became {compressed.report.after:,}"
        log, text = (compressed.payload["messages"][at]["content"] for at in (3, -1))
        comes_back = NEEDLE in log and _comes_back(text, original, engine)
    except ContextPruneError as exc:
        return Finding(name, "the canary failed", str(exc))

    if text == original:
        return Finding(name, state, _why_nothing(engine.policy, engine.scorer, compressed.report.before))
    if NEEDLE not in log:
        why = f"the error line was lost; the scorer {engine.scorer.name} is not to be trusted: "
        return Finding(name, state, f"{why}set CONTEXTPRUNE_SCORER=lexical and report it")
    if not comes_back:
        why = "recall did not give the log back byte for byte; use another CONTEXTPRUNE_STORE"
        return Finding(name, state, why)
    if budget is None and not repeated and _holds_all(engine.scorer, body, _recall(engine.policy)):
        why = _needed(engine.scorer, _recall(engine.policy))
        return Finding(name, state, f"only what is alike was compressed: {why}")
    only = "; only repetitions go (repetitions_only)" if repeated else ""
    return Finding(name, f"{state}; the error line stayed; recall gave the log back byte for byte{only}")


def _comes_back(text: str, original: str, engine: Pruner) -> bool:
    key = KEY.search(text)
    return key is not None and api.recall(key[1], pruner=engine) == original


def _why_nothing(policy: Policy, scorer: Scorer, tokens: int) -> str:
    """The setting that leaves the canary as it is, and what to do about it."""
    rule = policy.rule(_TOOL)
    least = policy.min_tokens if rule.min_tokens is None else rule.min_tokens
    recall = _recall(policy)
    if Kind.TOOL_RESULT in policy.protect:
        return "nothing was compressed: the settings protect tool_result; take it out of `protect`"
    if policy.excludes(_TOOL):
        return f"nothing was compressed: the settings exclude the tool {_TOOL}; take it out of `exclude_tools`"
    if least > tokens:
        return f"nothing was compressed: min_tokens is {least:,}, more than the log has; lower it"
    if recall > 0.99:
        return f"nothing was compressed: recall is {recall}, so all is kept; set it to 0.95"
    return f"nothing was compressed: {_needed(scorer, recall)}"


def _needed(scorer: Scorer, recall: float) -> str:
    """A sentence on a scorer that tells no line from another, and what to do about it."""
    lexical = "" if scorer.name == load_scorer("lexical").name else "set CONTEXTPRUNE_SCORER=lexical, or "
    return f"the scorer {scorer.name} holds everything for needed; {lexical}lower recall (now {recall})"


def _recall(policy: Policy) -> float:
    recall = policy.rule(_TOOL).recall
    return policy.recall if recall is None else recall


def _holds_all(scorer: Scorer, body: Mapping[str, Any], recall: float) -> bool:
    """Tell whether no line of the canary scores below the bar: lines that are alike go with any scorer.

    Of a scorer that is not calibrated, whether it scores all of them the same.
    """
    question, log = body["messages"][1]["content"], body["messages"][3]["content"]
    segments = Segment(Kind.USER, question, ("goal",)), Segment(Kind.TOOL_RESULT, log, ("log",), name=_TOOL)
    context = Context(segments, question, arriving=True)
    spans = split(context, start=1)
    scores = scorer(context, spans)
    bar = scorer.threshold(context, spans, 1, recall) if isinstance(scorer, Calibrated) else None
    bar = max(scores) if bar is None else bar
    return min(scores) >= bar


def _settings() -> Finding:
    """The files in force, what differs from the defaults, wherever it was set, and what does not count."""
    resolved, default = resolve_settings(), Settings()
    settings = resolved.settings
    set_to = [
        f"{field.name}={_shown(getattr(values, field.name))}"
        for values, defaults in ((settings, default), (settings.policy, default.policy))
        for field in fields(values)
        if field.name != "policy" and getattr(values, field.name) != getattr(defaults, field.name)
    ]
    state = [", ".join(resolved.files) or "no file", ", ".join(set_to) or "all defaults"]
    if resolved.ignored:
        state.append(f"ignored in {resolved.files[-1]}: {', '.join(resolved.ignored)}")
    elif resolved.notice:
        state.append(resolved.notice.removeprefix("contextprune: "))
    return Finding("settings", "; ".join(state))


def _shown(value: object) -> str:
    """A value in few words, without a password; of a table, only its names."""
    return ",".join(sorted(map(str, value))) if isinstance(value, frozenset | tuple | Mapping) else masked(str(value))


def _scorer(scorer: Scorer) -> Finding:
    """Its name, where it runs and how; of the fallback, why there is no model and how to get it."""
    state = (scorer.name, device_of(scorer), *remarks(scorer))
    return Finding("scorer", "; ".join(part for part in state if part))


def _tokenizer(counter: Counter) -> Finding:
    state = label_of(counter)
    try:
        tokens = counter("The quick brown fox jumps over the lazy dog.")
    except ContextPruneError as exc:
        return Finding("tokenizer", state, str(exc))
    if tokens < 1:
        return Finding("tokenizer", state, "it counts no tokens in a sentence; set CONTEXTPRUNE_TOKENIZER=o200k_base")
    return Finding("tokenizer", state)


def _store(store: Store) -> Finding:
    """Write a text to the store and read it back; name where it is, and how much it holds."""
    state = "memory: originals go with the process" if isinstance(store, MemoryStore) else location_of(store)
    text = "a test of `contextprune doctor`"
    try:
        key = store.key(text)
        store.put({key: text})
        if store.get(key) != text:
            return Finding("store", state, "it does not give back what was written; use another CONTEXTPRUNE_STORE")
    except ContextPruneError as exc:
        return Finding("store", state, str(exc))
    return Finding("store", f"{state}, writable{_contents(store)}")


def _contents(store: Store) -> str:
    """The number of originals in a file, its size, and a warning where this SQLite has a fault that may damage it."""
    if not isinstance(store, SQLiteStore):
        return ""
    try:
        text = f", {store.count():,} originals, {store.path.stat().st_size / 1e6:.1f} MB"
    except (StoreError, OSError) as exc:
        text = f", contents unknown ({exc})"
    if loses_logs(sqlite3.sqlite_version_info):
        text += f"; SQLite {sqlite3.sqlite_version} has a rare fault with several processes, mended in 3.51.3"
    return text


def loses_logs(version: tuple[int, int, int]) -> bool:
    """True for a SQLite that may damage a file when two processes write its log back: https://sqlite.org/wal.html."""
    mended = {(3, 44): 6, (3, 50): 7}  # older lines that got the correction, too
    return version < (3, 51, 3) and version[2] < mended.get(version[:2], sys.maxsize)


def _set_aside(store: Store) -> list[Finding]:
    """The damaged files that lie beside the one in use, and what can still be read of them."""
    if not isinstance(store, SQLiteStore):
        return []
    return [Finding("set aside", _lost(aside)) for aside in find_set_aside(store.path)]


def _lost(aside: SetAside) -> str:
    share = f"{aside.readable:,}" if aside.total is None else f"{aside.readable:,} of {aside.total:,}"
    return (
        f"{aside.path}, a damaged store, {aside.size / 1e6:.1f} MB: {share} originals can still be read; "
        "those used last are in the store again. Delete it when you do not need the others"
    )


def _extras() -> Finding:
    installed = {name: all(find_spec(module) for module in modules) for name, modules in _OPTIONAL.items()}
    return Finding("optional", ", ".join(f"{name}: {'yes' if has else 'no'}" for name, has in installed.items()))
