"""What has changed between two pictures: the leaves, each with its path."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Picture: TypeAlias = Mapping[str, Any]
"""A JSON object whose values are objects, or leaves; a list is a leaf."""


def changes(before: Picture, now: Picture) -> list[tuple[list[str], Any]]:
    """Return the path and the new value of each leaf that changed; both have the same paths."""
    return list(_changes(before, now, []))


def _changes(before: Picture, now: Picture, path: list[str]) -> Iterator[tuple[list[str], Any]]:
    for key, value in now.items():
        known = before.get(key)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            yield from _changes(known, value, [*path, key])
        elif value != known:
            yield [*path, key], value
