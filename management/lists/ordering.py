"""The order of lists: ``sort`` and ``sort_reverse``.

Values of several types are in the order of Erlang: numbers, then atoms (true, false, null),
objects, lists and texts. A missing value counts as 0, and equal ones are in the order of the list
itself.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from management.http.errors import bad_request
from management.http.request import Query


class Ordering(NamedTuple):
    """How a list is sorted.

    Attributes:
        path: names of the field, from the outside; empty is the order of the list itself.
        is_reversed: from the last to the first.
    """

    path: tuple[str, ...]
    is_reversed: bool

    @property
    def is_natural(self) -> bool:
        """Whether the list has this order already."""
        return not self.path and not self.is_reversed

    def key(self, item: Mapping[str, Any]) -> tuple[int, Any]:
        """Return the key of an object."""
        value: Any = item
        for name in self.path:
            value = value.get(name, 0) if isinstance(value, Mapping) else 0
        return rank(value)


def ordering_of(query: Query) -> Ordering:
    """Return the order that a request asks for.

    Raises:
        HttpError: 400, ``sort_reverse`` is neither true nor false.
    """
    reverse = query.get("sort_reverse")
    if reverse not in {None, "true", "false", ""}:
        raise bad_request(["not_boolean", reverse])
    path = tuple((query.get("sort") or "").split("."))
    return Ordering(path if path != ("",) else (), reverse == "true")


def rank(value: object) -> tuple[int, Any]:
    """Return a key that compares values of any types, in the order of Erlang."""
    kind = type(value)
    if kind is int or kind is float:  # as nearly all are that lists of thousands are sorted by
        return 0, value
    if value is None or isinstance(value, bool):
        return 1, str(value).lower() if value is not None else "null"
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, Mapping):
        pairs = sorted((str(name), rank(held)) for name, held in value.items())
        return 2, (len(pairs), pairs)
    if isinstance(value, list | tuple):
        return 3, [rank(each) for each in value]
    return 4, str(value).encode("utf-8", "surrogateescape")
