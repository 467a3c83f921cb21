"""All definitions of a node that was alone, put into the metadata store of a cluster.

    mark as begun ── compare what is there ── put what is missing ── read all back ── mark as done

It may be killed at any point and begun anew: what is there already is left as it is. Nothing is
ever overwritten. Each change compares the mark, so that a request that arrives after the end does
nothing. The order is kept, as what needs something must be created after it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cluster.definitions.inquiry import (
    ATTEMPTS_MAX,
    ContendedError,
    Inquiry,
    looking_up,
    transacting,
)
from cluster.definitions.references import References
from cluster.metadata.errors import MetadataError
from cluster.metadata.port import (
    Absent,
    Comparison,
    Done,
    Empty,
    Item,
    ModRevision,
    Put,
    Read,
    Transaction,
    Value,
    end_of_prefix,
)

KEYS_AT_ONCE_MAX: Final = 48
BYTES_AT_ONCE_MAX: Final = 256 * 1024
"""Of one transaction; a single value may be longer."""

MARK: Final = "moved-from"
_BEGUN: Final = b"begun "
_DONE: Final = b"done "


class Pair(NamedTuple):
    """A key and its value."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Moved:
    """All is there. ``put_count`` of them were put now, the others were there before.

    ``was_done``: the move had come to its end before, and nothing was looked at.
    """

    count: int
    put_count: int
    was_done: bool = False


class NotEmptyError(MetadataError):
    """The cluster has definitions that are not of this move."""


class NotAlikeError(MetadataError):
    """The cluster has something else at a key, which stays as it is."""

    def __init__(self, key: bytes) -> None:
        super().__init__(f"there is something else at {key!r:.300}")
        self.key = key


def moving(
    references: References, pairs: Sequence[Pair], source: str, *, into_existing: bool = False
) -> Inquiry[Moved]:
    """Put all pairs into a cluster.

    Args:
        references: what needs what.
        pairs: in an order in which what is needed comes first.
        source: which node they are of.
        into_existing: whether the cluster may have other definitions.

    Raises:
        NotEmptyError: it has some, and may not.
        NotAlikeError: a key is there with another value, or without what it needs.
        ContendedError: others change the same all the time.
    """
    mark = references.keys.key("meta", MARK)
    if (yield from _marking(references, mark, source, into_existing=into_existing)):
        return Moved(len(pairs), 0, was_done=True)
    for batch in _batches(pairs):
        yield from _missing_of(batch)
    put_count = 0
    for batch in _batches(pairs):
        put_count += yield from _putting(batch, mark, source)
    found: dict[bytes, Item | None] = {}
    for batch in _batches(pairs):
        found |= yield from looking_up([each.key for each in batch])
        for each in batch:
            item = found[each.key]
            if item is None or item.value != each.value or not references.holds(item, found.get):
                raise NotAlikeError(each.key)
    done = Put(mark, _DONE + source.encode())
    yield from transacting(Transaction((_begun(mark, source),), (done,)))
    return Moved(len(pairs), put_count)


def _marking(
    references: References, mark: bytes, source: str, *, into_existing: bool
) -> Inquiry[bool]:
    """Mark the move as begun; return whether it had come to its end already."""
    prefix = references.keys.prefix
    begun = Put(mark, _BEGUN + source.encode())
    compared: Comparison = Empty(prefix, end_of_prefix(prefix))
    for _ in range(ATTEMPTS_MAX):
        answer = yield from transacting(Transaction((compared,), (begun,), (Read(mark),)))
        if isinstance(answer, Done):
            return False
        (item,) = answer.reads
        if item is not None and item.value == _DONE + source.encode():
            return True
        is_ours = item is not None and item.value == begun.value
        if not is_ours and not into_existing:
            raise NotEmptyError("the cluster has definitions already; nothing was changed")
        compared = ModRevision(mark, item.mod_revision if item is not None else 0)
    raise ContendedError(mark)


def _begun(mark: bytes, source: str) -> Comparison:
    return Value(mark, _BEGUN + source.encode())


def _missing_of(batch: Sequence[Pair]) -> Inquiry[list[Pair]]:
    found = yield from looking_up([each.key for each in batch])
    missing: list[Pair] = []
    for each in batch:
        item = found[each.key]
        if item is None:
            missing.append(each)
        elif item.value != each.value:
            raise NotAlikeError(each.key)
    return missing


def _putting(batch: Sequence[Pair], mark: bytes, source: str) -> Inquiry[int]:
    for _ in range(ATTEMPTS_MAX):
        missing = yield from _missing_of(batch)
        if not missing:
            return 0
        absent = tuple(Absent(each.key) for each in missing)
        puts = tuple(Put(each.key, each.value) for each in missing)
        answer = yield from transacting(Transaction((_begun(mark, source), *absent), puts))
        if isinstance(answer, Done):
            return len(missing)
    raise ContendedError(batch[0].key)


def _batches(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    batch: list[Pair] = []
    size_bytes = 0
    for each in pairs:
        each_bytes = len(each.key) + len(each.value)
        if batch and (
            len(batch) == KEYS_AT_ONCE_MAX or size_bytes + each_bytes > BYTES_AT_ONCE_MAX
        ):
            yield batch
            batch, size_bytes = [], 0
        batch.append(each)
        size_bytes += each_bytes
    if batch:
        yield batch
