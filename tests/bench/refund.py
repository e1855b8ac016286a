"""A session whose third call uses an identifier and a line that only the result of its first one showed."""

from __future__ import annotations

import json
from typing import Any

from contextprune.bench.data import Session

SECRET = "order_8841"
REPEATED = "total = price * quantity + shipping"


def call(number: int, **arguments: Any) -> dict[str, Any]:
    function = {"name": "shell", "arguments": json.dumps(arguments)}
    return {"role": "assistant", "content": "", "tool_calls": [{"id": f"c{number}", "function": function}]}


def result(number: int, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"c{number}", "content": text}


def refund(end: str, day: str) -> Session:
    """The session; `end` closes the result that is used, and `day` is the result between."""
    return Session(
        id="s",
        set="shop",
        messages=(
            {"role": "user", "content": "Refund the order of user_17."},
            call(1, command="find user_17"),
            result(1, f"user_17 has one order:\n{SECRET} was shipped\n  {REPEATED}\n{end}"),
            call(2, command="date"),
            result(2, day),
            call(3, command=f"refund {SECRET} for user_17\n{REPEATED}"),
            result(3, "done"),
        ),
    )
