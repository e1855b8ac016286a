"""Checks: tools that read files and report findings. One row of a table makes a family of outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from contextprune.training.executed.finding_goals import Planted, goals_of_run
from contextprune.training.executed.findings import Form, find, summary_rows
from contextprune.training.executed.languages import Language, draw_scale, make_files
from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.workbench import Workbench

MIN_LINES = 3  # lines of an output that is worth goals
_TIMES = re.compile(r"\b(?:in |took |duration_ms:? )\d+[\d.]*(?=\s?m?s\b|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Project:
    """Files to run a tool over, by their paths, and the faults in them.

    subject   the package or project that samples of it are grouped by
    arguments what stands for {files} in a command; every file where it is empty
    """

    subject: str
    files: Mapping[str, str]
    planted: Sequence[Planted] = ()
    arguments: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A tool that reports findings.

    needs      programs without which the family is left out
    commands   command lines, for a shell, each with the form of what it prints; {files} are the project's
    project    writes a project to run it over
    setup      a command line that is run before, and not shown
    """

    kind: str
    needs: Sequence[str]
    commands: Sequence[tuple[str, Form]]
    project: Callable[[Workbench], Project]
    env: Mapping[str, str] = field(default_factory=dict)
    setup: str = ""

    def __call__(self, bench: Workbench) -> Iterator[Output]:
        """Endless outputs, each of a fresh project; MissingTool where a program is not there."""
        for program in self.needs:
            bench.tool(program)
        while True:
            project = self.project(bench)
            folder, home = bench.fresh_folder(), bench.home()
            write_files(folder, project.files)
            command, form = bench.rng.choice(list(self.commands))
            command = command.replace("{files}", " ".join(project.arguments or project.files))

            if self.setup:
                bench.run(["bash", "-c", self.setup], folder, home, self.env)
            text = bench.run(["bash", "-c", command], folder, home, self.env)
            text = redrawn_times(bench.rng, text)
            lines = Lines(text)
            if len(lines) < MIN_LINES:
                continue
            yield self._output(bench, project, form, lines, text, shown(bench.rng, command, home))

    def _output(self, bench: Workbench, project: Project, form: Form, lines: Lines, text: str, command: str) -> Output:
        findings, outcome = find(lines, form), summary_rows(lines, form)
        goals = GoalCollector(lines, max_lines=20)
        plain = command.partition("&& ")[2] if command.startswith("cd ") else command
        goals_of_run(bench.rng, goals, findings, project.planted, command=plain, outcome=outcome)
        failed = any(not finding.is_mild for finding in findings)
        call = {"command": command}
        return Output(self.kind, "bash", call, text, project.subject, goals.collected, "pipe", failed=failed)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files by their relative paths."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def shown(rng: Random, command: str, home: str) -> str:
    """Draw how an agent would have typed the command."""
    form = rng.choice(("{command}", "{command}", "cd {home} && {command}", "{command} 2>&1"))
    return form.replace("{command}", command).replace("{home}", home)


def redrawn_times(rng: Random, text: str) -> str:
    """Draw durations anew, since they differ from run to run."""
    return _TIMES.sub(lambda match: re.sub(r"\d+[\d.]*", f"{rng.lognormvariate(0, 1.5):.2f}", match[0]), text)


def made_in(
    language: Language,
    more: Callable[[Random, Sequence[str]], Mapping[str, str]] | None = None,
    folder: str = "",
    *,
    single: bool = False,
) -> Callable[[Workbench], Project]:
    """Make projects in a language; `more` writes further files, such as one for the build, from the names.

    single   one file only, with more in it
    """

    def project(bench: Workbench) -> Project:
        files, faults = draw_scale(bench.rng)
        files = 1 if single else files
        sources = make_files(bench.rng, language, files, faults, folder)
        names = [file.name for file in sources]
        extra = more(bench.rng, names) if more else {}
        planted = [fault for file in sources for fault in file.planted]
        texts = {file.name: file.text for file in sources}
        return Project(bench.project_name(), {**texts, **extra}, planted, names)

    return project
