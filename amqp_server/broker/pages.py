"""Lists in pages: the cost of a page does not depend on the length of the list.

A cursor is the key of the last thing shown. A thing that exists from the first page to the last one
is shown once. A thing that comes or goes meanwhile may be shown or not.
"""

from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

from sortedcontainers import SortedList

PAGE_MAX: Final = 500
"""Most things on a page, for any request."""

PAGE_USUAL: Final = 50
"""Things on a page for a request that says no number: they are shown in a millisecond or two."""

Key = TypeVar("Key")
Item = TypeVar("Item")


class Page(NamedTuple, Generic[Key, Item]):
    """A part of a list.

    Attributes:
        items: frozen answers, in the order of their keys.
        cursor: for the request of the next page; None if there is no more.
    """

    items: tuple[Item, ...]
    cursor: Key | None


def page_of(
    keys: "SortedList[Key]",
    look: Callable[[Key], Item | None],
    after: Key | None,
    max_count: int,
) -> Page[Key, Item]:
    """Return the next things of a list.

    Args:
        keys: of all things.
        look: returns the view of a key's thing; None if it must not be shown.
        after: the cursor; None starts with the first one.
        max_count: how many at most, from 1 to ``PAGE_MAX``.
    """
    count = max(1, min(max_count, PAGE_MAX))
    start = 0 if after is None else keys.bisect_right(after)
    shown = list(keys.islice(start, start + count))
    found = [look(key) for key in shown]
    has_more = start + len(shown) < len(keys)
    cursor = shown[-1] if shown and has_more else None
    return Page(tuple([item for item in found if item is not None]), cursor)
