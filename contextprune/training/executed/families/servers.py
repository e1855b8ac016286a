"""Logs of servers that really answered: uvicorn with routes that fail, and the access log of a file server."""

from __future__ import annotations

import json

from contextprune.training.executed.checks import Check, Project
from contextprune.training.executed.facts import FACTS, fill
from contextprune.training.executed.finding_goals import Planted
from contextprune.training.executed.findings import Form
from contextprune.training.executed.languages import NOUNS, VERBS
from contextprune.training.executed.workbench import Workbench

_APP = """import json
{imports}
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

{routes}
app = Starlette(routes=[{table}])
"""
_SERVE = """import asyncio, http.client, json, sys
import uvicorn
from app import app


def visit(port):
    for verb, path in json.load(open("requests.json")):
        link = http.client.HTTPConnection("127.0.0.1", port)
        link.request(verb, path)
        link.getresponse().read()


async def main():
    server = uvicorn.Server(uvicorn.Config(app, port=0, host="127.0.0.1", log_level=sys.argv[1]))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    await asyncio.to_thread(visit, port)
    server.should_exit = True
    await task


asyncio.run(main())
"""
_STATIC = """import json, threading, http.client
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

SimpleHTTPRequestHandler.log_date_time_string = lambda self: "01/Mar/2025 10:00:00"
server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for verb, path in json.load(open("requests.json")):
    link = http.client.HTTPConnection("127.0.0.1", server.server_port)
    link.request(verb, path)
    link.getresponse().read()
"""
_PROBE = """import json, subprocess, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

answers = json.load(open("answers.json"))


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = answers[self.path]
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write((json.dumps(body, indent=2) + "\\n").encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
for path in answers:
    print(f"+ curl -s{sys.argv[1]} http://api.internal{path}", flush=True)
    url = f"http://127.0.0.1:{server.server_port}{path}"
    subprocess.run(["curl", f"-s{sys.argv[1]}", "-H", "Host: api.internal", url], stderr=subprocess.STDOUT)
"""
_FAULTS = (
    (400, "bad_request", "a field of the request has the wrong type"),
    (401, "token_expired", "credentials that are no longer valid"),
    (403, "missing_scope", "a right that the caller lacks"),
    (404, "not_found", "a record that does not exist"),
    (409, "version_conflict", "a change that another change came before"),
    (422, "invalid_value", "a value outside of what is allowed"),
    (429, "rate_limited", "too many requests in a short time"),
    (500, "internal_error", "a fault of the service itself"),
    (502, "bad_gateway", "a service behind it that answered nonsense"),
    (503, "maintenance", "a service that is switched off for repairs"),
)
_CURL = Form(
    r"(?:< )?HTTP/1\.\d (?P<code>[45]\d\d)",
    more=r"(?!\+ curl)",
    idle=r"(?:< )?(?:Server|Date|Content-Type):|\* |\{ \[|< *$|\s*$",
    heading=r"\+ curl .*/(?P<file>[\w.-]+)$",
)
_UVICORN = Form(
    r"ERROR:\s+Exception in ASGI application",
    more=r"(?!INFO:|ERROR:|DEBUG:)",
    idle=r"Traceback|\s*\||\s+\^+|\s+~",
    frame=r'\s*File "',
    user_frame=r'\s*File "\S*/app\.py"',
    before=r'INFO:.*" 500 ',
    location=r'\s*File "\S*/(?P<file>app\.py)", line (?P<line>\d+), in (?P<name>\w+)',
    summary=r"INFO:\s+(?:Finished|Application startup|Uvicorn running)",
)
_ACCESS = Form(
    r'\S+ - - \[[^\]]+\] "\w+ /(?P<name>\S+) HTTP/1\.\d" (?P<code>4\d\d|5\d\d)',
    more=r"(?!)",
    before=r"\S+ - - \[[^\]]+\] code (?:4|5)\d\d",
)


def _paths(bench: Workbench, count: int) -> list[str]:
    return bench.rng.sample([f"{verb}/{noun}" for verb in VERBS for noun in NOUNS], count)


def application(bench: Workbench) -> Project:
    """Make an application whose routes call real packages, some in a way that raises."""
    rng = bench.rng
    facts = [fill(rng, fact) for fact in rng.sample(FACTS, rng.randrange(4, 14))]
    paths = _paths(bench, len(facts))
    routes, table, planted = [], [], []
    for path, fact in zip(paths, facts, strict=True):
        name = path.replace("/", "_")
        fails = rng.random() < 0.25
        value = fact.bad if fails else fact.good
        body = f"    value = {value}\n    return PlainTextResponse(str(value))\n"
        routes.append(f"async def {name}(request):\n{body}")
        table.append(f'Route("/{path}", {name}, methods=["GET", "POST"])')
        if fails:
            planted.append(Planted(f"trouble with {fact.fact.description}", "app.py", 0, name))

    imports = "\n".join(sorted({f"import {name}" for fact in facts for name in fact.imports}))
    visits = [
        (rng.choice(("GET", "GET", "POST")), f"/{rng.choice(paths)}?page={i}") for i in range(rng.randrange(8, 60))
    ]
    source = _APP.format(imports=imports, routes="\n\n".join(routes), table=", ".join(table))
    files = {"app.py": source, "serve.py": _SERVE, "requests.json": json.dumps(visits)}
    return Project(bench.project_name(), files, planted, ["serve.py"])


def site(bench: Workbench) -> Project:
    """Make a folder of pages, and requests for them and for pages that are not there."""
    rng = bench.rng
    paths = [f"{path}.html" for path in _paths(bench, rng.randrange(8, 30))]
    absent = rng.sample(paths, rng.choice((0, 1, 2, 3)))
    visits = [("GET", f"/{rng.choice(paths)}") for _ in range(rng.randrange(15, 120))]
    planted = [Planted("a page that is not there", "", 0, path) for path in absent]
    files = {path: "<p>page</p>\n" for path in paths if path not in absent}
    return Project(
        bench.project_name(), {**files, "serve.py": _STATIC, "requests.json": json.dumps(visits)}, planted, ["serve.py"]
    )


def interface(bench: Workbench) -> Project:
    """Make the answers of an interface, some of which are errors with a body that says why."""
    rng = bench.rng
    answers: dict[str, tuple[int, dict[str, object]]] = {}
    planted: list[Planted] = []
    for path in _paths(bench, rng.randrange(5, 18)):
        if rng.random() < 0.25:
            status, code, words = rng.choice(_FAULTS)
            answers[f"/v1/{path}"] = (
                status,
                {"error": code, "detail": words, "request": f"{rng.randrange(16**8):08x}"},
            )
            planted.append(Planted(words, "", 0, code))
        else:
            body = {"id": rng.randrange(9999), "state": "ok", "errors": [], "total": rng.randrange(900)}
            answers[f"/v1/{path}"] = (200, body)
    files = {"probe.py": _PROBE, "answers.json": json.dumps(answers)}
    return Project(bench.project_name(), files, planted, ["probe.py"])


CHECKS = (
    Check("curl", ("curl",), (("python probe.py i", _CURL), ("python probe.py v", _CURL)), interface),
    Check("uvicorn", (), (("python serve.py info", _UVICORN), ("python serve.py debug", _UVICORN)), application),
    Check("access_log", (), (("python serve.py", _ACCESS),), site),
)
