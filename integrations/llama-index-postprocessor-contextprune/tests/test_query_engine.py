"""A real index, retriever and query engine with a local embedding model; only the language model is a stand-in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.chat_engine import CondensePlusContextChatEngine, ContextChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import SentenceSplitter, SentenceWindowNodeParser
from llama_index.core.postprocessor import MetadataReplacementPostProcessor
from llama_index.core.schema import NodeWithScore, QueryBundle

import contextprune as cp
from llama_index.postprocessor.contextprune import ContextPrunePostprocessor
from minilm import MiniLM
from tests.scenes import COUNT, FOLDER_OF_EXAMPLES, pruner, tokens

ROW = json.loads((FOLDER_OF_EXAMPLES / "data" / "docs.json").read_bytes())
QUESTION, ANSWER = ROW["question"], ROW["answer"]


@pytest.fixture(scope="module")
def index() -> VectorStoreIndex:
    documents = [Document(text=d["text"], metadata={"title": d["title"]}, id_=str(d["id"])) for d in ROW["documents"]]
    splitter = SentenceSplitter(chunk_size=128, chunk_overlap=48)
    return VectorStoreIndex.from_documents(documents, embed_model=MiniLM(), transformations=[splitter])


def stored(index: VectorStoreIndex) -> dict[str, Any]:
    return {key: node.model_dump() for key, node in index.docstore.docs.items()}


def engine(index: VectorStoreIndex, *postprocessors: ContextPrunePostprocessor) -> Any:
    return index.as_query_engine(llm=MockLLM(), similarity_top_k=10, node_postprocessors=list(postprocessors))


def test_a_query_engine_answers_from_less_and_the_index_stays_as_it_was(index: VectorStoreIndex) -> None:
    before = stored(index)
    plain = engine(index).query(QUESTION)
    pruned = engine(index, ContextPrunePostprocessor(budget=0.3, pruner=pruner()))
    got = pruned.query(QUESTION)
    assert ANSWER in str(plain)
    assert ANSWER in str(got)
    assert COUNT(str(got)) < 0.5 * COUNT(str(plain))
    assert tokens(got.source_nodes) <= 0.3 * tokens(plain.source_nodes)
    assert stored(index) == before
    pruned.query("Who narrates the stories of whales?")
    assert str(pruned.query(QUESTION)) == str(got)
    assert stored(index) == before


def test_source_nodes_are_those_of_the_index_by_id_and_score(index: VectorStoreIndex) -> None:
    plain = {node.node_id: node.score for node in engine(index).query(QUESTION).source_nodes}
    got = engine(index, ContextPrunePostprocessor(budget=0.3, pruner=pruner())).query(QUESTION).source_nodes
    assert got
    assert all(plain[node.node_id] == node.score for node in got)
    assert all(node.node.ref_doc_id for node in got)
    assert [node.score for node in got] == sorted((node.score for node in got), reverse=True)


def test_our_metadata_is_in_no_prompt(index: VectorStoreIndex) -> None:
    got = engine(index, ContextPrunePostprocessor(budget=0.3, pruner=pruner())).query(QUESTION)
    assert any("contextprune" in node.metadata for node in got.source_nodes)
    assert "contextprune" not in str(got)
    assert "kept" not in str(got)


def test_an_asynchronous_query_gives_the_same(index: VectorStoreIndex) -> None:
    pruned = engine(index, ContextPrunePostprocessor(budget=cp.Budget(tokens=200), pruner=pruner()))
    assert str(asyncio.run(pruned.aquery(QUESTION))) == str(pruned.query(QUESTION))


def test_two_of_them_in_a_row_do_no_harm(index: VectorStoreIndex) -> None:
    twice = [ContextPrunePostprocessor(budget=ratio, pruner=pruner()) for ratio in (0.6, 0.5)]
    got = engine(index, *twice).query(QUESTION)
    assert ANSWER in str(got)
    assert all(node.node.excluded_llm_metadata_keys.count("contextprune") <= 1 for node in got.source_nodes)


def test_a_chat_engine_uses_it(index: VectorStoreIndex) -> None:
    chat = ContextChatEngine.from_defaults(
        retriever=index.as_retriever(similarity_top_k=10),
        llm=MockLLM(is_chat_model=True),
        memory=ChatMemoryBuffer.from_defaults(token_limit=10_000),
        node_postprocessors=[ContextPrunePostprocessor(budget=0.3, pruner=pruner())],
    )
    for response in (chat.chat(QUESTION), asyncio.run(chat.achat(QUESTION))):
        assert ANSWER in " ".join(node.text for node in response.source_nodes)
        assert tokens(response.source_nodes) < 500


@pytest.mark.parametrize("kind", [ContextChatEngine, CondensePlusContextChatEngine])
def test_a_chat_engine_takes_a_query_bundle(index: VectorStoreIndex, kind: Any) -> None:
    chat = kind.from_defaults(
        retriever=index.as_retriever(similarity_top_k=4),
        memory=ChatMemoryBuffer.from_defaults(token_limit=4000),
        llm=MockLLM(),
        node_postprocessors=[ContextPrunePostprocessor(budget=0.3, pruner=pruner())],
    )
    bundle: Any = QueryBundle(QUESTION)
    assert chat.chat(bundle).source_nodes
    assert asyncio.run(chat.achat(bundle)).source_nodes


def test_sentence_windows_are_pruned_where_they_were_put_in_before() -> None:
    facts = [f"Floor {i} of the tower was painted in year {1900 + i}." for i in range(30)]
    parser = SentenceWindowNodeParser.from_defaults(window_size=3)
    nodes = parser.get_nodes_from_documents([Document(text=" ".join(facts))])
    windows = MetadataReplacementPostProcessor(target_metadata_key="window")
    given = [NodeWithScore(node=node, score=1.0) for node in nodes[5:15]]
    wide = windows.postprocess_nodes([node.model_copy(deep=True) for node in given])
    prune = ContextPrunePostprocessor(budget=0.3, pruner=pruner())
    got = prune.postprocess_nodes(wide, query_str="Which floor was painted in year 1910?")
    assert any("Floor 10 of the tower" in node.text for node in got)
    assert tokens(got) <= 0.3 * tokens(wide)
    behind = windows.postprocess_nodes(prune.postprocess_nodes(given, query_str="1910?"))
    assert any(node.text in [other.text for other in wide] for node in behind), "behind ours it undoes it"
