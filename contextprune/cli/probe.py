"""A client for a running proxy, in plain HTTP: no redirects, no proxies of the environment, all within a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

_LARGEST = 8 << 20  # bytes of an answer that are read


@dataclass(frozen=True, slots=True)
class Reply:
    """A response; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def fetch(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, seconds: float = 5.0) -> Reply:
    """GET `url`, or POST `body` to it. Raises OSError where nothing speaks HTTP there within `seconds` a step."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    sent = {"accept": "application/json", **({} if body is None else {"content-type": "application/json"})}
    try:
        connection.request("GET" if body is None else "POST", target, body, {**sent, **(headers or {})})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, names, response.read(_LARGEST))
    except (HTTPException, UnicodeError) as exc:
        raise OSError(f"no usable HTTP answer ({type(exc).__name__})") from exc
    finally:
        connection.close()
