"""Logs of a small service that handles requests with real packages; goals follow one request, or the first error."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contextprune.training.executed.facts import FACTS, FilledFact, fill
from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.phrases import phrase
from contextprune.training.executed.workbench import PYTHON, Workbench

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
    "What became of the request that dealt with {description}?",
    "A client asked for {description}. How was it answered?",
    "Find the traffic about {description} and tell me how it ended.",
    "Something with {description} was slow or broken; what does the log have on it?",
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


def services(bench: Workbench) -> Iterator[Output]:
    """Endless logs, each of one run of a generated service."""
    rng = bench.rng
    while True:
        subject = rng.choice(sorted({known_fact.package for known_fact in FACTS}))
        weights = [6 if known_fact.package == subject else 1 for known_fact in FACTS]
        facts = [fill(rng, known_fact) for known_fact in rng.choices(FACTS, weights, k=rng.choice((5, 10, 18, 30, 60)))]
        jobs = [_job(bench, fact) for fact in facts]

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

        folder = bench.fresh_folder()
        (folder / "jobs.json").write_text(json.dumps(plan))
        names = "\n".join(sorted({f"import {name}" for fact in facts for name in fact.imports}))
        (folder / "service.py").write_text(_PROGRAM.format(imports=names))
        text = bench.run([PYTHON, "service.py"], folder)
        goals = GoalCollector(Lines(text), max_lines=16)
        _collect_goals(bench, goals, jobs, facts)

        file = f"{rng.choice(('/var/log', 'logs', '/srv/logs'))}/{plan['service']}.log"
        tool, call = rng.choice((
            ("bash", {"command": f"cat {file}"}),
            ("bash", {"command": f"cat {file} 2>/dev/null"}),
            ("get_logs", {"command": f"kubectl logs deploy/{plan['service']}"}),
        ))  # fmt: skip
        yield Output("logs", tool, call, text, subject, goals.collected)


def _job(bench: Workbench, fact: FilledFact) -> Mapping[str, Any]:
    rng = bench.rng
    tag = rng.choice(
        (f"req-{rng.randrange(16**6):06x}", f"{rng.randrange(16**8):08x}", f"R{rng.randrange(10000, 99999)}")
    )
    return {
        "id": tag,
        "verb": rng.choice(("GET", "POST", "PUT")),
        "path": fact.fact.package,
        "user": rng.choice(_USERS),
        "about": fact.fact.topic.replace("_", " "),
        "retry": rng.choice((0, 0, 0, 0, 250, 800)),
        "ms": rng.randrange(3, 4000),
        "code": fact.bad if rng.random() < 0.25 else fact.good,
    }


def _collect_goals(
    bench: Workbench, goals: GoalCollector, jobs: Sequence[Mapping[str, Any]], facts: Sequence[FilledFact]
) -> None:
    rng, lines = bench.rng, goals.lines.lines
    topics = Counter(job["about"] for job in jobs)
    error_lines = [i for i, line in enumerate(lines) if re.search(r"error", line[:90], re.IGNORECASE) and "[" in line]
    rows_of = {job["id"]: [i for i, line in enumerate(lines) if f"[{job['id']}]" in line] for job in jobs}
    errors = {tag: [i for i in rows if i in error_lines] for tag, rows in rows_of.items()}

    for job, fact in zip(jobs, facts, strict=True):
        rows = rows_of[job["id"]]
        goals.add(phrase(rng, _FOLLOW, id=job["id"]), rows, job["id"])
        if job["code"] == fact.bad:
            goals.add(phrase(rng, _WHY, id=job["id"]), errors[job["id"]], job["id"])
        if topics[job["about"]] == 1:
            for _ in range(2):
                goals.add(phrase(rng, _SUBJECT, description=fact.fact.description), rows, job["about"], plain=False)

    for user in sorted({job["user"] for job in jobs}):
        user_rows = [i for job in jobs if job["user"] == user for i in rows_of[job["id"]]]
        goals.add(phrase(rng, _USER, user=user), user_rows, f"user={user}", plain=False)
    _overall_goals(bench, goals, jobs, rows_of, errors)


def _overall_goals(
    bench: Workbench,
    goals: GoalCollector,
    jobs: Sequence[Mapping[str, Any]],
    rows_of: Mapping[str, list[int]],
    errors: Mapping[str, list[int]],
) -> None:
    """Add goals for the log as a whole: the first error, the slowest request, the settings, the warnings."""
    rng, lines = bench.rng, goals.lines.lines
    failed = sorted(i for rows in errors.values() for i in rows)
    for _ in range(2):
        goals.add(phrase(rng, _FIRST), failed[:1], plain=False)
        slowest = max(jobs, key=lambda job: int(job["ms"]))
        goals.add(phrase(rng, _SLOWEST), rows_of[slowest["id"]][-1:], plain=False)

    goals.add(phrase(rng, _SETTINGS), goals.lines.matching("starting: port="), plain=False)
    warned = list(goals.lines.matching("did not answer in"))
    if warned:
        goals.add(phrase(rng, _WARNED), warned, plain=False)
    else:
        goals.add_unanswerable(phrase(rng, _WARNED))

    if not failed:
        for templates in (_FIRST[:3], _ERROR):
            goals.add_unanswerable(phrase(rng, templates, error="KeyError"))
    kinds = {i: match[1] for i in failed if (match := re.search(r"\] (\w+): ", lines[i]))}
    for row, kind in kinds.items():
        if list(kinds.values()).count(kind) == 1:
            goals.add(phrase(rng, _ERROR, error=kind), [row], kind)
