"""Examines a running proxy: its own pages, and a session that is sent through its side-car.

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
from contextprune.cli.probe import Reply, fetch
from contextprune.cli.stats import Stats, Traffic
from contextprune.errors import SettingsError
from contextprune.markers import KEY
from contextprune.proxy.job import Reason
from contextprune.proxy.options import check_upstream, load_options, without_version
from contextprune.proxy.telemetry.reasons import advice

_START = 10.0  # seconds that a proxy may take until it is ready
_WAIT = 30.0  # seconds for the canary


LEAST_TRAFFIC = 5  # requests from which on their shares say something
MUCH_LATE = 0.2  # of the requests: so many late ones cost more than a busy moment does


def examine_proxy(url: str, token: str | None = None) -> list[Finding]:
    """Findings in reading order; any with `trouble` means that requests through the proxy are not shortened.

    `token` is what the proxy wants from other machines; None takes the one in the settings.
    """
    try:
        base = _base(url)
        token = load_options().token if token is None else token
    except SettingsError as exc:
        return [Finding("address", url, str(exc))]

    findings = [_address(base)]
    if findings[0].trouble:
        return findings
    findings.append(_ready(base))

    headers = {"x-contextprune-probe": "1", **({"authorization": f"Bearer {token}"} if token else {})}
    stats = _stats(base, headers)
    if isinstance(stats, Finding):
        return [*findings, stats]
    findings += [_version(stats), _mode(stats), _traffic(stats), *_upstreams(stats), *_paths(stats)]
    return [*findings, *_canary(base, headers)]


def _base(url: str) -> str:
    """The proxy's own address, from the base URL that a client has in its settings."""
    base = without_version(url if "://" in url else f"http://{url}")
    check_upstream(base, "--proxy")
    return base


def _address(base: str) -> Finding:
    try:
        reply = fetch(f"{base}/livez")
    except OSError as exc:
        why = exc.strerror or str(exc)
        return Finding("address", base, f"nobody answers there ({why}); start it with: contextprune serve{_port(base)}")
    if reply.status != 200 or _object(reply).get("status") != "alive":
        why = f"its /livez answers {reply.status}"
        return Finding("address", base, f"something else listens there ({why}); is this the URL that serve printed?")
    return Finding("address", f"{base} answers")


def _port(base: str) -> str:
    port = urlsplit(base).port
    return "" if port in (None, 8788) else f" --port {port}"


def _ready(base: str) -> Finding:
    end = monotonic() + _START
    try:
        while (state := _object(reply := fetch(f"{base}/readyz"))).get("status") == "starting" and monotonic() < end:
            sleep(0.2)
    except OSError as exc:
        return Finding("readiness", "", f"no answer ({exc})")

    if reply.status != 200:
        status = state.get("status", reply.status)
        helps = "it is being stopped" if status == "draining" else "wait a few seconds, then look at its log"
        return Finding("readiness", f"it is not ready ({status})", f"requests pass as they are: {helps}")
    if state.get("scorers") == "degraded":
        why = "but no scorer is: requests pass as they are; its log says why none starts"
        return Finding("readiness", "ready", why)
    return Finding("readiness", "ready, and so are its scorers")


def _stats(base: str, headers: Mapping[str, str]) -> Stats | Finding:
    """The proxy's own figures; where it shows none, why."""
    try:
        reply = fetch(f"{base}/stats", headers=headers)
    except OSError as exc:
        return Finding("figures", "", f"no answer ({exc})")
    if reply.status in (401, 403, 404):
        return Finding("figures", "", _refused(reply))
    stats = Stats.of(reply.json()) if reply.status == 200 else None
    return stats or Finding("figures", "", f"/stats answers {reply.status}, and no JSON")


def _refused(reply: Reply) -> str:
    if reply.status == 404:
        return "the edge in front of it keeps its own pages to itself; ask the proxy directly, on its own machine"
    return "it shows itself to its own machine only: set CONTEXTPRUNE_SERVE_TOKEN to its token, or run this there"


def _version(stats: Stats) -> Finding:
    if stats.version != __version__:
        versions = f"it runs {stats.version}, this is {__version__}"
        return Finding("version", versions, "start it again, so that both are the same")
    return Finding("version", f"contextprune {stats.version}, as this one")


def _mode(stats: Stats) -> Finding:
    modes = f"{stats.mode}; recall {stats.recall}"
    if stats.mode == "audit":
        return Finding("mode", modes, "it measures and changes nothing: start it with --mode on")
    if stats.mode == "off":
        return Finding("mode", modes, "it only relays: start it with --mode on")
    return Finding("mode", modes)


def _traffic(stats: Stats) -> Finding:
    """The requests so far, and the state of its scorers."""
    traffic = stats.traffic or Traffic()
    counts = f"{traffic.eligible:,} requests to shorten, {traffic.shortened:,} shortened"
    if stats.trouble:
        return Finding("traffic", counts, f"its scorers do not start: {stats.trouble}")
    if stats.breaker != "closed":
        return Finding("traffic", f"{counts}; its breaker is {stats.breaker}", advice("breaker").what)
    if stats.silence is not None:
        helps = _helps(stats.silence.reason) if stats.silence.reason else ""
        silence = f"nothing was shortened for {stats.silence.seconds / 60:.0f} minutes. {helps}"
        return Finding("traffic", counts, silence.strip())

    late = sum(traffic.reasons.get(reason, 0) for reason in (Reason.LATE, Reason.BUSY))
    if traffic.eligible >= LEAST_TRAFFIC and late >= MUCH_LATE * traffic.eligible:
        return Finding("traffic", f"{counts}, {late:,} too late for it", _helps(Reason.LATE))
    return Finding("traffic", counts)


def _upstreams(stats: Stats) -> list[Finding]:
    """Upstreams that it could not reach the last time, with why; nothing where there are none."""
    return [Finding("upstream", name, why) for name, why in stats.unreachable.items()]


def _paths(stats: Stats) -> list[Finding]:
    """Requests that passed unread, or were refused, because of their path or key; nothing where there were none."""
    reasons = stats.traffic.reasons if stats.traffic else {}
    counts = {reason: reasons.get(reason, 0) for reason in (Reason.UNKNOWN_PATH, Reason.NO_UPSTREAM)}
    return [
        Finding("paths", f"{reason}: {count:,} request{'s' if count > 1 else ''}", _helps(reason))
        for reason, count in counts.items()
        if count
    ]


def _helps(reason: str) -> str:
    return f"{advice(reason).why} {advice(reason).what}"


def _canary(base: str, headers: Mapping[str, str], *, repeated: bool = False) -> list[Finding]:
    """Send a session through the side-car: something must go, the failure must stay, and all must come back.

    Where nothing goes, the log is sent twice in it (`repeated`): the settings may let only repetitions go.
    """
    body = canary(repeated=repeated)
    original = body["messages"][-1]["content"]
    try:
        reply = fetch(f"{base}/v1/compress", json.dumps(body).encode(), headers, _WAIT)
    except OSError as exc:
        return [Finding("canary", "", f"POST /v1/compress gave no answer ({exc})")]
    if reply.status in (401, 403, 404):
        return [Finding("canary", "", _refused(reply))]
    answer = _object(reply)
    messages = answer.get("messages")
    if reply.status != 200 or not isinstance(messages, list) or len(messages) != len(body["messages"]):
        return [_unusable(reply)]

    tokens = f"{answer.get('tokens_before', 0):,} tokens became {answer.get('tokens_after', 0):,}"
    log, text = (str(messages[at].get("content", "")) for at in (3, -1))
    if text == original:
        nothing = [Finding("canary", tokens, _why_nothing(reply, answer))]
        final = repeated or "x-contextprune-reason" in reply.headers
        return nothing if final else _only_repetitions(base, headers) or nothing
    if NEEDLE not in log:
        return [Finding("canary", tokens, "the error line was lost: set CONTEXTPRUNE_SCORER=lexical, and report it")]
    keys = answer.get("hashes") or [match[1] for match in KEY.finditer(text)]
    only = "; only repetitions go (repetitions_only)" if repeated else ""
    return [_comes_back(base, headers, f"{tokens}{only}", keys, original)]


def _only_repetitions(base: str, headers: Mapping[str, str]) -> list[Finding]:
    """The findings about a session in which the log comes twice, where all is well with them."""
    findings = _canary(base, headers, repeated=True)
    return [] if any(finding.trouble for finding in findings) else findings


def _unusable(reply: Reply) -> Finding:
    """An answer without messages, with the advice on the reason that it names."""
    message = _message(_object(reply))
    reason = next((word for word in Reason if re.search(rf"\b{word}\b", message)), "")
    helps = f": {_helps(reason)}" if reason else ""
    status = f"POST /v1/compress answers {reply.status}"
    return Finding("canary", status, f"{message}{helps}" if message else "and nothing usable")


def _comes_back(base: str, headers: Mapping[str, str], tokens: str, keys: Sequence[str], original: str) -> Finding:
    """Ask for the log again, by the first of its keys."""
    if not keys:
        return Finding("canary", tokens, "nothing names the original that was taken out; report it")
    try:
        reply = fetch(f"{base}/v1/retrieve/{keys[0]}", headers=headers)
    except OSError as exc:
        return Finding("canary", tokens, f"GET /v1/retrieve gave no answer ({exc})")
    if reply.status != 200 or _object(reply).get("original_content") != original:
        return Finding("canary", tokens, f"the log does not come back ({reply.status}): look at its store and its log")
    return Finding("canary", f"{tokens}; the error line stayed; the log came back byte for byte")


def _why_nothing(reply: Reply, answer: Mapping[str, Any]) -> str:
    """A sentence on why the canary came back as it was, and what to do about it."""
    reason = reply.headers.get("x-contextprune-reason", "")
    if reason:
        return f"nothing was compressed ({reason}): {_helps(reason)}"
    count = answer.get("tokens_before", 0)
    return (
        f"nothing was compressed: its settings let nothing of {count:,} tokens of log go. Look at min_tokens, recall, "
        "protect and exclude_tools where it runs: contextprune doctor, in its folder and environment"
    )


def _object(reply: Reply) -> dict[str, Any]:
    """The JSON object of an answer, empty where there is none."""
    data = reply.json()
    return data if isinstance(data, dict) else {}


def _message(data: Mapping[str, Any]) -> str:
    """The words of an error, in either shape: {"error": {"message": "..."}} or {"error": "..."}."""
    error = data.get("error")
    return str(error.get("message", "")) if isinstance(error, dict) else str(error or "")
