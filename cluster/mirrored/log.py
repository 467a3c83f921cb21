"""The log of a mirrored queue on its leader: events of the queue become records of the core.

A record is an operation of the write-ahead log with queue id 0, so it has the same octets on each
disk and link (``persistence.format`` draws it). Transient messages are records too: a mirror that
takes over has all that was published, as with a quorum queue.

What the queue gives up of its memory can go to segments only once it is committed and compacted
(R1). Until then it stays in memory.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from cluster.mirrored.groups import LedQueue
from persistence.log import ReadBack
from persistence.operations import encode_enqueue, encode_requeued, encode_settle
from persistence.record import Run
from persistence.replicas.log import NO_QUEUE, ReplicaLog
from persistence.settled import PositionSet
from persistence.slices import Expiries, Messages, joined, shifted, stretches_outside
from queues.commits import CommitGroup

NEVER_SAFE: Final = 1
"""An LSN of the group of a queue that has ended, which has failed and committed nothing."""


class Leader(Protocol):
    """What a log needs of ``node.MirroredNode``."""

    def append(self, led: LedQueue, octets: bytes, *, is_settlement: bool) -> int:
        """Append a record to a queue; return its LSN in the group of the queue."""

    def may_append(self, queue: str) -> bool:
        """Return whether messages are admitted."""

    def compact(self, queue: str) -> None:
        """Put what is committed into the messages, before this turn ends."""


class MirroredLog:
    """Implements ``queues.log_port.QueueLog`` for one leadership; the next one has another.

    Attributes:
        led: the queue, as commit groups see it.
        read_back_count: chunks that were read back so far.
        has_ended: this node does not lead the queue any more: what is appended is never safe.
    """

    def __init__(self, led: LedQueue, replica: ReplicaLog, leader: Leader) -> None:
        """Make the log of a queue that this node begins to lead."""
        self.led = led
        self.has_ended = False
        self._replica = replica
        self._leader = leader
        self._settled = PositionSet()

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
        octets = b"".join(encode_enqueue(NO_QUEUE, first_position, run, expires))
        return self._append(octets, is_settlement=False)

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Promise as before: what a mirror has answered for is on its disk (R1)."""

    def settle(self, positions: range, *, is_promised: bool = False) -> int:  # noqa: ARG002
        """Record that these positions are settled for ever; return the LSN.

        What is committed is on the disk of each mirror that answers for it, promised or not (R1).
        """
        self._settled.add(positions)
        return self._append(encode_settle(NO_QUEUE, positions), is_settlement=True)

    def requeued(self, positions: range, delivery_count: int) -> int:
        """Record how often these positions were requeued by now; return the LSN."""
        if not positions:
            return 0
        octets = encode_requeued(NO_QUEUE, positions, delivery_count)
        return self._append(octets, is_settlement=True)

    def spill(self, lane: int, slices: Sequence[Messages], *, among_unacked: bool = False) -> bool:
        """Store messages, if all of them are committed and compacted; otherwise keep them."""
        if slices[-1].positions[-1] >= self._replica.state.next_position:
            if not self.has_ended:
                self._leader.compact(self.led.lead.queue)
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
        """Forget the replica on this disk, because the queue is gone."""
        self._replica.drop()
        return 0

    def _append(self, octets: bytes, *, is_settlement: bool) -> int:
        if self.has_ended:
            return NEVER_SAFE
        return self._leader.append(self.led, octets, is_settlement=is_settlement)
