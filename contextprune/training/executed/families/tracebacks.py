"""Batch programs whose jobs fail inside real packages; the error and the program's own frames are needed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from contextprune.training.executed.facts import FACTS, FilledFact, fill
from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.phrases import phrase
from contextprune.training.executed.workbench import PYTHON, Workbench

_NAMED = (
    "Why did the {job} job fail?",
    "{job}: cause of the crash and the line of ours that triggered it?",
    "What broke in `{job}`?",
    "Find the root of the {job} failure.",
    "I have to explain to the customer what happened to {job}.",
)
_DESCRIBED = (
    "The step for {description} did not go through. What happened?",
    "Which call of ours broke {description}?",
    "What error came up while dealing with {description}?",
    "One job covers {description}. Why is it red?",
)
_ERROR = (
    "Where do we get the {error} from?",
    "Who raises {error}, and from which line of our code?",
    "Find the {error} and the statement that leads to it.",
)
_WITHIN_PACKAGE = (
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


def crashes(bench: Workbench) -> Iterator[Output]:
    """Endless runs of generated batches, each with at least one job that fails."""
    rng = bench.rng
    while True:
        folder, home = bench.fresh_folder(), bench.home()
        facts = [
            fill(rng, known_fact) for known_fact in rng.sample(FACTS, min(len(FACTS), rng.choice((4, 8, 14, 25, 40))))
        ]
        fails = set(rng.sample(range(len(facts)), rng.randrange(1, max(2, len(facts) // 2))))
        jobs = [f"{fact.word}-{fact.fact.topic.partition('_')[0]}-{rng.randrange(10, 99)}" for fact in facts]

        (folder / "nightly.py").write_text(_program(facts, jobs, fails))
        text = bench.run([PYTHON, "-u", "nightly.py"], folder, home)
        goals = GoalCollector(Lines(text), max_lines=16)
        blocks = _blocks(goals.lines, jobs)
        _collect_goals(bench, goals, blocks, dict(zip(jobs, facts, strict=True)))

        package = rng.choice([facts[i].fact.package for i in sorted(fails)])
        call = {
            "command": rng.choice(("python nightly.py", f"cd {home} && python nightly.py 2>&1", "python -u nightly.py"))
        }
        yield Output("traceback", "bash", call, text, package, goals.collected, "pipe", failed=True)


def _program(facts: list[FilledFact], jobs: list[str], fails: set[int]) -> str:
    modules = sorted({f"import {name}" for fact in facts for name in fact.imports})
    parts = [_HEAD.format(imports="\n".join(modules))]
    for i, fact in enumerate(facts):
        work = fact.bad if i in fails else fact.good
        parts.append(f"\ndef {fact.fact.topic}_{i}():\n    outcome = {work}\n    return outcome\n")
    parts += [
        f'\ndeliver("{job}", {fact.fact.topic}_{i})' for i, (job, fact) in enumerate(zip(jobs, facts, strict=True))
    ]
    return "\n".join(parts)


def _blocks(lines: Lines, jobs: list[str]) -> dict[str, tuple[list[int], str]]:
    """Collect (rows, error) of each failed job: its line, the frames of the program itself, the error."""
    blocks: dict[str, tuple[list[int], str]] = {}
    job, rows, in_program, error = "", list[int](), False, ""
    for i, line in enumerate([*lines.lines, "[batch] end: started"]):
        if match := re.match(r"\[batch\] (\S+): (started|FAILED|ok)", line):
            if job:
                blocks[job] = (rows, error)
            job, rows, in_program, error = (match[1] if match[2] == "FAILED" else ""), [i], False, ""
        elif job and (match := re.match(r'  File "(.*)", line \d+, in (\S+)', line)):
            in_program = Path(match[1]).name == "nightly.py" and match[2] not in {"deliver", "<module>"}
            rows += [i] if in_program else []
        elif job and line[:1].strip() and not line.startswith(("Traceback", "During", "The above")):
            error = re.split(r"[:\s]", line)[0].rpartition(".")[2] if re.match(r"[\w.]+(:|$)", line) else error
            rows.append(i)
            in_program = line == line.rstrip() and not line.startswith(" ")
        elif job and line.strip() and in_program:
            rows.append(i)
    return {name: block for name, block in blocks.items() if name in jobs}


def _collect_goals(
    bench: Workbench, goals: GoalCollector, blocks: dict[str, tuple[list[int], str]], facts: dict[str, FilledFact]
) -> None:
    rng = bench.rng
    errors = Counter(error for _, error in blocks.values())
    packages = Counter(facts[job].fact.package for job in blocks)

    for job, (rows, error) in blocks.items():
        fact = facts[job].fact
        for _ in range(2):
            goals.add(phrase(rng, _NAMED, job=job), rows, job)
            goals.add(phrase(rng, _DESCRIBED, description=fact.description), rows, fact.topic, plain=False)
        if len(error) > 5 and errors[error] == 1:
            goals.add(phrase(rng, _ERROR, error=error), rows, error)
        if packages[fact.package] == 1 and fact.package != "stdlib":
            goals.add(phrase(rng, _WITHIN_PACKAGE, package=fact.package), rows, None, plain=False)

    order = list(blocks.values())
    for templates, index in ((_FIRST, 0), (_LAST, -1)):
        if order and len(order) > 1:
            goals.add(phrase(rng, templates), order[index][0], plain=False)

    for job in facts:
        if job not in blocks:
            goals.add_unanswerable(
                phrase(rng, _ERROR, error=rng.choice(("MemoryError", "PermissionError", "RecursionError")))
            )
            goals.add(phrase(rng, ("Did {job} go through?", "Outcome of {job}?", "{job} ok?"), job=job),
                     goals.lines.matching(rf"\] {job}: ok"), job)  # fmt: skip
