"""Stack traces, cut inside: the message, the frames of one's own code, and those of libraries.

A frame is its own code unless it stands in a folder of installed packages, in a runtime or in a framework's namespace.
Python prints the innermost frame last, most others first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

_FRAME = re.compile(
    r"\s{0,40}(?:[|+]\s{0,8})?(?:File \"[^\"\n]{1,400}\", line \d|at [\w$.<>\[\]/@(*-]|from \S{1,400}:\d|#\d{1,4} "
    r"|\d{1,4}: \S|\.\.\. \d)"
    r"|[\w./*()\[\]-]{1,300}\([^\n]{0,300}\)$|created by \S|\s{1,40}[\w./-]{1,300}:\d{1,7}(?::in\b|\s|$)"
)
_LOCATION = re.compile(r"\s{1,40}(?:at )?[^\s:]{1,300}:\d")
_LINE_NUMBER = re.compile(r":\d|, line \d")
_PYTHON = re.compile(r"\s{0,40}(?:[|+]\s{0,8})?(?:File \"|Traceback \(most)")
_FOREIGN = re.compile(
    r"site-packages|dist-packages|node_modules|/lib/python\d|<frozen |<string>|\bnode:|\(internal/|internal/process"
    r"|/\.cargo/registry"
    r"|/rustc/|/rustlib/|/usr/local/go/|/usr/lib/|/go/pkg/mod/|\bruntime[./]|/gems/|/vendor/|\bstd::|\bcore::"
    r"|\balloc::|libc\.so"
    r"|\bat (?:async )?(?:java|javax|jdk|sun|com\.sun|jakarta|kotlin|kotlinx|scala|groovy|org\.(?:springframework"
    r"|apache|junit|hibernate|eclipse"
    r"|gradle|codehaus|jboss|postgresql|testng|mockito|assertj)|io\.(?:netty|micrometer|grpc)|reactor|com\.(?:google"
    r"|fasterxml|zaxxer|mysql)|okhttp3"
    r"|android|androidx|dalvik|System|Microsoft|NUnit|Xunit)[./$]|^\s{0,40}\.\.\. \d|webpack:|\btesting\.tRunner"
)
_CAUSE = re.compile(r"\s{0,40}(?:\[?cause\]?: |Caused by|Suppressed: |During handling of|The above exception|Error: )")

OWN_FRAMES = 3
"""Frames of one's own code, the innermost ones, that come right behind the message."""


class Part(IntEnum):
    """What a piece of a trace is, the most needed first."""

    MESSAGE = 0
    OWN_CODE = 1  # one of the innermost frames of one's own code
    NEAR = 2  # another one of them, or the innermost frame at all
    LIBRARY = 3


def piece_starts(text: str) -> list[int]:
    """Where the pieces of a trace begin: each frame with the lines that belong to it, and all other lines one by one.

    Empty where fewer than two frames stand in `text`: that is no trace.
    """
    starts: list[int] = []
    frames = at = 0
    in_frame = needs_place = False  # Go and Rust print where a frame stands on a line of its own

    for line in text.splitlines(keepends=True):
        bare = line.rstrip()
        if not bare:
            pass  # it belongs to the piece before it
        elif needs_place and _LOCATION.match(bare):
            needs_place = False
        elif _FRAME.match(bare):
            starts.append(at)
            frames += 1
            in_frame, needs_place = True, _LINE_NUMBER.search(bare) is None
        elif not (in_frame and _continues(bare)):
            starts.append(at)
            in_frame = needs_place = False
        at += len(line)

    if frames < 2:
        return []
    starts[0] = 0
    return starts


def _continues(line: str) -> bool:
    """Whether a line is what a frame shows: source, carets, a place."""
    return line[0] in " \t|" and not _CAUSE.match(line)


def parts_of(pieces: Sequence[str]) -> list[Part]:
    """What each piece of a trace is."""
    frames = [i for i, piece in enumerate(pieces) if _FRAME.match(piece.rstrip().split("\n", 1)[0])]
    parts = [Part.MESSAGE] * len(pieces)
    innermost_first = frames[::-1] if any(_PYTHON.match(piece) for piece in pieces) else frames
    own_frames = [i for i in innermost_first if not _FOREIGN.search(pieces[i])]
    for i in frames:
        parts[i] = Part.LIBRARY
    for i in (*innermost_first[:1], *own_frames):
        parts[i] = Part.NEAR
    for i in own_frames[:OWN_FRAMES]:
        parts[i] = Part.OWN_CODE
    return parts
