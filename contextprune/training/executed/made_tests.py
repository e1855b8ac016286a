"""Made test suites in other languages than Python: what each test expects of a made function is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from contextprune.training.executed.checks import Project
from contextprune.training.executed.finding_goals import Planted
from contextprune.training.executed.languages import Function, Language, cased, make_files
from contextprune.training.executed.phrases import words_of
from contextprune.training.executed.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Suite:
    """How to write a test file of a language: its head, a case for each function, its tail.

    Tokens: @f@ the function, @x@ and @y@ arguments, @e@ what is expected, @w@ the test's name in words, @t@ the same as
    an identifier, @C@ the module of the functions.

    path      of the test file; @c@ stands for the module
    crash     a case that fails before it compares anything
    skip      a case that is not run
    more      further files of a project
    inline    the tests stand in the file of the functions
    """

    language: Language
    path: str
    head: str
    case: str
    crash: str
    skip: str
    tail: str = ""
    folder: str = ""
    more: Mapping[str, str] | None = None
    inline: bool = False

    def __call__(self, bench: Workbench) -> Project:
        """Make a project with tests, some of which fail."""
        rng = bench.rng
        texts: dict[str, str] = dict(self.more or {})
        planted: list[Planted] = []
        failing = rng.choice((0.0, 0.08, 0.15, 0.3, 0.5))
        files = make_files(rng, self.language, rng.choice((1, 2, 4, 6)), 0, self.folder)
        for file in files:
            module = file.name.rpartition("/")[2].partition(".")[0]
            cases = [self._case(rng, function, failing, planted) for function in file.functions]
            tests = "\n".join([self.head, *cases, self.tail]).replace("@C@", module) + "\n"
            path = file.name if self.inline else self.path.replace("@c@", module)
            texts[file.name] = file.text
            texts[path] = file.text + tests if self.inline else tests
        return Project(bench.project_name(), texts, planted, [file.name for file in files])

    def _case(self, rng: Random, function: Function, failing: float, planted: list[Planted]) -> str:
        a, b = rng.randrange(1, 60), rng.randrange(1, 60)
        expected = function.value(a, b)
        form = self.skip if rng.random() < 0.05 else self.case
        words = " ".join([*words_of(function.name), rng.choice(("works", "for small ones", "adds up", "with errors"))])
        if rng.random() < failing:
            form = self.crash if rng.random() < 0.2 else self.case
            expected += rng.choice((-3, -1, 1, 2, 10))
            planted.append(Planted(f"wrong numbers for {' '.join(words_of(function.name))}", "", 0, function.name))

        name = cased(
            f"{'_'.join(words_of(function.name))}_{rng.randrange(10, 99)}", camel=self.language.camel, first=True
        )
        tokens = {"f": function.name, "x": str(a), "y": str(b), "e": str(expected), "w": words, "t": name}
        return re.sub(r"@(\w)@", lambda match: tokens.get(match[1], match[0]), form)
