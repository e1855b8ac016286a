"""Batch programs whose jobs fail inside real packages; the error and the program's own frames are needed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from contextprune.training.executed.facts import FACTS, Made, filled
from contextprune.training.executed.output import Asks, Lines, Output
from contextprune.training.executed.phrases import say
from contextprune.training.executed.workbench import PYTHON, Bench

_NAMED = (
    "Why did the {job} job fail?",
    "{job}: cause of the crash and the line of ours that triggered it?",
    "What broke in `{job}`?",
    "Find the root of the {job} failure.",
    "I have to explain to the customer what happened to {job}.",
)
_TOLD = (
    "The step for {says} did not go through. What happened?",
    "Which call of ours broke {says}?",
    "What error came up while dealing with {says}?",
    "One job covers {says}. Why is it red?",
)
_ERROR = (
    "Where do we get the {error} from?",
    "Who raises {error}, and from which line of our code?",
    "Find the {error} and the statement that leads to it.",
)
_INSIDE = (
    "Which job fails inside {package}?",
    "Something in the {package} library blew up; what did we call?",
    "Is {package} to blame for one of the failures?",
)
_FIRST = ("What was the first failure?", "What broke first?", "Which crash came before all others?")
_LAST = ("What ended the run?", "What is the last error?", "On what did it finally stop?")

_HEAD = '''"""Nightly batch."""
import traceback
{imports}


def deliver(name, work):
    print(f"[batch] {{name}}: started")
    try:
        result = work()
    except Exception:
        print(f"[batch] {{name}}: FAILED")
        traceback.print_exc()
    else:
        print(f"[batch] {{name}}: ok {{result!r}}"[:100])

'''


def crashes(bench: Bench) -> Iterator[Output]:
    """One run of a batch after another."""
    rng = bench.rng
    while True:
        place, home = bench.place(), bench.home()
        made = [filled(rng, fact) for fact in rng.sample(FACTS, min(len(FACTS), rng.choice((4, 8, 14, 25, 40))))]
        fails = set(rng.sample(range(len(made)), rng.randrange(1, max(2, len(made) // 2))))
        jobs = [f"{m.word}-{m.fact.topic.partition('_')[0]}-{rng.randrange(10, 99)}" for m in made]
        (place / "nightly.py").write_text(_program(made, jobs, fails))
        text = bench.run([PYTHON, "-u", "nightly.py"], place, home)
        asks = Asks(Lines(text), most=16)
        blocks = _blocks(asks.lines, jobs)
        _asks(bench, asks, blocks, dict(zip(jobs, made, strict=True)))
        package = rng.choice([made[i].fact.package for i in sorted(fails)])
        call = {
            "command": rng.choice(("python nightly.py", f"cd {home} && python nightly.py 2>&1", "python -u nightly.py"))
        }
        yield Output("traceback", "bash", call, text, package, asks.found, "pipe", failed=True)


def _program(made: list[Made], jobs: list[str], fails: set[int]) -> str:
    modules = sorted({f"import {name}" for m in made for name in m.imports})
    parts = [_HEAD.format(imports="\n".join(modules))]
    for i, m in enumerate(made):
        work = m.bad if i in fails else m.good
        parts.append(f"\ndef {m.fact.topic}_{i}():\n    outcome = {work}\n    return outcome\n")
    parts += [f'\ndeliver("{job}", {m.fact.topic}_{i})' for i, (job, m) in enumerate(zip(jobs, made, strict=True))]
    return "\n".join(parts)


def _blocks(lines: Lines, jobs: list[str]) -> dict[str, tuple[list[int], str]]:
    """For each failed job: its line, our frames but the runner's, the last error with what it says; and its type."""
    blocks: dict[str, tuple[list[int], str]] = {}
    job, rows, own, error = "", list[int](), False, ""
    for i, line in enumerate([*lines.lines, "[batch] end: started"]):
        if found := re.match(r"\[batch\] (\S+): (started|FAILED|ok)", line):
            if job:
                blocks[job] = (rows, error)
            job, rows, own, error = (found[1] if found[2] == "FAILED" else ""), [i], False, ""
        elif job and (found := re.match(r'  File "(.*)", line \d+, in (\S+)', line)):
            own = Path(found[1]).name == "nightly.py" and found[2] not in {"deliver", "<module>"}
            rows += [i] if own else []
        elif job and line[:1].strip() and not line.startswith(("Traceback", "During", "The above")):
            error = re.split(r"[:\s]", line)[0].rpartition(".")[2] if re.match(r"[\w.]+(:|$)", line) else error
            rows.append(i)
            own = line == line.rstrip() and not line.startswith(" ")
        elif job and line.strip() and own:
            rows.append(i)
    return {name: found for name, found in blocks.items() if name in jobs}


def _asks(bench: Bench, asks: Asks, blocks: dict[str, tuple[list[int], str]], made: dict[str, Made]) -> None:
    rng = bench.rng
    errors = Counter(error for _, error in blocks.values())
    packages = Counter(made[job].fact.package for job in blocks)
    for job, (rows, error) in blocks.items():
        fact = made[job].fact
        for _ in range(2):
            asks.add(say(rng, _NAMED, job=job), rows, job)
            asks.add(say(rng, _TOLD, says=fact.says), rows, fact.topic, plain=False)
        if len(error) > 5 and errors[error] == 1:
            asks.add(say(rng, _ERROR, error=error), rows, error)
        if packages[fact.package] == 1 and fact.package != "stdlib":
            asks.add(say(rng, _INSIDE, package=fact.package), rows, None, plain=False)
    order = list(blocks.values())
    for templates, at in ((_FIRST, 0), (_LAST, -1)):
        if order and len(order) > 1:
            asks.add(say(rng, templates), order[at][0], plain=False)
    for job in made:
        if job not in blocks:
            asks.nothing(say(rng, _ERROR, error=rng.choice(("MemoryError", "PermissionError", "RecursionError"))))
            asks.add(say(rng, ("Did {job} go through?", "Outcome of {job}?", "{job} ok?"), job=job),
                     asks.lines.having(rf"\] {job}: ok"), job)  # fmt: skip
