"""Goals about functions and classes: by name, by part of the name, by what the docstring says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from contextprune.training.executed.material import Symbol
from contextprune.training.executed.phrases import act, loosely, say, spoken, tellable

_NAMED = (
    "Where is `{name}` defined?",
    "Find the definition of {name}.",
    "{name}: which line?",
    "I need to see {name}.",
    "Look up `{name}`; I'm about to change its signature.",
    "Which line declares {name}",
    "Show me {name} and nothing else.",
    "Open {name} so that I can add an argument to it.",
)
_SPOKEN = (
    'Where\'s the {kind} for "{words}"? I forgot its exact name.',
    "There should be something here called roughly '{words}'.",
    "Find the {kind} whose name means {words}",
    "the {words} {kind}, please",
    "Someone mentioned a {kind} about {words}; where does it live?",
)
_TOLD = (
    "Which {kind} is meant to {doc}?",
    "Where do we {doc}?",
    "What is the name of the {kind} that should {doc}?",
    "Who is to {doc} here?",
    "Which {kind} must I call to {doc}?",
    "I am looking for the {kind} described as: {doc}.",
    "Find the code responsible for this: {doc}",
    "{doc} - which {kind} is that?",
)
_CLASS_TOLD = (
    "Which class is this: {doc}?",
    "Find the type that is described as {doc}",
    "There is a class for the following, where is it: {doc}",
    'I want to subclass the thing that is "{doc}". Which one is it?',
    "{doc} - what is the class called?",
    "Locate the class for: {doc}.",
)


def about(rng: Random, symbol: Symbol) -> list[tuple[str, bool]]:
    """Goals that the symbol's line answers, each with whether it names the symbol."""
    kind = "class" if symbol.is_class else "method" if symbol.owner else "function"
    if rng.random() < 0.3:
        kind = {"class": "type", "method": "function"}.get(kind, "routine")
    private = symbol.name.startswith("__")
    goals = []
    if not private:
        goals.append((say(rng, _NAMED, name=rng.choice((symbol.called, symbol.name))), True))
    words = spoken(symbol.name)
    if words.lower() != symbol.name.lower() and " " in words and not private:
        goals.append((say(rng, _SPOKEN, words=words, kind=kind), False))
    if tellable(symbol.doc):
        deed = "" if symbol.is_class else act(symbol.doc)
        templates = _CLASS_TOLD if symbol.is_class else _TOLD if deed else _TOLD[-3:]
        goals.append((say(rng, templates, doc=loosely(rng, deed or symbol.doc), kind=kind), False))
    return goals


def alone(found: Sequence[tuple[int, Symbol]]) -> list[tuple[int, Symbol]]:
    """Those that neither share their name nor their description with another."""
    names = Counter(symbol.name for _, symbol in found)
    docs = Counter(symbol.doc for _, symbol in found if symbol.doc)
    return [(row, s) for row, s in found if names[s.name] == 1 and docs[s.doc] <= 1]
