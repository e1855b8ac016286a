"""Facts about hindsight on coding sessions; every session here is made up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from contextprune.training.labels.coding import WEIGHTS, WROTE_IT_ITSELF, views
from contextprune.training.samples import Sample

FILE = "".join(f"{i:5}\tdef part_{i}(count):\n{i + 1:5}\t    return count * {i}\n" for i in range(1, 40, 2))
EMPTY = [("Read", {"file_path": "/repo/none.py"}, "x" * 700)]


def session(*steps: Any, **meta: Any) -> dict[str, Any]:
    """A session of (tool, arguments, result) steps and of texts that the agent writes."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Mend the shop."}]
    for number, step in enumerate(steps):
        if isinstance(step, str):
            messages.append({"role": "assistant", "content": step})
            continue
        tool, arguments, result = step
        function = {"name": tool, "arguments": json.dumps(arguments)}
        call = {"id": f"c{number}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": result})
    return {"id": "s", "messages": messages, "meta": {"repo": "made/shop", **meta}}


def arrivals(raw: Mapping[str, Any]) -> list[Sample]:
    return [view for view in views(raw, "made") if "+" in view.id]


def needed(raw: Mapping[str, Any], tool: str) -> dict[str, float]:
    """What of the first result of a tool was needed, by its text."""
    view = next(view for view in arrivals(raw) if view.kind.endswith(f":{tool}"))
    text = view.context.segments[2].text
    return {text[need.start : need.end].strip(): need.weight for need in view.needs}


READ = ("Read", {"file_path": "/repo/shop.py"}, FILE)
EDIT = (
    "Edit",
    {"file_path": "/repo/shop.py", "old_string": "    return count * 7", "new_string": "    return 7"},
    "ok",
)


def test_the_line_that_an_edit_replaces_is_needed_though_the_view_has_numbers() -> None:
    assert needed(session(READ, EDIT), "Read")["8\t    return count * 7"] == WEIGHTS["quoted"]


@pytest.mark.parametrize("mark", ["-", " "])
def test_context_and_removed_lines_of_a_patch_are_needed(mark: str) -> None:
    patch = f"*** Begin Patch\n*** Update File: shop.py\n@@\n{mark}    return count * 7\n+    return 7\n*** End Patch"
    raw = session(READ, ("apply_patch", {"input": patch}, "ok"))
    assert needed(raw, "Read")["8\t    return count * 7"] == WEIGHTS["quoted"]


def test_a_line_of_an_earlier_patch_is_found_by_the_next_edit() -> None:
    diff = "@@ -1,2 +1,2 @@\n-    return 0\n+    return count * 7\n" + "# a line that fills the result\n" * 30
    assert "+    return count * 7" in needed(session(("Bash", {"command": "git diff"}, diff), EMPTY[0], EDIT), "Bash")


def test_what_is_used_later_weighs_less() -> None:
    pause = [("Bash", {"command": f"sleep {i}"}, "done") for i in range(5)]
    late = needed(session(READ, *pause, EDIT), "Read")["8\t    return count * 7"]
    assert late < needed(session(READ, EDIT), "Read")["8\t    return count * 7"]


def test_a_line_that_the_agent_has_quoted_since_is_not_needed_again() -> None:
    again = session(READ, EDIT, READ, EDIT, EDIT)
    latest = arrivals(again)[1]
    assert len([need for need in latest.needs if need.weight > 0.3]) == 1


def test_a_line_that_it_wrote_itself_weighs_less() -> None:
    wrote = ("Write", {"file_path": "/repo/other.py", "content": "x = 1\n    return count * 7\ny = 2\n"}, "ok")
    found = needed(session(wrote, READ, EDIT), "Read")["8\t    return count * 7"]
    assert found == pytest.approx(WEIGHTS["quoted"] * WROTE_IT_ITSELF)


def test_results_before_a_compaction_are_out_of_view() -> None:
    raw = session(READ, READ, EDIT, EDIT)
    cut = {**raw, "meta": {**raw["meta"], "compactions": [5]}}
    assert all(not view.needs for view in arrivals(cut))


def test_the_line_of_a_listing_that_named_the_next_file_is_needed() -> None:
    listing = "\n".join(f"./src/{name}/part_{i}.go" for name in ("api", "core") for i in range(30))
    raw = session(
        ("Bash", {"command": "find . -name '*.go'"}, listing), ("Read", {"file_path": "/repo/src/core/part_7.go"}, "x")
    )
    assert needed(raw, "Bash")["./src/core/part_7.go"] == WEIGHTS["path"]


def test_the_failure_that_an_edit_answers_is_needed() -> None:
    run = (
        "".join(f"ok part_{i}\n" for i in range(80)) + "shop.py:8: wrong count\nFAILED test_shop - AssertionError: 49\n"
    )
    raw = session(
        EMPTY[0],
        ("Bash", {"command": "make check"}, run),
        ("Edit", {"file_path": "/repo/shop.py", "old_string": "a", "new_string": "b"}, "ok"),
    )
    assert set(needed(raw, "Bash")) == {"shop.py:8: wrong count", "FAILED test_shop - AssertionError: 49"}


def test_the_line_of_a_report_that_is_repeated_is_needed() -> None:
    report = "\n".join(f"- Part {i} of the shop is fine as it stands." for i in range(30)) + "\n- **Retries** are lost."
    raw = session(
        ("Task", {"prompt": "look"}, report),
        EMPTY[0],
        "Here is what I know:\n1. Retries are lost.\n2. Part 4 of the shop is fine as it stands.",
    )
    assert needed(raw, "Task") == {
        "- Part 4 of the shop is fine as it stands.": pytest.approx(WEIGHTS["repeated"], abs=0.1)
    }


def test_of_a_file_that_is_overwritten_the_lines_that_go_are_needed() -> None:
    bare = "".join(line.partition("\t")[2] for line in FILE.splitlines(keepends=True))
    write = ("Write", {"file_path": "/repo/shop.py", "content": bare.replace("count * 7", "7")}, "ok")
    found = needed(session(READ, EMPTY[0], write), "Read")
    assert [text for text, weight in found.items() if weight > 0.8] == ["8\t    return count * 7"]


def test_lines_that_a_commit_took_away_stand_for_an_edit_that_is_not_recorded() -> None:
    edits = [{"call": "c1", "file": "shop.py", "commit": "1", "removed": ["    return count * 7"]}]
    raw = session(READ, ("Edit", {"file_path": "/repo/shop.py"}, "ok"), EMPTY[0], commit_edits=edits)
    assert needed(raw, "Read")["8\t    return count * 7"] == WEIGHTS["committed"]


def test_samples_are_grouped_by_repository_and_told_apart_by_kind() -> None:
    steps = [READ, ("Bash", {"command": "make"}, "built part\n" * 80), EDIT, READ, EDIT, READ, EDIT]
    samples = list(views(session(*steps), "made"))
    assert {sample.groups for sample in samples} == {("made/shop",)}
    assert {"view:Read", "out:Bash", "trace"} <= {sample.kind for sample in samples}
    assert len({sample.id for sample in samples}) == len(samples)


def test_every_need_lies_in_a_judged_result() -> None:
    for sample in views(session(READ, EDIT, READ, EDIT, READ, EDIT, READ, EDIT), "made"):
        for need in sample.needs:
            assert need.segment in sample.judged
            assert 0 <= need.start < need.end <= len(sample.context.segments[need.segment].text)
            assert 0 < need.weight <= 1
