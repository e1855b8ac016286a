"""Does a running proxy shorten what is sent to it? Asks it about itself, and sends a session through its side-car.

The side-car and the relay share engine, settings and store, and the side-car needs no key and no provider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from contextprune._version import __version__
from contextprune.cli.doctor import NEEDLE, Finding, canary
from contextprune.cli.probe import Reply, ask
from contextprune.errors import SettingsError
from contextprune.markers import KEY
from contextprune.proxy.job import Reason
from contextprune.proxy.options import check_upstream, load_options, without_version
from contextprune.proxy.telemetry.reasons import advice

_START = 10.0  # seconds that a proxy may take until it is ready
_WAIT = 30.0  # seconds for the canary


def examine_proxy(url: str, token: str | None = None) -> list[Finding]:
    """Findings in reading order; any with `trouble` means that requests through the proxy are not shortened.

    `token` is what the proxy wants from other machines; None for the one in the settings.
    """
    try:
        base = _base(url)
        token = load_options().token if token is None else token
    except SettingsError as exc:
        return [Finding("address", url, str(exc))]
    headers = {"authorization": f"Bearer {token}"} if token else {}
    findings = [_address(base)]
    if findings[0].trouble:
        return findings
    findings.append(_ready(base))
    stats, said = _stats(base, headers)
    findings += said
    if stats is not None:
        findings += [_version(stats), _mode(stats), _traffic(stats)]
    if stats is not None or not any(finding.trouble for finding in said):
        findings += _canary(base, headers)
    return findings


def _base(url: str) -> str:
    """The proxy's own address, from whatever of it a client has in its settings."""
    base = without_version(url if "://" in url else f"http://{url}")
    check_upstream(base, "--proxy")
    return base


def _address(base: str) -> Finding:
    try:
        reply = ask(f"{base}/livez")
    except OSError as exc:
        why = exc.strerror or str(exc)
        return Finding("address", base, f"nobody answers there ({why}); start it with: contextprune serve{_port(base)}")
    if reply.status != 200 or not isinstance(told := reply.json(), dict) or told.get("status") != "alive":
        what = f"its /livez answers {reply.status}"
        return Finding("address", base, f"something else listens there ({what}); is this the URL that serve printed?")
    return Finding("address", f"{base} answers")


def _port(base: str) -> str:
    port = urlsplit(base).port
    return "" if port in (None, 8788) else f" --port {port}"


def _ready(base: str) -> Finding:
    end = monotonic() + _START
    try:
        while (told := _object(reply := ask(f"{base}/readyz"))).get("status") == "starting" and monotonic() < end:
            sleep(0.2)
    except OSError as exc:
        return Finding("readiness", "", f"no answer ({exc})")
    if reply.status != 200:
        state = told.get("status", reply.status)
        help_ = "it is being stopped" if state == "draining" else "wait a few seconds, then look at its log"
        return Finding("readiness", f"it is not ready ({state})", f"requests pass as they are: {help_}")
    if told.get("scorers") == "degraded":
        return Finding(
            "readiness", "ready", "but no scorer is: requests pass as they are; its log says why none starts"
        )
    return Finding("readiness", "ready, and so are its scorers")


def _stats(base: str, headers: Mapping[str, str]) -> tuple[dict[str, Any] | None, list[Finding]]:
    """What it says of itself; where it says nothing, why."""
    try:
        reply = ask(f"{base}/stats", headers=headers)
    except OSError as exc:
        return None, [Finding("figures", "", f"no answer ({exc})")]
    if reply.status in (401, 403, 404):
        return None, [Finding("figures", "", _refused(reply))]
    told = reply.json()
    if reply.status != 200 or not isinstance(told, dict):
        return None, [Finding("figures", "", f"/stats answers {reply.status}, and no JSON")]
    return told, []


def _refused(reply: Reply) -> str:
    if reply.status == 404:
        return "the edge in front of it keeps its own pages to itself; ask the proxy directly, on its own machine"
    return "it shows itself to its own machine only: set CONTEXTPRUNE_SERVE_TOKEN to its token, or run this there"


def _version(stats: Mapping[str, Any]) -> Finding:
    theirs = str(stats.get("version", "unknown"))
    if theirs != __version__:
        return Finding(
            "version", f"it runs {theirs}, this is {__version__}", "start it again, so that both are the same"
        )
    return Finding("version", f"contextprune {theirs}, as this one")


def _mode(stats: Mapping[str, Any]) -> Finding:
    mode, recall = str(stats.get("mode", "unknown")), str(stats.get("recall", "off"))
    said = f"{mode}; recall {recall}"
    if mode == "audit":
        return Finding("mode", said, "it measures and changes nothing: start it with --mode on")
    if mode == "off":
        return Finding("mode", said, "it only relays: start it with --mode on")
    return Finding("mode", said)


def _traffic(stats: Mapping[str, Any]) -> Finding:
    """What it made of the requests so far, and what its scorers say."""
    told, scorers, warning = stats.get("all") or {}, stats.get("scorers") or {}, stats.get("warning")
    said = f"{told.get('eligible', 0):,} requests to shorten, {told.get('shortened', 0):,} shortened"
    if scorers.get("trouble"):
        return Finding("traffic", said, f"its scorers do not start: {scorers['trouble']}")
    if scorers.get("breaker", "closed") != "closed":
        return Finding("traffic", f"{said}; its breaker is {scorers['breaker']}", advice("breaker").what)
    if warning:
        reason = next((reason for reason, _ in warning["reasons"]), "")
        helps = f"{advice(reason).why} {advice(reason).what}" if reason else ""
        return Finding(
            "traffic", said, f"nothing was shortened for {warning['seconds'] / 60:.0f} minutes. {helps}".strip()
        )
    return Finding("traffic", said)


def _canary(base: str, headers: Mapping[str, str]) -> list[Finding]:
    """Send a session through the side-car: something must go, the failure must stay, and all must come back."""
    body = canary()
    original = body["messages"][-1]["content"]
    try:
        reply = ask(f"{base}/v1/compress", json.dumps(body).encode(), headers, _WAIT)
    except OSError as exc:
        return [Finding("canary", "", f"POST /v1/compress gave no answer ({exc})")]
    told = reply.json()
    messages = told.get("messages") if isinstance(told, dict) else None
    if reply.status in (401, 403, 404):
        return [Finding("canary", "", _refused(reply))]
    if reply.status != 200 or not isinstance(messages, list) or len(messages) != len(body["messages"]):
        message = _message(told)
        reason = next((word for word in Reason if re.search(rf"\b{word}\b", message)), "")
        helps = f": {advice(reason).why} {advice(reason).what}" if reason else ""
        said = f"POST /v1/compress answers {reply.status}"
        return [Finding("canary", said, f"{message}{helps}" if message else "and nothing usable")]
    said = f"{told.get('tokens_before', 0):,} tokens became {told.get('tokens_after', 0):,}"
    text = str(messages[-1].get("content", ""))
    if text == original:
        return [Finding("canary", said, _why_nothing(reply, told))]
    if NEEDLE not in text:
        return [Finding("canary", said, "the error line was lost: set CONTEXTPRUNE_SCORER=lexical, and report it")]
    named = told.get("hashes") or [found[1] for found in KEY.finditer(text)]
    return [_comes_back(base, headers, said, named, original)]


def _comes_back(base: str, headers: Mapping[str, str], said: str, keys: Sequence[str], original: str) -> Finding:
    """Whether the log can be had again."""
    if not keys:
        return Finding("canary", said, "nothing names the original that was taken out; report it")
    try:
        reply = ask(f"{base}/v1/retrieve/{keys[0]}", headers=headers)
    except OSError as exc:
        return Finding("canary", said, f"GET /v1/retrieve gave no answer ({exc})")
    told = reply.json()
    if reply.status != 200 or not isinstance(told, dict) or told.get("original_content") != original:
        return Finding("canary", said, f"the log does not come back ({reply.status}): look at its store and its log")
    return Finding("canary", f"{said}; the error line stayed; the log came back byte for byte")


def _why_nothing(reply: Reply, told: Mapping[str, Any]) -> str:
    """Why the canary came back as it was, and what to do about it."""
    reason = reply.headers.get("x-contextprune-reason", "")
    if reason:
        return f"nothing was compressed ({reason}): {advice(reason).why} {advice(reason).what}"
    count = told.get("tokens_before", 0)
    return (
        f"nothing was compressed: its settings let nothing of {count:,} tokens of log go. Look at min_tokens, recall, "
        "protect and exclude_tools where it runs: contextprune doctor, in its folder and environment"
    )


def _object(reply: Reply) -> dict[str, Any]:
    """The JSON object of an answer, empty where there is none."""
    told = reply.json()
    return told if isinstance(told, dict) else {}


def _message(told: Any) -> str:
    """The words of an error, in whichever shape."""
    error = told.get("error") if isinstance(told, dict) else None
    return str(error.get("message", "")) if isinstance(error, dict) else str(error or "")
