"""Evidence recall beside LlamaIndex's own SentenceEmbeddingOptimizer, on the same nodes of open question sets.

    python bench/quality.py --data DIR             rows that the training of the shipped model held out
    python bench/quality.py                        the few rows in examples/data: they show that it runs

Evidence and held-out rows are those of contextprune's own benchmark. Documents are cut into nodes of 512 tokens. A row
of the table is the mean over sets of the mean over their questions.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.postprocessor import SentenceEmbeddingOptimizer
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import Document, NodeWithScore

import contextprune as cp
from contextprune.bench import data
from contextprune.bench.documents import evidence
from llama_index.postprocessor.contextprune import ContextPrunePostprocessor
from minilm import MiniLM

Arm: TypeAlias = Callable[[list[NodeWithScore], str], list[NodeWithScore]]
"""(nodes of its own, question) -> what it returns."""

SETS = "doc_section,hotpot500,medquad,nq20,qed,quotesum,selqa,squad2"
_OWN = Path(__file__).parents[1] / "examples"
SAMPLES = (_OWN if _OWN.is_dir() else _OWN.parents[2] / "examples") / "data" / "bench"
"""In a source distribution beside this folder, in the repository two folders up."""

COUNT = cp.Tiktoken()
_END = re.compile(r"[^\w\s]*\s*\[…(?: \d+)?\]\s*[^\w\s]*|(?<=[.!?])\s+|\n+")
"""Where a sentence ends: also at a gap, whose note stands in the syntax of its place."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one arm did to one question's nodes.

    recall       share of the evidence's characters that stands whole in the output
    share        characters of the output over those of the nodes
    tokens       of the output
    ids          whether each returned node has the id and score of one that came, in order
    order        whether no sentence of a node was moved or repeated
    unchanged    whether the nodes that came are as they were
    """

    recall: float
    share: float
    tokens: int
    ids: bool
    order: bool
    unchanged: bool


def main() -> None:
    """Print one table."""
    asked = _arguments()
    root, wanted = (asked.data, asked.sets or SETS) if asked.data else (SAMPLES, asked.sets or "")
    embedding = MiniLM()
    arms = _arms(asked.share, embedding)
    found: dict[str, dict[str, list[Figures]]] = {name: {} for name in arms}
    files = data.find_sets(root, "qa", frozenset(filter(None, wanted.split(","))))
    before: list[float] = []
    for name, path in files.items():
        rows = data.load_rows(name, path, None if not asked.data else 3 * asked.rows, asked.half)
        rows = [row for row in rows if evidence.needed(row)][: asked.rows]
        for row in rows:
            before.append(sum(COUNT(doc["text"]) for doc in row.docs))
            embedding.learn(row.question, nodes_of(row))
            for label, arm in arms.items():
                found[label].setdefault(name, []).append(measure(row, arm))
    _show(found, fmean(before), by_set=asked.by_set)


def _show(found: dict[str, dict[str, list[Figures]]], before: float, *, by_set: bool) -> None:
    counted = {name: len(figures) for name, figures in next(iter(found.values())).items()}
    print(f"{sum(counted.values())} questions: " + ", ".join(f"{name} {count}" for name, count in counted.items()))
    print(f"{before:,.0f} tokens a question\n")
    print("| | evidence recall | share of characters | tokens | ids and scores | order | nodes unchanged |")
    print("|---|---|---|---|---|---|---|")
    for label, sets in found.items():
        print(_line(label, sets))
    if by_set:
        print("\n| | " + " | ".join(counted) + " |\n|---" + "|---" * len(counted) + "|")
        for label, sets in found.items():
            recalls = " | ".join(f"{_mean(sets[name], lambda f: f.recall):.2f}" for name in counted)
            print(f"| {label} | {recalls} |")


def measure(row: data.Row, arm: Arm) -> Figures:
    """One arm on nodes of its own, since some change what they are given."""
    given = nodes_of(row)
    texts = {scored.node_id: scored.text for scored in given}
    scores = {scored.node_id: scored.score for scored in given}
    got = arm(list(given), row.question)
    result = evidence.score(row, [scored.text for scored in got])
    places = [list(texts).index(scored.node_id) if scored.node_id in texts else -1 for scored in got]
    named = all(place >= 0 for place in places) and places == sorted(places)
    return Figures(
        recall=result.recall or 0.0,
        share=_chars(got) / sum(map(len, texts.values())),
        tokens=sum(COUNT(scored.text) for scored in got),
        ids=named and all(scored.score == scores[scored.node_id] for scored in got),
        order=all(in_order(texts.get(scored.node_id, ""), scored.text) for scored in got),
        unchanged=all(scored.text == texts[scored.node_id] for scored in given),
    )


def nodes_of(row: data.Row) -> list[NodeWithScore]:
    """The documents of a question as retrieved nodes, without text of metadata."""
    documents = [Document(text=doc["text"], metadata={"title": doc["title"]}) for doc in row.docs]
    for document in documents:
        document.excluded_llm_metadata_keys = document.excluded_embed_metadata_keys = ["title"]
    nodes = SentenceSplitter(chunk_size=512, chunk_overlap=0).get_nodes_from_documents(documents)
    return [NodeWithScore(node=node, score=1.0 / (i + 1)) for i, node in enumerate(nodes)]


def in_order(before: str, after: str) -> bool:
    """Whether the sentences of `after` stand in `before` one behind the other."""
    at = 0
    whole = " ".join(before.split())
    for sentence in _END.split(after):
        said = " ".join(sentence.split())
        at = whole.find(said, at)
        if at < 0:
            return False
        at += len(said)
    return True


def _arms(share: float, embedding: MiniLM) -> dict[str, Arm]:
    def optimizer(around: int) -> BaseNodePostprocessor:
        return SentenceEmbeddingOptimizer(embedding, share, context_before=around, context_after=around)

    arms: dict[str, Arm] = {
        "all nodes as they are": lambda nodes, _: nodes,
        f"`SentenceEmbeddingOptimizer(percentile_cutoff={share})`": _arm(optimizer(1)),
        "the same, `context_before=0, context_after=0`": _arm(optimizer(0)),
    }
    for scorer, label in (("neural", "the model"), ("lexical", "no model")):
        pruner = cp.Pruner(scorer=cp.load_scorer(scorer), store=cp.MemoryStore())
        for ratio in (share, 0.5):
            ours = ContextPrunePostprocessor(ratio, pruner=pruner)
            arms[f"`ContextPrunePostprocessor({ratio})`, {label}"] = _arm(ours)
    return arms


def _arm(postprocessor: BaseNodePostprocessor) -> Arm:
    return lambda nodes, question: postprocessor.postprocess_nodes(nodes, query_str=question)


def _chars(nodes: Sequence[NodeWithScore]) -> int:
    return sum(len(scored.text) for scored in nodes)


def _line(arm: str, by_set: dict[str, list[Figures]]) -> str:
    every = [figures for some in by_set.values() for figures in some]
    cells = [
        f"{_mean_of_sets(by_set, lambda f: f.recall):.2f}",
        f"{_mean_of_sets(by_set, lambda f: f.share):.2f}",
        f"{_mean(every, lambda f: f.tokens):,.0f}",
        _kept(every, lambda f: f.ids),
        _kept(every, lambda f: f.order),
        _kept(every, lambda f: f.unchanged),
    ]
    return " | ".join(["|", arm, *cells, "|"]).replace("| | ", "| ", 1).replace(" | |", " |")


def _kept(figures: Sequence[Figures], fact: Callable[[Figures], bool]) -> str:
    share = fmean(fact(f) for f in figures)
    return "kept" if share == 1.0 else f"lost in {1 - share:.0%}"


def _mean_of_sets(by_set: dict[str, list[Figures]], value: Callable[[Figures], float]) -> float:
    return fmean(_mean(figures, value) for figures in by_set.values())


def _mean(figures: Sequence[Figures], value: Callable[[Figures], float]) -> float:
    return fmean(map(value, figures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a data kit; without it, the sample in examples/data")
    parser.add_argument("--sets", default="", help=f"question sets, separated by commas (default: {SETS})")
    parser.add_argument("--rows", type=int, default=8, help="questions of each set (default: %(default)s)")
    parser.add_argument("--share", type=float, default=0.3, help="what may remain (default: %(default)s)")
    parser.add_argument("--half", default="unseen", choices=("unseen", "all"), help="rows to draw from")
    parser.add_argument("--by-set", action="store_true", help="print the recall of each set, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
