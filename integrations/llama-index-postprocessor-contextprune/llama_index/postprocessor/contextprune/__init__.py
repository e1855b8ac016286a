"""contextprune for LlamaIndex: retrieved nodes, tools' results and memories, shortened verbatim."""

from llama_index.postprocessor.contextprune.base import ContextPrunePostprocessor
from llama_index.postprocessor.contextprune.events import ContextPruneEndEvent, ContextPruneStartEvent
from llama_index.postprocessor.contextprune.memory import ContextPruneMemory, ContextPruneMemoryBlock
from llama_index.postprocessor.contextprune.tools import PrunedTool, prune_tool, prune_tools, recall_tool

__all__ = [
    "ContextPruneEndEvent",
    "ContextPruneMemory",
    "ContextPruneMemoryBlock",
    "ContextPrunePostprocessor",
    "ContextPruneStartEvent",
    "PrunedTool",
    "prune_tool",
    "prune_tools",
    "recall_tool",
]
