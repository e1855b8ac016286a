from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contextprune.cli.output import save, written
from contextprune.dialects import Lines
from contextprune.dialects.files import parse
from contextprune.errors import ContextPruneError


def test_what_did_not_change_is_the_input_byte_for_byte() -> None:
    data = b'\xef\xbb\xbf{ "messages":[ ] }\r\n'
    payload = parse(data)
    assert written(payload, payload, data) == data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a":"x","b":[1,2]}', '{"a":"y","b":[1,2]}'),
        (b'{"a": "x", "b": [1, 2]}\n', '{"a": "y", "b": [1, 2]}\n'),
        (b'{\n  "a": "x"\n}\n', '{\n  "a": "y"\n}\n'),
        (b'{\n\t"a": "x"\n}', '{\n\t"a": "y"\n}'),
        (b'{\n    "a": "x",\n    "c": "\xc3\xa9"\n}', '{\n    "a": "y",\n    "c": "é"\n}'),
        (b'{"a": "x", "c": "\\u00e9"}', '{"a": "y", "c": "\\u00e9"}'),
    ],
)
def test_json_keeps_the_style_of_its_file(data: bytes, expected: str) -> None:
    payload = parse(data)
    assert written({**payload, "a": "y"}, payload, data).decode() == expected


def test_json_lines_that_did_not_change_keep_their_bytes() -> None:
    data = b'{"a":1,  "b":"x"}\n\n{"a":2,"b":"x"}\r\n{"a":  3}'
    payload = parse(data)
    changed = Lines([payload[0], {**payload[1], "b": "y"}, payload[2]])
    assert written(changed, payload, data) == b'{"a":1,  "b":"x"}\n\n{"a":2,"b":"y"}\r\n{"a":  3}'


def test_a_single_record_spread_over_lines_stays_one_object() -> None:
    data = b'{\n  "role": "tool",\n  "content": "x"\n}\n'
    payload = Lines([json.loads(data)])
    out = written(Lines([{"role": "tool", "content": "y"}]), payload, data)
    assert out == data.replace(b'"x"', b'"y"')


def test_lone_surrogates_survive_as_escapes() -> None:
    data = b'{"a":"\\ud83d","b":"x\xc3\xa9"}'
    out = written({**parse(data), "b": "y"}, parse(data), data)
    assert parse(out) == {"a": "\ud83d", "b": "y"}


def test_a_saved_file_is_whole_and_alone(tmp_path: Path) -> None:
    save(str(tmp_path / "out.json"), b"new")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("out.json", b"new")]


def test_a_replaced_file_keeps_its_mode_and_a_link_keeps_its_file(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    save(str(link), b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_and_not_replaced() -> None:
    save(os.devnull, b"new")
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("path", ["", "missing/folder/out.json", "a\0b", "x" * 300])
def test_a_place_that_cannot_be_written_is_named(path: str, tmp_path: Path) -> None:
    place = str(tmp_path / path)
    with pytest.raises(ContextPruneError, match="cannot be written"):
        save(place, b"new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_writing_leaves_the_old_file_and_nothing_else(number: int, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_bytes(b"old")
    code = "import sys, signal; from contextprune.cli.output import save; "
    code += "signal.signal(signal.SIGTERM, lambda *_: exit(1))"
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}; save(sys.argv[1], bytes(100 << 20))", out], stderr=-1
    ) as run:
        while run.poll() is None and not list(tmp_path.glob("*.tmp")) and not list(tmp_path.glob(".*.tmp")):
            time.sleep(0.001)
        run.send_signal(number)
        run.communicate()
    assert run.returncode != 0
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]
