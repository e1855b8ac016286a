"""Goals about functions and classes: by name, by part of the name, by what the docstring says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from contextprune.training.executed.material import Symbol
from contextprune.training.executed.phrases import infinitive, is_descriptive, phrase, reword, spell_out

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
_DESCRIBED = (
    "Which {kind} is meant to {doc}?",
    "Where do we {doc}?",
    "What is the name of the {kind} that should {doc}?",
    "Who is to {doc} here?",
    "Which {kind} must I call to {doc}?",
    "I am looking for the {kind} described as: {doc}.",
    "Find the code responsible for this: {doc}",
    "{doc} - which {kind} is that?",
)
_CLASS_DESCRIBED = (
    "Which class is this: {doc}?",
    "Find the type that is described as {doc}",
    "There is a class for the following, where is it: {doc}",
    'I want to subclass the thing that is "{doc}". Which one is it?',
    "{doc} - what is the class called?",
    "Locate the class for: {doc}.",
)


def goals_about(rng: Random, symbol: Symbol) -> list[tuple[str, bool]]:
    """Word goals that the symbol's line answers, each with whether it names the symbol."""
    kind = "class" if symbol.is_class else "method" if symbol.owner else "function"
    if rng.random() < 0.3:
        kind = {"class": "type", "method": "function"}.get(kind, "routine")
    private = symbol.name.startswith("__")
    goals = []
    if not private:
        goals.append((phrase(rng, _NAMED, name=rng.choice((symbol.qualified_name, symbol.name))), True))

    words = spell_out(symbol.name)
    if words.lower() != symbol.name.lower() and " " in words and not private:
        goals.append((phrase(rng, _SPOKEN, words=words, kind=kind), False))

    if is_descriptive(symbol.doc):
        action = "" if symbol.is_class else infinitive(symbol.doc)
        templates = _CLASS_DESCRIBED if symbol.is_class else _DESCRIBED if action else _DESCRIBED[-3:]
        goals.append((phrase(rng, templates, doc=reword(rng, action or symbol.doc), kind=kind), False))
    return goals


def unambiguous(symbols: Sequence[tuple[int, Symbol]]) -> list[tuple[int, Symbol]]:
    """Keep the (row, symbol) pairs that share neither name nor description with another."""
    names = Counter(symbol.name for _, symbol in symbols)
    docs = Counter(symbol.doc for _, symbol in symbols if symbol.doc)
    return [(row, s) for row, s in symbols if names[s.name] == 1 and docs[s.doc] <= 1]
