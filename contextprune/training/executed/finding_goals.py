"""Goals about a run of a tool: everything that fails, one finding by place, code, name or meaning, the outcome.

Whatever an agent is at, what fails is needed; so part of the goals speak of the task and not of the output at all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from contextprune.training.executed.findings import Finding
from contextprune.training.executed.output import GoalCollector
from contextprune.training.executed.phrases import phrase, words_of

_FAILS = (
    "Why does `{command}` fail?",
    "Make `{command}` pass.",
    "Get CI green again.",
    "What is broken?",
    "Find out what is wrong and fix it.",
    "The pipeline is red at this step. Cause?",
    "What has to be fixed before we can release?",
    "Show me the errors, all of them, nothing else.",
    "Fix the build.",
    "Something broke after the last merge. What?",
)
_TASK = (
    "Rename the option {word} to {other} everywhere and check that all is well.",
    "Implement ticket {number}: {word} should be optional. Run the checks when you are done.",
    "Continue with the refactoring of {word}.",
    "Upgrade the {word} dependency; keep everything working.",
    "Add a {word} command to the tool.",
    "Review the branch feature/{word} and say whether we can merge it.",
    "Prepare release {number}.",
    "go on",
    "Clean up {word}, then commit.",
)
_FIRST = (
    "What is the first error?",
    "What fails first?",
    "Where does it start to go wrong?",
    "The first problem only.",
)
_FILE = (
    "What is wrong with {file}?",
    "{file}: what is reported?",
    "I edit {file} now. Which complaints are about it?",
    "Only the findings in {file}.",
    "Fix {file} first.",
)
_LINE = (
    "What is reported at line {line} of {file}?",
    "{file} line {line}: complaint?",
    "Why is {file}:{line} marked?",
)
_CODE = (
    "Where is {code} reported?",
    "List the {code} findings.",
    "Does {code} occur?",
    "I fix {code} now; which places?",
)
_NAME = (
    "What is the problem with `{name}`?",
    "{name}: what happened?",
    "Which complaint is about {name}?",
    "I'll look at {name} first. What does it say?",
)
_SPOKEN = (
    "Something about {words} is wrong; what?",
    "What's up with the {words} part?",
    "the {words} thing - reason?",
)
_PLANTED = (
    "Is this among the problems: {fault}?",
    "Which place suffers from {fault}?",
    "I suspect {fault}. Where?",
    "Look for {fault}.",
    "A colleague says we have {fault}; show me.",
)
_OUTCOME = (
    "How did it end?",
    "How many problems are there in all?",
    "Did it go through?",
    "The final tally, please.",
    "Is everything fine?",
)
_WORDS_TEXT = "billing invoice session cache retry locale export webhook quota ledger search upload avatar theme audit"
_WORDS = _WORDS_TEXT.split()


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault that was put into a file: what it is in words, where, and the name that it uses, if any.

    reach   lines behind its own at which a tool may report it
    """

    words: str
    file: str
    line: int
    name: str = ""
    reach: int = 0


def goals_of_run(
    rng: Random,
    goals: GoalCollector,
    findings: Sequence[Finding],
    planted: Sequence[Planted] = (),
    *,
    command: str,
    outcome: Sequence[int] = (),
) -> None:
    """Add goals for a run with these findings; `outcome` are the lines that say how it ended."""
    errors = [finding for finding in findings if not finding.is_mild] or list(findings)
    every_row = [i for finding in errors for i in finding.rows]
    needed = every_row or list(outcome)
    for templates in (_FAILS, _FAILS, _TASK, _TASK):
        goals.add(_general(rng, templates, command), needed, plain=False)
    if len(errors) > 1:
        goals.add(phrase(rng, _FIRST), errors[0].rows, plain=False)
    goals.add(phrase(rng, _OUTCOME), outcome, plain=False)

    _by_place(rng, goals, findings)
    _by_name(rng, goals, findings)
    _by_fault(rng, goals, findings, planted)


def general_goals(rng: Random, goals: GoalCollector, rows: Iterable[int], command: str, times: int = 4) -> None:
    """Add goals that any failure answers: about the run, and about a task that has nothing to do with it."""
    picked = list(rows)
    for number in range(times):
        goals.add(_general(rng, _TASK if number % 2 else _FAILS, command), picked, plain=False)


def _general(rng: Random, templates: Sequence[str], command: str) -> str:
    word, second_word = rng.sample(_WORDS, 2)
    return phrase(rng, templates, command=command, word=word, other=second_word, number=rng.randrange(100, 999))


def _by_place(rng: Random, goals: GoalCollector, findings: Sequence[Finding]) -> None:
    for file, rows in _rows_by(findings, lambda finding: [finding.file]).items():
        goals.add(phrase(rng, _FILE, file=file), rows, file)
    for code, rows in _rows_by(findings, lambda finding: [finding.code]).items():
        goals.add(phrase(rng, _CODE, code=code), rows, code)

    locations = Counter((finding.file, finding.line) for finding in findings)
    for finding in findings:
        if finding.line and finding.file and locations[finding.file, finding.line] == 1 and rng.random() < 0.5:
            goals.add(phrase(rng, _LINE, file=finding.file, line=finding.line), finding.rows, finding.file)


def _by_name(rng: Random, goals: GoalCollector, findings: Sequence[Finding]) -> None:
    named = _rows_by(findings, lambda finding: dict.fromkeys([finding.name, *finding.names]))
    for name, rows in named.items():
        goals.add(phrase(rng, _NAME, name=name), rows, name)
        words = " ".join(words_of(name))
        if " " in words:
            goals.add(phrase(rng, _SPOKEN, words=words), rows, name, plain=False)


def _by_fault(rng: Random, goals: GoalCollector, findings: Sequence[Finding], planted: Sequence[Planted]) -> None:
    """Add goals that say in words what is wrong; faults of one kind are asked after together."""
    of_fault: dict[str, list[int]] = defaultdict(list)
    names: dict[str, str] = {}
    for fault in planted:
        rows = [i for finding in findings if _reports(finding, fault) for i in finding.rows]
        of_fault[fault.words] += rows
        names[fault.words] = fault.name

    for words, rows in of_fault.items():
        for _ in range(2):
            goals.add(phrase(rng, _PLANTED, fault=words), rows, names[words] or None, plain=False)


def _reports(finding: Finding, fault: Planted) -> bool:
    if fault.name and fault.name in (finding.name, *finding.names):
        return True
    same_file = not finding.file or finding.file == fault.file.rpartition("/")[2]
    return bool(fault.line) and same_file and 0 <= finding.line - fault.line <= fault.reach


def _rows_by(findings: Sequence[Finding], keys_of: Callable[[Finding], Iterable[str]]) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = defaultdict(list)
    for finding in findings:
        for key in keys_of(finding):
            if len(key) > 2:
                grouped[key] += finding.rows
    return grouped
