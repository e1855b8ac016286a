"""Rows and sessions for the benchmark, read from a data kit on disk.

Samples are drawn by a hash of the row's id, so the same rows come back on every machine, and more rows are a superset
of fewer. Halves are cut by document: a row whose evidence lies in documents of both halves is in neither, because a
row-wise split lets a tuned method see the test documents.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from contextprune.errors import SettingsError
from contextprune.training.labels import kit
from contextprune.training.labels.hindsight import SESSION_PLANS
from contextprune.training.labels.recipes import QUESTION_RECIPES

Doc: TypeAlias = Mapping[str, str]
Message: TypeAlias = Mapping[str, Any]
Half: TypeAlias = Literal["dev", "test", "unseen", "all"]

LOCAL = Path(".bench/data")
SAMPLES = Path(__file__).parents[2] / "examples" / "data" / "bench"

_GROUP_FIELDS = ("repo", "challenge", "website", "instance", "task")
"""Fields of `meta` that name what several rows are about; the first one present is the group."""
_TASK_NUMBER = re.compile(r"(?<=\D)-\d+$")  # owner__repo-123: issues of one repository share its files
_SESSION_NUMBER = re.compile(r"-s\d+$")  # sessions of one conversation
_PLACEHOLDER = re.compile(r"(review|table|paragraph \d+|data\.\w+)?", re.IGNORECASE)  # titles that name nothing


@dataclass(frozen=True, slots=True)
class Row:
    """A question over documents. `evidence` holds (document, start, end) in characters; () means none is needed."""

    id: str
    set: str
    question: str
    docs: tuple[Doc, ...]
    answers: tuple[str, ...] = ()
    evidence: tuple[tuple[int, int, int], ...] = ()

    @property
    def chars(self) -> int:
        """Characters of the context: the documents' texts, without titles or the question."""
        return sum(len(doc["text"]) for doc in self.docs)


@dataclass(frozen=True, slots=True)
class Session:
    """A recorded agent session as OpenAI chat messages: results have the role `tool`, actions are `tool_calls`.

    agent        the agent that it is of, "" where that is not known
    compactions  indices of the messages that follow one: what stands before them was not sent any more
    """

    id: str
    set: str
    messages: tuple[Message, ...]
    agent: str = ""
    compactions: tuple[int, ...] = ()


def find_data(folder: Path | None) -> tuple[Path, bool]:
    """The folder to read, and whether it holds only the small committed samples.

    Raises SettingsError where the named folder does not exist, or none is found.
    """
    if folder is not None:
        if not folder.is_dir():
            raise SettingsError(f"--data {folder} is not a folder")
        return folder, False
    if LOCAL.is_dir():
        return LOCAL, False
    if SAMPLES.is_dir():
        return SAMPLES, True
    raise SettingsError(f"no data: give --data DIR, or put a data kit into {LOCAL}")


def find_sets(root: Path, prefix: Literal["qa", "traj"], wanted: frozenset[str] = frozenset()) -> dict[str, Path]:
    """Set names and their files under `root`, sorted by name; `wanted` narrows them down where it is not empty."""
    files: dict[str, Path] = {}
    for path in sorted(root.rglob(f"{prefix}_*.jsonl*")):
        name, _, suffix = path.name.removeprefix(f"{prefix}_").partition(".")
        if suffix in {"jsonl", "jsonl.gz"} and (not wanted or name in wanted):
            files[name] = path
    return dict(sorted(files.items()))


def load_rows(name: str, path: Path, count: int | None, half: Half = "all") -> list[Row]:
    """`count` rows of a QA set (None: all of them) that have a document, in the order of their ids' hashes."""
    picked = _sample((raw for raw in kit.read(path) if raw.get("docs") or raw.get("doc_refs")), name, count, half)
    documents: dict[str, Doc] = {}
    if any("docs" not in raw for raw in picked):
        companion = path.with_name(path.name.replace(".jsonl", ".docs.jsonl", 1))
        documents = {doc["doc_id"]: doc for doc in kit.read(companion)}
    return [_row(name, raw, documents) for raw in picked]


def is_unseen(raw: Mapping[str, Any], name: str) -> bool:
    """True where training held out all documents of a row or session, or never read its set."""
    if "messages" in raw:
        return name not in SESSION_PLANS or kit.half(kit.session_groups(raw)) == "dev"
    return name not in QUESTION_RECIPES or kit.half(kit.groups(raw, name)) == "dev"


def load_sessions(name: str, path: Path, count: int | None, half: Half = "all") -> list[Session]:
    """`count` sessions of a trajectory set (None: all of them), in the order of their ids' hashes."""
    return [_session(name, raw) for raw in _sample(kit.read(path), name, count, half)]


def half_of(group: str) -> Half:
    """The half that a group of rows belongs to."""
    return "dev" if kit.digest(f"half:{group}")[0] & 1 else "test"


def groups(raw: Mapping[str, Any]) -> frozenset[str]:
    """The documents, or what stands for them, that a row's evidence lies in."""
    meta = raw.get("meta") or {}
    for field in _GROUP_FIELDS:
        if meta.get(field) is not None:
            return frozenset({_TASK_NUMBER.sub("", str(meta[field]))})
    if "messages" in raw:
        return frozenset({_first_request(raw["messages"]) or str(raw["id"])})
    if "docs" not in raw:
        gold = raw.get("gold_doc_ids") or range(len(raw["doc_refs"]))
        return frozenset(_SESSION_NUMBER.sub("", raw["doc_refs"][i]) for i in gold)
    docs = raw["docs"]
    titles = {str(docs[i].get("title") or "") for i in raw.get("gold_doc_ids") or range(len(docs))}
    if any(_PLACEHOLDER.fullmatch(title) for title in titles):
        return frozenset({kit.digest(docs[0]["text"]).hex()})
    return frozenset(titles)


def _sample(rows: Iterator[dict[str, Any]], name: str, count: int | None, half: Half) -> list[dict[str, Any]]:
    if half == "unseen":
        rows = (raw for raw in rows if is_unseen(raw, name))
    elif half != "all":
        rows = (raw for raw in rows if {half_of(group) for group in groups(raw)} == {half})
    if count is None:
        return sorted(rows, key=_rank)
    return heapq.nsmallest(count, rows, key=_rank)


def _rank(raw: Mapping[str, Any]) -> bytes:
    return kit.digest(str(raw["id"]))


def _first_request(messages: list[Message]) -> str:
    return next((str(m["content"]) for m in messages if m["role"] == "user" and m.get("content")), "")


def _session(name: str, raw: Mapping[str, Any]) -> Session:
    meta = raw.get("meta") or {}
    compactions = tuple(meta.get("compactions") or ())
    return Session(raw["id"], name, tuple(raw["messages"]), str(meta.get("agent") or ""), compactions)


def _row(name: str, raw: Mapping[str, Any], documents: Mapping[str, Doc]) -> Row:
    docs = raw["docs"] if "docs" in raw else [documents[ref] for ref in raw["doc_refs"]]
    return Row(
        id=str(raw["id"]),
        set=name,
        question=str(raw["question"]),
        docs=tuple({"title": str(doc.get("title") or ""), "text": str(doc["text"])} for doc in docs),
        answers=tuple(str(answer) for answer in raw.get("answers") or ()),
        evidence=tuple((e["doc"], e["start"], e["end"]) for e in raw.get("evidence") or ()),
    )
