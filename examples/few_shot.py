"""Choose in-context examples for one request under a budget: near to it, unlike one another, never torn.

Run with `python examples/few_shot.py`. The forty examples are labelled requests to a bank.
"""

import json
from pathlib import Path

import contextprune as cp

rows = json.loads((Path(__file__).parent / "data" / "examples.json").read_bytes())
examples = [cp.Example(input=row["input"], output=row["output"], id=row["id"]) for row in rows]
request = "I ordered a card two weeks ago. When will it be delivered?"

pick = cp.select_examples(examples, query=request, budget=cp.Budget(tokens=120))

report = pick.report
print(f"{len(examples)} examples, {report.before} tokens; chosen: {len(pick.examples)}, {report.after} tokens\n")
for example in pick.examples:
    print(f"{example.input}\n-> {example.output}\n")
print(request)
