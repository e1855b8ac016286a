"""What people look at on a machine: archives, sizes, checksums, certificates, system calls, memory errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from contextprune.training.executed import language_table, languages
from contextprune.training.executed.checks import Check, Project, made_in, shown
from contextprune.training.executed.finding_goals import Planted
from contextprune.training.executed.findings import Form
from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.phrases import phrase, words_of
from contextprune.training.executed.workbench import Workbench

_NAMED = (
    "How large is {name}?",
    "Is {name} in there?",
    "{name}: size?",
    "Find {name}.",
    "Which line is {name} on?",
)
_SPOKEN = (
    "The file about {words}: is it there, and how big?",
    "Which entry has to do with {words}?",
    "size of the {words} one",
)
_LARGEST = (
    "What takes most space?",
    "Which is the largest?",
    "What should I delete first to save space?",
    "Find the heaviest entry.",
)
_SMALLEST = ("Which is the smallest?", "What is nearly empty?", "Find the least of them.")
_FOLDER = ("What is below {folder}?", "List what {folder} holds.", "Only {folder}, please.")


@dataclass(frozen=True, slots=True)
class Listing:
    """A command that lists the files of a package, a line each.

    row   the form of a line; groups: size, name
    """

    kind: str
    commands: Sequence[str]
    row: str
    needs: Sequence[str] = ()

    def __call__(self, bench: Workbench) -> Iterator[Output]:
        """Endless listings, each of one package or of a folder in it."""
        for program in self.needs:
            bench.tool(program)
        while True:
            package = bench.package(min_files=12)
            name = package.name if package.name != "stdlib" else "json"
            command = bench.rng.choice(list(self.commands)).replace("{name}", name)
            text = bench.run(["bash", "-c", command], package.home, "/usr/lib/python3")
            lines = Lines(text)
            goals = GoalCollector(lines)
            self._goals(bench.rng, goals)
            call = {"command": shown(bench.rng, command, "/usr/lib/python3")}
            yield Output(self.kind, "bash", call, text, package.name, goals.collected)

    def _goals(self, rng: Random, goals: GoalCollector) -> None:
        rows = [(i, match) for i, line in enumerate(goals.lines.lines) if (match := re.match(self.row, line))]
        names = [match["name"].rstrip("/") for _, match in rows]
        sizes = [int(match["size"]) for _, match in rows]
        for (i, _), name in zip(rows, names, strict=True):
            short = name.rpartition("/")[2]
            if sum(any_name.endswith(short) for any_name in names) == 1:
                goals.add(phrase(rng, _NAMED, name=rng.choice((name, short))), [i], short)
                words = " ".join(words_of(short.partition(".")[0]))
                if " " in words:
                    goals.add(phrase(rng, _SPOKEN, words=words), [i], short, plain=False)

        for templates, extreme in ((_LARGEST, max(sizes, default=0)), (_SMALLEST, min(sizes, default=0))):
            if sizes.count(extreme) == 1:
                for _ in range(3):
                    goals.add(phrase(rng, templates), [rows[sizes.index(extreme)][0]], plain=False)
        for folder in sorted({name.rpartition("/")[0] for name in names}):
            below = [i for (i, _), name in zip(rows, names, strict=True) if name.startswith(f"{folder}/")]
            goals.add(phrase(rng, _FOLDER, folder=folder), below, folder)


LISTINGS = (
    Listing(
        "tar",
        (
            "tar cf - --exclude=__pycache__ {name} | tar tvf -",
            "tar czf - --exclude=__pycache__ {name} | tar tzvf - | sort -k6",
        ),
        r"[-d]\S+ \S+\s+(?P<size>\d+) \S+ \S+ (?P<name>\S+)",
        ("tar",),
    ),
    Listing(
        "du",
        (
            "du -a --apparent-size -b --exclude=__pycache__ {name}",
            "du -ab --exclude=__pycache__ {name} | sort -rn",
            "du -ak --exclude=__pycache__ {name}",
        ),
        r"(?P<size>\d+)\t(?P<name>\S+)",
        ("du",),
    ),
    Listing(
        "wc",
        ("find {name} -name '*.py' | xargs wc -l", "find {name} -name '*.py' | sort | xargs wc -c"),
        r"\s*(?P<size>\d+) (?P<name>\S+\.py)$",
        ("wc",),
    ),
    Listing(
        "find",
        (
            "find {name} -name '*.py' -printf '%s %p\\n'",
            "find {name} -type f -not -name '*.pyc' -printf '%s\\t%p\\n' | sort",
        ),
        r"(?P<size>\d+)\s(?P<name>\S+)",
        ("find",),
    ),
)


def _summed(bench: Workbench) -> Project:
    """Make files with a list of their checksums, some of which do not fit; the setup writes the list."""
    rng = bench.rng
    files = {file.name: file.text for file in languages.make_files(rng, language_table.C, rng.randrange(9, 30), 0)}
    spoilt = rng.sample(sorted(files), rng.choice((0, 1, 1, 2, 4)))
    planted = [Planted("a file that was changed after it was signed", name, 0, "") for name in spoilt]
    setup = "".join(f"echo >> {name}; " for name in spoilt)
    return Project(bench.project_name(), {**files, "spoil.sh": setup + "true\n"}, planted, sorted(files))


def _certificates(bench: Workbench) -> Project:
    """Make a script that issues certificates, some of them signed by another authority or by themselves."""
    rng = bench.rng
    candidates = [f"{noun}.{host}.example" for noun in languages.NOUNS for host in ("api", "db", "web")]
    hosts = rng.sample(candidates, rng.randrange(7, 16))
    lines = ["new() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }"]
    lines += ["own() { new $1; openssl req -x509 -new -key $1.key -subj /CN=$1 -days 900 -out $1.crt; }"]
    lines += ["sign() { new $1; openssl req -new -key $1.key -subj /CN=$1 -out $1.csr"]
    lines += ["  openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -set_serial $3 -days 90 -out $1.crt; }"]
    lines += ["own ca; own other"]
    for host in hosts:
        signer = rng.choice(("ca", "ca", "ca", "other", "own"))
        lines.append(f"own {host}" if signer == "own" else f"sign {host} {signer} {rng.randrange(9**9)}")
    return Project(bench.project_name(), {"issue.sh": "\n".join(lines) + "\n"}, (), [f"{host}.crt" for host in hosts])


def _openers(bench: Workbench) -> Project:
    """Make a Perl program that opens files, some of which are not there or may not be read."""
    rng = bench.rng
    names = [f"{noun}.{ending}" for noun in languages.NOUNS for ending in ("conf", "json", "db")]
    chosen = rng.sample(names, rng.randrange(4, 12))
    absent = rng.sample(chosen, rng.choice((1, 1, 2)))
    program = "".join(f"open(my $f{i}, '<', 'etc/{name}') or warn 'skipped';\n" for i, name in enumerate(chosen))
    files = {f"etc/{name}": "x=1\n" for name in chosen if name not in absent}
    planted = [Planted("a file that the program could not open", name, 0, name) for name in absent]
    return Project(bench.project_name(), {**files, "etc/empty": "\n", "job.pl": program}, planted, ["job.pl"])


_SUMS = Form(r"(?P<file>[^\s:]+): FAILED", more=r"(?!)", summary=r"sha256sum: WARNING")
_VERIFY = Form(
    r"error (?P<code>\d+) at",
    more=r"error \S+: verification failed",
    before=r"CN = ",
    location=r"error (?P<file>\S+\.crt):",
)
_STRACE = Form(
    r'(?:\[pid +\d+\] )?open\w*\(.*"etc/(?P<name>[^"]+)".*= -1 (?P<code>E\w+)|skipped at ',
    more=r"(?!)",
    summary=r"\+\+\+ exited",
)
_VALGRIND = Form(
    r"==\d+== (?:Invalid|Conditional|Use of|Source and|\d[\d,]* bytes in .* definitely lost|Process terminating)",
    more=r"==\d+== +\S",
    idle=r"==\d+==    by 0x\w+: (?:\(below|main |__libc|call_init)",
    location=r".*\((?P<file>\w+\.c):(?P<line>\d+)\)",
    summary=r"==\d+== (?:ERROR SUMMARY|All heap)",
)
_UNSAFE = languages.Language(
    ".c",
    language_table.C.head,
    (
        (
            "static int @f@(int @a@, int @b@)\n{\n    int sum = @a@ * @k@;\n    int *box = malloc(4 * sizeof(int));\n"
            "    box[0] = sum;\n    @@\n    free(box);\n    return sum + @b@ - @m@;\n}\n"
            'static __attribute__((constructor)) void run_@f@(void) { printf("@f@ %d\\n", @f@(3, 4)); }\n'
        ),
    ),
    "int main(void)\n{\n    return 0;\n}",
    (
        ("a write beyond the end of a block", "box[9] = sum;"),
        ("a read of memory that was given back", "free(box); sum += box[1]; box = malloc(4);"),
        ("a decision on a value that was never set", "if (box[2] > 3) sum++;"),
        ("memory that is never given back", "box = malloc(64);"),
        ("memory that is given back twice", "free(box);"),
    ),
)

CHECKS = (
    Check(
        "checksums",
        ("sha256sum",),
        (("sha256sum -c SUMS", _SUMS),),
        _summed,
        setup="sha256sum *.c > SUMS; bash spoil.sh",
    ),
    Check(
        "openssl",
        ("openssl",),
        (("openssl verify -CAfile ca.crt {files}", _VERIFY),),
        _certificates,
        setup="bash issue.sh",
    ),
    Check("strace", ("strace", "perl"), (("strace -f -e trace=file perl {files}", _STRACE),), _openers),
    Check(
        "valgrind",
        ("valgrind", "gcc"),
        (("valgrind --leak-check=full ./run", _VALGRIND),),
        made_in(_UNSAFE, single=True),
        setup="gcc -g -O0 -o run *.c",
    ),
)
