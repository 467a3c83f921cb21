"""The words of shapes, as a schema of JSON.

    "messages": "count+"            a number, and its details in ``messages_details``
    "policy?": "string|null"        may be missing, may be null
    "state": "=running|=down"       one of these texts
    "consumers": "[@consumer]"      a list of another shape
    "offsets": "{u64}"              an object whose values are all of one type

``object``, ``array`` and ``any`` leave open what is inside. ``count`` fits the signed integers of
64 bits that Go and Java have; ``share`` is from 0 to 1. No number is NaN or infinite.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

Shape: TypeAlias = Mapping[str, str]
Shapes: TypeAlias = Mapping[str, Shape]

BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "u8": (0, (1 << 8) - 1),
    "u16": (0, (1 << 16) - 1),
    "u32": (0, (1 << 32) - 1),
    "u64": (0, (1 << 64) - 1),
    "count": (0, (1 << 63) - 1),
    "i32": (-(1 << 31), (1 << 31) - 1),
    "i64": (-(1 << 63), (1 << 63) - 1),
}
"""The least and the largest value of each type of integers."""

OPTIONAL: Final = "?"
DETAILED: Final = "+"
DETAILS: Final = "rate"
"""The shape of the details of a number."""

_ALTERNATIVE: Final = re.compile(r"[^|\[\]{}]+|\[.*?\]+|\{.*?\}+")


def fields_of(shape: Shape) -> Iterator[tuple[str, str, bool]]:
    """Yield the name of each field, the word of its type, and whether it must be there."""
    for written, word in shape.items():
        name, needed = written.removesuffix(OPTIONAL), not written.endswith(OPTIONAL)
        yield name, word.removesuffix(DETAILED), needed
        if word.endswith(DETAILED):
            yield f"{name}_details", f"@{DETAILS}", needed


def alternatives(word: str) -> list[str]:
    """Return the types that a word allows."""
    return _ALTERNATIVE.findall(word)


def schema_of(shape: Shape, *, is_body: bool = False) -> dict[str, Any]:
    """Return the schema of a shape; nothing is required of a body."""
    fields = list(fields_of(shape))
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _schema(word) for name, word, _ in fields},
    }
    required = [name for name, _, needed in fields if needed]
    if required and not is_body:
        schema["required"] = required
    return schema


def _schema(word: str) -> dict[str, Any]:
    allowed = alternatives(word)
    if len(allowed) == 1:
        return _one(allowed[0])
    if all(each.startswith("=") for each in allowed):
        return {"type": "string", "enum": [each[1:] for each in allowed]}
    return {"anyOf": [_one(each) for each in allowed]}


def _one(word: str) -> dict[str, Any]:
    if word == "any":
        return {}
    if word == "share":
        return {"type": "number", "minimum": 0, "maximum": 1}
    if word in BOUNDS:
        least, largest = BOUNDS[word]
        return {"type": "integer", "minimum": least, "maximum": largest}
    if word[0] == "@":
        return {"$ref": f"#/components/schemas/{word[1:]}"}
    if word[0] == "=":
        return {"type": "string", "enum": [word[1:]]}
    if word[0] == "[":
        return {"type": "array", "items": _schema(word[1:-1])}
    if word[0] == "{":
        return {"type": "object", "additionalProperties": _schema(word[1:-1])}
    return {"type": word}
