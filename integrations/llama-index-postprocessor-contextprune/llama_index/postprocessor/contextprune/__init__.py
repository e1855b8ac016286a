"""contextprune for LlamaIndex: retrieved nodes, tools' results and memories, shortened verbatim."""

from llama_index.postprocessor.contextprune.base import ContextPrunePostprocessor
from llama_index.postprocessor.contextprune.events import (
    ContextPruneEndEvent,
    ContextPruneStartEvent,
    ContextPruneToolEvent,
)
from llama_index.postprocessor.contextprune.memory import ContextPruneMemory
from llama_index.postprocessor.contextprune.memory_block import ContextPruneMemoryBlock
from llama_index.postprocessor.contextprune.recall import recall_tool
from llama_index.postprocessor.contextprune.tools import PrunedTool, prune_tool, prune_tools

__all__ = [
    "ContextPruneEndEvent",
    "ContextPruneMemory",
    "ContextPruneMemoryBlock",
    "ContextPrunePostprocessor",
    "ContextPruneStartEvent",
    "ContextPruneToolEvent",
    "PrunedTool",
    "prune_tool",
    "prune_tools",
    "recall_tool",
]
