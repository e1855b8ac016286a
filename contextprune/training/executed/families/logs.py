"""Logs of a small service that handles requests with real packages; goals follow one request, or the first error."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contextprune.training.executed.facts import FACTS, Made, filled
from contextprune.training.executed.output import Asks, Lines, Output
from contextprune.training.executed.phrases import say
from contextprune.training.executed.workbench import PYTHON, Bench

_FOLLOW = (
    "What happened to request {id}?",
    "Trace {id} through the log.",
    "{id}: did it succeed?",
    "Support ticket for request {id}; what does the log say?",
    "Everything about {id}, please.",
)
_WHY = (
    "Why did request {id} end in an error?",
    "Cause of the failure of {id}?",
    "{id} returned 500. What was the exception?",
)
_SUBJECT = (
    "What became of the request that dealt with {says}?",
    "A client asked for {says}. How was it answered?",
    "Find the traffic about {says} and tell me how it ended.",
    "Something with {says} was slow or broken; what does the log have on it?",
)
_USER = (
    "What did the user {user} do?",
    "All traces of {user}, please.",
    "{user} complains; which requests were theirs and how did they end?",
)
_FIRST = (
    "What was the first error?",
    "Where did it start to go wrong?",
    "Find the earliest failure.",
    "Which request broke before any other did?",
)
_SLOWEST = (
    "Which request took longest?",
    "What is the worst response time, and whose was it?",
    "Find the slowest answer.",
)
_ERROR = ("Which request ran into {error}?", "Who met the {error}?", "Find the {error} in the log.")
_SETTINGS = (
    "With which settings did the service start?",
    "How many workers does it have, and on which port does it listen?",
    "What happened at startup?",
)
_WARNED = (
    "Were there warnings? Not errors.",
    "Any retries or full queues?",
    "What looks suspicious but did not fail?",
)

_PROGRAM = '''"""A service in small: jobs come from jobs.json, the clock is ours."""
import json, logging, sys, traceback
{imports}

plan = json.load(open("jobs.json"))
now = [1735689600.0 + plan["start"]]
log = logging.getLogger(plan["service"])
style = plan["style"]


class Clock(logging.Filter):
    def filter(self, record):
        record.created = now[0]
        record.msecs = (now[0] % 1) * 1000
        return True


class Json(logging.Formatter):
    def format(self, record):
        said = {{"ts": self.formatTime(record), "level": record.levelname.lower(), "logger": record.name}}
        said.update(record.args if isinstance(record.args, dict) else {{}})
        return json.dumps({{**said, "msg": record.getMessage()}})


handler = logging.StreamHandler(sys.stdout)
handler.addFilter(Clock())
handler.setFormatter(Json() if style == "json" else logging.Formatter(style))
log.addHandler(handler)
log.setLevel(logging.DEBUG)
log.info("starting: port=%s workers=%s queue=%s", plan["port"], plan["workers"], plan["queue"])


def steps(job):
    tag = job["id"]
    log.info("[%s] %s /api/%s user=%s", tag, job["verb"], job["path"], job["user"])
    yield
    if job["retry"]:
        log.warning("[%s] upstream did not answer in %s ms, attempt 2", tag, job["retry"])
        yield
    log.debug("[%s] computing %s", tag, job["about"])
    yield
    try:
        found = eval(job["code"])
    except Exception as error:
        log.error("[%s] %s: %s", tag, type(error).__name__, " ".join(str(error).split())[:160])
        yield
        log.info("[%s] 500 in %d ms", tag, job["ms"])
    else:
        log.debug("[%s] result %s", tag, repr(found)[:80])
        yield
        log.info("[%s] 200 in %d ms", tag, job["ms"])


open_jobs = []
jobs = list(plan["jobs"])
turns = iter(plan["turns"] * 50)
while jobs or open_jobs:
    now[0] += next(turns) / 97
    if jobs and len(open_jobs) < plan["workers"]:
        open_jobs.append(steps(jobs.pop(0)))
    at = int(next(turns)) % len(open_jobs)
    try:
        next(open_jobs[at])
    except StopIteration:
        del open_jobs[at]
    if next(turns) > 98:
        log.debug("queue depth %d", len(jobs))
'''
_STYLES = (
    "%(asctime)s %(levelname)s %(name)s %(message)s",
    "%(asctime)s [%(levelname)-7s] %(message)s",
    "%(levelname)s:     %(message)s",
    "[%(asctime)s] %(name)s.%(levelname)s - %(message)s",
    "time=%(asctime)s level=%(levelname)s logger=%(name)s msg=%(message)r",
    "json",
)
_USERS_TEXT = "alba bruno chen dara emil fatou greta hugo ines jonas kofi lena mira nils olga pavel"
_USERS = _USERS_TEXT.split()


def services(bench: Bench) -> Iterator[Output]:
    """One log after another."""
    rng = bench.rng
    while True:
        subject = rng.choice(sorted({fact.package for fact in FACTS}))
        weights = [6 if fact.package == subject else 1 for fact in FACTS]
        made = [filled(rng, fact) for fact in rng.choices(FACTS, weights, k=rng.choice((5, 10, 18, 30, 60)))]
        jobs = [_job(bench, m) for m in made]
        plan = {
            "start": rng.randrange(10**7),
            "service": rng.choice(("gateway", "worker", "billing", "api", "render")),
            "style": rng.choice(_STYLES),
            "port": rng.choice((8000, 8080, 9000, 5432)),
            "workers": rng.choice((1, 2, 4, 6)),
            "queue": rng.choice((64, 128, 1000)),
            "jobs": jobs,
            "turns": [rng.randrange(100) for _ in range(3000)],
        }
        place = bench.place()
        (place / "jobs.json").write_text(json.dumps(plan))
        names = "\n".join(sorted({f"import {name}" for m in made for name in m.imports}))
        (place / "service.py").write_text(_PROGRAM.format(imports=names))
        text = bench.run([PYTHON, "service.py"], place)
        asks = Asks(Lines(text), most=16)
        _asks(bench, asks, jobs, made)
        file = f"{rng.choice(('/var/log', 'logs', '/srv/logs'))}/{plan['service']}.log"
        tool, call = rng.choice((
            ("bash", {"command": f"cat {file}"}),
            ("bash", {"command": f"cat {file} 2>/dev/null"}),
            ("get_logs", {"command": f"kubectl logs deploy/{plan['service']}"}),
        ))  # fmt: skip
        yield Output("logs", tool, call, text, subject, asks.found)


def _job(bench: Bench, made: Made) -> Mapping[str, Any]:
    rng = bench.rng
    tag = rng.choice(
        (f"req-{rng.randrange(16**6):06x}", f"{rng.randrange(16**8):08x}", f"R{rng.randrange(10000, 99999)}")
    )
    return {
        "id": tag,
        "verb": rng.choice(("GET", "POST", "PUT")),
        "path": made.fact.package,
        "user": rng.choice(_USERS),
        "about": made.fact.topic.replace("_", " "),
        "retry": rng.choice((0, 0, 0, 0, 250, 800)),
        "ms": rng.randrange(3, 4000),
        "code": made.bad if rng.random() < 0.25 else made.good,
    }


def _asks(bench: Bench, asks: Asks, jobs: Sequence[Mapping[str, Any]], made: Sequence[Made]) -> None:
    rng, lines = bench.rng, asks.lines.lines
    about = Counter(job["about"] for job in jobs)
    error_lines = [i for i, line in enumerate(lines) if re.search(r"error", line[:90], re.IGNORECASE) and "[" in line]
    of = {job["id"]: [i for i, line in enumerate(lines) if f"[{job['id']}]" in line] for job in jobs}
    errors = {tag: [i for i in rows if i in error_lines] for tag, rows in of.items()}
    for job, m in zip(jobs, made, strict=True):
        rows = of[job["id"]]
        asks.add(say(rng, _FOLLOW, id=job["id"]), rows, job["id"])
        if job["code"] == m.bad:
            asks.add(say(rng, _WHY, id=job["id"]), errors[job["id"]], job["id"])
        if about[job["about"]] == 1:
            for _ in range(2):
                asks.add(say(rng, _SUBJECT, says=m.fact.says), rows, job["about"], plain=False)
    for user in sorted({job["user"] for job in jobs}):
        mine = [i for job in jobs if job["user"] == user for i in of[job["id"]]]
        asks.add(say(rng, _USER, user=user), mine, f"user={user}", plain=False)
    _whole(bench, asks, jobs, of, errors)


def _whole(
    bench: Bench,
    asks: Asks,
    jobs: Sequence[Mapping[str, Any]],
    of: Mapping[str, list[int]],
    errors: Mapping[str, list[int]],
) -> None:
    """Goals about the log as a whole."""
    rng, lines = bench.rng, asks.lines.lines
    failed = sorted(i for rows in errors.values() for i in rows)
    for _ in range(2):
        asks.add(say(rng, _FIRST), failed[:1], plain=False)
        slowest = max(jobs, key=lambda job: int(job["ms"]))
        asks.add(say(rng, _SLOWEST), of[slowest["id"]][-1:], plain=False)
    asks.add(say(rng, _SETTINGS), asks.lines.having("starting: port="), plain=False)
    warned = list(asks.lines.having("did not answer in"))
    if warned:
        asks.add(say(rng, _WARNED), warned, plain=False)
    else:
        asks.nothing(say(rng, _WARNED))
    if not failed:
        for templates in (_FIRST[:3], _ERROR):
            asks.nothing(say(rng, templates, error="KeyError"))
    kinds = {i: found[1] for i in failed if (found := re.search(r"\] (\w+): ", lines[i]))}
    for row, kind in kinds.items():
        if list(kinds.values()).count(kind) == 1:
            asks.add(say(rng, _ERROR, error=kind), [row], kind)
