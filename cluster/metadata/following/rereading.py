"""What differs between a cache and a whole re-read of its range, page by page.

Only what differs is kept. It is told in an order in which it can be carried out, although nobody
knows the order in which it happened:

1. what is gone, and what was created anew meanwhile: it is another one now;
2. what was created, in the order of creation: a thing refers only to what was there before it;
3. what was changed, in the order of the changes.
"""

from collections.abc import Iterator
from heapq import merge
from itertools import chain
from typing import TypeAlias

from cluster.metadata.following.cache import Cache
from cluster.metadata.port import Change, Page, end_of_key

_Numbered: TypeAlias = tuple[int, bytes, Change]


class Rereading:
    """Compares pages with a cache that does not change meanwhile.

    Args:
        cache: what is held.
        start: the first key of the range.
        end: the first key that is outside.
    """

    def __init__(self, cache: Cache, start: bytes, end: bytes) -> None:
        self._cache = cache
        self._start = start
        self._end = end
        self._gone: list[Change] = []
        self._created: list[list[_Numbered]] = []
        self._changed: list[list[_Numbered]] = []

    def take(self, page: Page) -> None:
        """Compare the next page of the range with what is held there."""
        end = end_of_key(page.items[-1].key) if page.has_more else self._end
        held = {item.key: item for item in self._cache.between(self._start, end)}
        created: list[_Numbered] = []
        changed: list[_Numbered] = []
        for item in page.items:
            before = held.pop(item.key, None)
            if before is not None and before.create_revision == item.create_revision:
                if before.mod_revision != item.mod_revision:
                    changed.append((item.mod_revision, item.key, Change(item.key, item)))
                continue
            if before is not None:
                self._gone.append(Change(item.key, None))
            created.append((item.create_revision, item.key, Change(item.key, item)))
        self._gone += [Change(key, None) for key in held]
        self._created.append(sorted(created, key=_order))
        self._changed.append(sorted(changed, key=_order))
        self._start = end

    def changes(self) -> Iterator[Change]:
        """Yield what differs, once the last page was taken; nothing is sorted as a whole."""
        numbered = chain(merge(*self._created, key=_order), merge(*self._changed, key=_order))
        return chain(self._gone, (change for _, _, change in numbered))


def _order(numbered: _Numbered) -> tuple[int, bytes]:
    return numbered[0], numbered[1]
