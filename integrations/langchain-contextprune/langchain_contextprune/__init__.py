"""The face of langchain-contextprune: everything that users call, and nothing else."""

from langchain_contextprune.callbacks import ContextPruneCallbackHandler, Usage
from langchain_contextprune.compressor import ContextPruneCompressor
from langchain_contextprune.counters import Savings
from langchain_contextprune.middleware import ContextPruneMiddleware
from langchain_contextprune.node import ContextPruneNode
from langchain_contextprune.recall_tool import ContextPruneRecall
from langchain_contextprune.selector import ContextPruneExampleSelector

__all__ = [
    "ContextPruneCallbackHandler",
    "ContextPruneCompressor",
    "ContextPruneExampleSelector",
    "ContextPruneMiddleware",
    "ContextPruneNode",
    "ContextPruneRecall",
    "Savings",
    "Usage",
]
