"""Lists and dicts as Python prints them: what a tool returns that hands its value on as `str(value)`, on one line.

They are read as JSON is, by other tokens: strings in either quotes, `True`, `None`, tuples, calls such as
`Decimal('1')`. A marker in a list is a string in double quotes, so what is left can be read again.
"""

from __future__ import annotations

import re

_LEAST = 80  # characters worth cutting
_OPENING = re.compile(r"\s{0,20}[\[{(][\[{( ]{0,20}(?:'|[^'\n]{0,200}[\[{(:,] ?')")
_CLOSED = ("]", "}", ")")

_SPACE = r"[ \t]*+"
_STRING = r"""(?:'[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*+'|"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+")"""
_WORD = r"[+-]?[\w.+-]++"  # a number, True, None, nan
_CALL = r"[A-Za-z_][\w.]{0,80}+\([^()\n]{0,400}+\)|<[^<>\n]{0,400}+>"  # of a class that prints itself in this way
_VALUE = rf"(?:b{_STRING}|{_STRING}|{_CALL}|{_WORD})"

PRINTED = re.compile(
    rf"{_SPACE}(?:(?P<close>[\]}})])(?:{_SPACE},)?"
    rf"|(?:(?P<key>{_STRING}|{_WORD}){_SPACE}:)?{_SPACE}(?:(?P<open>[\[{{(])|(?P<value>{_VALUE})(?:{_SPACE},)?)"
    r"|(?P<end>\s*+\Z)|(?P<bad>[\s\S]))"
)
"""The tokens, as JSON has them: a closing bracket, or a member (its key, then a scalar or an opening bracket)."""


def may_be_printed(text: str) -> bool:
    """Tell whether a text looks like a list or a dict that Python printed, by its beginning and its end."""
    body = text.rstrip()
    return len(body) >= _LEAST and body.endswith(_CLOSED) and bool(_OPENING.match(body)) and "\n" not in body
