"""The package as published: its tests run from an unpacked source distribution, its page has no broken links."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]


def test_the_tests_run_from_an_unpacked_source_distribution(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    if not (HERE.parents[1] / "examples").is_dir():
        pytest.skip("these tests run from one")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=HERE, capture_output=True, check=True)
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = (each for each in tmp_path.iterdir() if each.is_dir())
    some = ["-k", "nodes or face or small or agent.py"]  # all files are read
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *some]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    for name in ("llamaindex_agent.py", "llamaindex_rag.py", "data/bench/qa_quotesum.jsonl.gz"):
        assert (folder / "examples" / name).is_file()


def test_links_of_the_readme_lead_somewhere_on_an_index() -> None:
    links = re.findall(r"\]\(([^)]+)\)", (HERE / "README.md").read_text(encoding="utf-8"))
    assert all(link.startswith(("https://", "#")) for link in links)


def test_the_project_names_its_authors_its_pages_and_bounds_of_what_it_needs() -> None:
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["authors"]
    assert set(project["urls"]) >= {"Homepage", "Documentation"}
    assert all("<" in need for need in project["dependencies"])
