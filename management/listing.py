"""Answers that are lists: sorted, paged, cut to columns, and made in slices and bounded memory.

A list in its own order is sent while it is made. A sorted one keeps the key of each thing and the
thing's view, and makes the objects again as it sends them. A page keeps what may be on it.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import islice
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

BATCH_COUNT: Final = 64
"""Things that are looked at for a page between two looks at the clock."""

CANDIDATES_MORE: Final = 1_024
"""Candidates for a page that are gathered before they are sorted, beside twice those on it."""

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
        known: returns what tells a field without the object, by the path of the field; numbers
            are those of the last look. None where a field must be made, or a thing was not looked
            at yet.
        text: returns the whole object as JSON; None is a list that keeps none.
    """

    items: Iterator[Item]
    body: Callable[[Item], Mapping[str, Any]]
    name: Callable[[Item], str]
    is_paged: bool = True
    part: Callable[[Item, Wanted], Mapping[str, Any]] | None = None
    known: Callable[[tuple[str, ...]], Callable[[Item], float | str | None] | None] | None = None
    text: Callable[[Item], bytes] | None = None

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
    total_count = 0
    key_of = _keys_of_page(rows, ordering)
    # A pattern may take long for a single name.
    batch_count = 1 if page.is_pattern else BATCH_COUNT
    while batch := list(islice(rows.items, batch_count)):
        total_count += len(batch)
        if page.matches is not None:
            batch = [item for item in batch if page.matches(rows.name(item))]
        kept.add(batch, key_of)
        if slices.is_spent():
            await slices.pause()
    page.check(kept.seen_count)
    bodies = []
    for item in kept.items():
        bodies.append(rows.body(item))
        if slices.is_spent():
            await slices.pause()
    if ordering.path:
        # What the keys tell may have changed since the last look.
        bodies.sort(key=ordering.key, reverse=ordering.is_reversed)
    shown = [columns.of(body) for body in bodies]
    return answer(page.envelope(shown, kept.seen_count, total_count))


def _keys_of_page(rows: Rows[Item], ordering: Ordering) -> Callable[[Item], object]:
    """Return what gives the keys by which things come to a page.

    Numbers that are sampled are those of the last look, as all of them are in RabbitMQ: to make
    ten thousand objects anew takes a tenth of a second.
    """
    if not ordering.path:
        return lambda _item: None
    body = rows.cut(tree_to(ordering.path))
    known = rows.known(ordering.path) if rows.known is not None else None
    if known is None:
        return lambda item: ordering.key(body(item))

    def key_of(item: Item) -> object:
        value = known(item)
        return ordering.key(body(item)) if value is None else rank(value)

    return key_of


class _Kept(Generic[Item]):
    """The things that may be on a page, as long as not all are known.

    Attributes:
        seen_count: how many there were.
    """

    def __init__(self, page: PageWanted, ordering: Ordering) -> None:
        self._page = page
        self._ordering = ordering
        self._found: list[tuple[Any, int, Item]] = []
        self.seen_count = 0

    def add(self, items: Sequence[Item], key_of: Callable[[Item], object]) -> None:
        """Look at the next things of the list."""
        begin = self.seen_count
        self.seen_count += len(items)
        if self._ordering.is_natural:
            on_page = items[max(0, self._page.start - begin) : max(0, self._page.end - begin)]
            self._found += [(None, begin, item) for item in on_page]
            return
        self._found += zip(map(key_of, items), range(begin, self.seen_count), items, strict=True)
        if len(self._found) >= 2 * self._page.end + CANDIDATES_MORE:
            self._cut()

    def _cut(self) -> None:
        """Leave those that may still be on the page, in order."""
        # Indexes are never equal, so that things are not compared.
        self._found.sort(reverse=self._ordering.is_reversed)
        del self._found[self._page.end :]

    def items(self) -> list[Item]:
        """Return what is on the page, in order."""
        if self._ordering.is_natural:
            return [item for _, _, item in self._found]
        self._cut()
        return [item for _, _, item in self._found[self._page.start :]]


def _parts(rows: Rows[Item], columns: Columns) -> Iterator[bytes]:
    before, text = b"[", rows.text
    if text is None or columns.wanted is not None:
        body = rows.cut(columns.wanted)
        text = lambda item: dumped(columns.of(body(item)))  # noqa: E731 -- as the other one
    for item in rows.items:
        yield before + text(item)
        before = b","
    yield b"[]" if before == b"[" else b"]"


async def in_pieces(parts: Iterator[bytes], slices: Slices) -> AsyncIterator[bytes]:
    """Yield an answer that is made while it is sent, in slices.

    Args:
        parts: of the answer; each takes well under a millisecond to make.
        slices: of the loop.
    """
    piece: list[bytes] = []
    size_bytes = 0
    for part in parts:
        piece.append(part)
        size_bytes += len(part)
        if size_bytes >= PIECE_BYTES:
            yield b"".join(piece)
            piece, size_bytes = [], 0
            await slices.pause()
        elif slices.is_spent():
            await slices.pause()
    yield b"".join(piece)
