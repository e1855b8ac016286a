"""Grounded edits are counted on sessions small enough to check by eye."""

from __future__ import annotations

import json
from typing import Any

from contextprune.bench.data import Session
from contextprune.bench.traces.grounded import GroundedResult, Quoted, age_of, measure_grounded

CODE = "\n".join(f"{n:>6}→    value_{n} = compute_the_value({n}, scale={n * 7})" for n in range(1, 60))
BUILD = "\n".join(f"compiled module number {n} of the service in {n} ms" for n in range(1500))


def call(number: int, tool: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return {"role": "assistant", "content": "", "tool_calls": [{"id": f"c{number}", "function": function}]}


def result(number: int, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"c{number}", "content": text}


def session(old: str, *, waits: int = 0) -> Session:
    messages = [
        {"role": "user", "content": "Scale value 17 by ten."},
        call(1, "Read", file_path="/src/values.py"),
        result(1, CODE),
        call(2, "Bash", command="make"),
        result(2, BUILD),
    ]
    for number in range(3, 3 + waits):
        messages += [call(number, "Bash", command="date"), result(number, "Monday")]
    messages += [call(90, "Edit", file_path="/src/values.py", old_string=old, new_string="x"), result(90, "done")]
    return Session("s", "shop", tuple(messages), "Claude Code")


def edits(old: str, *, waits: int = 0) -> tuple[Quoted, ...]:
    return measure_grounded(session(old, waits=waits), "ours-lexical").edits


def test_an_edit_that_quotes_a_view_is_grounded_on_arrival() -> None:
    quote = "value_17 = compute_the_value(17, scale=119)"
    assert edits(quote) == (Quoted("Edit", "Read", 2, 1, 1, 1),)


def test_an_edit_that_quotes_what_was_cut_is_not() -> None:
    (edit,) = edits("compiled module number 817 of the service in 817 ms")
    assert (edit.source, edit.lines, edit.in_sight) == ("Bash", 1, 0)


def test_lines_that_the_model_wrote_itself_are_in_sight() -> None:
    line = "compiled module number 817 of the service in 817 ms"
    messages = list(session(line).messages)
    messages[1:1] = [call(0, "Write", file_path="/src/notes", content=f"first\n{line}\n"), result(0, "ok")]
    (edit,) = measure_grounded(Session("s", "shop", tuple(messages)), "ours-lexical").edits
    assert (edit.source, edit.lines, edit.in_sight) == ("Bash", 1, 1)


def test_an_edit_that_quotes_nothing_of_a_result_does_not_count() -> None:
    assert edits("def a_function_that_no_result_has_shown():") == ()


def test_short_lines_are_no_quotes() -> None:
    assert edits("Monday", waits=2) == ()


def test_tokens_are_counted_beside_the_edits() -> None:
    measured = measure_grounded(session("value_17 = compute_the_value(17, scale=119)"), "ours-lexical")
    assert (measured.set, measured.agent, measured.arm) == ("shop", "Claude Code", "ours-lexical")
    assert 0 < measured.after_epoch <= measured.arrived < measured.tokens


def test_a_session_without_edits_is_not_replayed() -> None:
    idle = Session("s", "shop", ({"role": "user", "content": "Hello."},))
    assert measure_grounded(idle, "ours-lexical") == GroundedResult("shop", "s", "ours-lexical", "", (), 0, 0, 0, 0, 0)


def test_ages_are_told_in_words() -> None:
    words = {age: age_of(Quoted("", "", age, 1, 1, None)) for age in (1, 3, 7, 15, 16)}
    assert words == {1: "1", 3: "2 to 3", 7: "4 to 7", 15: "8 to 15", 16: "16 or more"}
