"""Compress a recorded coding session to half of its tokens, look at one marker, and take back what it stands for.

Run with `python examples/compress_session.py`. The session is a Chat Completions body; no key and no network is needed.
"""

import json
import re
from pathlib import Path

import contextprune as cp

body = json.loads((Path(__file__).parent / "data" / "swe.json").read_bytes())

pruner = cp.Pruner()  # holds scorer, token counter and store; build it once
out = cp.compress(body, cp.Budget(ratio=0.5), pruner=pruner)
print(out.report)

before, after = next(
    (old["content"], new["content"])
    for old, new in zip(body["messages"], out.payload["messages"], strict=True)
    if new is not old  # what did not change is the caller's own object
)
found = re.search(r"\[[^\]]*recall=([a-z2-7]{12})[^\]]*\]", after)
assert found is not None, "a shortened result names its original"
marker, key = found[0], found[1]

print("\nthe first marker:", marker)
print("\nthe first three lines of what it stands for:")
print(cp.recall(key, lines="1-3", pruner=pruner), end="")
assert cp.recall(key, pruner=pruner) == before, "the whole original comes back byte for byte"
