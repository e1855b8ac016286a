"""Runs of made Python projects in the report styles of pytest, of nose2, doctest, coverage and Cython."""

from __future__ import annotations

from dataclasses import replace

from contextprune.training.executed.checks import Check, Project, made_in
from contextprune.training.executed.findings import Form
from contextprune.training.executed.languages import Language
from contextprune.training.executed.made_tests import Suite
from contextprune.training.executed.workbench import Workbench

_PYTHON = Language(
    ".py",
    '"""A part of the shop."""\n',
    (
        "\ndef @f@(@a@, @b@):\n    if @a@ < 0:\n        raise ValueError(@a@)\n    return @a@ * @k@ + @b@ - @m@\n",
        (
            '\ndef @f@(@a@, @b@):\n    """Add up in steps."""\n    total = @b@ - @m@\n    for _ in range(@k@):\n'
            "        total += @a@\n    if total > 10**9:\n        total = 0\n        return total\n    return total\n"
        ),
    ),
    "",
    (),
)
_PYTEST = Suite(
    _PYTHON,
    "test_@c@.py",
    "import pytest\n\nfrom @C@ import *\n",
    '\ndef test_@t@():\n    """Covers: @w@."""\n    assert @f@(@x@, @y@) == @e@\n',
    '\ndef test_@t@(tmp_path):\n    text = (tmp_path / "@f@.txt").read_text()\n    assert text == str(@f@(@x@, @y@))\n',
    '\n@pytest.mark.skip(reason="not ready: @w@")\ndef test_@t@():\n    assert @f@(@x@, @y@) > 0\n',
)
_NOSE = Suite(
    _PYTHON,
    "test_@c@.py",
    "import unittest\n\nfrom @C@ import *\n\n\nclass Tests(unittest.TestCase):",
    "    def test_@t@(self):\n        self.assertEqual(@f@(@x@, @y@), @e@)\n",
    '    def test_@t@(self):\n        self.assertEqual(open("@f@.json").read(), "")\n',
    '    @unittest.skip("not ready: @w@")\n    def test_@t@(self):\n        @f@(@x@, @y@)\n',
)
_DOCTEST = Suite(
    _PYTHON,
    "",
    '\n\ndef examples():\n    """Show what the functions give.\n',
    "    >>> @f@(@x@, @y@)\n    @e@\n",
    "    >>> open(\"@f@.json\").read()\n    ''\n",
    "    >>> @f@(@x@, @y@)  # doctest: +SKIP\n    0\n",
    '    """\n',
    inline=True,
)
_CYTHON = Language(
    ".pyx",
    "# cython: language_level=3\n",
    (
        "\ncdef int @f@(int @a@, int @b@):\n    cdef int total = @a@ * @k@\n    @@\n    return total + @b@ - @m@\n",
        (
            "\ndef @f@(int @a@, int @b@):\n    cdef int total = @b@ - @m@\n    for i in range(@k@):\n"
            "        total += @a@\n    @@\n    return total\n"
        ),
    ),
    "",
    (
        ("a name that is declared nowhere", "total += @n@"),
        ("a text where a number belongs", 'total = "@n@"'),
        ("a type that does not exist", "cdef Missing@n@ thing"),
        ("a declaration within a loop", "for i in range(2):\n    cdef int @n@ = 3"),
        ("a second declaration of a name", "cdef int total = 3"),
        ("a pointer made from an object", "cdef int *@n@ = object()"),
        ("an operand that is missing", "total = total +"),
        ("a module that cannot be found", "from @n@ cimport thing"),
        ("too many arguments for a function", "total = len(1, 2)"),
    ),
)

_END = r"(?:FAILED|ERROR) (?P<file2>\S+?)::(?P<name2>\w+)"
_LINE = Form(
    rf"\S*?(?P<file>test_\w+\.py):(?P<line>\d+): |{_END}",
    more=r"(?!)",
    summary=r"={3,} .*(?:passed|failed|skipped).* in |\d+ (?:passed|failed)",
)
_SHORT = Form(
    rf"_{{3,}} (?:ERROR at setup of )?(?P<name>\w+) _{{3,}}$|{_END}",
    more=r"(?!_{3,}|={3,}|FAILED|ERROR )",
    frame=r"\S+\.py:\d+: in |/\S+\.py:\d+: ",
    user_frame=r"(?:test_)?\w+\.py:\d+: ",
    location=r"(?P<file>test_\w+\.py):(?P<line>\d+): ",
    summary=_LINE.summary,
)
_NATIVE = replace(
    _SHORT,
    frame=r'\s*File "',
    user_frame=r'\s*File "\S*test_\w+\.py"',
    idle=r"Traceback",
    location=r'\s*File "\S*?(?P<file>test_\w+\.py)", line (?P<line>\d+)',
)
_JUNIT = Form(
    r'\s*<testcase .*name="(?P<name>\w+)".*>$(?<!/>)',
    more=r"(?!\s*<testcase|\s*</testsuite)(?!\s*<skipped)",
    idle=r"\s*</|\s*$",
    summary=r"\s*<testsuite .*|\s+errors=|.*failures=",
)
_UNITTEST = Form(
    r"(?:FAIL|ERROR): (?P<name>\w+) \(",
    more=r"(?!={5,}|Ran \d)",
    idle=r"-{5,}|Traceback|\s*$",
    frame=r'  File "',
    user_frame=r'  File "\S*test_\w+\.py"',
    location=r'  File "\S*?(?P<file>test_\w+\.py)", line (?P<line>\d+)',
    summary=r"Ran \d+ tests?|FAILED \(|OK$",
)
_DOCTEST_FORM = Form(
    r'File "\S*?(?P<file>\w+\.py)", line (?P<line>\d+), in ',
    more=r"(?!\*{20}|File \"\S+\", line \d+, in \w+\.)",
    idle=r"\s*Traceback",
    frame=r'\s+File "',
    user_frame=r'\s+File "<doctest',
    location=r"\s+(?P<name>\w+)\(",
    summary=r"\*\*\*Test Failed|\d+ items? (?:had|passed)|\s+\d+ of +\d+ in|\d+ (?:tests|passed)",
)
_COVERAGE = Form(r"(?P<file>\S+\.py)\s+\d+\s+[1-9]\d*.*\d+%", more=r"(?!)", heading=r"Name\s+Stmts", summary=r"TOTAL ")
_CYTHON_FORM = Form(
    r"Error compiling Cython file|(?P<level>warning): (?P<file>[^\s:]+):(?P<line>\d+)",
    more=r"(?!Error compiling|warning:|Traceback)",
    idle=r"-{20}|\.\.\.$|\s*$",
    location=r"(?P<file>\w+\.pyx):(?P<line>\d+):",
)
_PLAIN = "-p no:cacheprovider -p no:randomly"


def _half_tested(bench: Workbench) -> Project:
    """Make a project whose functions are not all called by its tests."""
    project = _PYTEST(bench)
    kept = {}
    for name, text in project.files.items():
        head, *cases = text.split("\ndef test_") if name.startswith("test_") else (text,)
        kept[name] = "\ndef test_".join([head, *(case for case in cases if bench.rng.random() < 0.6)])
    return replace(project, files=kept, planted=())


CHECKS = (
    Check(
        "pytest_reports",
        ("pytest",),
        (
            (f"python -m pytest {_PLAIN} --tb=line", _LINE),
            (f"python -m pytest {_PLAIN} --tb=short -q", _SHORT),
            (f"python -m pytest {_PLAIN} --tb=native", _NATIVE),
            (f"python -m pytest {_PLAIN} --tb=no -q -rA", _LINE),
            (f"python -m pytest {_PLAIN} -n 2 --tb=short -v", _SHORT),
        ),
        _PYTEST,
    ),
    Check(
        "junit",
        ("pytest", "tidy"),
        ((f"python -m pytest {_PLAIN} -q --junit-xml=r.xml > /dev/null; tidy -xml -q -i -w 200 r.xml", _JUNIT),),
        _PYTEST,
    ),
    Check("nose2", ("nose2",), (("nose2 -v", _UNITTEST), ("nose2", _UNITTEST)), _NOSE),
    Check(
        "doctest",
        (),
        (("python -m doctest {files}", _DOCTEST_FORM), ("python -m doctest -v {files}", _DOCTEST_FORM)),
        _DOCTEST,
    ),
    Check(
        "coverage",
        ("coverage",),
        ((f"coverage run -m pytest {_PLAIN} -q > /dev/null; coverage report -m", _COVERAGE),),
        _half_tested,
    ),
    Check("cython", ("cython",), (("cython -3 {files}", _CYTHON_FORM),), made_in(_CYTHON)),
)
