"""pip's resolver over made wheels whose requirements contradict one another, or can be met."""

from __future__ import annotations

import json

from contextprune.training.executed.checks import Check, Project
from contextprune.training.executed.finding_goals import Planted
from contextprune.training.executed.findings import Form
from contextprune.training.executed.languages import NOUNS, VERBS
from contextprune.training.executed.workbench import Workbench

_BUILD = """import json, zipfile
for name, version, needs in json.load(open("index.json")):
    folder = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(f"wheels/{name}-{version}-py3-none-any.whl", "w") as wheel:
        metadata = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
        metadata += "".join(f"Requires-Dist: {need}\\n" for need in needs)
        wheel.writestr(f"{folder}/METADATA", metadata)
        wheel.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{folder}/RECORD", "")
"""
_FORM = Form(
    r"ERROR: (?:Cannot install|Could not find|No matching)|The conflict is caused by|INFO: pip is looking at",
    more=r" {4}\S",
    summary=r"ERROR: ResolutionImpossible|Would install|Successfully",
)


def index(bench: Workbench) -> Project:
    """Make an index of wheels and a list of requirements."""
    rng = bench.rng
    names = rng.sample([f"{verb}{noun}" for verb in VERBS for noun in NOUNS], rng.randrange(8, 20))
    wheels: list[tuple[str, str, list[str]]] = []
    for position, name in enumerate(names):
        for major in range(1, rng.randrange(2, 4)):
            below = rng.sample(names[position + 1 :], min(rng.randrange(3), len(names) - position - 1))
            needs = [need + rng.choice((">=1", "<3", "", ">=1.0,<4")) for need in below]
            wheels.append((name, f"{major}.{rng.randrange(9)}.0", needs))

    planted: list[Planted] = []
    kind = rng.choice(("conflict", "conflict", "missing", "fine"))
    shared = names[-1]
    if kind == "conflict":
        wheels += [(names[0], "9.0.0", [f"{shared}<1"]), (names[1], "9.0.0", [f"{shared}>=1"])]
        planted = [Planted("two packages that want different versions of a third", "", 0, "")]
    elif kind == "missing":
        wheels.append((names[0], "9.0.0", [f"absent{shared}>=2"]))
    wanted = [f"{names[0]}>=9" if kind != "fine" else names[0], f"{names[1]}>=9" if kind == "conflict" else names[1]]
    requirements = "\n".join([*wanted, *rng.sample(names[2:], min(4, len(names) - 2))])
    files = {"index.json": json.dumps(wheels), "build.py": _BUILD, "requirements.txt": requirements + "\n"}
    return Project(bench.project_name(), {**files, "wheels/README": "made\n"}, planted, ["requirements.txt"])


_OPTIONS = "--dry-run --no-index --find-links wheels --disable-pip-version-check --ignore-installed"
CHECKS = (
    Check(
        "pip_resolver",
        (),
        ((f"python -m pip install {_OPTIONS} -r requirements.txt", _FORM),),
        index,
        setup="python build.py",
    ),
)
