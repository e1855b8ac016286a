"""The face of langchain-contextprune: everything that users call, and nothing else."""

from langchain_contextprune.base_store import LangGraphStore
from langchain_contextprune.callbacks import ContextPruneCallbackHandler, Usage
from langchain_contextprune.compressor import ContextPruneCompressor
from langchain_contextprune.counters import Savings
from langchain_contextprune.history import ContextPruneMessages
from langchain_contextprune.middleware import ContextPruneMiddleware
from langchain_contextprune.node import ContextPruneNode
from langchain_contextprune.recall_tool import ContextPruneRecall
from langchain_contextprune.selector import ContextPruneExampleSelector
from langchain_contextprune.subagents import with_contextprune

__all__ = [
    "ContextPruneCallbackHandler",
    "ContextPruneCompressor",
    "ContextPruneExampleSelector",
    "ContextPruneMessages",
    "ContextPruneMiddleware",
    "ContextPruneNode",
    "ContextPruneRecall",
    "LangGraphStore",
    "Savings",
    "Usage",
    "with_contextprune",
]
