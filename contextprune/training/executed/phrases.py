"""Wording of goals: identifiers spelt out, sentences in other words, and the talk around a question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

_ABBREVIATIONS = {
    "arg": "argument", "args": "arguments", "num": "number of", "n": "number of", "max": "maximum", "min": "minimum",
    "init": "initialise", "fn": "function", "func": "function", "cfg": "configuration", "config": "configuration",
    "dir": "directory", "dirs": "directories", "str": "string", "msg": "message", "idx": "index", "attr": "attribute",
    "attrs": "attributes", "param": "parameter", "params": "parameters", "kwargs": "keyword arguments",
    "obj": "object", "val": "value", "vals": "values", "ctx": "context", "env": "environment", "repr": "representation",
    "len": "length", "req": "request", "resp": "response", "src": "source", "dst": "destination", "tmp": "temporary",
    "impl": "implementation", "info": "information", "eq": "equality", "iter": "iterate over", "cls": "class",
    "exc": "exception", "auth": "authentication", "lib": "library", "pkg": "package", "ver": "version", "spec":
    "specification", "prob": "probability", "dim": "dimension", "eps": "tolerance", "lr": "learning rate",
}  # fmt: skip

_SYNONYMS = {
    "return": "give back", "returns": "gives back", "get": "fetch", "gets": "fetches", "create": "make",
    "creates": "makes", "make": "build", "remove": "drop", "removes": "drops", "delete": "get rid of",
    "deletes": "gets rid of", "check": "find out", "checks": "finds out", "compute": "work out",
    "computes": "works out", "calculate": "work out", "calculates": "works out", "parse": "interpret",
    "parses": "interprets", "convert": "turn", "converts": "turns", "list": "sequence", "string": "text",
    "function": "routine", "method": "routine", "number": "count", "error": "failure", "errors": "failures",
    "exception": "failure", "file": "document", "files": "documents", "directory": "folder", "path": "location",
    "value": "quantity", "values": "quantities", "default": "preset", "defaults": "presets", "set": "assign",
    "find": "locate", "finds": "locates", "given": "supplied", "specified": "supplied", "instance": "object",
    "object": "thing", "write": "store", "writes": "stores", "read": "load", "reads": "loads", "add": "append",
    "adds": "appends", "use": "apply", "used": "applied", "uses": "applies", "contains": "holds", "size": "extent",
    "maximum": "largest allowed", "minimum": "smallest allowed", "timeout": "time to wait", "select": "pick",
    "helper": "auxiliary", "generate": "produce", "generates": "produces", "raise": "throw", "raised": "thrown",
    "called": "invoked", "call": "invoke", "whether": "if", "true": "yes", "false": "no", "begin": "start",
    "start": "beginning", "end": "finish", "print": "show", "prints": "shows", "display": "show", "run": "execute",
    "runs": "executes", "class": "type", "argument": "input", "arguments": "inputs", "parameter": "input",
    "parameters": "inputs", "version": "release", "request": "query", "response": "reply", "wait": "pause",
    "unused": "never used", "import": "inclusion", "module": "source file", "matrix": "table of numbers",
    "represents": "stands for", "representing": "standing for", "allows": "lets one", "determine": "decide",
    "determines": "decides", "update": "refresh", "updates": "refreshes", "ensure": "make sure", "provide": "offer",
    "provides": "offers", "specify": "say", "specifies": "says", "optional": "not required", "required": "mandatory",
    "equal": "the same", "missing": "absent", "invalid": "bad", "support": "handling", "context": "surroundings",
    "load": "bring in", "loads": "brings in", "save": "keep", "split": "cut", "join": "put together",
    "merge": "combine",
    "initialize": "set up", "initializes": "sets up", "initialise": "set up", "handle": "deal with",
    "handles": "deals with", "build": "put together", "test": "try", "match": "fit", "matches": "fits",
    "output": "result", "outputs": "results", "input": "what comes in", "based on": "from", "elements": "members",
    "element": "member", "dictionary": "mapping", "dict": "mapping", "array": "vector", "probability": "chance",
    "dimension": "width", "dimensionality": "width", "layer": "level", "number of": "how many", "enable": "turn on",
    "disable": "turn off", "enabled": "turned on", "text": "wording", "format": "layout", "name": "label",
    "names": "labels", "key": "entry", "keys": "entries", "length": "size", "current": "present", "new": "fresh",
}  # fmt: skip

_BEFORE = (
    "I am fixing issue #{n} in {package}.",
    "We are looking at a bug report against {package} (ticket {n}).",
    "Someone upgraded {package} and CI went red.",
    "Reviewing pull request {n}.",
    "I'm new to {package}, so bear with me.",
    "Before I change anything in {package} I need one fact.",
    "Working through the {package} backlog, item {n}.",
    "A user of ours complained about {package}.",
    "Thought: the last step told me little; this run should settle it.",
    "Plan: 1) look, 2) change, 3) test. This is step 1.",
    "Context: our service pins {package} and I write its release notes.",
    "You are a coding agent working in a checkout that uses {package}.",
    "Hi!",
    "Quick one.",
    "I have been staring at this for an hour.",
    "Let me narrow this down.",
    "Ok, next.",
)
_AFTER = (
    "Then I will write a regression test.",
    "Answer in one sentence.",
    "Just the facts, please.",
    "Next I will patch it.",
    "I need it for the changelog.",
    "Don't change anything yet.",
    "Quote the exact line.",
    "After that we can move on to the docs.",
    "If it isn't there, say so.",
    "Everything else can wait.",
    "Thanks.",
)


def phrase(rng: Random, templates: Sequence[str], **words: object) -> str:
    """Fill in one of the templates; at times the capital or the full stop is left out, as people type."""
    text = rng.choice(templates).format(**words)
    text = re.sub(r"\s+", " ", text).strip()
    if rng.random() < 0.15:
        text = text[:1].lower() + text[1:]
    if rng.random() < 0.15:
        text = text.rstrip(".?")
    return text


def with_small_talk(rng: Random, goal: str, package: str) -> str:
    """Put talk that decides nothing around a goal, in two cases of five."""
    before = rng.choice(_BEFORE).format(n=rng.randrange(12, 9800), package=package) if rng.random() < 0.3 else ""
    after = rng.choice(_AFTER) if rng.random() < 0.15 else ""
    if after and goal[-1:] not in ".?!":
        goal += "."
    return " ".join(part for part in (before, goal, after) if part)


def words_of(name: str) -> list[str]:
    """Split an identifier into its words, in lower case."""
    parts = re.split(r"[_\W]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name))
    return [part.lower() for part in parts if part]


def spell_out(name: str) -> str:
    """Spell an identifier out: its words, abbreviations in full."""
    return " ".join(_ABBREVIATIONS.get(word, word) for word in words_of(name))


def reword(rng: Random, sentence: str, share: float = 0.8) -> str:
    """Replace a share of the words by synonyms, and drop the full stop and the capital."""
    text = sentence.strip().rstrip(".:")
    text = re.sub(r"``?([^`]+)``?|:\w+:`([^`]+)`", lambda m: m[1] or m[2], text)

    def synonym(match: re.Match[str]) -> str:
        word = match[0]
        return _SYNONYMS[word.lower()] if word.lower() in _SYNONYMS and rng.random() < share else word

    text = re.sub(r"[A-Za-z]+", synonym, text)
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


_VERBS_TEXT = (
    "return get set create make build check compute calculate parse find add remove delete update write read load "
    "save run call test initialize handle process generate determine raise ensure apply register validate print "
    "show display format convert copy open close start stop wait join split merge sort select send receive "
    "connect extract resolve render dump decode encode execute fetch insert replace search strip transform turn "
    "use yield evaluate estimate fit predict draw plot sample map filter match compare count compile configure "
    "define enable disable list store retrieve collect cancel clear construct emit give install log look move "
    "normalize pad pop push reset restore reverse rotate schedule shut sum translate try unregister wrap append "
    "assert assign attach cast change choose"
)
_VERBS = frozenset(_VERBS_TEXT.split())


def infinitive(sentence: str) -> str:
    """Put the verb that begins a sentence in its base form, as it stands after "to"; "" where no verb begins it."""
    first, _, tail = sentence.partition(" ")
    word = first.lower()
    for base in (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y"):
        if base in _VERBS:
            return f"{base} {tail}"
    return ""


def is_descriptive(sentence: str) -> bool:
    """Whether a sentence says enough to point at one symbol, and no more than a person would type."""
    return 14 <= len(sentence) <= 170 and len(sentence.split()) >= 3 and "\n" not in sentence


def first_sentence(text: str) -> str:
    """Take the first sentence of a paragraph."""
    joined = re.sub(r"\s+", " ", text.strip())
    return re.split(r"(?<=[a-z)`])\.(?:\s|$)", joined)[0].strip()
