"""The callback handler observes; it changes something only where told so, and then only what was just made."""

from __future__ import annotations

from typing import Any

import contextprune as cp
import pytest
from agents import FAILURE, LONG, Scripted, calls, engine, read_log, results
from langchain.agents import create_agent
from langchain_classic.retrievers import ContextualCompressionRetriever, EnsembleRetriever
from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from langchain_contextprune import ContextPruneCallbackHandler, ContextPruneCompressor, ContextPruneMiddleware

USED: Any = {
    "input_tokens": 10_000,
    "output_tokens": 100,
    "total_tokens": 10_100,
    "input_token_details": {"cache_read": 8_000, "cache_creation": 1_000},
}
NAMED = {"model_name": "claude-opus-4-5"}


def replies() -> list[AIMessage]:
    first = calls(("read_log", {"name": "orders"}, "c1"))
    told = {"usage_metadata": USED, "response_metadata": NAMED}
    return [first.model_copy(update=told), AIMessage("48777", usage_metadata=USED, response_metadata=NAMED)]


def watched(handler: ContextPruneCallbackHandler, *middleware: Any) -> Scripted:
    model = Scripted(replies=replies(), model="claude-opus-4-5")
    agent = create_agent(model, [read_log], middleware=middleware)
    agent.invoke({"messages": [HumanMessage("Which order failed?")]}, {"callbacks": [handler]})
    return model


def test_an_observer_changes_nothing_and_says_what_would_have_been_saved() -> None:
    handler = ContextPruneCallbackHandler(cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), store=cp.MemoryStore()))
    model = watched(handler)
    assert results(model.seen[1])[0].content == LONG
    session = handler.usage.session
    assert session.requests == 2
    assert session.after.tokens < session.before.tokens / 2


def test_the_providers_own_figures_are_summed() -> None:
    handler = ContextPruneCallbackHandler(engine(), audit=False)
    watched(handler)
    usage = handler.usage
    assert (usage.requests, usage.input, usage.output) == (2, 20_000, 200)
    assert (usage.cache_read, usage.cache_write) == (16_000, 2_000)
    assert usage.session.requests == 0


def test_they_are_priced_with_the_cache_counted() -> None:
    pytest.importorskip("genai_prices")
    handler = ContextPruneCallbackHandler(engine(), audit=False)
    watched(handler)
    # a million tokens of Opus 4.5 in November 2026: 5 in, 0.5 from the cache, 6.25 into it, 25 out
    assert handler.usage.dollars == pytest.approx(2 * (1_000 * 5 + 8_000 * 0.5 + 1_000 * 6.25 + 100 * 25) / 1e6)
    assert "$" in str(handler.usage)


def test_with_the_middlewares_pruner_it_sees_what_the_middleware_saves() -> None:
    middleware = ContextPruneMiddleware(engine())
    handler = ContextPruneCallbackHandler(middleware.pruner)
    watched(handler, middleware)
    assert handler.usage.session.after.tokens < handler.usage.session.before.tokens / 2


def test_recalls_are_counted() -> None:
    middleware = ContextPruneMiddleware(engine())
    handler = ContextPruneCallbackHandler(middleware.pruner)
    ask = calls(("contextprune_recall", {"key": middleware.pruner.store.key(LONG), "lines": "201"}, "c2"))
    model = Scripted(replies=[replies()[0], ask, AIMessage("done")])
    agent = create_agent(model, [read_log], middleware=[middleware])
    agent.invoke({"messages": [HumanMessage("Which order failed?")]}, {"callbacks": [handler]})
    assert handler.usage.recalls == 1


def test_a_prompt_is_never_changed_even_with_mutate() -> None:
    handler = ContextPruneCallbackHandler(engine(), mutate=True)
    messages = [
        HumanMessage("Which order failed?"),
        calls(("read_log", {"name": "orders"}, "c1")),
        ToolMessage(LONG, tool_call_id="c1", name="read_log"),
    ]
    model = Scripted(replies=[AIMessage("48777")])
    model.invoke(messages, {"callbacks": [handler]})
    assert model.seen[0] == messages
    assert messages[2].content == LONG


@pytest.mark.parametrize("mutate", [False, True])
def test_results_of_tools_are_shortened_only_with_mutate(mutate: bool) -> None:
    handler = ContextPruneCallbackHandler(engine(), mutate=mutate)
    call: Any = {"type": "tool_call", "name": "read_log", "args": {"name": "orders"}, "id": "c1"}
    made = read_log.invoke(call, {"callbacks": [handler]})
    assert FAILURE in made.content
    assert (made.content == LONG) is not mutate
    assert handler.usage.shortened == int(mutate)


class Shelf(BaseRetriever):
    """Gives documents that it keeps."""

    shelf: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return self.shelf


@pytest.mark.parametrize("mutate", [False, True])
def test_documents_are_never_changed_which_is_said_once(mutate: bool, caplog: pytest.LogCaptureFixture) -> None:
    handler = ContextPruneCallbackHandler(engine(), mutate=mutate)
    shelf = Shelf(shelf=[Document(LONG, id="a"), Document("No.", id="b")])
    for _ in range(2):
        assert shelf.invoke("Which order failed?", {"callbacks": [handler]}) == shelf.shelf
    assert [document.page_content for document in shelf.shelf] == [LONG, "No."]
    assert caplog.text.count("Use ContextPruneCompressor") == int(mutate)


def test_what_a_retriever_of_retrievers_gives_is_never_shortened_a_second_time() -> None:
    handler = ContextPruneCallbackHandler(engine(), mutate=True)
    shelf = Shelf(shelf=[Document(LONG, id="a")])
    both = EnsembleRetriever(retrievers=[shelf, Shelf(shelf=[Document(LONG, id="b")])], weights=[0.5, 0.5])
    asked: Any = {"callbacks": [handler]}
    assert [document.page_content for document in both.invoke("Which order failed?", asked)] == [LONG]
    half = ContextPruneCompressor(budget=0.5, pruner=engine())
    (got,) = ContextualCompressionRetriever(base_compressor=half, base_retriever=both).invoke("Which failed?", asked)
    assert got == half.compress_documents([Document(LONG, id="a")], "Which failed?")[0]


def test_the_order_of_handlers_tells_what_a_tracer_shows_of_a_result() -> None:
    class Tracer(BaseCallbackHandler):
        """Keeps what tools returned."""

        def __init__(self) -> None:
            self.seen: list[str] = []

        def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            self.seen.append(output.content)

    first, last = Tracer(), Tracer()
    call: Any = {"type": "tool_call", "name": "read_log", "args": {"name": "orders"}, "id": "c1"}
    made = read_log.invoke(call, {"callbacks": [first, ContextPruneCallbackHandler(engine(), mutate=True), last]})
    assert first.seen == [LONG]
    assert last.seen == [made.content] != [LONG]


@pytest.mark.parametrize("as_async", [True, False])
async def test_what_a_person_answers_to_a_tool_stays_whole_with_mutate(as_async: bool) -> None:
    @tool
    def ask(question: str) -> str:
        """Ask a person."""
        return f"They said: {interrupt(question)}"

    handler = ContextPruneCallbackHandler(engine(), mutate=True)
    model = Scripted(replies=[calls(("ask", {"question": "Which?"}, "c1")), AIMessage("thanks")])
    agent = create_agent(model, [ask], checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}, "callbacks": [handler]}
    turns: list[Any] = [{"messages": [HumanMessage("Which order failed?")]}, Command(resume=LONG)]
    for asked in turns:
        await agent.ainvoke(asked, config) if as_async else agent.invoke(asked, config)
    assert results(model.seen[-1])[0].content == f"They said: {LONG}"


def test_a_handler_leaves_alone_the_tools_that_the_policy_names() -> None:
    @tool(return_direct=True)
    def show() -> str:
        """Show it to the user."""
        return LONG

    handler = ContextPruneCallbackHandler(engine(exclude_tools=("show",)), mutate=True)
    agent = create_agent(Scripted(replies=[calls(("show", {}, "c1"))]), [show])
    out = agent.invoke({"messages": [HumanMessage("Which?")]}, {"callbacks": [handler]})
    assert out["messages"][-1].content == LONG


async def test_asynchronous_tools_are_shortened_too() -> None:
    handler = ContextPruneCallbackHandler(engine(), mutate=True)
    call: Any = {"type": "tool_call", "name": "read_log", "args": {"name": "orders"}, "id": "c1"}
    made = await read_log.ainvoke(call, {"callbacks": [handler]})
    assert made.content != LONG


def test_nothing_is_remembered_of_calls_that_failed() -> None:
    @tool
    def fail() -> str:
        """Fail."""
        raise ValueError("no")

    handler = ContextPruneCallbackHandler(engine(), mutate=True)
    with pytest.raises(ValueError, match="no"):
        fail.invoke({}, {"callbacks": [handler]})
    assert handler._started == {}


def test_what_cannot_be_read_is_no_error_for_the_run(caplog: pytest.LogCaptureFixture) -> None:
    handler = ContextPruneCallbackHandler(engine())
    odd: Any = [{"type": "document", "source": 7}]
    model = Scripted(replies=[AIMessage("fine")])
    assert model.invoke([HumanMessage(odd)], {"callbacks": [handler]}).content == "fine"
    assert "could not be audited" in caplog.text
