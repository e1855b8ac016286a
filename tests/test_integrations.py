"""What users of the two integrations once met, and the test that says that it is no longer so.

The integrations' own tests run in environments of their own; here it is only checked that each test named is there.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS: Mapping[str, Path] = {
    "langchain": ROOT / "integrations" / "langchain-contextprune" / "tests",
    "llamaindex": ROOT / "integrations" / "llama-index-postprocessor-contextprune" / "tests",
    "package": ROOT / "tests",
}

WRONG_OR_LOST = (
    (
        "a memory block shows as much of a long history as of a short one",
        "llamaindex/test_memory.py::test_a_block_shows_as_much_of_a_long_history_as_of_a_short_one",
        "llamaindex/test_memory.py::test_a_block_of_many_tiny_messages_holds_its_tokens_with_the_headings",
    ),
    (
        "any part of a result that is one line can be recalled, within a limit",
        "langchain/test_recall_tool.py::test_of_a_result_of_one_line_any_part_can_be_asked_for_within_the_limit",
        "langchain/test_recall_tool.py::test_whoever_follows_the_last_lines_reads_all_of_it",
    ),
    (
        "updates of a stream are dicts, also where parallel results share text",
        "langchain/test_middleware_results.py::test_an_update_in_a_stream_is_a_dict_whose_first_message_is_the_reply",
    ),
    (
        "what a tool returns to the user directly is whole",
        "langchain/test_middleware_results.py::test_what_a_tool_returns_to_the_user_is_whole",
        "llamaindex/test_agents.py::test_a_direct_return_comes_whole_to_the_user",
    ),
    (
        "no result points to one that something else has cleared, trimmed or summarised",
        "langchain/test_middleware_results.py::test_no_result_points_to_one_that_was_cleared",
        "langchain/test_middleware_results.py::test_no_result_points_to_another_where_the_provider_clears_them",
        "langchain/test_editors.py::test_no_result_points_to_another_where_a_call_lets_its_provider_clear",
        "langchain/test_editors.py::test_no_result_points_to_one_that_was_trimmed_from_the_state",
        "langchain/test_editors.py::test_no_result_points_to_one_that_was_trimmed_before_ours",
        "langchain/test_editors.py::test_what_is_trimmed_behind_ours_is_seen_and_from_then_on_nothing_points_to_it",
        "langchain/test_editors.py::test_no_result_points_to_one_that_was_summarised",
        "llamaindex/test_references.py::test_no_result_points_to_one_that_a_memory_forgot",
    ),
    (
        "whatever fails, at any door, ends no run",
        "langchain/test_failures.py::test_no_agent_ends_whatever_fails",
        "langchain/test_failures.py::test_no_graph_ends_whatever_fails",
        "langchain/test_failures.py::test_no_chain_ends_whatever_fails",
        "langchain/test_failures.py::test_no_tool_ends_whatever_fails_in_a_handler",
        "langchain/test_failures.py::test_documents_come_back_as_they_are",
        "langchain/test_failures.py::test_a_prompt_gets_the_first_examples_that_fit",
        "llamaindex/test_failures.py::test_an_agent_goes_on_with_whole_results",
        "llamaindex/test_failures.py::test_a_memory_shows_its_history",
        "llamaindex/test_failures.py::test_a_block_shows_messages_and_can_be_truncated",
        "llamaindex/test_failures.py::test_nodes_come_back",
        "llamaindex/test_failures.py::test_the_recall_tool_answers",
    ),
    (
        "a file that is read again is sent once",
        "llamaindex/test_agents.py::test_a_file_that_is_read_again_is_sent_once",
        "langchain/test_middleware_results.py::test_elsewhere_a_text_that_is_read_again_is_a_reference",
    ),
    (
        "the recall tool gives no more than its tokens, and says how to go on",
        "llamaindex/test_recall.py::test_the_recall_tool_gives_no_more_than_its_tokens_and_says_how_to_go_on",
        "langchain/test_recall_tool.py::test_a_long_answer_ends_with_a_whole_line_and_says_how_to_go_on",
    ),
    (
        "a list that comes as one text for each item is shortened as one text",
        "langchain/test_middleware_results.py::test_a_list_of_texts_is_shortened_as_one",
        "langchain/test_mcp.py::test_a_list_of_a_real_server_is_short_and_comes_back_through_ours",
        "llamaindex/test_blocks.py::test_a_list_of_texts_is_read_as_one_and_cut_between_its_items",
    ),
    (
        "lists and dicts that tools return are cut between their rows, and keep the one that stands out",
        "langchain/test_middleware_results.py::test_a_value_that_a_tool_returns_is_cut_between_its_rows",
        "llamaindex/test_tools.py::test_a_value_that_is_printed_as_its_text_is_cut_between_its_rows",
        "package/splitting/test_printed.py::test_the_row_that_failed_stays_and_what_is_left_can_be_read",
    ),
    (
        "a retriever keeps its documents, whatever a handler is told to change",
        "langchain/test_callbacks.py::test_documents_are_never_changed_which_is_said_once",
    ),
    (
        "Hindi, Bengali, Tamil and Thai are cut into sentences",
        "langchain/test_languages.py::test_the_sentence_that_answers_stays_and_most_others_go",
        "llamaindex/test_languages.py::test_the_sentence_that_answers_stays_and_most_others_go",
        "package/splitting/test_prose.py::test_texts_of_any_script_are_prose_and_cut_into_sentences",
    ),
)
"""Severity 1: wrong or lost without a word, or the run dies."""

PROMISES = (
    (
        "in Chinese and Japanese the sentence that answers is found",
        "langchain/test_languages.py::test_the_sentence_that_answers_stays_and_most_others_go",
        "llamaindex/test_languages.py::test_the_sentence_that_answers_stays_and_most_others_go",
    ),
    (
        "what a retriever of retrievers gives is shortened once",
        "langchain/test_callbacks.py::test_what_a_retriever_of_retrievers_gives_is_never_shortened_a_second_time",
    ),
    (
        "results of subagents are short, too, with a helper",
        "langchain/test_subagents.py::test_a_subagents_results_are_short_and_can_be_recalled",
    ),
    (
        "a plain graph goes on after a failure, and has the recall tool",
        "langchain/test_failures.py::test_no_graph_ends_whatever_fails",
        "langchain/test_node.py::test_the_tool_that_reads_what_was_taken_out_comes_with_the_node",
        "langchain/test_node.py::test_without_that_tool_markers_name_no_keys",
    ),
    (
        "where messages name keys the recall tool is offered, also where another middleware dropped it",
        "langchain/test_middleware_results.py::test_the_recall_tool_is_offered_where_another_middleware_dropped_it_and_keys_are_named",
    ),
    (
        "what many nodes share is shown once, however many copies there are",
        "llamaindex/test_base.py::test_what_many_nodes_share_is_shown_once",
    ),
    (
        "what a person says in place of a result is whole",
        "langchain/test_middleware_results.py::test_a_persons_answer_in_place_of_a_result_is_whole",
        "langchain/test_middleware_results.py::test_what_a_person_answers_to_a_tool_is_whole",
        "langchain/test_callbacks.py::test_what_a_person_answers_to_a_tool_stays_whole_with_mutate",
        "langchain/test_node.py::test_what_is_a_persons_or_for_a_person_is_whole_where_calls_are_wrapped",
        "llamaindex/test_agents.py::test_what_a_person_answers_to_a_tool_is_whole",
    ),
    (
        "what is redacted reaches no model, and originals can be kept off the disk",
        "langchain/test_beside.py::test_what_a_middleware_redacts_reaches_the_model_neither_at_once_nor_by_a_recall",
        "langchain/test_beside.py::test_of_a_tool_that_is_left_alone_no_original_is_kept",
        "langchain/conftest.py::nothing_is_written_at_home",
        "llamaindex/conftest.py::nothing_is_written_at_home",
    ),
    (
        "an answer is never empty: a budget below one sentence is raised, in both packages alike",
        "langchain/test_compressor.py::test_a_budget_below_one_sentence_is_raised_to_the_best_one_which_is_said",
        "llamaindex/test_base_events.py::test_a_budget_that_holds_no_sentence_is_raised_with_a_warning",
    ),
)
"""Severity 2: a promise of a page broken."""

POOR = (
    (
        "a chat engine takes a bundle as its question",
        "llamaindex/test_query_engine.py::test_a_chat_engine_takes_a_query_bundle",
    ),
    (
        "an agent waits for a model no longer than its deadline",
        "langchain/test_model.py::test_what_the_model_does_not_score_in_time_is_scored_by_words_which_is_said_once",
        "llamaindex/test_engine.py::test_agents_and_nodes_have_a_deadline",
        "package/scoring/test_deadline.py",
    ),
    (
        "a model reads no more of a long history than a question points to",
        "llamaindex/test_memory.py::test_a_model_reads_no_more_than_what_the_words_of_the_question_point_to",
    ),
    (
        "everything can be pickled and copied",
        "langchain/test_engines.py::test_everything_can_be_pickled_and_copied",
        "llamaindex/test_base_settings.py::test_copies_share_what_it_was_built_with_and_shorten_alike",
        "llamaindex/test_memory.py::test_memories_can_be_pickled_and_copied",
        "llamaindex/test_tools.py::test_tools_can_be_copied",
    ),
    (
        "long errors are shortened in both packages, and keep what failed",
        "llamaindex/test_agents.py::test_a_long_error_reaches_the_model_shortened_with_what_failed",
        "langchain/test_middleware.py::test_a_failed_result_keeps_its_status_and_its_failure",
    ),
    (
        "what a memory showed in one run it shows in the next",
        "llamaindex/test_agents.py::test_what_was_sent_stays_the_same_from_run_to_run",
        "llamaindex/test_agents.py::test_a_pruned_memory_alone_shortens_what_earlier_runs_returned",
    ),
    (
        "by default a postprocessor leaves three tenths",
        "llamaindex/test_base_settings.py::test_a_share_of_three_tenths_is_the_budget_unless_another_is_given",
    ),
    (
        "where no file can be written originals are kept in memory, which is said once",
        "langchain/test_engines.py::test_where_the_file_cannot_be_written_originals_are_kept_in_memory_which_is_said_once",
        "llamaindex/test_tools.py::test_where_the_home_cannot_be_written_originals_are_kept_in_memory_and_that_is_said",
    ),
    (
        "an agent without tools needs no model that takes them",
        "langchain/test_figures.py::test_an_agent_without_tools_needs_no_model_that_takes_them",
    ),
    (
        "counters tell of what was sent, whatever clears it behind ours",
        "langchain/test_beside.py::test_counters_tell_of_what_was_sent_and_not_of_what_was_cleared_behind_ours",
    ),
)
"""Severity 3: it works, but poorly."""

POLISH = (
    (
        "misspelt arguments are refused",
        "langchain/test_engines.py::test_a_misspelt_argument_is_refused",
        "langchain/test_compressor.py::test_a_misspelt_argument_is_refused",
        "llamaindex/test_base_settings.py::test_misspelt_settings_are_refused",
        "llamaindex/test_memory.py::test_misspelt_settings_of_memories_are_refused",
    ),
    (
        "settings can be read back",
        "langchain/test_compressor.py::test_settings_can_be_read_back",
        "llamaindex/test_base_settings.py::test_settings_survive_serialisation",
    ),
    (
        "a budget of nothing is refused",
        "langchain/test_compressor.py::test_any_other_budget_is_refused",
        "llamaindex/test_base_settings.py::test_nonsense_is_told_at_once",
    ),
    (
        "documents and nodes that stay whole are the caller's own",
        "langchain/test_compressor.py::test_documents_that_stay_whole_are_the_callers_own",
        "llamaindex/test_base.py::test_a_node_that_stays_whole_is_the_callers_own",
    ),
    (
        "a reply has the name of the model that gave it",
        "langchain/test_figures.py::test_a_reply_of_a_fallback_is_stamped_with_the_name_of_the_model_that_gave_it",
    ),
    (
        "a tool is no view of a file because of its name",
        "langchain/test_figures.py::test_a_tool_of_the_users_own_is_no_view_of_a_file_whatever_its_name",
    ),
    (
        "of an unknown key the model is told what it can do",
        "llamaindex/test_recall.py::test_the_recall_tool_tells_the_model_when_it_knows_no_such_key",
        "langchain/test_recall_tool.py::test_what_cannot_be_given_is_an_answer_that_says_what_to_do",
    ),
    (
        "a memory comes back with what LlamaIndex gives back",
        "llamaindex/test_memory.py::test_a_buffer_is_read_back_with_its_messages",
        "llamaindex/test_memory.py::test_the_settings_of_a_memory_in_a_database_are_read_back",
    ),
    (
        "the order of handlers and of postprocessors does what the pages say",
        "langchain/test_callbacks.py::test_the_order_of_handlers_tells_what_a_tracer_shows_of_a_result",
        "llamaindex/test_query_engine.py::test_sentence_windows_are_pruned_where_they_were_put_in_before",
    ),
    (
        "what is published names its pages and bounds, and its tests run from it",
        "langchain/test_sdist.py::test_the_project_names_its_authors_its_pages_and_bounds_of_what_it_needs",
        "langchain/test_sdist.py::test_the_tests_run_from_an_unpacked_source_distribution",
        "langchain/test_sdist.py::test_links_of_the_readme_lead_somewhere_on_an_index",
        "llamaindex/test_sdist.py::test_the_project_names_its_authors_its_pages_and_bounds_of_what_it_needs",
        "llamaindex/test_sdist.py::test_the_tests_run_from_an_unpacked_source_distribution",
        "llamaindex/test_sdist.py::test_links_of_the_readme_lead_somewhere_on_an_index",
    ),
    (
        "our server of MCP and the adapters of LangChain share an environment",
        "langchain/test_mcp.py::test_a_list_of_a_real_server_is_short_and_comes_back_through_ours",
        "package/cli/test_mcp.py::test_fields_are_named_as_either_major_of_the_package_has_them",
    ),
    (
        "pages of the API say what each argument is, in the form of both frameworks",
        "langchain/test_face.py::test_its_page_says_what_each_argument_is",
        "llamaindex/test_package.py::test_its_page_says_what_each_argument_is",
    ),
    (
        "where the model cannot run the log says so once",
        "langchain/test_engines.py::test_where_there_is_no_model_the_log_says_so_once",
        "llamaindex/test_engine.py::test_where_there_is_no_model_the_log_says_so_once",
    ),
)
"""Severity 4, and what was found on installing."""

WISHES = (
    (
        "results that come together have a ceiling, and so have those of one tool",
        "langchain/test_middleware_results.py::test_results_that_come_together_keep_no_more_than_they_may",
        "langchain/test_middleware_results.py::test_one_tool_may_keep_no_more_than_its_rule_says",
        "llamaindex/test_agents.py::test_results_of_parallel_calls_keep_no_more_than_they_may_at_once",
        "llamaindex/test_tools.py::test_a_tool_of_few_tokens_keeps_no_more",
    ),
    (
        "tracers and streams have the figures",
        "langchain/test_middleware_results.py::test_tracers_find_the_figures_with_the_models_run",
        "langchain/test_middleware_results.py::test_a_stream_tells_the_figures_where_that_is_asked_for",
        "llamaindex/test_tools.py::test_events_say_what_a_result_had_and_has",
    ),
    (
        "a shortened message says so",
        "langchain/test_middleware_results.py::test_a_shortened_message_says_so_with_its_key_and_sizes",
    ),
    (
        "messages are shortened in chains without an agent",
        "langchain/test_history.py::test_it_stands_between_a_prompt_and_a_model",
    ),
    (
        "originals can be kept where LangGraph keeps its memory",
        "langchain/test_base_store.py::test_another_process_sends_the_same_and_recalls_the_same",
    ),
)
"""What users of the frameworks asked for."""

EVERYTHING = (*WRONG_OR_LOST, *PROMISES, *POOR, *POLISH, *WISHES)


@pytest.mark.parametrize("row", EVERYTHING, ids=lambda row: row[0])
def test_the_tests_that_say_so_are_there(row: tuple[str, ...]) -> None:
    _, *tests = row
    assert tests
    assert [test for test in tests if not _is_there(test)] == []


def test_nothing_is_said_twice() -> None:
    facts = [fact for fact, *_ in EVERYTHING]
    assert len(set(facts)) == len(facts)


def _is_there(test: str) -> bool:
    file, _, name = test.partition("::")
    folder, _, path = file.partition("/")
    functions = _functions(FOLDERS[folder] / path)
    return name in functions if name else bool(functions)


@cache
def _functions(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
