"""The decisions of the protocol, each with the number of its rule.

The state machine asks; it decides nothing of this kind itself. Tests put a subclass in its place
that decides one thing wrong, and the simulator must find it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from cluster.replication import epoch_table
from cluster.replication.epoch_table import EpochTable
from cluster.replication.frames import LeaderFrame
from cluster.replication.ready import Change
from cluster.replication.state import (
    InSyncSet,
    LiveNode,
    QueueOptions,
    QueueState,
    ReplicaId,
)


class Mode(Enum):
    """How far a mirror has attached to a queue on the present connection."""

    FENCE = "fence"
    CATCH_UP = "catch-up"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class OpenWrite:
    """A write of the state that was submitted and may still be applied (R6)."""

    expected_revision: int
    in_sync_set: InSyncSet


class Rules:
    """The rules as they are. No state: one object serves all nodes."""

    def counts_as_written(self, number: int, fsynced: int) -> bool:
        """R1: the leader, too, counts a write only when it is on disk."""
        return number <= fsynced

    def answers_at_once(self) -> bool:
        """R1: whether a mirror answers before the fdatasync."""
        return False

    def promised_at_start(self, promised: int, last_epoch: int) -> int:
        """R1: the promise is on disk; that of the last record would be too low."""
        return max(promised, last_epoch)

    def is_elected(self, state: QueueState, name: str, incarnation: int, promised: int) -> bool:
        """R2, R11: leader and incarnation are mine, and no epoch is led twice."""
        return (state.leader, state.incarnation) == (name, incarnation) and state.epoch > promised

    def obeys(self, frame: LeaderFrame, promised: int) -> bool:
        """R11: nothing below the promise."""
        return frame.epoch >= promised

    def is_attached(self, attached_epoch: int | None, epoch: int) -> bool:
        """R4: a queue's frames count only behind a fence on the same connection."""
        return attached_epoch == epoch

    def refuses_before_lsn(self) -> bool:
        """R9: whatever an LSN covers and was not obeyed is refused before."""
        return True

    def divergence(self, mine: EpochTable, my_end: int, other: EpochTable, other_end: int) -> int:
        """R12: by the epoch tables, never by length."""
        return epoch_table.divergence(mine, my_end, other, other_end)

    def fits(self, own_epoch: int, leaders_epoch: int) -> bool:
        """R12: a mirror checks what the leader believes of the record before."""
        return own_epoch == leaders_epoch

    def counts_from(self, mode: Mode, attach_lsn: int) -> int | None:
        """R9: behind which LSN a link's answers count for a queue; None where they do not."""
        return attach_lsn if mode is Mode.LIVE else None

    def opens_doubt(self, change: Change) -> bool:
        """R6: every change may have been applied from the moment it is submitted."""
        return change is not Change.ELECT

    def set_while_open(self, known: InSyncSet, submitted: InSyncSet, change: Change) -> InSyncSet:
        """R8: who was known is waited for until the store has answered."""
        del submitted, change
        return known

    def options_while_open(self, known: QueueOptions, submitted: QueueOptions) -> QueueOptions:
        """R8: other options hold once the store has answered, as another set does."""
        del submitted
        return known

    def open_after_time_out(self, writes: Sequence[OpenWrite]) -> list[OpenWrite]:
        """R7: a time-out decides nothing."""
        return list(writes)

    def open_after_read(self, writes: Sequence[OpenWrite], revision: int) -> list[OpenWrite]:
        """R7: only a revision that has moved settles what expected the older one."""
        return [write for write in writes if write.expected_revision == revision]

    def is_news(self, known_revision: int, revision: int) -> bool:
        """R15: values older than what is known are dropped."""
        return revision >= known_revision

    def join_index(self, commit: int, epoch_start: int) -> int:
        """R8: what a joiner must have; a new leader's commit index may be too low."""
        return max(commit, epoch_start)

    def may_join(self, safe_index: int, join_index: int) -> bool:
        """R8: only who has it on disk joins."""
        return safe_index >= join_index

    def shrink_floor(self, min_isr: int) -> int:
        """R8: the in-sync set never shrinks below this size."""
        return min_isr

    def may_stay(self, members: InSyncSet, leader: ReplicaId, *, is_damaged: bool) -> bool:
        """R8: a leader that cannot read all of its own log is never the whole set.

        Who would be taken out has what it lacks, and is waited for.
        """
        return not (is_damaged and members <= {leader})

    def candidates(
        self, replicas: Sequence[str], in_sync_set: InSyncSet, live: Mapping[str, LiveNode]
    ) -> list[str]:
        """R13: who lives, on a disk that is a member."""
        return [name for name in replicas if name in live and live[name].replica in in_sync_set]

    def elected_set(self, in_sync_set: InSyncSet, candidate: LiveNode) -> InSyncSet:
        """R13: the set that an election begins with, before the dead are dropped."""
        assert candidate.replica in in_sync_set
        return in_sync_set

    def may_take(self, replica: ReplicaId, state: QueueState) -> bool:
        """R24: a leader gives a queue up to nobody else than could be elected."""
        return replica in state.in_sync_set

    def stands_still(self, *, is_open: bool, is_near: bool) -> bool:
        """R22: nothing is admitted or delivered while a planned move is open, or near."""
        return is_open or is_near

    def deliverable(self, commit: int, end: int) -> int:
        """R10, R16: up to which index messages may be delivered."""
        del end
        return commit

    def lease_is_of(self, incarnation: int, current: int) -> bool:
        """R17: a lease that was taken later does not count."""
        return incarnation == current

    def trusts_store(self, *, same: bool, revision: int, seen: int) -> bool:
        """R20: a store that knows another stamp, or less than was seen, went back."""
        return same and revision >= seen

    def is_same_disk(self, *, same: bool) -> bool:
        """R19: only the very disk that the store knows is the replica that it knows."""
        return same

    def raises_stamp(self) -> bool:
        """R20: the stamp moves while a node runs, not only at its start."""
        return True

    def is_in_log(self, number: int, last: int) -> bool:
        """R23: whether a front end's message is in the log, by the last number that is."""
        return number <= last

    def has_gap(self, open_below: int, last: int) -> bool:
        """R23: whether an open message of lower number would be overtaken."""
        return open_below > last
