"""Reading a data kit for training: records, the documents that they rest on, halves, and dice that fall alike anywhere.

Halves are cut by document, never by row: a row whose documents lie in both halves is in neither.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any, Literal, TypeAlias

Raw: TypeAlias = Mapping[str, Any]
Half: TypeAlias = Literal["train", "dev"]

DEV_SHARE = 0.12
_SALT = "dev5"  # chosen so that also the sets of a dozen documents (squad2, the repositories) have some in either half
_BY_ROW = frozenset({"kv", "scitldr"})  # each row has a text of its own, and a title that names nothing
_PLACEHOLDER = re.compile(r"(review|table|paragraph \d+|data\.\w+)?", re.IGNORECASE)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a JSON-lines file, plain or gzipped."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a question set that have documents; those that share long ones get them from the file beside."""
    shared: dict[str, Any] = {}
    beside = path.with_name(path.name.replace(".jsonl", ".docs.jsonl", 1))
    if beside.exists():
        shared = {doc["doc_id"]: doc for doc in read(beside)}
    for raw in read(path):
        if "docs" not in raw and raw.get("doc_refs"):
            raw["docs"] = [shared[ref] for ref in raw["doc_refs"]]
        if raw.get("docs"):
            yield raw


def digest(text: str) -> bytes:
    """A hash that is the same in every process."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def dice(*key: object) -> Random:
    """Dice for one decision: they fall the same for the same key, whatever was drawn before."""
    return Random(digest(":".join(map(str, key))))  # noqa: S311 - a draw of samples, no secret


def half(groups: Iterable[str]) -> Half | None:
    """The half that all of these documents belong to; None where they belong to both, or there are none."""
    halves: set[Half] = {_half_of(group) for group in groups}
    return halves.pop() if len(halves) == 1 else None


def _half_of(group: str) -> Half:
    return "dev" if int.from_bytes(digest(f"{_SALT}:{group}")[:4]) < DEV_SHARE * 2**32 else "train"


def groups(raw: Raw, source: str) -> tuple[str, ...]:
    """The documents, or what stands for them, that a question's evidence lies in: a repository, an article, a paper."""
    if source in _BY_ROW:
        return (str(raw["id"]),)
    repo = (raw.get("meta") or {}).get("repo")
    if repo:
        return (str(repo),)
    if "doc_refs" in raw:
        refs = raw["doc_refs"]
        return tuple(sorted({refs[i] for i in raw.get("gold_doc_ids") or range(len(refs))}))
    docs = raw["docs"]
    titles = {str(docs[i].get("title") or "") for i in raw.get("gold_doc_ids") or range(len(docs))}
    if any(_PLACEHOLDER.fullmatch(title) for title in titles):
        return (digest(docs[0]["text"]).hex(),)
    return tuple(sorted({title.split(" / ")[0] for title in titles}))  # "Israel / Museums" is a part of an article


def session_groups(raw: Raw) -> tuple[str, ...]:
    """What stands for the world of a recorded session: the customer, the database, else the first request."""
    task = (raw.get("meta") or {}).get("task")
    if isinstance(task, Mapping) and task.get("user_id"):
        return (str(task["user_id"]),)
    asked, first = False, ""
    for message in raw["messages"]:
        if asked and message["role"] == "tool":
            return (digest(str(message["content"])).hex(),)
        asked = "show tables" in str(message.get("tool_calls")).lower()  # the answer is the same for all its sessions
        if not first and message["role"] == "user":
            first = str(message.get("content") or "")
    return (digest(first or str(raw["id"])).hex(),)
