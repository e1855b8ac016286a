"""The treatment of a request, decided before anything is done with it: a function of its head and the options alone.

No I/O and no clock. `forward` carries it out. Once the body has been read, `reconsider` decides again, by its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from contextprune.proxy.job import NO_REASON, Reason
from contextprune.proxy.options import Options
from contextprune.proxy.wire.body import declared, has_body, too_large
from contextprune.proxy.wire.credentials import CREDENTIALS
from contextprune.proxy.wire.headers import Control, Headers, UnusableHeader, control
from contextprune.proxy.wire.routes import Route

_UNTOUCHED = Control(mode="off", recall="off", session="")  # requests without a context in them
_WEBSOCKET = (
    "WebSocket connections are not relayed; use HTTP with streaming. In Codex, set supports_websockets = false "
    "for this provider in ~/.codex/config.toml; in the OpenAI SDK, leave out websocket_base_url."
)
_FULL = "too many requests are in flight (connections); try again"


class Action(StrEnum):
    """What is done with a request."""

    RELAY = "relay"  # as it came, its body as it comes
    SHORTEN = "shorten"
    MEASURE = "measure"  # relay it, and tell what shortening would have done
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Answer to a request that is not let in: HTTP status, message, and headers besides."""

    status: int
    message: str
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Treatment:
    """Decision about one request.

    action    one of Action
    control   what holds for it; None where it is refused before that matters
    reason    why it is relayed as it came; NO_REASON where there is nothing in it to shorten
    limit     bytes of its body on the wire; None for any number
    refusal   of a request that is refused, else None
    """

    action: Action
    control: Control | None = None
    reason: Reason | Literal[""] = NO_REASON
    limit: int | None = None
    refusal: Refusal | None = None


def choose_treatment(
    route: Route, headers: Mapping[bytes, bytes], options: Options, *, full: bool = False
) -> Treatment:
    """Decide by a request's route and headers; `full`: as many requests as may be are in flight already."""
    if headers.get(b"upgrade", b"").strip().lower() == b"websocket":
        return _refused(426, _WEBSOCKET, [(b"upgrade", b"HTTP/1.1"), (b"connection", b"upgrade, close")])
    if full:
        return _refused(503, _FULL, [(b"retry-after", b"1")])
    if route.refusal:
        counts = has_body(headers) or any(name in headers for name in CREDENTIALS)  # not what browsers ask for
        return replace(_refused(400, route.refusal), reason=Reason.NO_UPSTREAM if counts else NO_REASON)
    if route.task is None:
        return Treatment(Action.RELAY, _UNTOUCHED)

    try:
        holds = control(headers, options)
    except UnusableHeader as exc:
        return _refused(400, str(exc))
    treatment = Treatment(Action.SHORTEN, holds, limit=options.max_body)
    if holds.bypass:
        treatment = replace(treatment, action=Action.RELAY, reason=Reason.BYPASS)
    elif holds.mode == "off":
        treatment = replace(treatment, action=Action.RELAY, reason=Reason.OFF)
    elif holds.mode == "audit":
        treatment = replace(treatment, action=Action.MEASURE)
    return _within_bounds(treatment, declared(headers), options)


def reconsider(treatment: Treatment, size: int | None, options: Options) -> Treatment:
    """Decide again about a body that was read: `size` is in decoded bytes without images, None if it has no such."""
    if size is None:
        return replace(treatment, action=Action.RELAY, reason=Reason.PAYLOAD)
    if size > options.largest:
        return replace(treatment, action=Action.RELAY, reason=Reason.TOO_LARGE)
    return treatment


def _within_bounds(treatment: Treatment, length: int | None, options: Options) -> Treatment:
    """Refuse what is announced to be too large; None is no announcement."""
    if length is None or length <= options.max_body:
        return treatment
    refusal = Refusal(413, too_large(length, options.max_body).message)
    return replace(treatment, action=Action.REFUSE, reason=treatment.reason or Reason.TOO_LARGE, refusal=refusal)


def _refused(status: int, message: str, headers: Headers = ()) -> Treatment:
    return Treatment(Action.REFUSE, refusal=Refusal(status, message, headers))
