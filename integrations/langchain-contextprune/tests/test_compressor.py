"""Documents: new ones come back, with ids, order and metadata, and with where their text comes from."""

from __future__ import annotations

from typing import Any

import contextprune as cp
import pytest
from agents import FAILURE, LONG, engine
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda

from langchain_contextprune import ContextPruneCompressor

CITY = (
    "The town lies on a river. Its bridge was built in 1874 by an engineer from Lyon. The market is held on Tuesdays. "
    "Nothing else is known of it. Trains stop here twice a day."
)
OTHER = "Cheese is made of milk. It ripens in cellars. Some people like it with bread. Others do not."
QUESTION = "When was the bridge built?"


def documents() -> list[Document]:
    return [
        Document(CITY, id="a", metadata={"source": "town.txt", "page": 3}),
        Document(OTHER, id="b", metadata={"source": "cheese.txt"}),
        Document("Also: " + CITY, id="c", metadata={"source": "copy.txt"}),
    ]


def compressor(**settings: Any) -> ContextPruneCompressor:
    return ContextPruneCompressor(pruner=engine(), **settings)


def test_the_answer_stays_and_the_documents_given_do_not_change() -> None:
    given = documents()
    (first, *_) = compressor(budget=0.4).compress_documents(given, QUESTION)
    assert "built in 1874" in first.page_content
    assert (first.id, first.metadata["source"], first.metadata["page"]) == ("a", "town.txt", 3)
    assert given == documents()


def test_every_stretch_that_is_kept_stands_in_the_original() -> None:
    for given, got in zip(
        documents(), compressor(budget=0.5, keep_empty=True).compress_documents(documents(), QUESTION), strict=True
    ):
        for start, end in got.metadata["contextprune"]["kept"]:
            assert given.page_content[start:end] in got.page_content


def test_what_was_merged_says_where_it_came_from() -> None:
    (first, *_) = compressor(budget=0.6).compress_documents(documents(), QUESTION)
    assert first.metadata["contextprune"]["merged"] == [{"id": "c", "place": 2, "source": "copy.txt"}]


def test_documents_without_ids_or_with_equal_ones_are_told_apart() -> None:
    given = [Document(CITY, id="x"), Document(CITY, id="x"), Document(OTHER)]
    got = compressor(budget=0.9, keep_empty=True).compress_documents(given, QUESTION)
    assert [document.id for document in got] == ["x", "x", None]
    assert got[0].metadata["contextprune"]["merged"] == [{"id": "x", "place": 1}]


def test_the_order_stays_and_empty_ones_are_left_out_unless_asked_for() -> None:
    few = compressor(budget=0.2).compress_documents(documents(), QUESTION)
    all_ = compressor(budget=0.2, keep_empty=True).compress_documents(documents(), QUESTION)
    assert [d.id for d in all_] == ["a", "b", "c"]
    assert [d.id for d in few] == [d.id for d in all_ if d.page_content]
    assert len(few) < 3


def test_the_tokens_before_and_after_are_told() -> None:
    pruner = engine()
    (got,) = ContextPruneCompressor(budget=0.5, pruner=pruner).compress_documents([Document(LONG)], "which failed?")
    assert got.metadata["contextprune"]["tokens"] == [pruner.counter(LONG), pruner.counter(got.page_content)]
    assert FAILURE in got.page_content


@pytest.mark.parametrize("budget", [0.3, cp.Budget(tokens=40), None, 1])
def test_a_budget_is_a_share_or_a_number_of_tokens_or_none(budget: Any) -> None:
    assert compressor(budget=budget).compress_documents(documents(), QUESTION)


@pytest.mark.parametrize("budget", ["a third", True, 3.0, 0, 0.0, cp.Budget(tokens=0), {"share": 1}])
def test_any_other_budget_is_refused(budget: Any) -> None:
    with pytest.raises((ValueError, cp.SettingsError)):
        compressor(budget=budget)


def test_nothing_in_gives_nothing_out() -> None:
    assert compressor().compress_documents([], QUESTION) == []


@pytest.mark.parametrize("budget", [cp.Budget(tokens=1), 0.01])
def test_a_budget_below_one_sentence_is_raised_to_the_best_one_which_is_said(
    budget: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (got,) = compressor(budget=budget).compress_documents(documents(), QUESTION)
    assert "built in 1874" in got.page_content
    assert len(got.page_content) < len(CITY)
    assert "holds no sentence of any document; it was raised to" in caplog.text


def test_documents_without_text_come_back_as_they_are() -> None:
    blank = [Document("", id="a"), Document("  ", id="b")]
    assert compressor().compress_documents(blank, QUESTION) == blank


def test_documents_that_stay_whole_are_the_callers_own() -> None:
    shelf = documents()[:2]
    got = compressor(budget=1).compress_documents(shelf, QUESTION)
    assert all(new is old for new, old in zip(got, shelf, strict=True))


@pytest.mark.parametrize("budget", [0.3, cp.Budget(tokens=40), None])
def test_settings_can_be_read_back(budget: Any) -> None:
    once = compressor(budget=budget)
    assert ContextPruneCompressor(**once.model_dump()).model_dump() == once.model_dump()


def test_a_misspelt_argument_is_refused() -> None:
    with pytest.raises(ValueError, match="ratio"):
        compressor(ratio=0.3)


async def test_asynchronously_the_same() -> None:
    once = compressor(budget=0.4)
    assert await once.acompress_documents(documents(), QUESTION) == once.compress_documents(documents(), QUESTION)


class Shelf(BaseRetriever):
    """Gives all that it has."""

    shelf: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return self.shelf


def test_it_works_in_the_retriever_that_takes_compressors() -> None:
    retriever = ContextualCompressionRetriever(
        base_compressor=DocumentCompressorPipeline(transformers=[compressor(budget=0.4)]),
        base_retriever=Shelf(shelf=documents()),
    )
    assert "1874" in retriever.invoke(QUESTION)[0].page_content


async def test_as_a_runnable_it_goes_from_question_to_documents() -> None:
    chain = compressor(budget=0.4).as_runnable(Shelf(shelf=documents())) | RunnableLambda(lambda found: found[0])
    assert "1874" in chain.invoke(QUESTION).page_content
    assert (await chain.ainvoke(QUESTION)) == chain.invoke(QUESTION)


def test_as_a_runnable_it_takes_documents_and_a_query() -> None:
    got = compressor(budget=0.4).as_runnable().invoke({"documents": documents(), "query": QUESTION})
    assert got == compressor(budget=0.4).compress_documents(documents(), QUESTION)
