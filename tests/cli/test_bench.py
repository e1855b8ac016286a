"""Facts about `contextprune bench`: its options, the tables it prints and the figures it writes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from contextprune.bench.data import SAMPLES
from contextprune.bench.run import TASKS
from contextprune.cli.app import main
from contextprune.cli.bench import Task
from contextprune.money.tariff import FAMILIES


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    folder = tmp_path / "kit"
    folder.mkdir()
    rows = [
        {
            "id": f"r{i}",
            "question": "What?",
            "docs": [{"title": f"article {i}", "text": f"Text of article {i}. It says {i}."}],
            "gold_doc_ids": [0],
            "answers": [str(i)],
            "evidence": [{"doc": 0, "start": 0, "end": 8}],
        }
        for i in range(5)
    ]
    with gzip.open(folder / "qa_tiny.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return folder


def test_the_tasks_of_the_command_are_those_that_run_and_all_of_them() -> None:
    assert [task.value for task in Task] == [*TASKS, "all"]


def test_evidence_prints_tables_and_writes_every_figure(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    arguments = ["evidence", "--data", str(questions), "--rows", "3", "--arms", "bm25,lead", "--budgets", "0.5"]
    assert main(["bench", *arguments, "--json", str(out)]) == 0
    assert "bm25" in capsys.readouterr().out
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert (figures["rows"], figures["half"], figures["samples_only"]) == (3, "all", False)
    assert {(figure["arm"], figure["budget"]) for figure in figures["evidence"]} == {("bm25", 0.5), ("lead", 0.5)}
    assert len({figure["id"] for figure in figures["evidence"]}) == 3


def test_sessions_print_tables_and_write_every_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "out.json"
    arguments = ["sessions", "--data", str(SAMPLES), "--rows", "1", "--arms", "none,last-1"]
    assert main(["bench", *arguments, "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "next values" in printed
    assert "anthropic, openai-5.6" in printed
    figures = json.loads(out.read_text(encoding="utf-8"))["sessions"]
    assert {figure["arm"] for figure in figures} == {"none", "last-1"}
    assert all(set(figure["net"]) == set(FAMILIES) for figure in figures)


def test_rows_0_are_all_rows(questions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    arguments = ["evidence", "--data", str(questions), "--rows", "0", "--arms", "lead", "--budgets", "1"]
    assert main(["bench", *arguments, "--json", str(out)]) == 0
    assert len(json.loads(out.read_text(encoding="utf-8"))["evidence"]) == 5


def test_an_unknown_arm_is_named_beside_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "evidence", "--arms", "bm52"]) == 2
    message = capsys.readouterr().err
    assert "bm52" in message
    assert "ours-lexical" in message


def test_a_folder_that_does_not_exist_is_an_error_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "evidence", "--data", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_module_is_a_command_of_its_own(questions: Path) -> None:
    command = [sys.executable, "-P", "-m", "contextprune.bench", "evidence", "--data", str(questions), "--arms", "lead"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "evidence recall" in done.stdout


def test_the_help_of_the_command_line_does_not_load_the_workshop() -> None:
    code = (
        "import sys; from contextprune.cli.app import main; main(['bench', '--help']);"
        "print([name for name in sys.modules if name.startswith(('contextprune.bench.', 'rich', 'torch', 'scipy'))])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_money_says_which_file_it_needs(questions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "money", "--data", str(questions)]) == 0
    assert "usage_requests.jsonl.gz" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "'nope' is not one of evidence, traces, sessions"),
        (["--half", "q"], "Invalid value for '--half': 'q' is not one of dev, test, unseen, all"),
        (["--rows", "x"], "Invalid value for '--rows': 'x' is not a whole number of at least 0"),
        (["--rows", "-1"], "Invalid value for '--rows': '-1' is not a whole number of at least 0"),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_a_plain_sentence(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
