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


CHECKS = (
    Check("uvicorn", (), (("python serve.py info", _UVICORN), ("python serve.py debug", _UVICORN)), application),
    Check("access_log", (), (("python serve.py", _ACCESS),), site),
)
