"""The log of a mirrored queue on its leader: events of the queue become records of the core.

A record is an operation of the write-ahead log with queue id 0, so it has the same octets on each
disk and link (``persistence.format`` draws it). Transient messages are records too: a mirror that
takes over has all that was published, as with a quorum queue.

What the queue gives up of its memory can go to segments only once it is committed and compacted
(R1). Until then it stays in memory.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from cluster.mirrored.groups import LedQueue
from cluster.mirrored.lag import Lag
from cluster.mirrored.waiting_settlements import WaitingSettlements
from cluster.replication.core import NotServingError
from cluster.replication.publishers import Front, Published, Publishers, Submission, Verdict
from persistence.files import Octets
from persistence.front_numbers import FrontNumber
from persistence.front_numbers import Published as StoredRow
from persistence.log import ReadBack
from persistence.operations import (
    Expires,
    encode_enqueue,
    encode_requeued,
    encode_settle,
    encode_submitted,
)
from persistence.record import Run
from persistence.replica_operations import encode_epoch
from persistence.replicas.log import NO_QUEUE, ReplicaLog
from persistence.settled import PositionSet
from persistence.slices import Expiries, Messages, joined, shifted, stretches_outside
from persistence.stream_operations import encode_stream_chunks, encode_stream_submitted
from persistence.streams.chunk import decode_chunk_header
from queues.commits import SAFE_NOW, CommitGroup, CommitPoint

NEVER_SAFE: Final = 1
"""An LSN of the group of a queue that has ended, which has failed and committed nothing."""


class Leader(Protocol):
    """What a log needs of ``node.MirroredNode``."""

    def append(self, led: LedQueue, octets: bytes, count: int, *, is_settlement: bool) -> int:
        """Append records to a queue; return the LSN of the last in the group of the queue."""

    def may_append(self, queue: str) -> bool:
        """Return whether messages are admitted."""

    def judge(self, queue: str, publishers: Publishers, submission: Submission) -> Verdict:
        """Say what is to be done with a run of a front end; see ``ReplicationCore.judge``."""

    def may_deliver(self, queue: str) -> bool:
        """Return whether committed messages may be delivered now; if not, note who asked."""

    def may_confirm(self, queue: str, index: int) -> bool:
        """Return whether what is in the log up to here may be confirmed now."""

    def is_leased(self, queue: str) -> bool:
        """Return whether no other node can lead the queue at this moment."""

    def is_elsewhere(self, queue: str, index: int) -> bool:
        """Return whether a mirror has the queue up to here, or there is none; else as above."""

    def compact(self, queue: str, *, may_wait: bool = False) -> None:
        """Put what is committed into the messages, before this turn ends.

        With ``may_wait`` not while a mirror needs the records.
        """


class MirroredLog:
    """Implements ``queues.log_port.CommittedLog`` for one leadership; the next one has another.

    Attributes:
        on_committed: set by the queue; see the port.
        on_admitted: called when a run that was told NotServingError would be decided now.
        committed_below: every message before this position is committed.
        lag: for how long no mirror has answered.
        led: the queue, as commit groups see it.
        read_back_count: chunks that were read back so far.
        has_ended: this node does not lead the queue any more: what is appended is never safe.
        keys_are_known: see ``queues.log_port.KeepingLog``.
        has_repeated: the queue has taken a message that repeats one, and appended none since;
            ``prove`` is due.
    """

    def __init__(self, led: LedQueue, replica: ReplicaLog, leader: Leader) -> None:
        """Make the log of a queue that this node begins to lead."""
        self.led = led
        self.has_ended = False
        self.keys_are_known: bool | None = None
        self.has_repeated = False
        self._replica = replica
        self._leader = leader
        self.on_committed: Callable[[], None] = _wake_nobody
        self.on_admitted: Callable[[], None] = _wake_nobody
        stream = replica.stream.content
        self.committed_below = replica.state.next_position if stream is None else stream.next_offset
        # What is not committed: (index of the record, position behind its last message).
        self._uncommitted: deque[tuple[int, int]] = deque()
        self._settled = PositionSet()
        self._waiting = WaitingSettlements()
        self.lag = Lag()
        # All that the replica has was committed, and is at its base: ``node`` saw to that.
        self._publishers = Publishers(map(_published, replica.published.rows()))
        self._front: Front | None = None
        self._first = self._number = 0
        self._last_point: CommitPoint = SAFE_NOW
        self._last_group = led.group

    @property
    def commit_group(self) -> CommitGroup:
        """The group of the set of mirrors that have to have what is appended now."""
        return self.led.group

    @property
    def committed_lsn(self) -> int:
        """Everything appended up to this LSN is on the disks of the in-sync set."""
        return self.led.group.committed_lsn

    @property
    def read_back_count(self) -> int:
        """How many chunks were read back so far."""
        return self._replica.messages.read_back_count

    @property
    def takes_publishes(self) -> bool:
        """Whether a publish may be appended now: not while the queue is handed over (R22).

        Ask before the queue takes it. A refusal after this is final: the log has nothing of it.
        """
        return not self.has_ended and self._leader.may_append(self.led.lead.queue)

    def append(self, first_position: int, run: Run, expires_at_ms: Expiries = 0) -> int:
        """Append a run; return the LSN. The instants of expiry are on the wall clock in records."""
        expires = expires_at_ms or None
        if expires is not None:
            expires = shifted(expires, self._replica.state.wall_offset_ms())
        if self._front is not None:
            lsn = self._append_submitted(self._front, first_position, run, expires)
        else:
            parts = encode_enqueue(NO_QUEUE, first_position, run, expires)
            lsn = self._append(parts, is_settlement=False)
        if not self.has_ended:
            self._uncommitted.append((self.led.last_index, first_position + len(run)))
        return lsn

    @property
    def may_deliver(self) -> bool:
        """Whether what is committed may be delivered: not without a lease, nor during a move."""
        return not self.has_ended and self._leader.may_deliver(self.led.lead.queue)

    def lags(self, now_ms: int) -> bool:
        """Return whether no mirror has answered for so long that nothing is delivered."""
        led, lag = self.led, self.lag
        if not lag.look(now_ms, led.last_index, led.committed_index):
            return False
        self.end_waiting()
        # Where one mirror is silent, another one has what was settled, and may lead next.
        is_elsewhere = self._leader.is_elsewhere(led.lead.queue, lag.index)
        return lag.look(now_ms, led.last_index, lag.index if is_elsewhere else 0)

    def commit(self, index: int) -> None:
        """The core has committed the queue up to here; the queue hears of it before confirms."""
        uncommitted, below = self._uncommitted, self.committed_below
        while uncommitted and uncommitted[0][0] <= index:
            self.committed_below = uncommitted.popleft()[1]
        if self.committed_below > below or self.lag.is_long:
            self.on_committed()
        led = self.led
        led.commit(index)
        if self._waiting and led.committed_index >= led.last_index:
            self.end_waiting()

    def judge(self, submission: Submission) -> Verdict:
        """Say what is to be done with a run of a front end, before anything is done (R23).

        Raises:
            NotServingError: this node admits nothing now, and decides nothing.
        """
        if self.has_ended or self.keys_are_known is False:
            raise NotServingError(self.led.lead.queue)
        return self._leader.judge(self.led.lead.queue, self._publishers, submission)

    def begin(self, front: Front, first: int) -> None:
        """What is appended until ``end`` are the messages of a run, in order and all of them.

        Args:
            front: whose run it is.
            first: the number of its first message.
        """
        self._front, self._first, self._number = front, first, first - 1

    def end(self, taken_count: int) -> None:
        """What is appended from now on was submitted by no front end.

        Args:
            taken_count: how many messages of the run the queue has taken; what it took and did not
                append repeats what is in the log.
        """
        front, self._front = self._front, None
        assert front is not None, "it was begun"
        if taken_count:
            last = self._first + taken_count - 1
            assert self._number <= last, "these are messages of the run"
            # What a stream has, it keeps, whoever leads it.
            self.has_repeated = self._number < last and self.keys_are_known is not None
            self._publishers.note(front, last, self.led.last_index)

    def prove(self, front: Front, last: int) -> CommitPoint:
        """Return when messages may be confirmed that repeat others, beside the commit of those.

        The next leader may have settled what they repeat, and would take them. With the lease there
        is none yet. Without it a record is appended that says nothing: who leads next has it, and
        all that was settled before it, or it is never committed here.

        Args:
            front: who has submitted them.
            last: the number of its last message that was taken.
        """
        self.has_repeated = False
        if self._leader.is_leased(self.led.lead.queue):
            return SAFE_NOW
        self._append((encode_epoch(self.led.lead.epoch),), is_settlement=False)
        # Who asks for them again waits for that record too.
        self._publishers.note(front, last, self.led.last_index)
        return self._last_point

    def confirmed_at(self, index: int) -> CommitPoint:
        """Return when a message that is in the log may be confirmed, by its record's index.

        Raises:
            NotServingError: it is committed, and this node may confirm nothing now (R17).
        """
        if index > self.led.committed_index:
            return self.last_point
        if not self._leader.may_confirm(self.led.lead.queue, index):
            raise NotServingError(self.led.lead.queue)
        return SAFE_NOW

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Promise as before: what a mirror has answered for is on its disk (R1)."""

    @property
    def replica(self) -> ReplicaLog:
        """The replica of this node; what is at its base is committed."""
        return self._replica

    @property
    def last_point(self) -> CommitPoint:
        """When all that was appended so far is safe."""
        led = self.led
        if led.last_index <= led.committed_index:
            return SAFE_NOW
        if self._last_group.has_failed and not self.has_ended:
            # With the leadership of another queue.
            self._last_group = led.wait_alone()
            self._last_point = CommitPoint(self._last_group, 1)
        return self._last_point

    def append_stream(self, first_offset: int, chunks: Sequence[bytes], record_count: int) -> int:
        """Append chunks of a stream; return the LSN.

        Args:
            first_offset: of the first chunk.
            chunks: the octets of each, at least one.
            record_count: how many messages of the run they stand for.
        """
        stop = first_offset + sum([decode_chunk_header(each).record_count for each in chunks])
        if self._front is None:
            parts = encode_stream_chunks(NO_QUEUE, first_offset, len(chunks), chunks)
        else:
            self._number += record_count
            last = FrontNumber(self._front.node, self._front.incarnation, self._number)
            parts = encode_stream_submitted(first_offset, len(chunks), chunks, last)
        lsn = self._append(parts, is_settlement=False)
        if not self.has_ended:
            self._uncommitted.append((self.led.last_index, stop))
        return lsn

    def append_of_stream(self, octets: bytes) -> int:
        """Append a record of a stream that has no message; return the LSN."""
        return self._append((octets,), is_settlement=True)

    def compact(self, *, may_wait: bool = False) -> None:
        """Have what is committed put into the replica's base, before this turn ends.

        Args:
            may_wait: not while a mirror that is behind needs the records.
        """
        if not self.has_ended:
            self._leader.compact(self.led.lead.queue, may_wait=may_wait)

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        """Record that these positions are settled for ever; return the LSN, 0 if it waits.

        What is not promised may wait while something of the queue is not committed; see
        ``waiting_settlements``. What is committed is on the disk of each mirror that answers for
        it, promised or not (R1). Nothing waits while the queue is handed over (R22).
        """
        self._settled.add(positions)
        if not is_promised and not self.has_ended and not self._waiting.is_full:
            led, lead = self.led, self.led.lead
            stands_still = lead.moving or lead.handing_over is not None
            if led.last_index > led.committed_index and not stands_still:
                self._waiting.add(positions)
                return 0
        return self._append((encode_settle(NO_QUEUE, positions),), is_settlement=True)

    def end_waiting(self) -> None:
        """Append the settlements that wait: who leads next has what is in the log (R22)."""
        if self._waiting:
            self._append((), is_settlement=True)

    @property
    def waits_to_settle(self) -> bool:
        """Whether something is settled that no record says yet."""
        return bool(self._waiting) and not self.has_ended

    def requeued(self, positions: range, delivery_count: int) -> int:
        """Record how often these positions were requeued by now; return the LSN."""
        if not positions:
            return 0
        octets = encode_requeued(NO_QUEUE, positions, delivery_count)
        return self._append((octets,), is_settlement=True)

    def spill(self, lane: int, slices: Sequence[Messages], *, among_unacked: bool = False) -> bool:
        """Store messages, if all of them are committed and compacted; otherwise keep them."""
        if slices[-1].positions[-1] >= self._replica.state.next_position:
            self.compact()
            return False
        return self._replica.messages.spill(lane, slices, among_unacked=among_unacked)

    def read_back(self, lane: int, from_position: int, stop_position: int) -> ReadBack:
        """Return the next stored messages that are not settled, whether that is committed or not.

        Raises:
            OSError: the disk could not be read.
        """
        lost_count = 0
        while True:
            messages, lost = self._replica.messages.read_back(lane, from_position, stop_position)
            lost_count += lost
            if messages is None:
                return ReadBack(None, lost_count)
            kept = stretches_outside(messages, self._settled)
            if kept:
                return ReadBack(joined(kept), lost_count)
            from_position = messages.positions[-1] + 1

    def drop(self) -> int:
        """Do nothing: the replica goes when a note says that the queue is gone, and then alone.

        The tables may be rid of a queue before that, as when its vhost was deleted. A replica that
        went here had no tombstone, and the core still leads with it.
        """
        return 0

    def _append_submitted(
        self, front: Front, first_position: int, run: Run, expires: Expires
    ) -> int:
        self._number += len(run)
        last = FrontNumber(front.node, front.incarnation, self._number)
        parts = encode_submitted(first_position, run, expires, last)
        return self._append(parts, is_settlement=False)

    def _append(self, parts: Sequence[Octets], *, is_settlement: bool) -> int:
        """Append a record of these parts, behind the settlements that wait; none without parts."""
        if self.has_ended:
            return NEVER_SAFE
        count = 1 if parts else 0
        if self._waiting:
            settled = self._waiting.records(NO_QUEUE)
            count += len(settled)
            parts = (*settled, *parts)
        lsn = self._leader.append(self.led, b"".join(parts), count, is_settlement=is_settlement)
        if self._waiting:
            self._waiting.clear()
        self._last_group = self.led.group
        self._last_point = CommitPoint(self._last_group, lsn)
        return lsn


def _wake_nobody() -> None:
    """Until a queue is there."""


def _published(row: StoredRow) -> Published:
    """Return a row of the replica in the core's words."""
    return Published(Front(row.last.node, row.last.incarnation), row.last.number, row.record_index)
