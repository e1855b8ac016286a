"""The shape of a dialect, and the way in which new text is put back, which all of them share.

A segment's `ref` is a path to a string (or an image part) in the caller's own object, so writing needs no knowledge of
any format: the containers along an edited path are copied, everything else is shared with the caller.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from contextprune.context import Context, Ref
from contextprune.dialects.text_runs import as_part, bounds
from contextprune.errors import PayloadError

Payload = TypeVar("Payload")


@dataclass(frozen=True, slots=True)
class _New:
    """The new value at the end of an edited path."""

    value: Any


_Branch: TypeAlias = "dict[str | int, _Branch | _New]"

_TEXT_FOR = {"image": "text", "image_url": "text", "input_image": "input_text"}
"""The type of a text part that may stand in place of an image part, by the type of the image part."""

_BREAKPOINTS = ("cache_control", "prompt_cache_breakpoint")

OBJECT = (dict, Mapping)
"""A JSON object, for isinstance. A dict is told at once; asking the abstract class takes eight times as long, and a
request is read anew on each call."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str, separators=(",", ":"), skipkeys=True)


class Dialect(Protocol):
    """One format of a context: how it is recognised and how it is read."""

    name: str

    def accepts(self, payload: Any) -> bool:
        """Whether `payload` is of this format, judged by its content; cheap, and never raises."""

    def read(self, payload: Any, query: str | None = None) -> Context:
        """The segments of `payload` in reading order. Raises PayloadError, with `where`, on a malformed payload."""


def apply(payload: Payload, edits: Mapping[Ref, str]) -> Payload:
    """`payload` with the new text at each ref; the caller's object is never changed.

    An image part is replaced by a text part of its own wire format, which keeps the image's cache breakpoint; to
    replace it by "", which is the text that it has, is no edit. A run of text parts is replaced by one part. A payload
    that is a text stands at the empty ref. Only
    containers on the path to what differs are copied; where nothing differs, `payload` itself comes back. Raises
    PayloadError where a ref leads to neither a string nor an image part in a list.
    """
    branch: _Branch = {}
    for ref, text in edits.items():
        if isinstance(payload, str) and not ref:
            return cast("Payload", payload if payload == text else text)

        old = _lookup(payload, ref)
        if ref and bounds(ref[-1]) is not None and isinstance(old, list | tuple):
            _grow(branch, ref, _New(as_part(old, text)))
        elif isinstance(old, str) and ref:
            if old != text:
                _grow(branch, ref, _New(text))
        elif (part := _as_text_part(old, ref, text)) is None:
            raise PayloadError("only a text or an image inside the payload can be replaced", where(ref))
        elif text:
            _grow(branch, ref, _New(part))
    return cast("Payload", _rebuilt(payload, branch)) if branch else payload


def where(ref: Iterable[str | int]) -> str:
    """A ref as people write it: `messages[3].content[0]`."""
    steps = (f"[{step}]" if isinstance(step, int) or bounds(step) else f".{step}" for step in ref)
    return "".join(steps).removeprefix(".")


def as_object(value: Any, ref: Ref) -> Mapping[str, Any]:
    """`value` where it is a JSON object, or the object of an SDK's response model; PayloadError otherwise."""
    if isinstance(value, OBJECT):
        return value
    if callable(getattr(value, "model_dump", None)):  # documented idiom: input += response.output
        return cast("Mapping[str, Any]", value.model_dump(exclude_unset=True))
    raise PayloadError(f"an object was expected, not {shown(value)}", where(ref))


def as_list(value: Any, ref: Ref) -> Sequence[Any]:
    """`value` where it is a JSON array; PayloadError otherwise."""
    if isinstance(value, list | tuple):
        return value
    raise PayloadError(f"a list was expected, not {shown(value)}", where(ref))


def as_text(value: Any, ref: Ref) -> str:
    """`value` where it is a string; PayloadError otherwise."""
    if isinstance(value, str):
        return value
    raise PayloadError(f"a text was expected, not {shown(value)}", where(ref))


def optional_text(value: Any) -> str | None:
    """`value` where it is a string with something in it: an id, a name, a title."""
    return value if isinstance(value, str) and value else None


def compact(value: Any, ref: Ref) -> str:
    """`value` as the shortest JSON text, for counting what is no plain string; PayloadError where it has no end."""
    try:
        return _ENCODER.encode(value)
    except (RecursionError, ValueError) as exc:
        raise PayloadError("nested too deeply, or within itself", where(ref)) from exc


def shown(value: Any) -> str:
    """An offending value as an error shows it: never long, and safe for values too deep or too large to print."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, int | float) and abs(value) < 1e12:
        return f"{type(value).__name__} {value}"
    return type(value).__name__


def _lookup(payload: Any, ref: Ref) -> Any:
    value = payload
    for step in ref:
        try:
            value = _child(value, step)
        except (KeyError, IndexError, TypeError, AttributeError) as exc:
            raise PayloadError("no such place in the payload", where(ref)) from exc
    return value


def _child(container: Any, step: str | int) -> Any:
    if isinstance(container, list | tuple) and (run := bounds(step)):
        return container[slice(*run)]
    if isinstance(container, Mapping | list | tuple):
        return container[step]  # type: ignore[index]
    return getattr(container, step)  # type: ignore[arg-type]


def _as_text_part(value: Any, ref: Ref, text: str) -> dict[str, Any] | None:
    """The text part that may stand in place of `value`; None where that is no image part of a list of parts."""
    if not ref or not isinstance(ref[-1], int):
        return None
    if not isinstance(value, Mapping) and not callable(getattr(value, "model_dump", None)):
        return None
    part = as_object(value, ref)
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in _TEXT_FOR:
        return None
    kept = {key: part[key] for key in _BREAKPOINTS if part.get(key) is not None}
    return {"type": _TEXT_FOR[kind], "text": text, **kept}


def _grow(branch: _Branch, ref: Ref, new: _New) -> None:
    for step in ref[:-1]:
        twig = branch.setdefault(step, {})
        assert isinstance(twig, dict), "two refs cannot lead through one value"
        branch = twig
    branch[ref[-1]] = new


def _rebuilt(container: Any, branch: _Branch) -> Any:
    fresh = {
        step: twig.value if isinstance(twig, _New) else _rebuilt(_child(container, step), twig)
        for step, twig in branch.items()
    }
    if isinstance(container, tuple):
        make = getattr(type(container), "_make", type(container))  # named tuples take their fields apart
        return make(_refilled(list(container), fresh))
    if not isinstance(container, Mapping | list):
        return container.model_copy(update=fresh)  # a model from an SDK
    if isinstance(container, list):
        return _refilled(copy.copy(container), fresh)
    twin: Any = copy.copy(container)
    for step, item in fresh.items():
        twin[step] = item
    return twin


def _refilled(items: list[Any], fresh: Mapping[str | int, Any]) -> list[Any]:
    """A list with new items; runs shrink to one, so they come after the others and from the end."""
    shrinking = []
    for step, item in fresh.items():
        if run := bounds(step):
            shrinking.append((run, item))
        else:
            items[cast("int", step)] = item
    for (first, end), item in sorted(shrinking, key=lambda each: each[0], reverse=True):
        items[first:end] = [item]
    return items
