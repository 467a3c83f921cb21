"""The ready messages of a queue: first in, first out; a requeued one returns to its place.

       head                                                                         end
    | requeued: positions 3 4 9 | in memory: 12 13 14 15 ... | spilled: on disk, in memory |

Nearly always nothing was spilled, and a take is from memory. Requeued messages
(``queues.classic.requeued``) and spilled messages (``queues.classic.spilled``) are rare. This holds
no policy: the caller says what expires when, and what to do about it. This is the interpreted twin
and the specification of ``queues.classic._ready``.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from persistence.kernels import COMPILED
from persistence.positions import joined
from persistence.record import Run
from queues.batch import BATCH_BYTES_MAX, Batch
from queues.classic.requeued import Requeued
from queues.classic.spilled import Spilled
from queues.tail import NodeMemory, QueueMemory, Tail, check, position_ranges

NOTHING_EXPIRED: Final = -1
"""A ``now_ms`` before every instant: with it a take includes expired messages."""


class Lane:
    """Ready messages of one priority; a plain queue has one lane.

    Attributes:
        head: messages in memory that were never delivered, and come before all others of these.
        requeued: those that came back.
        spilled: the messages after the head; None while there are none.

    Invariant: every requeued position < every position of head and spilled.
    """

    __slots__ = ("head", "requeued", "spilled")

    def __init__(self, memory: QueueMemory) -> None:
        self.head = Tail(memory)
        self.requeued = Requeued(memory)
        self.spilled: Spilled | None = None

    @property
    def count(self) -> int:
        """How many messages are ready."""
        count = self.head.count + self.requeued.count
        return count if self.spilled is None else count + self.spilled.count

    @property
    def body_bytes(self) -> int:
        """Sum of their bodies, in bytes."""
        total_bytes = self.head.body_bytes + self.requeued.body_bytes
        return total_bytes if self.spilled is None else total_bytes + self.spilled.body_bytes

    @property
    def head_expires_at_ms(self) -> int:
        """When the head expires (instant); 0 when it never does, or there is none."""
        if self.requeued.count:
            return self.requeued.head_expires_at_ms
        return self.head.head_expires_at_ms

    @property
    def is_stalled(self) -> bool:
        """Whether the next messages are on a disk that could not be read; ask again later."""
        return self.requeued.is_stalled or (self.spilled is not None and self.spilled.is_stalled)

    def put(self, run: Run, first_position: int, expires_at_ms: int | Sequence[int]) -> None:
        """Put a run behind everything else; see ``Tail.append``."""
        if self.spilled is None:
            self.head.append(run, first_position, expires_at_ms)
        else:
            self.spilled.append(run, first_position, expires_at_ms)

    def put_band(
        self,
        run: Run,
        first_position: int,
        expires_at_ms: int | Sequence[int],
        bands: bytes,
        band: int,
    ) -> None:
        """Put the messages of one band behind everything else; see ``Tail.append_band``."""
        if self.spilled is None:
            self.head.append_band(run, first_position, expires_at_ms, bands, band)
        else:
            self.spilled.append_band(run, first_position, expires_at_ms, bands, band)

    def take(self, max_count: int, now_ms: int, max_bytes: int = BATCH_BYTES_MAX) -> Batch | None:
        """Take up to ``max_count`` messages that are alike off the head.

        The batch ends with the message that takes its bodies to ``max_bytes``, if one does.

        Returns:
            None when there is no message, or when the head has expired by ``now_ms``; the caller
            then takes the expired ones first. The batch ends before the first that has expired.
        """
        if self.requeued.count or self.spilled is not None:
            return self._take_slowly(max_count, max_bytes, now_ms, expired=False)
        return self.head.take(max_count, max_bytes, now_ms)

    def take_expired(self, max_count: int, now_ms: int) -> Batch | None:
        """Take up to ``max_count`` messages that have expired by ``now_ms`` off the head.

        Only the head is looked at: a message waits behind one that expires later, as in
        RabbitMQ's classic and quorum queues.
        """
        if self.requeued.count or self.spilled is not None:
            return self._take_slowly(max_count, BATCH_BYTES_MAX, now_ms, expired=True)
        return self.head.take_expired(max_count, BATCH_BYTES_MAX, now_ms)

    def clear(self) -> None:
        """Forget every message."""
        self.requeued.clear()
        self.head.clear()
        if self.spilled is not None:
            self.spilled.clear()
            self.spilled = None

    def _take_slowly(
        self, max_count: int, max_bytes: int, now_ms: int, *, expired: bool
    ) -> Batch | None:
        """Take what came back, or what is on disk, where there may be any."""
        requeued = self.requeued
        if requeued.count:
            again = requeued.take_expired if expired else requeued.take
            batch = again(max_count, now_ms, max_bytes)
            # Messages that cannot be read any more are gone; others are next.
            if batch is not None or requeued.count:
                return batch
        if self.spilled is None:
            take = self.head.take_expired if expired else self.head.take
            return take(max_count, max_bytes, now_ms)
        batch = self.spilled.take(max_count, max_bytes, now_ms, expired=expired)
        if self.spilled.is_done:
            self.spilled = None
        return batch


class Ready(Lane):
    """Ready messages of a plain queue.

    Attributes:
        memory: what they take.
        next_position: above every position that was given.
    """

    __slots__ = ("memory", "next_position")

    def __init__(self, memory: QueueMemory | None = None) -> None:
        self.memory = QueueMemory(NodeMemory()) if memory is None else memory
        super().__init__(self.memory)
        self.next_position = 0

    @property
    def is_over(self) -> bool:
        """Whether the messages take more memory than allowed."""
        return self.memory.is_over

    @property
    def delivered_below(self) -> int:
        """No message from this position on was ever taken, nor before a restart."""
        first_position = self.next_position
        if self.head.count:
            first_position = self.head.first_position
        elif self.spilled is not None:
            first_position = self.spilled.first_position
        return max(first_position, self.head.redeliver_below)

    def lanes(self) -> list[tuple[int, Lane]]:
        """Return the non-empty lanes with their numbers, the one served last first."""
        return [(0, self)]

    def append(self, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        """Put a run behind everything else.

        Args:
            run: at least one message.
            expires_at_ms: when they expire (instant; 0 is never), one for all or one each.

        Returns:
            Position of the first message; each following one is one higher.
        """
        first_position = self.next_position
        self.next_position = first_position + len(run)
        self.put(run, first_position, expires_at_ms)
        return first_position

    def drop_head(self, max_count: int, max_bytes: int = BATCH_BYTES_MAX) -> Batch | None:
        """Take messages that are alike off the head, expired or not; see ``take``."""
        return self.take(max_count, NOTHING_EXPIRED, max_bytes)

    def requeue(self, batches: Sequence[Batch]) -> None:
        """Put messages that were taken back to their old places, in any order."""
        self.requeued.add(batches)

    def purge(self) -> list[range]:
        """Forget every message; return their positions, without those of unacked messages."""
        positions = self.requeued.clear() + position_ranges(self.head)
        if self.spilled is not None:
            positions += self.spilled.position_ranges()
        self.clear()
        return joined(positions)

    def check_invariants(self) -> None:
        """Assert what the class promises; costs a walk over every message in memory."""
        check_lane(self, self.next_position)


def check_lane(lane: Lane, next_position: int) -> None:
    """Assert what a lane promises, of either build; costs a walk over every message in memory."""
    check(lane.head)
    ranges = position_ranges(lane.head)
    if lane.spilled is not None:
        lane.spilled.check_invariants()
        ranges += lane.spilled.position_ranges()
    assert all(one.stop <= other.start for one, other in pairwise(ranges)), "parts are in order"
    assert not ranges or ranges[-1].stop <= next_position, "none is from the future"
    lane.requeued.check_invariants(ranges[0].start if ranges else next_position)


if COMPILED:
    from queues.classic import _ready  # type: ignore[attr-defined]

    Lane = _ready.Lane  # type: ignore[misc]
    Ready = _ready.Ready  # type: ignore[misc]
