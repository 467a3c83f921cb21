"""Mistakes of the protocol, planted one at a time; the simulation must find each of them.

A mistake is a rule decided wrong, or something that the shell around the core does wrong.
"""

from collections.abc import Mapping, Sequence

from cluster.replication.epoch_table import EpochTable
from cluster.replication.frames import Fence, LeaderFrame
from cluster.replication.ready import Change
from cluster.replication.rules import Mode, OpenWrite, Rules
from cluster.replication.state import (
    InSyncSet,
    LiveNode,
    QueueOptions,
    QueueState,
    ReplicaId,
)
from tests.simulation.cluster import Mistakes
from tests.simulation.explore import Planted


class LeaderNotSynced(Rules):
    def counts_as_written(self, number: int, fsynced: int) -> bool:
        return True


class AnswerBeforeFsync(Rules):
    def answers_at_once(self) -> bool:
        return True


class ConfirmBeforeShrink(Rules):
    def set_while_open(self, known: InSyncSet, submitted: InSyncSet, change: Change) -> InSyncSet:
        return submitted if change is Change.SHRINK else known


class JoinerNotWaited(Rules):
    def opens_doubt(self, change: Change) -> bool:
        return super().opens_doubt(change) and change is not Change.GROW


class JoinBeforeCaughtUp(Rules):
    def may_join(self, safe_index: int, join_index: int) -> bool:
        return True


class JoinAtCommitOnly(Rules):
    def join_index(self, commit: int, epoch_start: int) -> int:
        return commit


class TimeoutIsFailure(Rules):
    def open_after_time_out(self, writes: Sequence[OpenWrite]) -> list[OpenWrite]:
        return []


class RereadSettles(Rules):
    def open_after_read(self, writes: Sequence[OpenWrite], revision: int) -> list[OpenWrite]:
        return []


class StaleWatch(Rules):
    def is_news(self, known_revision: int, revision: int) -> bool:
        return True


class ElectLongest(Rules):
    """Whoever lives is a candidate; the length of logs is not known here, so it is anybody."""

    def candidates(
        self, replicas: Sequence[str], in_sync_set: InSyncSet, live: Mapping[str, LiveNode]
    ) -> list[str]:
        return [name for name in replicas if name in live]

    def elected_set(self, in_sync_set: InSyncSet, candidate: LiveNode) -> InSyncSet:
        return in_sync_set | {candidate.replica}


class GiveUpToAnybody(Rules):
    def may_take(self, replica: ReplicaId, state: QueueState) -> bool:
        return True


class ShrinkBelowMin(Rules):
    def shrink_floor(self, min_isr: int) -> int:
        return 1


class ResumeEpoch(Rules):
    def is_elected(self, state: QueueState, name: str, incarnation: int, promised: int) -> bool:
        return state.leader == name and state.epoch >= promised


class ForgetEpoch(Rules):
    def promised_at_start(self, promised: int, last_epoch: int) -> int:
        return last_epoch


class OldEpochAccepted(Rules):
    def obeys(self, frame: LeaderFrame, promised: int) -> bool:
        return super().obeys(frame, promised) or not isinstance(frame, Fence)

    def is_attached(self, attached_epoch: int | None, epoch: int) -> bool:
        return True


class TruncateByLength(Rules):
    def divergence(self, mine: EpochTable, my_end: int, other: EpochTable, other_end: int) -> int:
        return min(my_end, other_end)

    def fits(self, own_epoch: int, leaders_epoch: int) -> bool:
        return True


class LsnCountsInCatchUp(Rules):
    def counts_from(self, mode: Mode, attach_lsn: int) -> int | None:
        return 0 if mode is Mode.CATCH_UP else super().counts_from(mode, attach_lsn)


class LsnWithoutRefuse(Rules):
    def refuses_before_lsn(self) -> bool:
        return False


class DeliverUncommitted(Rules):
    def deliverable(self, commit: int, end: int) -> int:
        return end


class WipedDiskRejoins(Rules):
    def is_same_disk(self, *, same: bool) -> bool:
        return True


class StampAtBootOnly(Rules):
    def raises_stamp(self) -> bool:
        return False


class TrustRestoredStore(Rules):
    def trusts_store(self, *, same: bool, revision: int, seen: int) -> bool:
        return True


class AnyLease(Rules):
    def lease_is_of(self, incarnation: int, current: int) -> bool:
        return True


class NotWaitedOnceRemoved(Rules):
    def set_while_open(self, known: InSyncSet, submitted: InSyncSet, change: Change) -> InSyncSet:
        return submitted if change is Change.OPTIONS else known


class OptionsAtOnce(Rules):
    def options_while_open(self, known: QueueOptions, submitted: QueueOptions) -> QueueOptions:
        return submitted


class MovesInUse(Rules):
    def stands_still(self, *, is_open: bool, is_near: bool) -> bool:
        return is_near


class SubmittedTwice(Rules):
    def is_in_log(self, number: int, last: int) -> bool:
        return False


class GapSwallows(Rules):
    def has_gap(self, open_below: int, last: int) -> bool:
        return False


MISTAKES = {
    "leader_not_synced": Planted(LeaderNotSynced()),
    "answer_before_fsync": Planted(AnswerBeforeFsync()),
    "confirm_before_shrink": Planted(ConfirmBeforeShrink()),
    "joiner_not_waited": Planted(JoinerNotWaited()),
    "join_before_caught_up": Planted(JoinBeforeCaughtUp()),
    "join_at_commit_only": Planted(JoinAtCommitOnly()),
    "timeout_is_failure": Planted(TimeoutIsFailure()),
    "reread_settles": Planted(RereadSettles()),
    "stale_watch": Planted(StaleWatch()),
    "elect_longest": Planted(ElectLongest()),
    "give_up_to_anybody": Planted(GiveUpToAnybody()),
    "shrink_below_min": Planted(ShrinkBelowMin()),
    "resume_epoch": Planted(ResumeEpoch()),
    "forget_epoch": Planted(ForgetEpoch()),
    "old_epoch_accepted": Planted(OldEpochAccepted()),
    "truncate_by_length": Planted(TruncateByLength()),
    "mixed_snapshot": Planted(mistakes=Mistakes(mixed_snapshot=True)),
    "lsn_counts_in_catch_up": Planted(LsnCountsInCatchUp()),
    "lsn_without_refuse": Planted(LsnWithoutRefuse()),
    "deliver_uncommitted": Planted(DeliverUncommitted()),
    "wiped_disk_rejoins": Planted(WipedDiskRejoins()),
    "stamp_at_boot_only": Planted(StampAtBootOnly()),
    "trust_restored_store": Planted(TrustRestoredStore()),
    "any_lease": Planted(AnyLease()),
    "wall_clock_lease": Planted(mistakes=Mistakes(wall_clock_lease=True)),
    "not_waited_once_removed": Planted(NotWaitedOnceRemoved()),
    "options_at_once": Planted(OptionsAtOnce()),
    "options_are_not_read": Planted(mistakes=Mistakes(options_are_not_read=True)),
    "elects_by_old_options": Planted(mistakes=Mistakes(elects_by_old_options=True)),
    "drops_what_is_not_listed": Planted(mistakes=Mistakes(drops_what_is_not_listed=True)),
    "moves_in_use": Planted(MovesInUse()),
    "anew_as_member": Planted(mistakes=Mistakes(anew_as_member=True)),
    "anew_once_answered": Planted(mistakes=Mistakes(anew_once_answered=True)),
    "short_leaves_alone": Planted(mistakes=Mistakes(short_leaves_alone=True)),
    "short_leaves_silently": Planted(mistakes=Mistakes(short_leaves_silently=True)),
    "lets_go_while_open": Planted(mistakes=Mistakes(lets_go_while_open=True)),
    "submitted_twice": Planted(SubmittedTwice(), fronts=True),
    "gap_swallows": Planted(GapSwallows(), fronts=True),
    "snapshot_without_fronts": Planted(
        mistakes=Mistakes(snapshot_without_fronts=True), fronts=True
    ),
    "front_goes_back": Planted(mistakes=Mistakes(front_goes_back=True), fronts=True),
}
