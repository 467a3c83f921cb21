"""Holds answers of the HTTP API to their shapes, as a client of strict types reads them."""

import math
from collections.abc import Iterator

from management.shapes import SHAPES
from management.shapes.words import BOUNDS, alternatives, fields_of

TYPES = {"string": str, "boolean": bool, "object": dict, "array": list}


def faults(
    shape: str, value: object, where: str = "", *, is_partial: bool = False
) -> Iterator[str]:
    """Yield what is wrong with a value.

    Args:
        shape: name of its shape.
        value: as JSON was decoded.
        where: the way to it.
        is_partial: whether fields may be missing, as the request asked for a part.
    """
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no {shape}"
        return
    allowed: set[str] = set()
    for name, word, needed in fields_of(SHAPES[shape]):
        allowed.add(name)
        if name in value:
            yield from _typed(word, value[name], f"{where}.{name}")
        elif needed and not is_partial:
            yield f"{where}: no {name}"
    for name in value.keys() - allowed:
        yield f"{where}: {name!r} is not told of: {value[name]!r}"


def _typed(word: str, value: object, where: str) -> Iterator[str]:
    tried = [list(_one(each, value, where)) for each in alternatives(word)]
    if all(tried):
        yield from min(tried, key=len)


def _one(word: str, value: object, where: str) -> Iterator[str]:
    if word == "any":
        return
    if word[0] == "@":
        yield from faults(word[1:], value, where)
    elif word[0] == "=":
        if value != word[1:]:
            yield f"{where}: {value!r} is none of its words"
    elif word[0] == "[" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _typed(word[1:-1], item, f"{where}[{index}]")
    elif word[0] == "{" and isinstance(value, dict):
        for name, item in value.items():
            yield from _typed(word[1:-1], item, f"{where}[{name!r}]")
    elif not fits(word, value):
        yield f"{where}: {value!r} is no {word}"


def fits(word: str, value: object) -> bool:
    """Return whether a value is of a plain type of ``management.shapes.words``."""
    if word == "null":
        return value is None
    if word in {"number", "share"}:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):  # type: ignore[arg-type]
            return False
        return word == "number" or 0 <= value <= 1  # type: ignore[operator]
    if word in BOUNDS:
        least, largest = BOUNDS[word]
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        return is_integer and least <= value <= largest  # type: ignore[operator]
    return word in TYPES and isinstance(value, TYPES[word])
