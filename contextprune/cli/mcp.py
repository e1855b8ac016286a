"""`contextprune mcp`: originals over the Model Context Protocol, for agents that bring their own tools.

The agent's client starts it and speaks to it over standard input and output. Both majors of the package `mcp` will do,
since LangChain's adapters hold on to the first. It reads the store that proxy and command
line write, so what a marker of theirs names is found here, in any session, and no request has to be changed for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from contextprune._version import __version__
from contextprune.errors import MissingExtra, MissingOriginal, SettingsError, StoreError
from contextprune.markers import RECALL_TOOL
from contextprune.settings import data_folder, load_settings
from contextprune.storage.excerpt import excerpt
from contextprune.storage.scope import ARGUMENTS, Scope, scope_in
from contextprune.storage.store import MemoryStore, Store, location_of, open_store

STATS_TOOL = "contextprune_stats"

INSTRUCTIONS = (
    "Some tool results in this conversation were shortened to save tokens. A marker such as "
    "[lines 2-40 cut, recall=2gk5hq3m7xvo] stands for what was left out; "
    f"if you need it, call {RECALL_TOOL} with the key in the marker."
)
_RECALL = (
    "Gives back what a marker such as [lines 2-40 cut, recall=2gk5hq3m7xvo] stands for, word for word. "
    "Ask for the part you need rather than for all of it; where more is left, the last line says how to ask for it. "
    "key: the twelve characters after recall=. " + " ".join(f"{name}: {meaning}" for name, meaning in ARGUMENTS.items())
)
_STATS = "Says which store this server reads, and how many originals it was asked for and gave back since it started."


@dataclass(slots=True)
class Served:
    """Counts since the server started; `characters` were given back. The field names are the tool's answer."""

    store: str
    asked: int = 0
    found: int = 0
    not_found: int = 0
    failed: int = 0
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason why there is no text.

    code    "not_found", "bad_request" or "store"
    retry   asking again may help
    """

    code: str
    message: str
    retry: bool


def serve(location: str | None = None) -> None:
    """Serve over standard input and output until the client is gone.

    location   "a path" or the URL of a Redis, as CONTEXTPRUNE_STORE has it; None takes the settings

    Raises MissingExtra without the `mcp` package, SettingsError for a store that no other process can write to.
    """
    build(_opened(location)).run()


def build(store: Store) -> Any:
    """The server for a store: an `MCPServer` of mcp 2, or a `FastMCP` of mcp 1, with two tools. Raises MissingExtra."""
    served = Served(location_of(store))
    server = _server()
    hints = {"read_only_hint": True, "idempotent_hint": True, "open_world_hint": False}
    harmless = _value("ToolAnnotations", hints)

    def give_back(
        key: str,
        lines: str | None = None,
        query: str | None = None,
        rows: str | None = None,
        path: str | None = None,
        chars: str | None = None,
    ) -> Any:
        named = {"lines": lines, "query": query, "rows": rows, "path": path, "chars": chars}
        return _result(look_up(store, served, key, scope_in(named)))

    def counts() -> dict[str, Any]:
        return asdict(served)

    server.tool(RECALL_TOOL, "Give back what was cut", _RECALL, harmless, structured_output=False)(give_back)
    server.tool(STATS_TOOL, "What was given back", _STATS, harmless)(counts)
    return server


def look_up(store: Store, served: Served, key: str, scope: Scope) -> str | Failure:
    """The text under a key, or the reason why there is none; `served` counts it."""
    served.asked += 1
    try:
        original = store.get(key.strip().removeprefix("recall="))
        part = None if original is None else excerpt(original, scope)
    except StoreError as exc:
        served.failed += 1
        return Failure("store", str(exc), retry=True)
    except SettingsError as exc:
        served.failed += 1
        return Failure("bad_request", str(exc), retry=True)
    if part is None:
        served.not_found += 1
        return Failure("not_found", MissingOriginal(key).for_model, retry=False)
    served.found += 1
    served.characters += len(part.text)
    return str(part)


def _result(reply: str | Failure) -> Any:
    """The protocol's form of a reply: an error is a text for the model, and the same in fields for its client."""
    from mcp.types import TextContent  # noqa: PLC0415 - as above

    if isinstance(reply, str):
        return _value("CallToolResult", {"content": [TextContent(type="text", text=_sayable(reply))]})
    text = TextContent(type="text", text=_sayable(reply.message))
    fields = {"content": [text], "structured_content": {"error": asdict(reply)}, "is_error": True}
    return _value("CallToolResult", fields)


def _server() -> Any:
    """An empty server, of whichever major is installed. Raises MissingExtra."""
    try:
        from mcp.server import MCPServer  # noqa: PLC0415 - an extra, and half a second
    except ImportError:
        try:
            server = import_module("mcp.server.fastmcp").FastMCP  # its types are gone in mcp 2
        except ImportError as exc:
            raise MissingExtra("the MCP server", extra="mcp") from exc
        return server("contextprune", instructions=INSTRUCTIONS, log_level="WARNING")
    return MCPServer("contextprune", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING")


def _value(name: str, fields: Mapping[str, Any]) -> Any:
    """A value of the protocol: mcp 1 writes the names of its fields as the wire does."""
    from mcp import types  # noqa: PLC0415 - as above

    kind = getattr(types, name)
    return kind(**{key if key in kind.model_fields else _as_on_the_wire(key): value for key, value in fields.items()})


def _as_on_the_wire(name: str) -> str:
    first, *following = name.split("_")
    return first + "".join(word.capitalize() for word in following)


def _sayable(text: str) -> str:
    """The text in UTF-8, which alone the protocol knows: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _opened(location: str | None) -> Store:
    store = open_store(location or load_settings().store, data_folder())
    if isinstance(store, MemoryStore):
        raise SettingsError("a store in memory is seen by its own process alone; give --store a path or redis://...")
    return store
