from __future__ import annotations

import json
from pathlib import Path

import pytest

from contextprune.audit.find import File
from contextprune.audit.recordings import Recording, read_recordings
from contextprune.dialects import load, read
from contextprune.errors import ContextPruneError
from contextprune.money.expiry import FIVE_MINUTES, lifetime_of
from tests.audit.logs import DATA, said, session, write


def recorded(path: Path) -> list[Recording]:
    return list(read_recordings(File(path, path.name, 0.0)))


@pytest.mark.parametrize(
    "name",
    ["airline.json", "airline.anthropic.json", "airline.responses.json", "shell.atif.json", "swe.claude-code.jsonl"],
)
def test_a_file_is_read_as_its_dialect_reads_it(name: str) -> None:
    payload, format = load((DATA / name).read_bytes())  # noqa: A001 - the word that users know
    (found,) = recorded(DATA / name)
    assert found.context == read(payload)
    assert (found.name, found.format) == (name, format)
    assert len(found.times) == len(found.context.segments)
    assert found.lifetime == (FIVE_MINUTES if format == "claude-code" else lifetime_of(found.context.model))


def test_each_line_with_a_body_is_a_recording_and_the_last_comes_first(tmp_path: Path) -> None:
    bodies = [{"model": "m", "messages": [{"role": "user", "content": text}]} for text in ("one", "two")]
    found = recorded(write(tmp_path / "bodies.jsonl", bodies))
    assert [(each.name, each.context.segments[0].text) for each in found] == [
        ("bodies.jsonl:2", "two"), ("bodies.jsonl:1", "one"),
    ]  # fmt: skip


def test_a_log_with_a_sub_agent_is_two_recordings(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [*session(1), said("Find it.", isSidechain=True)])
    assert [each.name for each in recorded(path)] == ["log.jsonl", "log.jsonl agent 1"]


def test_the_times_are_those_of_the_records(tmp_path: Path) -> None:
    records = session(1)
    for second, record in enumerate(records):
        record["timestamp"] = f"2025-01-01T00:00:{second:02}.000Z"
    records[-1]["timestamp"] = "yesterday"
    (found,) = recorded(write(tmp_path / "log.jsonl", records))
    assert found.times[0] is not None
    assert [None if time is None else time - found.times[0] for time in found.times] == [0, 1, 1, None]


def test_a_recording_without_times_says_so() -> None:
    (found,) = recorded(DATA / "swe.json")
    assert set(found.times) == {None}
    assert found.logged is None


def test_a_last_line_that_is_still_being_written_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", session(2))
    whole = recorded(path)
    path.write_bytes(path.read_bytes() + json.dumps(session(1)[1]).encode()[:80])
    assert recorded(path) == whole


@pytest.mark.parametrize("data", [b"", b"{", b'{"a": 1}', b"hello\nthere\n", bytes(range(256))])
def test_what_is_no_session_is_an_error_of_ours(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(data)
    with pytest.raises(ContextPruneError):
        recorded(path)


def test_a_file_that_has_gone_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ContextPruneError, match="No such file"):
        recorded(tmp_path / "gone.json")


def test_a_codex_rollout_tells_when_its_items_were_written_and_how_long_its_cache_lives(tmp_path: Path) -> None:
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    records = [
        {
            "timestamp": "2026-11-02T10:00:00Z",
            "type": "session_meta",
            "payload": {"id": "s", "instructions": "Be brief."},
        },
        {"timestamp": "2026-11-02T10:00:01Z", "type": "turn_context", "payload": {"model": "gpt-5.6-codex"}},
        {"timestamp": "2026-11-02T10:40:00Z", "type": "response_item", "payload": message},
    ]
    (found,) = recorded(write(tmp_path / "rollout.jsonl", records))
    assert found.times[0] is not None
    assert found.times[-1] == found.times[0] + 2400.0
    assert (found.context.model, found.lifetime) == ("gpt-5.6-codex", 1800.0)
