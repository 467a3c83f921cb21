"""The keys of a table in order, for views: they are kept in order only while somebody looks.

Each declare, delete and connect would pay for an order that most nodes are never asked for. So keys
are sorted when somebody looks. They are kept in order from then on, until there were many changes
without another look. Sorting a few thousand keys takes no longer than a turn may. If there are
more, they are always kept in order.
"""

from collections.abc import Collection
from typing import Final, Generic, TypeVar

from sortedcontainers import SortedList

SORTED_AT_ONCE_MAX: Final = 10_000
"""Keys that are sorted when somebody looks, in about 5 ms; more are always kept in order."""

Key = TypeVar("Key", str, int)


class OrderedKeys(Generic[Key]):
    """The keys of a table, in order when they are asked for.

    Invariant: ``_ordered`` is None, or has exactly the keys of the table.
    """

    __slots__ = ("_changes_left", "_ordered", "_table")

    def __init__(self, table: Collection[Key]) -> None:
        """Order the keys of a table; each change of it is noted after it was made."""
        self._table: Collection[Key] = table
        self._ordered: SortedList[Key] | None = None
        self._changes_left = 0

    def __len__(self) -> int:
        return len(self._table)

    def in_order(self) -> "SortedList[Key]":
        """Return all keys in order; the caller must not change them."""
        ordered = self._ordered
        if ordered is None:
            ordered = self._ordered = SortedList(self._table)
        self._changes_left = SORTED_AT_ONCE_MAX
        return ordered

    def note_added(self, key: Key) -> None:
        """Note that the table has one more key."""
        if self._ordered is not None:
            self._ordered.add(key)
            self._note_change()
        elif len(self._table) > SORTED_AT_ONCE_MAX:
            self._ordered = SortedList(self._table)

    def note_removed(self, key: Key) -> None:
        """Note that the table has a key less."""
        if self._ordered is not None:
            self._ordered.remove(key)
            self._note_change()

    def _note_change(self) -> None:
        self._changes_left -= 1
        if self._changes_left <= 0 and len(self._table) <= SORTED_AT_ONCE_MAX // 2:
            self._ordered = None
