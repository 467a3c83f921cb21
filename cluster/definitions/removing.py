"""Definitions that are deleted: a queue, an exchange, a binding, and what ended with them.

One transaction deletes the thing itself. All that needs it ends at that revision (``references``),
so that its number is no matter; etcd takes 128 operations at most. What ended is swept later.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from cluster.definitions.inquiry import (
    ATTEMPTS_MAX,
    ContendedError,
    Found,
    Inquiry,
    looking_up,
    reading,
    transacting,
)
from cluster.definitions.references import References
from cluster.metadata.port import (
    Absent,
    Comparison,
    CreateRevision,
    Delete,
    Done,
    Empty,
    Item,
    ModRevision,
    Operation,
    Transaction,
    end_of_key,
    end_of_prefix,
)

SWEPT_AT_ONCE_MAX: Final = 64
"""Keys of one transaction that sweeps."""


Along: TypeAlias = Callable[[Item], tuple[Operation, ...]]
"""What is changed in the transaction that deletes an item."""


@dataclass(frozen=True, slots=True)
class Removed:
    """It was there, and is not since this revision; ``others`` went in the same moment."""

    item: Item
    revision: int
    others: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class NothingThere:
    """There was none."""


@dataclass(frozen=True, slots=True)
class InUse:
    """It stays, because this needs it."""

    item: Item


@dataclass(frozen=True, slots=True)
class Beside:
    """Another key, which may keep a definition from being deleted.

    Attributes:
        key: of it; what is not there keeps nothing.
        allows: takes what is there, and returns whether the definition may go.
    """

    key: bytes
    allows: Callable[[Item], bool]


def nothing(_item: Item) -> tuple[Operation, ...]:
    """Return that nothing is changed along with it."""
    return ()


def any_one(_item: Item) -> bool:
    """Return that whichever is there is meant."""
    return True


def removing(
    references: References,
    key: bytes,
    *,
    along: Along = nothing,
    is_ended: bool = False,
    is_meant: Callable[[Item], bool] = any_one,
    beside: Beside | None = None,
) -> Inquiry[Removed | NothingThere]:
    """Delete a definition; all that needs it ends with it.

    Args:
        references: what needs what.
        key: of the definition.
        along: what is changed in the same transaction.
        is_ended: it holds no more, and is swept.
        is_meant: whether the one that is there is meant; it stays where not.
        beside: it stays where this does not allow it, at that moment.

    Raises:
        ContendedError: others were always faster.
    """
    for _ in range(ATTEMPTS_MAX):
        item = yield from _found(references, key, is_ended=is_ended)
        if item is None or not is_meant(item):
            return NothingThere()
        compared: tuple[Comparison, ...] = ()
        if beside is not None:
            other = (yield from looking_up((beside.key,)))[beside.key]
            if other is not None and not beside.allows(other):
                return NothingThere()
            at = Absent(beside.key) if other is None else ModRevision(other.key, other.mod_revision)
            compared = (at,)
        answer = yield from transacting(deletion(item, along(item), *compared))
        if isinstance(answer, Done):
            return Removed(item, answer.revision)
    raise ContendedError(key)


def removing_unused(
    references: References, key: bytes, users: bytes
) -> Inquiry[Removed | NothingThere | InUse]:
    """Delete a definition, unless a key with the prefix ``users`` holds.

    Raises:
        ContendedError: others were always faster.
    """
    span = (users, end_of_prefix(users))
    for _ in range(ATTEMPTS_MAX):
        item = yield from _found(references, key)
        if item is None:
            return NothingThere()
        answer = yield from transacting(deletion(item, (), Empty(*span)))
        if isinstance(answer, Done):
            return Removed(item, answer.revision)
        page = yield from reading(*span)
        user, ended = yield from _first_that_holds(references, page.items)
        if user is not None:
            return InUse(user)
        yield from deleting_ended(ended)
    raise ContendedError(key)


def unbinding(
    references: References,
    key: bytes,
    goes_with_last: Callable[[Item], bool],
    *,
    is_ended: bool = False,
) -> Inquiry[Removed | NothingThere]:
    """Delete a binding, and the exchange that it is from where that goes with its last one.

    Args:
        references: what needs what.
        key: of the binding.
        goes_with_last: whether an exchange is deleted with its last binding (auto-delete).
        is_ended: it holds no more, and is swept.

    Raises:
        ContendedError: others were always faster.
    """
    source = references.source_of(key)
    for _ in range(ATTEMPTS_MAX):
        found = yield from looking_up((*references.needed_by(key), key))
        item = found[key]
        if item is None or references.holds(item, found.get) is is_ended:
            return NothingThere()
        exchange = None if source is None else found[source]
        compared: tuple[Comparison, ...] | None = ()
        others: tuple[bytes, ...] = ()
        if exchange is not None and _lasts(exchange, item) and goes_with_last(exchange):
            compared, others = yield from _comparing_last(references, item, exchange)
        if compared is None:
            continue
        answer = yield from transacting(deletion(item, tuple(map(Delete, others)), *compared))
        if isinstance(answer, Done):
            return Removed(item, answer.revision, others)
    raise ContendedError(key)


def deletion(item: Item, along: tuple[Operation, ...], *compared: Comparison) -> Transaction:
    """Return what deletes an item, unless it was changed since."""
    return Transaction(
        (ModRevision(item.key, item.mod_revision), *compared), (Delete(item.key), *along)
    )


def deleting_ended(ended: Sequence[Item]) -> Inquiry[None]:
    """Delete what holds no more; what was changed since stays. It never holds again."""
    for first in range(0, len(ended), SWEPT_AT_ONCE_MAX):
        some = ended[first : first + SWEPT_AT_ONCE_MAX]
        compared = tuple(ModRevision(each.key, each.mod_revision) for each in some)
        yield from transacting(Transaction(compared, tuple(Delete(each.key) for each in some)))


def _lasts(exchange: Item, binding: Item) -> bool:
    """Return whether this exchange is the one that the binding was made for."""
    return exchange.create_revision <= binding.create_revision


def _found(references: References, key: bytes, *, is_ended: bool = False) -> Inquiry[Item | None]:
    """Return a definition that holds, or one that holds no more; None: there is no such one."""
    found = yield from looking_up((*references.needed_by(key), key))
    item = found[key]
    if item is None or references.holds(item, found.get) is is_ended:
        return None
    return item


def _comparing_last(
    references: References, binding: Item, exchange: Item
) -> Inquiry[tuple[tuple[Comparison, ...] | None, tuple[bytes, ...]]]:
    """Return what to compare for a binding to go, and what goes along; None: begin anew.

    Either another binding holds, or there is no other one and the exchange goes too.
    """
    place = references.keys.place_of(exchange.key)
    assert place is not None, exchange
    prefix = references.bindings_from(*place.names)
    start, end = prefix, end_of_prefix(prefix)
    ended: list[Item] = []
    after = start
    while True:
        page = yield from reading(after, end)
        others = [each for each in page.items if each.key != binding.key]
        for each in others:
            found = yield from looking_up((*references.needed_by(each.key), each.key))
            item = found[each.key]
            if item is not None and references.holds(item, found.get):
                return (ModRevision(item.key, item.mod_revision), *_unchanged(found, item)), ()
            ended += [item] if item is not None else []
        if not page.has_more:
            break
        after = end_of_key(page.items[-1].key)
    if ended:
        yield from deleting_ended(ended)
        return None, ()
    around = (Empty(start, binding.key), Empty(end_of_key(binding.key), end))
    return (ModRevision(exchange.key, exchange.mod_revision), *around), (exchange.key,)


def _unchanged(found: Found, item: Item) -> tuple[Comparison, ...]:
    return tuple(
        CreateRevision(each.key, each.create_revision)
        for each in found.values()
        if each is not None and each.key != item.key
    )


def _first_that_holds(
    references: References, items: Sequence[Item]
) -> Inquiry[tuple[Item | None, list[Item]]]:
    """Return the first that holds, and those before it that do not."""
    ended: list[Item] = []
    for each in items:
        found = yield from looking_up((*references.needed_by(each.key), each.key))
        item = found[each.key]
        if item is not None and references.holds(item, found.get):
            return item, ended
        ended += [item] if item is not None else []
    return None, ended
