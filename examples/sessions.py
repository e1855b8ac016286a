"""Run an agent's loop: compress each request before it is sent, and watch what the provider's cache makes of it.

Run with `python examples/sessions.py`. The session is a recorded one, sent again request by request. Dollars appear
where `contextprune-ai[prices]` is installed; tokens are counted anyway.
"""

import json
from pathlib import Path

import contextprune as cp

body = json.loads((Path(__file__).parent / "data" / "airline.json").read_bytes())
messages = body["messages"]
requests = [i for i, message in enumerate(messages) if message["role"] == "assistant"]  # each reply answers one
if messages[-1]["role"] != "assistant":
    requests.append(len(messages))

pruner = cp.Pruner()  # one for the whole loop: it remembers what it decided
session = cp.Session()
sent: list[object] = []

print("request  before   after  from the cache  dollars saved  the beginning is as it was")
for number, end in enumerate(requests, start=1):
    out = cp.compress({**body, "messages": messages[:end]}, pruner=pruner)
    # reply = client.chat.completions.create(**out.payload)
    report, cost = out.report, out.report.cost
    assert cost is not None, "without a budget the cost is known"
    session = session.add(cost, epoch=report.epoch)

    stable = out.payload["messages"][: len(sent)] == sent
    assert stable or report.epoch, "only an epoch changes what was sent"
    sent = out.payload["messages"]

    saved = f"{cost.saved:.5f}" if cost.known else "unknown"
    said = "yes" if stable else "no: an epoch"
    print(f"{number:7}  {report.before:6,}  {report.after:6,}  {cost.sent.read:14,}  {saved:>13}  {said}")

print(f"\n{session}")
