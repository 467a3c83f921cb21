"""Answers that are lists: sorted, paged, cut to columns, and made in slices and bounded memory.

A list in its own order is sent while it is made. A sorted one keeps the key of each thing and the
thing's view, and makes the objects again as it sends them. A page keeps what may be on it.
"""

import heapq
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import total_ordering
from typing import Any, Final, Generic, NamedTuple, TypeVar

from management.call import Call
from management.http.json_text import dumped
from management.http.response import Response, answer
from management.lists.columns import Columns, Wanted, tree_to
from management.lists.ordering import Ordering, ordering_of, rank
from management.lists.paging import PageWanted, page_wanted
from management.slices import Slices

PIECE_BYTES: Final = 64 * 1024
"""A list is sent in pieces of about this many bytes."""

Item = TypeVar("Item")


class Rows(NamedTuple, Generic[Item]):
    """The things of a list.

    Attributes:
        items: in the order of the list itself; taken in slices, so that it may see changes.
        body: returns the object of a thing.
        name: returns its name, for the filter of pages.
        is_paged: whether the route has pages.
        part: returns an object that has at least what is wanted; None is a list whose objects
            cost little.
        sampled: returns what tells a field's number as it was at the last look, by the path of
            the field; None where a field has none, or a thing was not looked at yet.
    """

    items: Iterator[Item]
    body: Callable[[Item], Mapping[str, Any]]
    name: Callable[[Item], str]
    is_paged: bool = True
    part: Callable[[Item, Wanted], Mapping[str, Any]] | None = None
    sampled: Callable[[tuple[str, ...]], Callable[[Item], float | None] | None] | None = None

    def cut(self, wanted: Wanted) -> Callable[[Item], Mapping[str, Any]]:
        """Return what makes objects that have at least what is wanted."""
        part = self.part
        return self.body if part is None else lambda item: part(item, wanted)


async def listed(call: Call, rows: Rows[Item]) -> Response:
    """Return the answer to a request for a list.

    Raises:
        HttpError: 400, the parameters make no sense.
    """
    query = call.request.query
    page = page_wanted(query) if rows.is_paged else None
    columns, ordering = Columns(query), ordering_of(query)
    slices = call.node.slices
    if page is not None:
        return await _page(rows, page, ordering, columns, slices)
    if ordering.path:
        rows = replace_items(rows, iter(await _sorted(rows, ordering, slices)))
    elif ordering.is_reversed:
        rows = replace_items(rows, reversed(await _all(rows, slices)))
    return Response(200, in_pieces(_parts(rows, columns), slices))


def replace_items(rows: Rows[Item], items: Iterator[Item]) -> Rows[Item]:
    """Return the same rows in another order."""
    return rows._replace(items=items)


async def _all(rows: Rows[Item], slices: Slices) -> list[Item]:
    found: list[Item] = []
    for item in rows.items:
        found.append(item)
        if slices.is_spent():
            await slices.pause()
    return found


@total_ordering
class _Last:
    """A key that compares the other way round."""

    __slots__ = ("key",)

    def __init__(self, key: object) -> None:
        self.key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Last) and self.key == other.key

    def __lt__(self, other: "_Last") -> bool:
        return bool(other.key < self.key)  # type: ignore[operator] # keys of one kind

    __hash__ = object.__hash__


async def _sorted(rows: Rows[Item], ordering: Ordering, slices: Slices) -> list[Item]:
    keyed: list[tuple[Any, Item]] = []
    body = rows.cut(tree_to(ordering.path))
    for item in rows.items:
        keyed.append((ordering.key(body(item)), item))
        if slices.is_spent():
            await slices.pause()
    # Stable, and reversed as RabbitMQ reverses: the order of equal ones too.
    keyed.sort(key=lambda pair: pair[0])
    if ordering.is_reversed:
        keyed.reverse()
    return [item for _, item in keyed]


async def _page(
    rows: Rows[Item], page: PageWanted, ordering: Ordering, columns: Columns, slices: Slices
) -> Response:
    kept = _Kept[Item](page, ordering)
    total_count = filtered_count = 0
    key_of = _keys_of_page(rows, ordering)
    for item in rows.items:
        total_count += 1
        if page.matches(rows.name(item)):
            kept.add(key_of(item), filtered_count, item)
            filtered_count += 1
        if slices.is_spent():
            await slices.pause()
    page.check(filtered_count)
    bodies = []
    for item in kept.items():
        bodies.append(rows.body(item))
        if slices.is_spent():
            await slices.pause()
    if ordering.path:
        # What the keys tell may have changed since the last look.
        bodies.sort(key=ordering.key, reverse=ordering.is_reversed)
    shown = [columns.of(body) for body in bodies]
    return answer(page.envelope(shown, filtered_count, total_count))


def _keys_of_page(rows: Rows[Item], ordering: Ordering) -> Callable[[Item], object]:
    """Return what gives the keys by which things come to a page.

    Numbers that are sampled are those of the last look, as all of them are in RabbitMQ: to make
    ten thousand objects anew takes a fifth of a second.
    """
    if not ordering.path:
        return lambda _item: None
    body = rows.cut(tree_to(ordering.path))
    sampled = rows.sampled(ordering.path) if rows.sampled is not None else None
    if sampled is None:
        return lambda item: ordering.key(body(item))

    def key_of(item: Item) -> object:
        number = sampled(item)
        return ordering.key(body(item)) if number is None else rank(number)

    return key_of


class _Kept(Generic[Item]):
    """The things that may be on a page, as long as not all are known."""

    def __init__(self, page: PageWanted, ordering: Ordering) -> None:
        self._page = page
        self._is_natural = ordering.is_natural
        self._is_reversed = ordering.is_reversed
        self._heap: list[tuple[Any, int, Item]] = []

    def add(self, key: object, index: int, item: Item) -> None:
        """Look at the next thing of the list, the ``index``-th that matches."""
        if self._is_natural:
            if self._page.start <= index < self._page.end:
                self._heap.append((None, index, item))
            return
        # The worst of those kept is on top: it goes when a better one comes. Indexes are never
        # equal, so that things are not compared.
        candidate = (key, index, item) if self._is_reversed else (_Last((key, index)), index, item)
        if len(self._heap) < self._page.end:
            heapq.heappush(self._heap, candidate)
        elif self._heap[0] < candidate:
            heapq.heapreplace(self._heap, candidate)

    def items(self) -> list[Item]:
        """Return what is on the page, in order."""
        if self._is_natural:
            return [item for _, _, item in self._heap]
        best_first = sorted(self._heap, reverse=True)
        return [item for _, _, item in best_first[self._page.start : self._page.end]]


def _parts(rows: Rows[Item], columns: Columns) -> Iterator[bytes]:
    before, body = b"[", rows.cut(columns.wanted)
    for item in rows.items:
        yield before + dumped(columns.of(body(item)))
        before = b","
    yield b"[]" if before == b"[" else b"]"


async def in_pieces(parts: Iterator[bytes], slices: Slices) -> AsyncIterator[bytes]:
    """Yield an answer that is made while it is sent, in slices.

    Args:
        parts: of the answer; each takes well under a millisecond to make.
        slices: of the loop.
    """
    piece = bytearray()
    for part in parts:
        piece += part
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
            await slices.pause()
        elif slices.is_spent():
            await slices.pause()
    yield bytes(piece)
