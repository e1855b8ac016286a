"""Advice about a request that was not shortened: why, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from contextprune.proxy.job import Reason


class Advice(NamedTuple):
    """One sentence on what happened, one on what helps."""

    why: str
    what: str


ADVICE: Mapping[str, Advice] = {
    "noop": Advice(
        "There was nothing to take out.",
        "Nothing to do: short requests, instructions, and what the model wrote stay as they are, and so does what an "
        "earlier request of the session sent whole, because the provider's cache holds it. If most requests end like "
        "this, look at what their sessions' first requests say.",
    ),
    "audit": Advice(
        "It was measured only, and nothing would have been taken out.",
        "Nothing to do. Set the mode to `on` to shorten requests.",
    ),
    Reason.LATE: Advice(
        "Time ran out before everything was decided.",
        "Raise `deadline`, or give the machine's cores less to do; where a model was chosen and there is no GPU, take "
        "CONTEXTPRUNE_SCORER back to lexical.",
    ),
    Reason.BUSY: Advice(
        "Too many tokens were waiting for a scorer.",
        "Add `scorers` if there are cores for them, run more replicas, or raise `queue_tokens`.",
    ),
    Reason.CRASHED: Advice(
        "The scorer process died while it worked on this request; a new one was started.",
        "Look for the cause in the log around that time: memory that ran out is the usual one.",
    ),
    Reason.STARTING: Advice(
        "No scorer process was ready in time.",
        "Wait: this ends when a scorer is up, within seconds. If it does not, the log says why it cannot start.",
    ),
    Reason.BREAKER: Advice(
        "The scorer failed several times in a row, so it is being left alone for a while.",
        "It is tried again by itself. If that goes on, look for the first failure in the log.",
    ),
    Reason.PAYLOAD: Advice(
        "The body could not be read as this API's JSON.",
        "Check that the client speaks the API of this path; the provider's answer often names the mistake.",
    ),
    Reason.STORE: Advice(
        "Originals could not be kept, so nothing may be taken out.",
        "Check the disk's free space and rights, or that Redis can be reached: `contextprune doctor`.",
    ),
    Reason.REFUSED: Advice(
        "The provider refused the shortened request with 400 and was sent the original.",
        "If it accepted the original, please report it: the shortened request should have been as valid.",
    ),
    Reason.ERROR: Advice(
        "Something in contextprune failed, and the request went through as it was.",
        "Please report the error that the log has for this request.",
    ),
    Reason.TOO_LARGE: Advice(
        "The body is larger than what is looked at.",
        "Raise `largest` (bytes), and give the scorer more `deadline` with it.",
    ),
    Reason.OFF: Advice(
        "The mode was off, for the proxy or by the request's own header.",
        "Start with `--mode on`, or leave out the header `x-contextprune-mode: off`.",
    ),
    Reason.BYPASS: Advice(
        "The client asked for it with the header `x-contextprune-bypass`.",
        "Take that header out of the client's settings.",
    ),
    Reason.UNKNOWN_PATH: Advice(
        "The request has a context in it, but its path is of no API that contextprune reads, so it went on as it came.",
        "If the client can speak OpenAI's or Anthropic's API, set it to that: paths end in /chat/completions, "
        "/responses or /messages. Otherwise let it ask its provider directly.",
    ),
    Reason.NO_UPSTREAM: Advice(
        "The path or the key is of a provider that no upstream leads to, so the request was refused with 400 and "
        "sent to nobody.",
        "The answer and the log name the setting that leads there, such as "
        "--upstream /gemini=https://generativelanguage.googleapis.com.",
    ),
    Reason.NOT_FOUND: Advice(
        "No original is kept under the key that was asked for.",
        "It expired, or was kept in another store: `contextprune doctor` shows which one is in use.",
    ),
    Reason.DENIED: Advice(
        "What was asked for belongs to another credential, or none was given.",
        "Ask with the credential that the request was sent with.",
    ),
}
"""By reason, or by status where there is no reason."""

UNKNOWN = Advice("The reason is not known to this page.", "The log has the request under its number.")


def advice(reason: str) -> Advice:
    """The advice on a reason, or on a status without a reason."""
    return ADVICE.get(reason, UNKNOWN)
