"""Messages of one queue with their positions, as a log takes and returns them.

A slice consists of views. Cutting it copies no message.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import Final, NamedTuple, Protocol, TypeAlias

from persistence.codec import decode_run, lent_octets
from persistence.positions import ranges_of
from persistence.record import Run, body_bytes
from persistence.settled import PositionSet

Expiries: TypeAlias = int | Sequence[int]
"""When messages expire (instant in ms; 0 is never): one for all, or one each."""

RECORD_BYTES_GUESS: Final = 64
"""Head, route and header of a small message: enough to decide what is large."""


class Messages(Protocol):
    """Messages that a queue gives up, in a type of its own, with the attributes of a ``Slice``."""

    @property
    def records(self) -> Run:
        """At least one."""

    @property
    def positions(self) -> Sequence[int]:
        """Positions of the messages, ascending."""

    @property
    def expires_at_ms(self) -> Expiries:
        """When they expire."""


class Slice(NamedTuple):
    """Some messages of a queue, in order.

    Attributes:
        records: at least one.
        positions: theirs, ascending: a range of step 1 where they are contiguous.
        expires_at_ms: when they expire (instant; 0 is never), one for all or one each.
    """

    records: Run
    positions: Sequence[int]
    expires_at_ms: Expiries = 0

    @property
    def size_bytes(self) -> int:
        """About its size in memory or in a file (bytes)."""
        return body_bytes(self.records) + RECORD_BYTES_GUESS * len(self.records)


def part(whole: Slice, start: int, stop: int) -> Slice:
    """Return the messages from index ``start`` up to, not including, ``stop``."""
    records, positions, expires = whole
    if start == 0 and stop >= len(positions):
        return whole
    if not isinstance(expires, int):
        expires = expires[start:stop]
    return Slice(records[start:stop], positions[start:stop], expires)


def shifted(expires_at_ms: Expiries, offset_ms: int) -> Expiries:
    """Return instants in another clock; 0 (never) stays 0, and no other instant becomes 0."""
    if isinstance(expires_at_ms, int):
        return expires_at_ms and max(expires_at_ms + offset_ms, 1)
    return [at and max(at + offset_ms, 1) for at in expires_at_ms]


def positions_of(slices: Sequence[Slice]) -> Sequence[int]:
    """Return the positions of slices in ascending order, as a range where there is no gap."""
    first, last = slices[0].positions[0], slices[-1].positions[-1]
    if last - first + 1 == sum([len(each.positions) for each in slices]):
        return range(first, last + 1)
    return list(chain.from_iterable([each.positions for each in slices]))


def expiries_of(slices: Sequence[Slice]) -> Expiries:
    """Return when the messages of slices expire: one instant where all have the same."""
    first = slices[0].expires_at_ms
    if isinstance(first, int) and all([each.expires_at_ms == first for each in slices]):
        return first
    return list(chain.from_iterable([_one_each(each) for each in slices]))


def joined(slices: Sequence[Slice]) -> Slice:
    """Return slices in ascending order as one; the messages are copied if there are several."""
    if len(slices) == 1:
        return slices[0]
    count = sum([len(each.records) for each in slices])
    octets = b"".join([lent_octets(each.records) for each in slices])
    return Slice(decode_run(octets, count), positions_of(slices), expiries_of(slices))


def stretches_outside(whole: Slice, members: PositionSet) -> list[Slice]:
    """Return the messages whose positions are no members, cut where others lie between."""
    positions = whole.positions
    first, stop = positions[0], positions[-1] + 1
    if stop - first == len(positions):
        missing = members.missing(first, stop)
        if missing == [range(first, stop)]:
            return [whole]
        return [part(whole, each.start - first, each.stop - first) for each in missing]
    # Many positions of other lanes lie between, so each is asked for, and not the whole span.
    kept = members.indexes_outside(positions)
    if len(kept) == len(positions):
        return [whole]
    return [part(whole, each.start, each.stop) for each in ranges_of(kept)]


def halves(whole: Slice, max_bytes: int) -> list[Slice]:
    """Return a slice in parts of about ``max_bytes`` at most; a message is never cut."""
    waiting, parts = [whole], []
    while waiting:
        each = waiting.pop()
        count = len(each.positions)
        if count == 1 or each.size_bytes <= max_bytes:
            parts.append(each)
        else:
            waiting += (part(each, count // 2, count), part(each, 0, count // 2))
    return parts


def _one_each(whole: Slice) -> Iterable[int]:
    expires = whole.expires_at_ms
    return repeat(expires, len(whole.positions)) if isinstance(expires, int) else expires
