"""Conversations before any wire puts them into its form: turns with calls, and what came back of them, or did not."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.laws.failing_lines import word
from tests.laws.texts import ASIDES, Made, sentence, tool_text, value


class Free(str):
    """A text that may be shortened. `marked`: it has a breakpoint of the cache, so only without a budget."""

    __slots__ = ("made", "marked")
    made: Made
    marked: bool


class Parts(list[Any]):
    """A list in which three or more plain texts, one after another, may become one."""


@dataclass(slots=True)
class Answer:
    """What came back of a call."""

    pair: str
    name: str
    made: Made
    failed: bool
    marked: bool
    form: str


@dataclass(slots=True)
class Turn:
    """One reply of the model and what followed."""

    said: str | None
    thought: str | None
    calls: list[tuple[str, str, dict[str, Any]]]
    answers: list[Answer]
    user: str | None


FORMS = ("text", "text", "text", "part", "parts", "image", "papers", "none", "empty", "strange")


def free_text(made: Made, *, marked: bool = False, text: str | None = None) -> Free:
    free = Free(made.text if text is None else text)
    free.made, free.marked = made, marked
    return free


def free_texts(tree: Any) -> Any:
    """A value of an answer in which each text may change."""
    if isinstance(tree, dict):
        return {key: free_texts(item) for key, item in tree.items()}
    return free_text(Made(tree)) if isinstance(tree, str) else tree


def turns_of(rng: random.Random, size: int, count: int) -> list[Turn]:
    earlier: list[str] = []
    turns = []
    for number in range(count):
        ids = [
            f"call_{number}_{k}" if rng.random() < 0.95 else "call_0_0" for k in range(rng.choice((0, 1, 1, 1, 2, 3)))
        ]
        names = [rng.choice(("read_file", "bash", "search", "", word(rng))) for _ in ids]
        calls = [(pair, name, _arguments(rng)) for pair, name in zip(ids, names, strict=True)]
        answers = []
        for pair, name in zip(ids, names, strict=True):
            if rng.random() < 0.95:  # the others never came back
                answers.append(_answer(rng, pair, name, size, earlier))
        if rng.random() < 0.04:
            answers.append(_answer(rng, "call_of_nobody", "bash", size, earlier))
        if answers and rng.random() < 0.06:  # the same call is answered twice, or with the very same answer
            twice = rng.choice(answers)
            answers.append(rng.choice((twice, _answer(rng, twice.pair, twice.name, size, earlier))))
        rng.shuffle(answers)
        user = rng.choice((None, None, None, "Go on.", sentence(rng), "", rng.choice(ASIDES)))
        thought = rng.choice((None, None, sentence(rng), "\ud83d?"))
        turns.append(Turn(rng.choice((None, sentence(rng), rng.choice(ASIDES))), thought, calls, answers, user))
    if rng.random() < 0.1:
        turns.append(Turn("The answer is", None, [], [], None))  # the start of a reply that the model is to go on with
    return turns


def _answer(rng: random.Random, pair: str, name: str, size: int, earlier: list[str]) -> Answer:
    made = tool_text(rng, int(size * rng.choice((0.2, 0.5, 1, 1, 2))), earlier)
    earlier.append(made.text)
    return Answer(pair, name, made, rng.random() < 0.15, rng.random() < 0.1, rng.choice(FORMS))


def _arguments(rng: random.Random) -> dict[str, Any]:
    return rng.choice(
        ({"path": f"src/{word(rng)}.py"}, {"command": f"grep -rn {word(rng)} ."}, {}, {"x": value(rng, 2)})
    )


def content_of(
    rng: random.Random,
    answer: Answer,
    part: Callable[[Free], dict[str, Any]],
    image: dict[str, Any],
    papers: Sequence[dict[str, Any]] = (),
) -> Any:
    """The content of a result, as a text or a list of parts; `part` wraps a text, the others are blocks of the wire."""
    whole = free_text(answer.made, marked=answer.marked)
    pieces = answer.made.text.splitlines(keepends=True) or [""]
    contents: dict[str, Any] = {
        "part": Parts([part(whole)]),
        "parts": Parts([part(free_text(Made(piece), marked=answer.marked, text=piece)) for piece in pieces]),
        "image": Parts([part(whole), image, part(free_text(Made("after"), marked=answer.marked))]),
        "papers": Parts([*papers[:1], part(whole), *papers[1:], image]),
        "none": None,
        "empty": rng.choice(([], "")),
        "strange": Parts([{"type": "brand_new", "data": value(rng, 2)}, part(whole)]),
    }
    return contents.get(answer.form, whole)
