"""Reading a data kit for training: records, the documents that they rest on, halves, and reproducible draws.

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
    """Read the records of a JSON-lines file, plain or gzipped."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Read the rows of a question set that have documents; long documents that rows share are in the `.docs` file."""
    shared: dict[str, Any] = {}
    shared_path = path.with_name(path.name.replace(".jsonl", ".docs.jsonl", 1))
    if shared_path.exists():
        shared = {doc["doc_id"]: doc for doc in read(shared_path)}
    for raw in read(path):
        if "docs" not in raw and raw.get("doc_refs"):
            raw["docs"] = [shared[ref] for ref in raw["doc_refs"]]
        if raw.get("docs"):
            yield raw


def digest(text: str) -> bytes:
    """Hash a text to 16 bytes, the same in every process."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def rng_for(*key: object) -> Random:
    """Random numbers for one decision: the same for the same key, whatever was drawn before."""
    return Random(digest(":".join(map(str, key))))  # noqa: S311 - a draw of samples, no secret


def half(groups: Iterable[str]) -> Half | None:
    """Find the half that all of these documents belong to; None where they belong to both, or there are none."""
    halves: set[Half] = {_half_of(group) for group in groups}
    return halves.pop() if len(halves) == 1 else None


def _half_of(group: str) -> Half:
    return "dev" if int.from_bytes(digest(f"{_SALT}:{group}")[:4]) < DEV_SHARE * 2**32 else "train"


def groups(raw: Raw, source: str) -> tuple[str, ...]:
    """Name the documents of a question's evidence, or what stands for them: a repository, an article, a paper."""
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
    """Name what a recorded session is about: the customer, the database, else the first request."""
    task = (raw.get("meta") or {}).get("task")
    if isinstance(task, Mapping) and task.get("user_id"):
        return (str(task["user_id"]),)

    lists_tables, request = False, ""
    for message in raw["messages"]:
        if lists_tables and message["role"] == "tool":
            return (digest(str(message["content"])).hex(),)
        lists_tables = (
            "show tables" in str(message.get("tool_calls")).lower()
        )  # the answer is the same for all its sessions
        if not request and message["role"] == "user":
            request = str(message.get("content") or "")
    return (digest(request or str(raw["id"])).hex(),)
