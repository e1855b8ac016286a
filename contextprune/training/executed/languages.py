"""Made sources in other languages than Python: functions with drawn names and numbers, and faults planted into them.

Tokens: @f@ the function, @a@ and @b@ its arguments, @k@ and @m@ numbers, @n@ a name of a fault, @C@ the file's type.
A line `@@` is a place for a fault. Each function computes `a * k + b - m`, so that a test knows what to expect.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from contextprune.training.executed.finding_goals import Planted

_VERBS_TEXT = "compute merge scale adjust price weigh rank shift count settle route index trim apply load"
_NOUNS_TEXT = "orders rates stock margin queue seats routes tokens bills shares parcels credits errors retries failures"
_ARGUMENTS_TEXT = "amount offset limit first second width level base step rest share height part"
VERBS, NOUNS, ARGUMENTS = _VERBS_TEXT.split(), _NOUNS_TEXT.split(), _ARGUMENTS_TEXT.split()


@dataclass(frozen=True, slots=True)
class Language:
    """How to write a file of a language: its head, functions one after another, its tail; and what can go wrong in it.

    faults   (fault in words, code); a fault marked "!" stops the compiler from reading on
    """

    suffix: str
    head: str
    functions: tuple[str, ...]
    tail: str
    faults: tuple[tuple[str, str], ...]
    camel: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a made file: it computes `a * factor + b - less`."""

    name: str
    factor: int
    less: int

    def value(self, a: int, b: int) -> int:
        """Compute what the function returns."""
        return a * self.factor + b - self.less


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A made file with what is in it and what is wrong with it."""

    name: str
    text: str
    functions: tuple[Function, ...]
    planted: tuple[Planted, ...]


def make_files(rng: Random, language: Language, files: int, faults: int, folder: str = "") -> list[MadeFile]:
    """Make files of a language with about `faults` planted faults in all."""
    names = rng.sample([f"{noun}{suffix}" for noun in NOUNS for suffix in ("", "_table", "_core", "_rules")], files)
    counts = [0] * files
    for _ in range(faults):
        counts[rng.randrange(files)] += 1
    pairs = rng.sample([(verb, noun) for verb in VERBS for noun in NOUNS], 8 * files)
    written_files = []
    for position, (name, count) in enumerate(zip(names, counts, strict=True)):
        path = f"{folder}{cased(name, camel=language.camel, first=True)}{language.suffix}"
        pairs_of_file = pairs[8 * position : 8 * position + rng.randrange(2, 9)]
        written_files.append(make_file(rng, language, path, count, pairs_of_file))
    return written_files


def make_file(rng: Random, language: Language, name: str, faults: int, pairs: Sequence[tuple[str, str]]) -> MadeFile:
    """Make one file with a function for each pair of words, at most `faults` of them with a fault."""
    written_files: list[Function] = []
    parts = [language.head]
    for verb, noun in pairs:
        function = Function(cased(f"{verb}_{noun}", camel=language.camel), rng.randrange(2, 30), rng.randrange(90))
        written_files.append(function)
        first, second = rng.sample(ARGUMENTS, 2)
        tokens = {"f": function.name, "a": first, "b": second, "k": str(function.factor), "m": str(function.less)}
        parts.append(_filled(rng.choice(language.functions), tokens))

    text = _filled("\n".join([*parts, language.tail]), {"C": name.rpartition("/")[2].partition(".")[0]})
    text, planted = _plant(rng, text, language, name, faults)
    return MadeFile(name, text, tuple(written_files), planted)


def _plant(rng: Random, text: str, language: Language, name: str, faults: int) -> tuple[str, tuple[Planted, ...]]:
    """Put faults at places for them, and drop the places that are left."""
    lines = text.split("\n")
    empty_rows = [i for i, line in enumerate(lines) if line.strip() == "@@"]
    doomed = set(rng.sample(empty_rows, min(faults, len(empty_rows))))
    written: list[str] = []
    planted: list[Planted] = []

    for i, line in enumerate(lines):
        if i in doomed:
            words, code = rng.choice(language.faults)
            indent = line[: len(line) - len(line.lstrip())]
            used = f"{rng.choice(VERBS)}_{rng.choice(NOUNS)}_{rng.choice(ARGUMENTS)}"
            used = cased(used, camel=language.camel)
            planted.append(Planted(words, name, len(written) + 1, used if "@n@" in code else "", reach=1))
            written += [indent + part for part in _filled(code, {"n": used}).split("\n")]
        elif line.strip() != "@@":
            written.append(line)
    return "\n".join(written) + "\n", tuple(planted)


def _filled(template: str, tokens: dict[str, str]) -> str:
    return re.sub(r"@(\w)@", lambda match: tokens.get(match[1], match[0]), template)


def cased(name: str, *, camel: bool, first: bool = False) -> str:
    """Write a name with underscores as the language does; `first`: its first letter is a capital."""
    if not camel:
        return name
    head, *tail = name.split("_")
    return (head.title() if first else head) + "".join(word.title() for word in tail)


def draw_scale(rng: Random) -> tuple[int, int]:
    """Draw how many files and how many faults a run is about; at times nothing is wrong."""
    return rng.choice((1, 2, 4, 8, 14, 22)), rng.choice((0, 1, 1, 2, 3, 5, 8))


def arguments_of(rng: Random, count: int) -> Sequence[tuple[int, int]]:
    """Draw pairs of arguments to call functions with."""
    return [(rng.randrange(1, 60), rng.randrange(1, 60)) for _ in range(count)]
