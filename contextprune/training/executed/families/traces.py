"""Stack traces of made batches whose jobs fail, in other languages than Python."""

from __future__ import annotations

from contextprune.training.executed import trace_table as table
from contextprune.training.executed.checks import Check, made_in
from contextprune.training.executed.findings import Form

_FAILED = r"\[batch\] (?P<name>\S+): FAILED"
_BATCH = r"\[batch\] \S+: (?:ok|FAILED)"
_NODE = Form(
    _FAILED,
    more=r"(?!\[batch\])",
    idle=r"\s+at (?:Object\.<anonymous>|Module\.|node:|Function\.|Array\.|checked |.*\(node:)",
    location=r"\s+at .*?(?P<file>\w+\.js):(?P<line>\d+)",
    summary=_BATCH,
)
_JAVA = Form(
    _FAILED,
    more=r"(?!\[batch\])",
    idle=r"\s+at (?:java\.|jdk\.|.*\.main\(|.*/)|\s+\.\.\. ",
    location=r"\s+at .*?\((?P<file>\w+\.java):(?P<line>\d+)\)",
    summary=_BATCH,
)
_RUBY = Form(
    _FAILED,
    more=r"(?!\[batch\])",
    idle=r"\s+from .*(?:<main>|'each'|`each'|'map'|`map'|`call')",
    location=r"(?P<file>\w+\.rb):(?P<line>\d+):in",
    summary=_BATCH,
)
_PHP = Form(
    _FAILED,
    more=r"(?!\[batch\])",
    idle=r"#\d+ (?:\{main\}|\[internal)",
    location=r".* in \S*?(?P<file>\w+\.php):(?P<line>\d+)$",
    summary=_BATCH,
)

CHECKS = (
    Check("node_trace", ("node",), (("node {files}", _NODE),), made_in(table.NODE, single=True)),
    Check("java_trace", ("java",), (("java {files}", _JAVA),), made_in(table.JAVA, single=True)),
    Check("ruby_trace", ("ruby",), (("ruby {files}", _RUBY),), made_in(table.RUBY, single=True)),
    Check("php_trace", ("php",), (("php {files}", _PHP),), made_in(table.PHP, single=True)),
)
