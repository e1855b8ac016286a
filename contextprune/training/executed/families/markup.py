"""Checkers of settings, pages, plans and scripts: YAML, HTML, Terraform, reStructuredText, Markdown, SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from contextprune.training.executed import markup_table as table
from contextprune.training.executed.checks import Check, made_in
from contextprune.training.executed.findings import Form

_YAMLLINT = Form(
    r"\s+(?P<line>\d+):\d+\s+(?P<level>error|warning)\s+.*?\(?(?P<code>[a-z-]+)\)?$",
    heading=r"(?:\./)?(?P<file>\S+\.yaml)$",
    more=r"(?!)",
)
_YAMLLINT_PARSABLE = Form(
    r"(?:\./)?(?P<file>[^\s:]+):(?P<line>\d+):\d+: \[(?P<level>error|warning)\] .*?\(?(?P<code>[a-z-]+)\)?$",
    more=r"(?!)",
)
_TIDY = Form(
    r"(?:(?P<file>\S+\.html):)?(?:line )?(?P<line>\d+)(?: column |:)\d+(?: - |: )(?P<level>Warning|Error|Info): ",
    more=r"(?!)",
    heading=r"== (?P<file>\S+)",
    summary=r"Tidy found|This document has errors",
)
_TERRAFORM = Form(
    r"[│╷]?\s*(?P<level>Error|Warning): ",
    more=r"(?![│╷]?\s*(?:Error|Warning): )",
    idle=r"[│╷╵]?\s*$",
    location=r"[│]?\s*on (?P<file>\S+) line (?P<line>\d+)",
    summary=r"Success!",
)
_SPHINX = Form(
    r"(?P<file>\S+?\.rst):(?P<line>\d+): (?P<level>WARNING|ERROR|CRITICAL): ",
    more=r"(?!\S+?\.rst:|looking for|pickling|checking|preparing|writing|generating|copying|dumping|build |\[|$)",
    summary=r"build (?:succeeded|finished)|Warning, treated as error",
)
_RSTCHECK = Form(
    r"(?P<file>\S+?\.rst):(?P<line>\d+): \((?P<level>\w+)/\d\) ", more=r"(?!\S+?\.rst:)", summary=r"Error!|Success!"
)
_DOC8 = Form(r"(?P<file>\S+?\.rst):(?P<line>\d+): (?P<code>D\d+) ", more=r"(?!)", summary=r"Total accumulated|\s+- \w")
_MKDOCS = Form(
    r"(?P<level>WARNING|ERROR|INFO)\s+-\s+Doc file '(?P<file>[^']+)'",
    more=r"\s{4,}\S",
    summary=r"Aborted with|INFO\s+-\s+Documentation built",
)
_SQLITE = Form(
    r"(?:Parse|Runtime|Error:)? ?(?:error|near line|Error).* line (?P<line>\d+)",
    more=r"\s+\S.*|\s+\^",
    summary=r"(?!)",
)
_SQLFLUFF = Form(
    r"L:\s+(?P<line>\d+) \| P:\s+\d+ \|\s+(?P<code>\w+) \| ", heading=r"== \[(?P<file>[^\]]+)\]", summary="All Finished"
)


def _sphinx_project(_rng: Random, names: Sequence[str]) -> Mapping[str, str]:
    pages = "\n".join(f"   {name.removesuffix('.rst')}" for name in names[: max(1, len(names) - 1)])
    index = f"Shop\n====\n\n.. toctree::\n\n{pages}\n"
    return {"conf.py": 'project = "shop"\nnitpicky = True\n', "index.rst": index}


def _mkdocs_project(_rng: Random, _names: Sequence[str]) -> Mapping[str, str]:
    return {"mkdocs.yml": "site_name: Shop\nvalidation:\n  anchors: warn\n", "docs/index.md": "# Shop\n\nWelcome.\n"}


_TF_ENV = {"TF_CLI_CONFIG_FILE": "/dev/null", "CHECKPOINT_DISABLE": "1"}
_EACH = "for f in {files}; do "
CHECKS = (
    Check(
        "yamllint",
        ("yamllint",),
        (("yamllint .", _YAMLLINT), ("yamllint -f parsable .", _YAMLLINT_PARSABLE), ("yamllint {files}", _YAMLLINT)),
        made_in(table.YAML),
    ),
    Check(
        "tidy",
        ("tidy",),
        (
            (_EACH + 'echo "== $f"; tidy -e -q $f; done', _TIDY),
            ("tidy -e --gnu-emacs yes {files}", _TIDY),
            (_EACH + 'echo "== $f"; tidy -e $f; done', _TIDY),
        ),
        made_in(table.HTML),
    ),
    Check(
        "terraform", ("terraform",), (("terraform validate -no-color", _TERRAFORM),), made_in(table.TERRAFORM), _TF_ENV
    ),
    Check(
        "sphinx",
        ("sphinx-build",),
        (("sphinx-build -b html . out", _SPHINX), ("sphinx-build -b dummy . out", _SPHINX)),
        made_in(table.RST, _sphinx_project),
    ),
    Check("rstcheck", ("rstcheck",), (("rstcheck -r .", _RSTCHECK),), made_in(table.RST)),
    Check("doc8", ("doc8",), (("doc8 .", _DOC8), ("doc8 -q .", _DOC8)), made_in(table.RST)),
    Check(
        "mkdocs",
        ("mkdocs",),
        (("mkdocs build --strict", _MKDOCS), ("mkdocs build -v", _MKDOCS)),
        made_in(table.MARKDOWN, _mkdocs_project, "docs/"),
    ),
    Check(
        "sqlite_script",
        ("sqlite3",),
        (
            ("cat {files} | sqlite3 -batch -echo shop.db", _SQLITE),
            ("cat {files} | sqlite3 -batch -header -column shop.db", _SQLITE),
        ),
        made_in(table.SQL),
    ),
    Check("sqlfluff", ("sqlfluff",), (("sqlfluff lint --dialect sqlite {files}", _SQLFLUFF),), made_in(table.SQL)),
)
