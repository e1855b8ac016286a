"""Nodes: what is kept of them, under which budgets, and what about them never changes."""

from __future__ import annotations

import random

import pytest
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import (
    Document,
    ImageNode,
    IndexNode,
    MediaResource,
    MetadataMode,
    Node,
    NodeWithScore,
    QueryBundle,
    TextNode,
)

import contextprune as cp
from llama_index.postprocessor.contextprune import ContextPrunePostprocessor
from tests.scenes import BREAD, QUESTION, RIVER, TOWER, dumped, postprocessor, pruner, scored, texts, tokens

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_class() -> None:
    names = [base.__name__ for base in ContextPrunePostprocessor.__mro__]
    assert BaseNodePostprocessor.__name__ in names


def test_the_answer_stays_and_the_rest_goes() -> None:
    got = postprocessor(budget=0.35).postprocess_nodes(scored(RIVER, TOWER, BREAD), query_str=QUESTION)
    assert "The tower was built in 1889" in " ".join(texts(got))


@pytest.mark.parametrize("ratio", [0.2, 0.35, 0.5, 0.8])
def test_one_budget_holds_over_all_nodes(ratio: float) -> None:
    given = scored(RIVER, TOWER, BREAD)
    got = postprocessor(budget=ratio).postprocess_nodes(given, query_str=QUESTION)
    assert 0 < tokens(got) <= ratio * tokens(given)


def test_a_budget_in_tokens_holds_over_all_nodes() -> None:
    got = postprocessor(budget=cp.Budget(tokens=40)).postprocess_nodes(scored(RIVER, TOWER, BREAD), query_str=QUESTION)
    assert 0 < tokens(got) <= 40


def test_ids_scores_and_order_are_those_of_the_nodes_that_came() -> None:
    given = scored(TOWER, RIVER, TOWER.upper(), BREAD)
    got = postprocessor(budget=0.6).postprocess_nodes(given, query_str="Which tower stands by the river?")
    places = [[node.node_id for node in given].index(node.node_id) for node in got]
    assert places == sorted(places)
    assert len(places) > 1
    assert [node.score for node in got] == [given[i].score for i in places]


def test_the_nodes_that_came_are_never_changed() -> None:
    given = scored(RIVER, TOWER, BREAD)
    before = dumped(given)
    postprocessor(budget=0.3).postprocess_nodes(given, query_str=QUESTION)
    postprocessor(budget=0.3).postprocess_nodes(given, query_str="Who bakes bread?")
    assert dumped(given) == before


def test_a_node_that_stays_whole_is_the_callers_own() -> None:
    given = scored(RIVER, TOWER)
    assert all(a is b for a, b in zip(postprocessor(budget=1.0).postprocess_nodes(given), given, strict=True))


def test_no_sentence_is_repeated_or_moved() -> None:
    sentences = [f"Fact {i} of the tower is that floor {i} was painted in year {1900 + i}." for i in range(30)]
    given = scored(" ".join(sentences))
    (got,) = postprocessor(budget=0.4).postprocess_nodes(given, query_str="Which floor was painted in 1907?")
    places = [got.text.find(sentence) for sentence in sentences if sentence in got.text]
    assert places == sorted(places)
    assert all(got.text.count(sentence) <= 1 for sentence in sentences)
    assert "floor 7 was painted in year 1907" in got.text


def test_metadata_is_not_baked_into_the_text() -> None:
    (got,) = postprocessor(budget=0.7).postprocess_nodes(scored(f"{TOWER} {BREAD}"), query_str=QUESTION)
    assert "0.txt" not in got.node.get_content()
    assert got.node.get_content(MetadataMode.LLM).count("0.txt") == 1


def test_metadata_of_ours_is_seen_neither_by_models_nor_by_embeddings() -> None:
    given = [NodeWithScore(node=TextNode(text=f"{TOWER} {BREAD}", metadata={"a": "b", "c": "d"}), score=1.0)]
    given[0].node.excluded_llm_metadata_keys = ["c"]
    (got,) = postprocessor(budget=0.6).postprocess_nodes(given, query_str=QUESTION)
    assert got.node.metadata["contextprune"]["kept"]
    for mode in (MetadataMode.LLM, MetadataMode.EMBED):
        assert "contextprune" not in got.node.get_content(mode)
    assert got.node.excluded_llm_metadata_keys == ["c", "contextprune"]
    assert got.node.metadata["a"] == "b"


def test_what_is_kept_stands_in_the_text_that_came() -> None:
    given = scored(f"{RIVER} {TOWER} {BREAD}")
    (got,) = postprocessor(budget=0.5).postprocess_nodes(given, query_str=QUESTION)
    runs = [given[0].text[start:end] for start, end in got.node.metadata["contextprune"]["kept"]]
    assert runs
    assert all(run in got.text for run in runs)
    assert got.text.replace("[…]", "").split() == " ".join(runs).split()


def test_images_and_other_media_stay_as_they_are() -> None:
    image = ImageNode(text=BREAD, image=PIXEL)
    shown = Node(text_resource=MediaResource(text=BREAD), image_resource=MediaResource(data=PIXEL.encode()))
    bare = Node(image_resource=MediaResource(data=PIXEL.encode()))
    media = [NodeWithScore(node=node, score=0.1) for node in (image, shown, bare)]
    got = postprocessor(budget=0.3).postprocess_nodes([media[0], *scored(TOWER, RIVER), *media[1:]], query_str=QUESTION)
    assert [node for node in got if node.node_id not in ("n0", "n1")] == media
    assert got[0] is media[0]


def test_documents_and_text_resources_are_pruned_and_keep_what_else_they_hold() -> None:
    resource = MediaResource(text=f"{TOWER} {BREAD}", mimetype="text/markdown")
    given = [NodeWithScore(node=Node(text_resource=resource)), NodeWithScore(node=Document(text=f"{RIVER} {BREAD}"))]
    got = postprocessor(budget=0.7).postprocess_nodes(given, query_str="When was the tower built, and the river?")
    assert all(type(a.node) is type(b.node) for a, b in zip(got, given, strict=True))
    assert isinstance(got[0].node, Node)
    assert got[0].node.text_resource is not None
    assert got[0].node.text_resource.mimetype == "text/markdown"
    assert given[0].node.get_content() == f"{TOWER} {BREAD}"
    assert 0 < tokens(got) <= 0.7 * tokens(given)


def test_an_index_node_keeps_what_it_points_to() -> None:
    pointed = object()
    given = [NodeWithScore(node=IndexNode(text=f"{TOWER} {BREAD}", index_id="x", obj=pointed), score=0.5)]
    (got,) = postprocessor(budget=0.6).postprocess_nodes(given, query_str=QUESTION)
    assert isinstance(got.node, IndexNode)
    assert got.node.obj is pointed
    assert got.node.index_id == "x"


def test_what_overlapping_chunks_share_is_kept_once_and_says_whose_it_is() -> None:
    facts = " ".join(f"Floor {i} of the tower was painted in {1900 + i} by painter {i * 7}." for i in range(30))
    text = f"{RIVER} {facts} {BREAD}"
    chunks = SentenceSplitter(chunk_size=300, chunk_overlap=150).get_nodes_from_documents([Document(text=text)])
    given = [NodeWithScore(node=chunk, score=0.5) for chunk in chunks]
    assert sum("painted in 1912" in text for text in texts(given)) > 1
    got = postprocessor(budget=0.7).postprocess_nodes(given, query_str="Which painter came in 1912?")
    holders = [node for node in got if "painted in 1912" in node.text]
    assert len(holders) == 1
    merged = holders[0].node.metadata["contextprune"]["merged"]
    assert merged
    assert set(merged) <= {chunk.node_id for chunk in chunks} - {holders[0].node_id}


def test_a_copy_that_differs_in_case_and_spaces_is_merged() -> None:
    given = scored(TOWER, RIVER, f"{TOWER.upper()}  ")
    got = postprocessor(budget=0.8).postprocess_nodes(given, query_str=QUESTION)
    assert [node.node_id for node in got] == ["n0", "n1"]
    assert got[0].node.metadata["contextprune"]["merged"] == ["n2"]


def test_nodes_left_with_nothing_can_stay() -> None:
    given = scored(RIVER, TOWER, BREAD)
    got = postprocessor(budget=0.3, keep_empty=True).postprocess_nodes(given, query_str=QUESTION)
    assert [node.node_id for node in got] == ["n0", "n1", "n2"]
    assert "" in texts(got)


def test_without_a_query_a_budget_holds_all_the_same() -> None:
    given = scored(RIVER, TOWER, BREAD)
    for query in (None, QueryBundle(""), QueryBundle("  ")):
        got = postprocessor(budget=0.5).postprocess_nodes(given, query)
        assert 0 < tokens(got) <= 0.5 * tokens(given)
        assert got[0].node_id == "n0"


def test_without_a_query_and_a_budget_only_what_repeats_goes() -> None:
    long = " ".join(f"Room {i} of the house has {i + 3} windows and a door to room {i + 1}." for i in range(40))
    got = postprocessor(budget=None).postprocess_nodes(scored(long, RIVER, long))
    assert texts(got) == [long, RIVER]
    assert got[0].node.metadata["contextprune"]["merged"] == ["n2"]


def test_without_a_budget_short_nodes_stay_and_long_ones_keep_the_answer() -> None:
    long = " ".join(f"Room {i} of the house has {i + 3} windows and a door to room {i + 1}." for i in range(60))
    given = scored(TOWER, f"{long} {RIVER} {long.replace('Room', 'Hall')}")
    got = postprocessor(budget=None, pruner=pruner(recall=0.6)).postprocess_nodes(
        given, query_str="Which barges carry grain?"
    )
    assert got[0] is given[0]
    assert "Barges carry sand and grain" in got[1].text
    assert tokens(got) < tokens(given)


def test_titles_count_towards_the_match() -> None:
    alike = "It was finished in 1889 after two years of work, and has three floors that visitors may walk on."
    given = scored(alike, alike.replace("1889", "1932").replace("three", "five"))
    for node, title in zip(given, ("Lighthouse", "Eiffel Tower"), strict=True):
        node.node.metadata["title"] = title
    (got,) = postprocessor(budget=0.6).postprocess_nodes(given, query_str="When was the Eiffel Tower finished?")
    assert got.node_id == "n1"


def test_blank_nodes_and_no_nodes_come_back_as_they_are() -> None:
    blank = scored("", "  \n")
    assert postprocessor(budget=0.1).postprocess_nodes(blank, query_str=QUESTION) == blank
    assert postprocessor(budget=0.1).postprocess_nodes([], query_str=QUESTION) == []


def test_a_node_that_came_twice_is_kept_once_and_not_merged_into_itself() -> None:
    given = scored(TOWER, RIVER)
    got = postprocessor(budget=0.7).postprocess_nodes([given[0], given[1], given[0]], query_str=QUESTION)
    assert [node.node_id for node in got] == ["n0", "n1"]
    assert "n0" not in got[0].node.metadata.get("contextprune", {}).get("merged", [])


@pytest.mark.parametrize("copies", [3, 4])
@pytest.mark.parametrize("budget", [None, 0.2, 0.5])
def test_what_many_nodes_share_is_shown_once(copies: int, budget: float | None) -> None:
    long = " ".join(f"Room {i} of the house has {i + 3} windows and a door to room {i + 1}." for i in range(40))
    given = scored(*[f"{TOWER} {long}"] * copies, RIVER)
    got = postprocessor(budget=budget).postprocess_nodes(given, query_str=QUESTION)
    assert sum("The tower was built in 1889" in text for text in texts(got)) == 1
    assert {node.node_id for node in got} <= {"n0", f"n{copies}"}
    assert set(got[0].node.metadata["contextprune"]["merged"]) == {f"n{i}" for i in range(1, copies)}


@pytest.mark.parametrize("seed", range(30))
def test_the_laws_hold_whatever_comes(seed: int) -> None:
    dice = random.Random(seed)
    words = f"{TOWER} {RIVER} {BREAD}".split()
    sentences = [" ".join(dice.choices(words, k=dice.randint(1, 20))) + "." for _ in range(15)]
    bodies = [" ".join(dice.choices(sentences, k=dice.randint(0, 12))) for _ in range(dice.randint(0, 9))]
    given = scored(*bodies)
    before = dumped(given)
    total = tokens(given)
    budget = dice.choice([cp.Budget(ratio=dice.uniform(0.01, 1)), cp.Budget(tokens=dice.randint(1, 300)), None])
    got = postprocessor(budget=budget).postprocess_nodes(given, query_str=dice.choice([QUESTION, "", None]))
    assert dumped(given) == before
    kept = {node.node_id: node for node in given}
    assert [node.node_id for node in got] == [name for name in kept if name in {node.node_id for node in got}]
    assert all(node.score == kept[node.node_id].score for node in got)
    assert any(body.strip() for body in texts(got)) == any(body.strip() for body in bodies)
    ceiling = budget.resolve(total) if budget else total
    best = max((tokens([node]) for node in given), default=0)
    assert tokens(got) <= max(ceiling, 2 * best)
