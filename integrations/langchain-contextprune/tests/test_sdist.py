"""What is published: tests run from an unpacked source distribution, and the page on the index has no broken links."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_tests_run_from_an_unpacked_source_distribution(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    if not (ROOT.parents[1] / "examples").is_dir():
        pytest.skip("these tests run from one")
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = (each for each in tmp_path.iterdir() if each.is_dir())
    some = ["tests/test_face.py", "tests/test_metadata.py", "tests/test_middleware.py", "-k", "face or recorded"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *some]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "examples" / "langchain_agent.py").is_file()


def test_links_of_the_readme_lead_somewhere_on_an_index() -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links
    assert all(link.startswith(("https://", "#")) for link in links)


def test_the_project_names_its_authors_its_pages_and_bounds_of_what_it_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["authors"]
    assert set(project["urls"]) >= {"Homepage", "Documentation"}
    assert all("<" in need for need in project["dependencies"])
