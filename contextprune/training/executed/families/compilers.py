"""Compilers and syntax checks of other languages than Python, over made sources with planted faults."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from contextprune.training.executed import language_table as table
from contextprune.training.executed.checks import Check, made_in
from contextprune.training.executed.findings import Form

_C_ERROR = r"(?P<file>[^\s:]+):(?P<line>\d+):(?:\d+:)? (?P<level>fatal error|error|warning): "
_LINKER = r"(?:\S*ld: )?\S+: (?:undefined reference|multiple definition)"
_C = Form(
    rf"{_C_ERROR}|(?P<alone>{_LINKER})",
    more=r"\s|\S+?:\d+:\d+: note: |[^:]*\|",
    heading=r"(?P<file>\S+): (?:In|At) ",
    summary=r"\d+ (?:warnings?|errors?).* generated|compilation terminated",
)
_CLANG = Form(
    _C.start,
    more=r"(?!\S+: (?:In|At) |\S+?:\d+:\d+: (?:error|warning|fatal)|\d+ (?:warning|error))(?!$)",
    summary=_C.summary,
)
_MAKE = Form(
    rf"{_C_ERROR}|(?P<alone>{_LINKER}|make(?:\[\d\])?: \*\*\* )",
    more=_C.more,
    heading=_C.heading,
    summary=r"make(?:\[\d\])?: (?:\*\*\*|Target)|cc -o ",
)
_NINJA = Form(
    rf"{_C_ERROR}|(?P<alone>{_LINKER}|FAILED: (?P<name>\S+)|ninja: (?:error|build stopped))",
    more=rf"{_C.more}|(?:/usr/bin/)?(?:cc|gcc) ",
    heading=_C.heading,
    summary=r"ninja: |\[(\d+)/\1\]",
)
_GO = Form(
    r"(?:vet: )?(?:\./)?(?P<file>[^\s:]+\.go):(?P<line>\d+):(?:\d+:)? ",
    more=r"\t",
    heading=r"# ",
    summary=r"too many errors",
)
_RUST = Form(
    r"(?P<level>error|warning)(?:\[(?P<code>E\d+)\])?: (?!aborting|\d+ warning|could not)",
    more=r"\s|\d+ +\||\.\.\.|\|",
    idle=r"\s+\|\s*$|\s+= note: `#",
    location=r"\s*--> (?P<file>[^\s:]+):(?P<line>\d+):",
    summary=r"error: aborting|error: could not compile|warning: .*\d+ warnings? emitted|\s*Finished",
)
_JAVA = Form(
    r"(?P<file>[^\s:]+\.java):(?P<line>\d+): (?P<level>error|warning)",
    more=r"\s",
    summary=r"\d+ (?:errors?|warnings?)$",
)
_RUBY = Form(
    r"(?P<file>[^\s:]+\.rb):(?P<line>\d+): (?P<level>warning)?", more=r"(?!\S+\.rb:|Syntax OK)", summary="Syntax"
)
_PERL = Form(
    r".* at (?P<file>\S+) line (?P<line>\d+)|syntax error|Global symbol|Can't locate",
    more=r"\s+\S|BEGIN failed",
    summary=r"\S+ (?:syntax OK|had compilation errors|had too many errors)",
)
_PHP = Form(r"(?:PHP )?(?:Parse|Fatal) error: .* in (?P<file>\S+) on line (?P<line>\d+)", summary="Errors parsing")
_NODE = Form(
    r"(?P<file>\S+\.js):(?P<line>\d+)$",
    more=r"(?!Node\.js|\S+\.js:\d+$|ok )",
    idle=r"\s+at ",
    summary=r"ok |checked ",
)
_LUA = Form(r"luac: (?P<file>[^\s:]+):(?P<line>\d+): ", summary=r"ok |luac: done")
_SHELL = Form(
    r"(?P<file>[^\s:]+):(?P<line>\d+):\d+: (?P<level>note|warning|error): .*\[(?P<code>SC\d+)\]",
    more=_C.start,
)
_SHELL_TTY = Form(
    r"In (?P<file>\S+) line (?P<line>\d+):",
    more=r"(?!In \S+ line|For more)",
    idle=r"\s*$|Did you mean",
    summary=r"For more information",
)


def _makefile(rng: Random, names: Sequence[str]) -> dict[str, str]:
    objects = " ".join(name.replace(".c", ".o") for name in names)
    flags = rng.choice(("-Wall", "-Wall -Wextra", "-O1 -Wall", "-Wall -Werror"))
    rules = (
        f"CFLAGS = {flags}\n\nall: main.o {objects}\n\tcc -o shop main.o {objects}\n\n%.o: %.c\n\tcc $(CFLAGS) -c $<\n"
    )
    return {"Makefile": rules, "main.c": f"int main(void)\n{{\n    return {rng.choice(('0', '0', 'start()'))};\n}}\n"}


def _ninja_file(rng: Random, names: Sequence[str]) -> dict[str, str]:
    objects = " ".join(name.replace(".c", ".o") for name in names)
    lines = ["rule cc", f"  command = cc {rng.choice(('-Wall', '-Wall -Werror', '-Wextra'))} -c $in -o $out"]
    lines += ["rule link", "  command = cc -shared $in -o $out"]
    lines += [f"build {name.replace('.c', '.o')}: cc {name}" for name in names]
    return {"build.ninja": "\n".join([*lines, f"build shop.so: link {objects}", ""])}


def _module(_rng: Random, _names: Sequence[str]) -> dict[str, str]:
    return {"go.mod": "module example.com/shop\n\ngo 1.19\n"}


def _crate(rng: Random, names: Sequence[str]) -> dict[str, str]:
    modules = "".join(f"mod {name.rpartition('/')[2].removesuffix('.rs')};\n" for name in names)
    manifest = f'[package]\nname = "shop"\nversion = "0.{rng.randrange(9)}.{rng.randrange(20)}"\nedition = "2021"\n'
    return {"Cargo.toml": manifest, "src/main.rs": f"{modules}\nfn main() {{}}\n"}


_GO_ENV = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "CGO_ENABLED": "0"}
_LOOP = "for f in {files}; do "
CHECKS = (
    Check(
        "gcc",
        ("gcc",),
        (("gcc -Wall -Wextra -c {files}", _C), ("gcc -Wall -fsyntax-only {files}", _C)),
        made_in(table.C),
    ),
    Check("clang", ("clang",), (("clang -Wall -Wextra -fsyntax-only {files}", _CLANG),), made_in(table.C)),
    Check(
        "make",
        ("make", "cc"),
        (("make -k", _MAKE), ("make", _MAKE), ("make -k -j2", _MAKE)),
        made_in(table.C, _makefile),
    ),
    Check("ninja", ("ninja", "cc"), (("ninja -k 0 -v", _NINJA), ("ninja -k 0", _NINJA)), made_in(table.C, _ninja_file)),
    Check(
        "go_build",
        ("go",),
        (("go build -gcflags=-e ./...", _GO), ("go build ./...", _GO)),
        made_in(table.GO, _module),
        _GO_ENV,
    ),
    Check("go_vet", ("go",), (("go vet ./...", _GO),), made_in(table.GO, _module), _GO_ENV),
    Check(
        "rustc",
        ("rustc",),
        ((_LOOP + "rustc --emit=metadata --crate-type lib -o /dev/null $f; done", _RUST),),
        made_in(table.RUST),
    ),
    Check("cargo", ("cargo",), (("cargo check --offline", _RUST),), made_in(table.RUST, _crate, "src/")),
    Check("javac", ("javac",), (("javac -Xlint:all -d out {files}", _JAVA),), made_in(table.JAVA)),
    Check("ruby", ("ruby",), ((_LOOP + "ruby -wc $f; done", _RUBY),), made_in(table.RUBY)),
    Check("perl", ("perl",), ((_LOOP + "perl -wc $f; done", _PERL),), made_in(table.PERL)),
    Check("php", ("php",), ((_LOOP + "php -l $f; done", _PHP),), made_in(table.PHP)),
    Check(
        "node_check", ("node",), ((_LOOP + 'node --check $f && echo "ok $f"; done', _NODE),), made_in(table.JAVASCRIPT)
    ),
    Check("lua", ("luac",), ((_LOOP + 'luac -p $f && echo "ok $f"; done', _LUA),), made_in(table.LUA)),
    Check(
        "shellcheck",
        ("shellcheck",),
        (("shellcheck -f gcc {files}", _SHELL), ("shellcheck {files}", _SHELL_TTY)),
        made_in(table.SHELL),
    ),
)
