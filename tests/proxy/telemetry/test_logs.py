from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.telemetry.canary import Warned
from contextprune.proxy.telemetry.logs import JsonLines, Log, fields_of, log_at_once, log_to, warning_text
from contextprune.proxy.telemetry.record import RequestRecord
from tests.proxy.in_process import edits, running
from tests.proxy.telemetry.sample_traffic import finished, monitor_of, passed, record_of

SECRETS = (
    "sk-ant-api03-abcdefghijklmnop",
    "sk-proj-ABCDEFGHIJKLMNOP1234",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "AKIAIOSFODNN7EXAMPLE",
    "hunter2hunter2",
)


def logged(tell: Callable[[], object], level: str = "info") -> list[dict[str, Any]]:
    """The lines that are written while `tell` runs."""
    stream = io.StringIO()
    end = log_to(stream, level)
    try:
        tell()
    finally:
        end()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_request_is_one_line_of_json() -> None:
    monitor, _ = monitor_of(None, None, Log())
    lines = logged(lambda: (finished(monitor), passed(monitor, "late")))
    assert [line["message"] for line in lines] == ["request", "request"]
    first, second = lines
    assert (first["status"], first["tokens_before"], first["tokens_after"]) == ("applied", 40_000, 14_000)
    assert (first["overhead_ms"], first["upstream"], first["provider_read"]) == (21.0, 200, 12_000)
    assert (second["status"], second["reason"], second["number"]) == ("passed", "late", 2)
    assert first["time"].endswith("Z")


@pytest.mark.parametrize(("reason", "level"), [("late", "info"), ("crashed", "warning"), ("store", "warning")])
def test_what_somebody_should_look_into_is_a_warning(reason: str, level: str) -> None:
    monitor, _ = monitor_of(None, None, Log())
    assert logged(lambda: passed(monitor, reason))[0]["level"] == level


def test_the_level_says_what_is_written() -> None:
    monitor, _ = monitor_of(None, None, Log())
    lines = logged(lambda: (finished(monitor), passed(monitor, "crashed")), "warning")
    assert [line["reason"] for line in lines] == ["crashed"]


def test_the_canary_warns_with_reasons_and_advice() -> None:
    warned = Warned(1860.0, 31, (("late", 25), ("busy", 6)))
    line = logged(lambda: Log().silent(warned))[0]
    assert line["level"] == "warning"
    assert line["message"] == warning_text(warned)
    assert "nothing was shortened for 31 minutes" in line["message"]
    assert "deadline" in line["message"]
    assert (line["requests"], line["late"], line["busy"]) == (31, 25, 6)


def test_no_content_no_key_and_no_tenant_is_in_a_requests_line() -> None:
    record = record_of(heat=b"the user's words", keys=("recall-key",), trace="00-trace", model="m" * 5000)
    line = logged(lambda: Log().finished(record))[0]
    text = json.dumps(line)
    assert not any(word in text for word in ("words", "recall-key", "00-trace"))
    assert len(text) < 1000


@pytest.mark.parametrize("secret", SECRETS)
def test_credentials_are_blacked_out_wherever_they_turn_up(secret: str) -> None:
    log = logging.getLogger("contextprune.test")

    def tell() -> None:
        log.info("header Authorization: Bearer %s was sent", secret)
        log.info("x-api-key=%s", secret)
        log.info('{"api-key": "%s"}', secret)
        Log().finished(record_of(model=f"Bearer {secret}", route="chat"))
        try:
            raise ValueError(secret)  # noqa: TRY301 - the log is told of it
        except ValueError:
            log.exception("it failed")

    lines = logged(tell)
    assert len(lines) == 5
    assert secret not in json.dumps(lines)


def test_of_an_exception_there_is_the_kind_and_the_place_but_not_the_message() -> None:
    def tell() -> None:
        try:
            raise KeyError("what the user wrote")  # noqa: TRY301 - as above
        except KeyError:
            logging.getLogger("contextprune.test").exception("it failed")

    line = logged(tell)[0]
    assert line["error"] == "KeyError"
    assert line["at"][-1].startswith("test_logs.py:")
    assert "user wrote" not in json.dumps(line)


@given(st.text(max_size=300))
def test_any_text_is_one_line_of_ascii(text: str) -> None:
    record = logging.LogRecord("contextprune", logging.INFO, "", 0, text, None, None)
    record.fields = {"model": text}
    line = JsonLines().format(record)
    assert line.isascii()
    assert "\n" not in line
    json.loads(line)


def test_a_reader_that_does_not_read_holds_up_nothing() -> None:
    released = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            released.wait(60)
            return super().write(text)

    stream = Stuck()
    end = log_to(stream)
    log = logging.getLogger("contextprune.test")
    for number in range(12_000):
        log.info("line %d", number)
    released.set()
    end()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert any("lines dropped" in line["message"] for line in lines)


def test_a_stream_that_is_closed_raises_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    end = log_to(stream)
    stream.close()
    logging.getLogger("contextprune.test").info("nobody reads this")
    end()
    assert capsys.readouterr().err == ""


def test_arguments_that_do_not_fit_their_message_raise_nothing() -> None:
    assert logged(lambda: logging.getLogger("contextprune").info("%d", "no number")) == []


def test_afterwards_everything_is_as_before() -> None:
    log = logging.getLogger("contextprune")
    before = (log.level, log.propagate, list(log.handlers))
    log_to(sys.stderr)()
    assert (log.level, log.propagate, list(log.handlers)) == before


def test_without_a_thread_lines_are_written_as_they_come() -> None:
    log = logging.getLogger("contextprune")
    before = (log.propagate, list(log.handlers), threading.active_count())
    stream = io.StringIO()
    end = log_at_once(stream)
    logging.getLogger("contextprune.proxy.scorer").warning("the disk is full")
    assert json.loads(stream.getvalue())["message"] == "the disk is full"
    assert threading.active_count() == before[2]
    end()
    assert (log.propagate, list(log.handlers)) == before[:2]


def test_empty_figures_are_left_out() -> None:
    assert fields_of(RequestRecord(number=1, route="other")) == {
        "number": 1, "route": "other", "mode": "on", "status": "passed", "tokens_before": 0, "tokens_after": 0,
        "overhead_ms": 0.0, "upstream": 0, "total_ms": 0.0, "bytes_in": 0, "bytes_out": 0,
    }  # fmt: skip


def test_a_key_that_passes_through_is_shown_nowhere() -> None:
    key, word = "sk-ant-api03-canarycanarycanary", "canary-in-the-content"
    stream = io.StringIO()
    end = log_to(stream, "debug")
    try:
        with running(scorers=edits(b"old", b"new"), watchers=(Log(),), content=False) as proxy:
            messages = [{"role": "user", "content": f"old {word}"}]
            body = {"model": "m", "max_tokens": 9, "messages": messages}
            proxy.post("/v1/messages", body, headers={"x-api-key": key, "authorization": f"Bearer {key}"})
            proxy.post("/v1/messages", content=f"{{{word}".encode(), headers={"x-api-key": key})
            proxy.post("/v1/messages", body, headers={"x-api-key": key, "x-scenario": "500"})
            proxy.records(3)
            pages = [proxy.get(path).text for path in ("/", "/stats", "/metrics", "/requests/1", "/requests/2")]
    finally:
        end()
    assert stream.getvalue().count('"message": "request"') == 3
    for text in (stream.getvalue(), *pages):
        assert key not in text
        assert word not in text
