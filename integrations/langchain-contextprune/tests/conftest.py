"""Every test uses the lexical scorer, keeps originals in memory, and asks no network."""

from __future__ import annotations

import os

os.environ["CONTEXTPRUNE_SCORER"] = "lexical"
os.environ["CONTEXTPRUNE_STORE"] = "memory"
os.environ.setdefault("LANGSMITH_TRACING", "false")
