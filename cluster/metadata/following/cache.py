"""What one node holds of the metadata store: all keys of a range, and who is told of changes.

    a re-read ── rereading ──▶ changes ─┐
                                        ├─▶ Cache ── News ──▶ listeners
    a watch ─────────────────▶ changes ─┘

A revision is taken in pieces, so that a long one holds nobody up. Whatever is told is held, and
the other way round, at any time: who replays what it was told, from the snapshot that it began
with, has what the cache has. ``revision`` moves with the last piece only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from sortedcontainers import SortedDict

from cluster.metadata.port import Change, Item


@dataclass(frozen=True, slots=True)
class Difference:
    """A key, and what it was and is; None: there was none, or is none any more."""

    key: bytes
    before: Item | None
    after: Item | None


@dataclass(frozen=True, slots=True)
class News:
    """A piece of what changed up to a revision, in the order in which it can be carried out.

    ``is_whole`` says that nothing of that revision, or of one before it, follows.
    """

    revision: int
    differences: tuple[Difference, ...]
    is_whole: bool


Listener: TypeAlias = Callable[[News], None]
"""Is told all news in order. It must not raise; work that is long is queued for later turns."""


class Snapshot(NamedTuple):
    """All that is held, in the order of the keys; whole as of ``revision``.

    Some of it may be newer, where a revision is being taken.
    """

    revision: int
    items: tuple[Item, ...]


class Cache:
    """The keys of a range.

    Attributes:
        revision: all changes up to here are held; 0: nothing was read yet.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._items: SortedDict[bytes, Item] = SortedDict()
        self._listeners: list[Listener] = []

    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self._items)

    def get(self, key: bytes) -> Item | None:
        """Return what is held of a key."""
        return self._items.get(key)

    def between(self, start: bytes, end: bytes) -> Iterator[Item]:
        """Yield what is held of a range, in order; nothing may be taken meanwhile."""
        for key in self._items.irange(start, end, inclusive=(True, False)):
            yield self._items[key]

    def listen(self, listener: Listener) -> Snapshot:
        """Tell somebody all news from now on; return what there is before them."""
        self._listeners.append(listener)
        return Snapshot(self.revision, tuple(self._items.values()))

    def leave(self, listener: Listener) -> None:
        """Tell somebody no more."""
        self._listeners.remove(listener)

    def take(self, revision: int, changes: Sequence[Change], *, is_whole: bool) -> None:
        """Hold and tell a piece of a revision; what is known already is neither.

        Args:
            revision: above the cache's own, else nothing happens: answers may overtake each other.
            changes: in order.
            is_whole: whether they are the last ones of the revision.
        """
        if revision <= self.revision:
            return
        differences = [each for change in changes if (each := self._held(change)) is not None]
        if is_whole:
            self.revision = revision
        news = News(revision, tuple(differences), is_whole)
        for listener in tuple(self._listeners):
            listener(news)

    def _held(self, change: Change) -> Difference | None:
        key, after = change.key, change.item
        before = self._items.get(key)
        if after is None:
            if before is None:
                return None
            del self._items[key]
        else:
            if before is not None and after.mod_revision <= before.mod_revision:
                return None
            self._items[key] = after
        return Difference(key, before, after)
