"""The parameter ``columns``: which fields an object is cut down to.

    columns=name,message_stats.publish_details.rate

Source: RabbitMQ 3.10, recorded answers. A field that holds no object is kept whole, however deep
the column goes, and so are ``arguments``. What matches nothing is ``[]``, in place of the object.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

from management.http.request import Query

_WHOLE: Final = frozenset({"arguments", "client_properties", "definition", "properties"})

Tree: TypeAlias = dict[str, "Tree | None"]
"""The wanted fields, each with those in it; None is the whole of it."""

Wanted: TypeAlias = Tree | None
"""What a body must have; None is all. It may have more."""


def wants(wanted: Wanted, names: Collection[str]) -> bool:
    """Return whether one of some fields is wanted."""
    return wanted is None or not wanted.keys().isdisjoint(names)


def wanted_in(wanted: Wanted, name: str) -> Wanted:
    """Return what is wanted of a field that is an object, and is wanted itself."""
    return None if wanted is None else wanted.get(name)


def tree_to(path: Sequence[str]) -> Tree:
    """Return the tree of one field, by the names that lead to it."""
    tree: Tree = {path[-1]: None}
    for name in reversed(path[:-1]):
        tree = {name: tree}
    return tree


COLUMNS_MAX: Final = 1_000


class Columns:
    """The wanted fields of a request.

    Args:
        query: of the request.
    """

    def __init__(self, query: Query) -> None:
        text = query.get("columns")
        self._tree = None if text is None else _tree_of(text)

    @property
    def wanted(self) -> Wanted:
        """The wanted fields; None where objects stay whole."""
        return self._tree

    def of(self, item: Mapping[str, Any]) -> object:
        """Return the wanted fields of an object."""
        if self._tree is None:
            return item
        return _cut(item, self._tree) or []


def _tree_of(text: str) -> Tree:
    tree: Tree = {}
    for column in text.split(",")[:COLUMNS_MAX]:
        node: Tree = tree
        names = [name for name in column.split(".") if name]
        for name in names[:-1]:
            found = node.setdefault(name, {})
            if found is None:
                break
            node = found
        else:
            if names:
                node[names[-1]] = None
    return tree


def _cut(item: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in item.items():
        if name not in tree:
            continue
        inner = tree[name]
        if inner is None or name in _WHOLE:
            kept[name] = value
        elif isinstance(value, Mapping):
            found = _cut(value, inner)
            if found:
                kept[name] = found
        elif isinstance(value, list | tuple):
            kept[name] = _cut_each(value, inner)
        else:
            kept[name] = value
    return kept


def _cut_each(values: Sequence[Any], tree: Tree) -> list[Any]:
    cut: Callable[[Any], Any] = lambda value: (  # noqa: E731 -- used once
        (_cut(value, tree) or []) if isinstance(value, Mapping) else value
    )
    return [cut(value) for value in values]
