"""The lexical scorer and a store in memory, in this process and in those that it starts: fast, nothing on disk."""

from __future__ import annotations

import os

os.environ.setdefault("CONTEXTPRUNE_SCORER", "lexical")
os.environ["CONTEXTPRUNE_STORE"] = "memory"
