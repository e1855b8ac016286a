"""Logs and data are told from sources by their names, and where those tell nothing by their content."""

from __future__ import annotations

import pytest

from contextprune.text.file_kinds import holds_logs_or_data
from tests import tool_outputs as outputs

CODE = outputs.code(40, 1)
LOG = "\n".join(f"2026-11-30T09:{n:02}:00Z INFO worker {n} took a job" for n in range(40))
KLOG = "\n".join(f"E1130 09:{n:02}:00.1 17 pod.go:{n}] failed" for n in range(40))
NDJSON = "\n".join(f'{{"level":50,"time":17{n},"msg":"gone"}}' for n in range(40))
CSV = "id,name,city\n" + "\n".join(f"{n},a{n},b{n}" for n in range(40))


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        (["app.log"], LOG),
        (["app.log"], "nothing that looks like one\n" * 40),
        (["/var/log/nginx/access"], "GET /\n" * 40),
        (["build.out", "/tmp/err.txt.err"], "done\n" * 9),
        (["data.jsonl"], NDJSON),
        (["rows.csv"], CSV),
        (["yarn.lock"], "a@1:\n  version 1\n" * 9),
        (["web/package-lock.json"], "{}"),
        (["dist/app.min.js"], CODE),
        (["bundle.js"], "x=1;" * 2000),
        (["export.json"], "[\n" + ",\n".join(f'{{"id": {n}}}' for n in range(40)) + "\n]"),
        (["dump.json"], "{" + '"a": "bcdef",\n' * 3000 + '"z": 1}'),
        (["output.txt"], LOG),
        (["messages"], LOG),
        ([], LOG),
        ([], KLOG),
        ([], NDJSON),
        ([], CSV),
        (["$f"], "\n".join(f"{n}\t{line}" for n, line in enumerate(LOG.splitlines(), 1))),
    ],
)
def test_logs_and_data_are_known(paths: list[str], text: str) -> None:
    assert holds_logs_or_data(paths, text)


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        (["a.ts"], CODE),
        (["a.py"], "\n".join(f'    ("2026-11-30 09:{n:02}:00", {n}),' for n in range(40))),
        (["README.md"], "What it does, and why.\n" * 9),
        (["package.json"], '{\n  "name": "a",\n  "version": "1.0.0"\n}'),
        (["Dockerfile"], "FROM python\nRUN pip install x\n"),
        (["notes.txt"], "What it does, and why.\n" * 9),
        (["logger.py", "app.log"], CODE),
        ([], CODE),
        ([], ""),
    ],
)
def test_sources_are_neither(paths: list[str], text: str) -> None:
    assert not holds_logs_or_data(paths, text)


def test_what_other_commands_print_beside_a_source_counts() -> None:
    assert not holds_logs_or_data(["a.py"], LOG)
    assert holds_logs_or_data(["a.py"], LOG, only_files=False)
