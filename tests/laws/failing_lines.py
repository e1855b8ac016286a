"""Lines in which tools say that something failed, made from forms with fresh names: no pattern of the package is read.

A form is what one family of tools prints; `{...}` are names, places and numbers that are drawn anew each time.
"""

from __future__ import annotations

import random
import string

FORMS = (
    "{path}:{n}:{n}: error: use of undeclared identifier '{name}'",
    "{path}({n},{n}): error CS{n4}: The name '{name}' does not exist in the current context",
    "error[E0{n3}]: cannot find value `{name}` in this scope",
    "ERROR in ./{path} {n}:{n}",
    "[ERROR] Failed to execute goal {dotted}:compile on project {name}",
    'level=error ts={stamp} msg="{name} went away" code={n3}',
    "fatal: unable to access 'https://{host}/{name}.git/': Could not resolve host: {host}",
    "--- FAIL: Test{Name} (0.{n2}s)",
    "FAIL\t{host}/{name}\t0.{n3}s",
    "not ok {n} - {name} returns {name}",
    "  ✗ {name} keeps {name} ({n3} ms)",
    "  {n} failing",
    "Tests:       {n} failed, {n2} passed, {n3} total",
    "{name}: exit status {n}",
    "Process finished with exit code {n}",
    "make[{n}]: *** [Makefile:{n3}: {name}] Error {n}",
    "ninja: build stopped: subcommand failed.",
    "curl: ({n}) Failed to connect to {host} port {n4}: Connection refused",
    "bash: line {n}: {name}: command not found",
    "cat: {path}: No such file or directory",
    "mkdir: cannot create directory '/{name}': Permission denied",
    "{dotted}.{Name}Exception: {name} is closed",
    "Caused by: {dotted}.{Name}Error: no {name} left",
    "TypeError: Cannot read properties of undefined (reading '{name}')",
    "panic: runtime error: index out of range [{n}] with length {n}",
    "thread 'main' panicked at {path}:{n}:{n}:",
    "< HTTP/1.1 500 Internal Server Error",
    "npm ERR! code ELIFECYCLE",
    "E: Unable to locate package {name}",
    "{path}:{n}: undefined reference to `{name}'",
    "CMake Error at CMakeLists.txt:{n} (find_package):",
    "Error response from daemon: No such container: {name}",
    'Error from server (NotFound): pods "{name}" not found',
    "E       AssertionError: assert {n} == {n2}",
    'psql: error: connection to server at "{host}", port 5432 failed: FATAL:  role "{name}" does not exist',
    "ORA-0{n4}: table or view does not exist",
    "{name} | {stamp} ERROR {Name}Worker lost {name}",
    "! [rejected]        main -> main (non-fast-forward)",
    "CONFLICT (content): Merge conflict in {path}",
    '  File "{path}", line {n}\nSyntaxError: invalid syntax',
    "{Name}Error: {name} of {name} is not a {name}",
    "Segmentation fault (core dumped)",
    "OSError: [Errno 28] No space left on device: '/{name}'",
    "rsync error: error in socket IO (code {n}) at {path}({n3})",
    "Command failed with exit code {n3}.",
    "::error file={path},line={n}::{name} is missing",
    "{stamp} [{name}] FATAL {name}: cannot bind 0.0.0.0:{n4}: address already in use",
    "error: failed to push some refs to '{host}:{name}.git'",
    "ModuleNotFoundError: No module named '{name}'",
    "dial tcp {n2}.{n2}.{n2}.{n2}:{n4}: connect: connection refused",
)
"""What compilers, runners, shells, servers and package managers print."""

FRAMES = (
    "{line}",
    "{line}",
    "{stamp} {line}",
    "[{name}] {line}",
    "    {line}",
    "\x1b[31m{line}\x1b[0m",
    "#{n} {n}.{n2} {line}",
)
"""What stands around such a line: nothing, a time, a stage, an indent, colours, a step of a build."""


def failing_line(rng: random.Random) -> str:
    """One failure, a line or two, in one of the forms and frames."""
    form = rng.choice(FORMS)
    frame = (
        rng.choice(FRAMES)
        if "\n" not in form and not form.startswith(("--- ", "E   ", "not ok", "FAIL\t"))
        else "{line}"
    )
    return _drawn(rng, frame.replace("{line}", _drawn(rng, form)))


def word(rng: random.Random, least: int = 2) -> str:
    """A name that means nothing: two to four syllables."""
    return "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(rng.randint(least, 4)))


def _drawn(rng: random.Random, form: str) -> str:
    """A form with each of its places filled."""
    pieces = []
    for literal, place, _, _ in string.Formatter().parse(form.replace("{line}", "")):
        pieces.append(literal)
        if place is not None:
            pieces.append(_value(rng, place))
    return "".join(pieces)


def _value(rng: random.Random, place: str) -> str:
    """A name or number for a place; `n4` is a number of four digits."""
    if place[0] == "n" and place != "name":
        digits = int(place[1:] or 1)
        return str(rng.randrange(10 ** (digits - 1), 10**digits))
    hour, minute, second = rng.randint(0, 9), rng.randint(10, 59), rng.randint(10, 59)
    values = {
        "path": f"{word(rng)}/{word(rng)}.{rng.choice(('py', 'rs', 'go', 'ts', 'c', 'java'))}",
        "dotted": f"org.{word(rng)}.{word(rng)}",
        "host": f"{word(rng)}.example.com",
        "stamp": f"2026-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}T0{hour}:{minute}:{second}Z",
        "Name": word(rng).capitalize(),
        "name": word(rng),
    }
    return values[place]
