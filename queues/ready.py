"""The messages of a queue that wait for a consumer: first in, first out, returns to their place.

        head                                                             tail
    | returned: positions 3 4 9 | tail: positions 12 13 14 15 16 ... contiguous |

Holds no policy: what expires when, and what to do about it, is told by the caller. Per message
only builtins run here. This is the interpreted twin and the specification of ``queues._ready``.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from itertools import accumulate, chain, islice, repeat
from typing import Final

from persistence.kernels import COMPILED
from persistence.record import Record, Run, body_bytes
from queues.batch import BATCH_BYTES_MAX, Batch, Entry
from queues.returned import Returned

NOTHING_EXPIRED: Final = -1
"""A ``now_ms`` before every instant: take a head whether it has expired or not."""


class Tail:
    """Records that were never delivered: first in, first out.

    The kernel keeps them as raw memory and shares long runs with whoever else has them.

    Attributes:
        count: how many there are.
        body_bytes: sum of their bodies, in bytes.
    """

    __slots__ = ("_records", "body_bytes")

    def __init__(self) -> None:
        self._records: deque[Record] = deque()
        self.body_bytes = 0

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def append(self, run: Run) -> None:
        """Put a run behind everything else."""
        self._records.extend(run)
        self.body_bytes += body_bytes(run)

    def take(self, max_count: int, max_bytes: int) -> Run:
        """Take the oldest: at least one, at most ``max_count``; there must be one.

        The run ends with the message that takes its bodies to ``max_bytes``, if one does.
        """
        records = self._records
        if self.body_bytes > max_bytes:
            sizes = accumulate([len(record[2]) for record in islice(records, max_count)])
            max_count = min(bisect_left(list(sizes), max_bytes) + 1, max_count)
        if max_count >= len(records):
            taken = list(records)
            records.clear()
            self.body_bytes = 0
            return taken
        popleft = records.popleft
        taken = [popleft() for _ in repeat(None, max_count)]
        self.body_bytes -= body_bytes(taken)
        return taken

    def clear(self) -> None:
        """Forget them all."""
        self._records.clear()
        self.body_bytes = 0


class Ready:
    """Ready messages of a plain queue.

    Invariant: every returned position < every position of the tail.
    Invariant: ``_expires``, when there is one, is as long as the tail.
    """

    __slots__ = ("_expires", "_returned", "_tail", "_tail_position")

    def __init__(self) -> None:
        self._tail = Tail()
        self._tail_position = 0  # of the tail's head
        # There is one only once a message that expires was appended, until the tail empties.
        self._expires: deque[int] | None = None
        self._returned = Returned()

    @property
    def count(self) -> int:
        """How many messages are ready."""
        return len(self._tail) + self._returned.count

    @property
    def body_bytes(self) -> int:
        """Sum of their bodies, in bytes."""
        return self._tail.body_bytes + self._returned.body_bytes

    @property
    def head_expires_at_ms(self) -> int:
        """When the head expires (instant); 0 when it never does, or there is none."""
        if self._returned.count:
            return self._returned.head_expires_at_ms
        return self._expires[0] if self._expires else 0

    @property
    def delivered_below(self) -> int:
        """No message from this position on was ever delivered."""
        return self._tail_position

    def begin_at(self, position: int) -> None:
        """Give an empty queue's next message this position: those before it had a life already."""
        self._tail_position = position

    def records(self) -> Iterator[Record]:
        """Return the messages, head first, without taking them."""
        return chain(self._returned.records(), self._tail)

    def append(self, run: Run, expires_at_ms: int | list[int] = 0) -> int:
        """Put a run behind everything else.

        Args:
            run: at least one message.
            expires_at_ms: when they expire (instant; 0 is never), one for all or one each.

        Returns:
            Position of the first; the others follow by one each.
        """
        tail = self._tail
        first_position = self._tail_position + len(tail)
        if expires_at_ms or self._expires is not None:
            self._note_expiry(len(run), expires_at_ms)
        tail.append(run)
        return first_position

    def take(self, max_count: int, now_ms: int) -> Batch | None:
        """Take up to ``max_count`` messages that are alike off the head.

        Returns:
            None when there is none, or when the head has expired by ``now_ms``: the caller
            takes the expired ones first. The batch ends before the first that has expired.
        """
        if self._returned.count:
            return self._returned.take(max_count, now_ms)
        count = min(max_count, len(self._tail))
        if self._expires is not None:
            count = live_count(self._expires, count, now_ms)
        return self._cut(count) if count > 0 else None

    def take_expired(self, max_count: int, now_ms: int) -> Batch | None:
        """Take up to ``max_count`` messages that have expired by ``now_ms`` off the head.

        Only the head is looked at: a message waits behind one that expires later, as in
        RabbitMQ's classic and quorum queues.
        """
        if self._returned.count:
            return self._returned.take_expired(max_count, now_ms)
        if self._expires is None:
            return None
        count = expired_count(self._expires, max_count, now_ms)
        return self._cut(count) if count > 0 else None

    def drop_head(self, max_count: int) -> Batch | None:
        """Take up to ``max_count`` messages that are alike off the head, expired or not."""
        return self.take(max_count, NOTHING_EXPIRED)

    def requeue(self, entries: list[Entry]) -> None:
        """Put messages that were taken back to their old places, in any order."""
        self._returned.add(entries)

    def purge(self) -> list[range]:
        """Forget every message; return the positions they had."""
        positions = self._returned.clear()
        count = len(self._tail)
        if count:
            positions.append(range(self._tail_position, self._tail_position + count))
        self._tail_position += count
        self._tail.clear()
        self._expires = None
        return positions

    def check_invariants(self) -> None:
        """Assert what the class promises; costs a walk over every message."""
        records = list(self._tail)
        assert len(records) == len(self._tail), "the count is that of the tail"
        assert self._tail.body_bytes == body_bytes(records), "bytes are those of the tail"
        if self._expires is not None:
            assert len(self._expires) == len(self._tail), "one expiry for each of the tail"
        self._returned.check_invariants(self._tail_position)

    def _note_expiry(self, count: int, expires_at_ms: int | list[int]) -> None:
        if self._expires is None:
            self._expires = deque(repeat(0, len(self._tail)))
        if isinstance(expires_at_ms, list):
            assert len(expires_at_ms) == count, "one expiry for each message"
            self._expires.extend(expires_at_ms)
        else:
            self._expires.extend(repeat(expires_at_ms, count))

    def _cut(self, max_count: int) -> Batch:
        """Take messages off the head of the tail: at least one, at most ``max_count``."""
        records = self._tail.take(max_count, BATCH_BYTES_MAX)
        count = len(records)
        expires_at_ms = None
        if self._expires is not None:
            next_expiry = self._expires.popleft
            expires_at_ms = [next_expiry() for _ in repeat(None, count)]
            if not self._expires:
                self._expires = None
        first = self._tail_position
        self._tail_position = first + count
        return Batch(range(first, first + count), records, expires_at_ms)


def live_count(expires: deque[int], max_count: int, now_ms: int) -> int:
    """Return how many of the first ``max_count`` come before one that expired by ``now_ms``."""
    head = list(islice(expires, max_count))
    if not head or min(head) > now_ms:
        return len(head)
    for count, expires_at_ms in enumerate(head):
        if 0 < expires_at_ms <= now_ms:
            return count
    return len(head)


def expired_count(expires: deque[int], max_count: int, now_ms: int) -> int:
    """Return how many at the head, ``max_count`` at most, have all expired by ``now_ms``."""
    count = 0
    for expires_at_ms in islice(expires, max_count):
        if not 0 < expires_at_ms <= now_ms:
            break
        count += 1
    return count


if COMPILED:
    from queues import _ready  # type: ignore[attr-defined]

    Tail = _ready.Tail  # type: ignore[misc]
    Ready = _ready.Ready  # type: ignore[misc]
