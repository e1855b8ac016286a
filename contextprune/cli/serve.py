"""The commands around the proxy: `serve` starts it, `wrap` an agent behind one of its own, `mcp` gives originals back.

Everything that they say goes to standard error; an agent's own output is left alone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from contextprune._version import __version__
from contextprune.cli.values import number, whole_number
from contextprune.errors import MissingExtra
from contextprune.proxy.inherited import Inherited, read_inherited
from contextprune.proxy.options import MODES, OPTIONS, RECALLS, Options, trace_options
from contextprune.proxy.pool.launch import Launched, launch_first
from contextprune.settings import SETTINGS, Settings, data_folder, load_settings, process_environment, set_variable

_SCORERS = {"auto": "the model on a CUDA GPU, else lexical"}


def _flag(
    name: str,
    *declarations: str,
    metavar: str | None = None,
    parser: Callable[[str], Any] | None = None,
    note: str = "",
) -> Any:
    """The flag of an option, with the meaning and the default that the option has; `note` is about the flag itself."""
    text, default = OPTIONS.descriptions()[name], getattr(Options(), name)
    shown = f"  [{default}]" if default or type(default) is int else ""  # no "", and no false that a flag makes true
    meaning = f"{text[0].upper()}{text[1:]}{note}.{shown}"
    return typer.Option(*declarations, metavar=metavar, parser=parser, help=meaning)


_Config = Annotated[str | None, _flag("config", metavar="FILE")]
_Mode = Annotated[str | None, _flag("mode", metavar="|".join(MODES))]
_Recall = Annotated[str | None, _flag("recall", metavar="|".join(RECALLS))]
RepetitionsOnly = Annotated[
    bool, typer.Option("--repetitions-only", help="Take out only what stands, byte for byte, earlier in the prompt.")
]
_ShowContent = Annotated[bool | None, _flag("content", "--show-content")]


def serve(
    host: Annotated[str | None, _flag("host")] = None,
    port: Annotated[int | None, _flag("port", metavar="N", parser=whole_number())] = None,
    upstream_openai: Annotated[str | None, _flag("upstream_openai", metavar="URL")] = None,
    upstream_anthropic: Annotated[str | None, _flag("upstream_anthropic", metavar="URL")] = None,
    upstream: Annotated[list[str] | None, _flag("upstreams", metavar="PREFIX=URL", note="; may be repeated")] = None,
    config: _Config = None,
    mode: _Mode = None,
    recall: _Recall = None,
    deadline: Annotated[float | None, _flag("deadline", metavar="SECONDS", parser=number())] = None,
    workers: Annotated[int | None, _flag("workers", metavar="N", parser=whole_number())] = None,
    scorers: Annotated[int | None, _flag("scorers", metavar="N", parser=whole_number())] = None,
    show_content: _ShowContent = None,
    repetitions_only: RepetitionsOnly = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
    inherit: Annotated[bool, typer.Option("--inherit", hidden=True)] = False,
) -> None:
    """Stand in front of OpenAI- and Anthropic-compatible APIs, and shorten what clients send to them.

    Point a client's base URL at it, and change nothing else. Keys pass through and are kept nowhere. Whatever goes
    wrong in here, a request goes on as it came. Settings come from your own contextprune.toml, the environment and
    these options, the later winning; Ctrl-C stops it.

    \b
    Examples:
      contextprune serve
      contextprune serve --mode audit --port 9000
      contextprune serve --upstream-openai http://127.0.0.1:8000 --upstream /groq=https://api.groq.com/openai
      contextprune serve --host 0.0.0.0 --workers 2 --config /etc/contextprune.toml
    """  # noqa: D301 - \b is click's mark for lines that are not to be refilled
    flags: dict[str, Any] = {
        "host": host, "port": port, "upstream_openai": upstream_openai, "upstream_anthropic": upstream_anthropic,
        "upstreams": _upstreams(upstream), "mode": mode, "recall": recall, "deadline": deadline, "workers": workers,
        "scorers": scorers, "content": show_content,
    }  # fmt: skip

    if repetitions_only:
        set_variable(SETTINGS.variable("repetitions_only"), "true")  # the scorers read their settings by themselves
    options, sources = trace_options(flags, config or "")
    raise typer.Exit(_serve(options, sources, inherit=inherit, with_parent=with_parent))


def wrap(
    agent: Annotated[str, typer.Argument(metavar="claude|codex|aider", help="The agent to run.")],
    args: Annotated[list[str] | None, typer.Argument(metavar="ARGS", help="What the agent is told.")] = None,
    mode: _Mode = None,
    recall: _Recall = None,
    config: _Config = None,
    show_content: Annotated[bool, _flag("content", "--show-content")] = False,
    repetitions_only: RepetitionsOnly = False,
) -> None:
    """Run an agent behind a proxy of its own, and say at the end what was saved.

    The proxy takes a free port, only this one agent is pointed at it, and both end together. An ANTHROPIC_BASE_URL or
    OPENAI_BASE_URL of yours stays where requests go in the end. Options stand before the name of the agent; all that
    follows it is the agent's. The exit status is the agent's.

    \b
    Examples:
      contextprune wrap claude
      contextprune wrap claude -- -p "why does the build fail?"
      contextprune wrap --mode audit codex -- exec "fix the tests"
      contextprune wrap aider -- --model openai/gpt-5.5
    """  # noqa: D301 - as above
    from contextprune.cli.wrap import wrap as run  # noqa: PLC0415 - the other commands do without

    _server()
    options, _ = trace_options({"mode": mode, "recall": recall}, config or "")
    _settings(options)  # what is wrong is said before all else
    switches = (("--show-content", show_content), ("--repetitions-only", repetitions_only))
    flags: list[str] = [name for name, switched_on in switches if switched_on]
    for name, value in (("--mode", mode), ("--recall", recall), ("--config", config)):
        flags += [name, value] if value else []
    arguments = args[1:] if args and args[0] == "--" else args or []
    raise typer.Exit(run(agent, arguments, flags, process_environment(), _announce, options.config))


def mcp(
    store: Annotated[
        str | None, typer.Option(metavar="PATH|URL", help="The store to read, in place of the settings'.")
    ] = None,
) -> None:
    """Give originals back to agents over MCP, on standard input and output; a client of MCP starts it.

    \b
    Examples:
      claude mcp add contextprune -- contextprune mcp
      contextprune mcp --store redis://127.0.0.1:6379/0
    """  # noqa: D301 - as above
    from contextprune.cli.mcp import serve as run  # noqa: PLC0415 - the other commands do without

    run(store)


def _settings(options: Options) -> Settings:
    """The settings beside the options: of the file that these name, else of the places where all look."""
    return load_settings(file=Path(options.config) if options.config else None)


def announcement(
    options: Options, settings: Settings, url: str, sources: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The text for a user once it listens at `url`: its mode, where requests go, and what to paste where.

    `sources` says of options that are not the default where each was set.
    """
    origin = {name: f"  (set by {source})" for name, source in sources.items()}
    further = [
        f"  {prefix:12} {url}{prefix} leads to {base}{origin.get('upstreams', '')}"
        for prefix, base in options.upstreams.items()
    ]

    lines = [
        f"contextprune {__version__} listens at {url} (mode {options.mode}, recall {options.recall}). Ctrl-C stops it.",
        f"  OpenAI       {options.upstream_openai}{origin.get('upstream_openai', '')}",
        f"  Anthropic    {options.upstream_anthropic}{origin.get('upstream_anthropic', '')}",
        *further,
        f"  originals    {_originals(settings)}",
        f"  scorer       {_SCORERS.get(settings.scorer, settings.scorer)}",
        f"  dashboard    {url}/",
        "Point a client at it; keep your key as it is:",
        f"  Claude Code, Anthropic's SDKs           export ANTHROPIC_BASE_URL={url}",
        f"  OpenAI's SDKs, LangChain, LlamaIndex    export OPENAI_BASE_URL={url}/v1",
        f"  aider                                   export OPENAI_API_BASE={url}/v1 ANTHROPIC_API_BASE={url}",
        "  Codex                                   contextprune wrap codex",
        f"Prove that it works: contextprune doctor --proxy {url}",
    ]
    return "\n".join([*lines, *_cautions(options, settings)])


def _originals(settings: Settings) -> str:
    """The place where originals are kept, without a password that its address may hold."""
    if settings.store == "memory":
        return "in memory of each scorer: gone with this process"
    store = settings.store or str(data_folder() / "originals.sqlite3")
    scheme, _, address = store.rpartition("://")
    return f"{scheme}://{address.rpartition('@')[2]}" if scheme else store


def _cautions(options: Options, settings: Settings) -> Iterator[str]:
    """Lines on a mode that shortens nothing or little, and on an address that other machines reach."""
    if options.mode != "on":
        does = "measures and changes nothing" if options.mode == "audit" else "only relays"
        yield f"NOTE: mode {options.mode} {does}; --mode on shortens."
    if settings.policy.repetitions_only:
        yield "NOTE: repetitions only: nothing goes but what stands, byte for byte, earlier in the prompt."
    if not options.loopback:
        yield f"WARNING: {options.host} can be reached from other machines, and traffic to it is not encrypted."
        yield "  Put an edge with TLS in front (examples/edge), or listen on 127.0.0.1."
        if not options.token:
            yield "  Others get neither the dashboard nor the side-car: CONTEXTPRUNE_SERVE_TOKEN is not set."


def _serve(options: Options, sources: Mapping[str, str], *, inherit: bool, with_parent: bool) -> int:
    """Run the proxy; its exit status. A program that starts it may hand a socket on, and end it with itself."""
    settings = _settings(options)
    inherited = read_inherited(sys.stdin.buffer.readline()) if inherit else None
    if with_parent:
        threading.Thread(target=_end_with_standard_input, daemon=True).start()

    def announce(url: str) -> None:
        typer.echo(announcement(options, settings, url, sources), err=True)
        if inherited is not None and inherited.fd is None:
            typer.echo(url)  # the program that started this one waits for it

    launched = launch_first(options)
    try:
        return _server()(options, announce, launched, inherited)
    finally:
        if launched is not None:
            launched.end()


def _upstreams(pairs: list[str] | None) -> dict[str, str] | None:
    """`PREFIX=URL` flags as a table."""
    if not pairs:
        return None
    upstreams = {}
    for pair in pairs:
        prefix, equals, url = pair.partition("=")
        if not equals:
            raise typer.BadParameter(
                f"--upstream is PREFIX=URL, such as /groq=https://api.groq.com/openai, not {pair!r}"
            )
        upstreams[prefix.strip()] = url.strip()
    return upstreams


def _server() -> Callable[[Options, Callable[[str], None], Launched | None, Inherited | None], int]:
    """The function that runs the proxy. Raises MissingExtra where its packages are absent."""
    try:
        from contextprune.proxy.server import run  # noqa: PLC0415 - its packages are an extra
    except ModuleNotFoundError as exc:
        if (exc.name or "").startswith("contextprune"):
            raise
        raise MissingExtra("the proxy", extra="proxy") from exc
    return run


def _announce(line: str) -> None:
    typer.echo(f"contextprune: {line}", err=True)


def _end_with_standard_input() -> None:
    """End when the process that started us has ended: then nobody holds the other end of our standard input."""
    while sys.stdin.buffer.read(1 << 12):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
