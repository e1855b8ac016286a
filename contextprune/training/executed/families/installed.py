"""What is installed: `pip list`, `pip show -f`, `pip freeze`, METADATA files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import metadata

from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.phrases import is_descriptive, phrase, reword
from contextprune.training.executed.workbench import PYTHON, Workbench

_VERSION = (
    "Which version of {name} do we have?",
    "Is {name} installed?",
    "{name} version?",
    "Pin {name} to what is installed.",
    "Does our {name} already have last year's fix? I need its version.",
)
_DESCRIBED = (
    "Do we have a package for this: {doc}? Which version?",
    'Which of these is the one described as "{doc}"?',
    "Something we install is there to offer {doc}. Version?",
    "What release do we run of the library for: {doc}",
)
_FIELD = {
    "Version": ("Which release of {name} is it?", "Is {name} recent enough?", "{name}: number of the release?"),
    "Summary": ("What is {name} for?", "Describe {name} in a line.", "Why would anyone install {name}?"),
    "License": (
        "May we ship {name} in a closed product?",
        "Under which terms is {name}?",
        "Legal asks about {name}: licence?",
    ),
    "License-Expression": ("May we ship {name} in a closed product?", "Under which terms is {name}?"),
    "Home-page": ("Where does {name} live on the web?", "Link for {name}?"),
    "Location": ("Where on disk is {name}?", "Which folder was {name} installed to?"),
    "Requires": (
        "What else comes along with {name}?",
        "On what does {name} depend?",
        "Which packages does {name} pull in?",
    ),
    "Required-by": (
        "Who needs {name}?",
        "Can I remove {name} without breaking another package?",
        "What breaks without {name}?",
    ),
}
_FILES = (
    "Which files of {name} are about {words}?",
    "Does {name} ship something for {words}?",
    "Where in {name} would I find {words}?",
)
_META = {
    "Requires-Python": ("Does {name} still work on an old interpreter?", "What is the lowest Python for {name}?"),
    "Requires-Dist": ("What does {name} depend on?", "Which requirements does {name} declare, extras included?"),
    "Provides-Extra": ("Which optional parts can {name} be installed with?", "What extras exist?"),
    "Project-URL": ("Where are docs and the tracker of {name}?", "Links, please."),
    "Classifier": ("Which Pythons and systems does {name} claim to support?", "How mature does {name} say it is?"),
}
_REQUIREMENT = (
    "Which version of {requirement} does {name} accept?",
    "Is {requirement} a hard dependency of {name}, and how is it bounded?",
    "May I upgrade {requirement} without upsetting {name}?",
    "{requirement} moved to a new major version; does {name} allow it?",
)
_PACKAGES_TEXT = (
    "rich pydantic click typer networkx Jinja2 sympy scikit-learn scipy transformers torch requests urllib3 "
    "Pygments markdown-it-py packaging pip setuptools PyYAML tomlkit narwhals joblib huggingface_hub anyio fsspec "
    "filelock pluggy pytest mypy mpmath sortedcontainers h11 idna numpy sentence-transformers hatchling "
    "cloudpickle pytest-xdist iniconfig threadpoolctl tokenizers regex safetensors ruff tiktoken "
    "typing_extensions MarkupSafe annotated-types shellingham"
)
_PACKAGES = _PACKAGES_TEXT.split()


def packages(bench: Workbench) -> Iterator[Output]:
    """Endless views of the installed packages; pip itself, being slow, is run once for each kind of view."""
    rng = bench.rng
    names = [name for name in _PACKAGES if _is_installed(name)]
    names = sorted(rng.sample(names, min(len(names), 24)))  # pip takes seconds for each
    lists = [
        bench.run([PYTHON, "-m", "pip", "--disable-pip-version-check", *view.split()], bench.folder) for view in _LISTS
    ]
    all_shown = bench.run([PYTHON, "-m", "pip", "--disable-pip-version-check", "show", "-f", *names], bench.folder)
    shown = dict(zip(names, all_shown.split("\n---\n"), strict=True))

    while True:
        view = rng.choice(("list", "show", "show", "files", "metadata", "metadata", "metadata"))
        if view == "list":
            at = rng.randrange(len(_LISTS))
            yield _list(bench, lists[at], f"pip {_LISTS[at]}")
        elif view == "metadata":
            yield metadata_file(bench, rng.choice(names))
        else:
            yield _show(
                bench, shown, rng.sample(names, rng.choice((2, 4, 8, 14)) if view == "show" else 1), view == "files"
            )


_LISTS = ("list", "list --format=freeze")


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _list(bench: Workbench, text: str, command: str) -> Output:
    rng = bench.rng
    kept = [
        line
        for line in text.split("\n")
        if "contextprune" not in line and "gt-all" not in line and not line.startswith("-e")
    ]
    rows = sorted(rng.sample(range(2, len(kept)), len(kept) - 2 - rng.randrange(20)))
    goals = GoalCollector(
        Lines("\n".join([re.sub(r" +Editable.*", "", line) for line in kept[:2]] + [kept[i] for i in rows]))
    )

    for i, line in enumerate(goals.lines.lines):
        name = re.split(r"[ =]", line)[0]
        if i > 1 and _is_installed(name):
            doc = metadata.distribution(name).metadata["Summary"] or ""
            goals.add(phrase(rng, _VERSION, name=name), [i], name)
            if is_descriptive(doc):
                goals.add(phrase(rng, _DESCRIBED, doc=reword(rng, doc)), [i], name, plain=False)
    text = "\n".join(goals.lines.lines)
    return Output("pip", "bash", {"command": f"python -m {command}"}, text, "distributions", goals.collected, None)


def _show(bench: Workbench, shown: Mapping[str, str], names: list[str], files: bool) -> Output:
    rng = bench.rng
    command = ["show", *(["-f"] if files else []), *names]
    text = "\n---\n".join(shown[name] if files else shown[name].split("\nFiles:")[0] for name in names)
    text = re.sub(r"\nAuthor-email: .*", "\nAuthor-email: ", text)
    text = re.sub(r"\nAuthor: .*", "\nAuthor: ", text)
    text = re.sub(r"\S*__pycache__\S*\n?", "", text)

    goals = GoalCollector(Lines(text))
    name, name_row = "", 0
    for i, line in enumerate(goals.lines.lines):
        field, _, value = line.partition(": ")
        if field == "Name":
            name, name_row = value, i
        for _ in range(2):
            if field in _FIELD and name and value.strip():
                goals.add(
                    phrase(rng, _FIELD[field], name=name), {name_row, i} if len(names) > 1 else {i}, name, plain=False
                )

    if files:
        _paths(bench, goals, name)
    return Output("pip", "bash", {"command": f"pip {' '.join(command)}"}, text, names[0].lower(), goals.collected)


def _paths(bench: Workbench, goals: GoalCollector, name: str) -> None:
    of_word: dict[str, list[int]] = {}
    for i, line in enumerate(goals.lines.lines):
        if re.match(r"  \S+\.py$", line):
            for word in sorted(set(re.findall(r"[a-z]{5,}", line.rpartition("/")[2]))):
                of_word.setdefault(word, []).append(i)
    everything = goals.lines.lines
    for word, rows in of_word.items():
        if len(rows) == sum(word in line for line in everything) <= 6:
            goals.add(phrase(bench.rng, _FILES, name=name, words=word), rows, word)


def metadata_file(bench: Workbench, name: str) -> Output:
    """Show a distribution's METADATA, without the names and addresses of people."""
    rng = bench.rng
    distribution = metadata.distribution(name)
    raw = distribution.read_text("METADATA") or ""
    text = re.sub(r"(?m)^((?:Author|Maintainer)(?:-email)?): .*$", r"\1: The maintainers", raw).rstrip("\n")
    text = re.sub(r"[\w.+-]+@[\w-]+\.[\w.]+", "team@example.com", text)
    if rng.random() < 0.6:
        text = text.split("\n\n")[0]

    goals = GoalCollector(Lines(text), max_lines=30)
    head = text.split("\n\n")[0].count("\n") + 1
    fields: dict[str, list[int]] = {}
    for i, line in enumerate(goals.lines.lines[:head]):
        fields.setdefault(line.partition(":")[0], []).append(i)
        if match := re.match(r"Requires-Dist: ([\w.-]+)(.*)", line):
            requirement_rows = [
                k
                for k in range(head)
                if re.match(rf"Requires-Dist: {re.escape(match[1])}(?![\w.-])", goals.lines.lines[k])
            ]
            goals.add(phrase(rng, _REQUIREMENT, requirement=match[1], name=name), requirement_rows, match[1])

    for field, rows in fields.items():
        for _ in range(2):
            templates = (_META | _FIELD).get(field)
            if templates:
                goals.add(phrase(rng, templates, name=name), rows, None, plain=False)

    folder = f"/usr/lib/python3/site-packages/{name.replace('-', '_')}-{distribution.version}.dist-info/METADATA"
    return Output("pip", "bash", {"command": f"cat {folder}"}, text, name.lower(), goals.collected)
