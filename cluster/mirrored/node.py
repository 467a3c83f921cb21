"""A node's part in mirrored queues: joins the replication core with its disk and its links.

    inputs ─▶ core ─▶ Ready ─▶ writes       the replicas' logs, by one write-ahead log of the node
                            ─▶ frames       the links, at once: the core holds back what must wait
                            ─▶ committed    the commit groups, and with them the confirms
                            ─▶ roles        a queue begins to be led here, or does not any more
                            ─▶ reads        records or messages for mirrors that are behind

No socket, file or clock is here. The write-ahead log says through its group commit what is synced.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from cluster.mirrored.buildings import Buildings, Installation
from cluster.mirrored.catch_ups import CatchUps
from cluster.mirrored.commit_notes import CommitNotes
from cluster.mirrored.compacting import RECORDS_BYTES_MAX, Compacting
from cluster.mirrored.damages import Damages
from cluster.mirrored.emptying import Emptying
from cluster.mirrored.followed_streams import FollowedStreams
from cluster.mirrored.fsyncs import Fsyncs, NodeCommit
from cluster.mirrored.groups import Groups, LedQueue
from cluster.mirrored.held_back import HeldBack
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.ports import LinkRoom, Surroundings
from cluster.mirrored.serving import Serving
from cluster.mirrored.sparing import Sparing
from cluster.mirrored.writing import written
from cluster.replication.core import NotServingError, ReplicationCore
from cluster.replication.frames import Follow, LetGo, Part, Refused, Snapshot, Want
from cluster.replication.inputs import (
    BeginAnew,
    Forget,
    FrameFromLeader,
    FrameFromMirror,
    Fsynced,
    HandOver,
    Input,
    LeaderDisconnected,
    MirrorConnected,
    MirrorDisconnected,
    Move,
)
from cluster.replication.leadership import Leadership
from cluster.replication.publishers import Publishers, Submission, Verdict
from cluster.replication.ready import Committed, Ready, Role, WalWrite
from cluster.replication.state import QueueOptions, QueueState, StoredReplica
from persistence.errors import DamagedError
from persistence.queue_recovery import RecoveredQueue
from persistence.replicas.content import nothing
from persistence.replicas.log import ReplicaLog

_PREPARED: Final = frozenset(
    (HandOver, Move, MirrorConnected, MirrorDisconnected, LeaderDisconnected)
)
"""Inputs for which something is done before the core has them; most are frames, and not here."""

_FRAMES: Final = (FrameFromLeader, FrameFromMirror)
_OF_SHELLS: Final = frozenset((Part, Want, Follow, Snapshot))
"""Frames that pass between shells; a core gets a snapshot when all of its parts are there."""

READS_MAX: Final = 2
"""Reads for mirrors that are behind in one go; the answers of the mirrors ask for more."""


class MirroredNode:
    """The shell of a core. Whoever appends through a log calls ``carry_out`` before the turn ends.

    Args:
        core: of this node.
        commit: the node's group commit.
        around: links, store and broker.
        records_bytes_max: how much a replica has in records before they are compacted.
        now_ms: the own clock: what clients submit may come before a tick; None is that of ticks.
    """

    def __init__(
        self,
        core: ReplicationCore,
        commit: NodeCommit,
        around: Surroundings,
        *,
        records_bytes_max: int = RECORDS_BYTES_MAX,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self.core = core
        self._fsyncs = Fsyncs(commit, self._fsynced)
        self._around = around
        self._replicas: dict[str, ReplicaLog] = {}
        self._logs: dict[str, MirroredLog] = {}
        self._groups = Groups()
        self._waiting = HeldBack(core, self._logs)
        self.damages = Damages(core)
        self.emptying = Emptying(core, self._replicas, self._empty)
        self.sparing = Sparing(core, self.emptying)
        self._buildings = Buildings(core, self._replicas)
        self.catch_ups = CatchUps(core, self._replicas, self.damages)
        self.compacting = Compacting(
            core, self._replicas, self.catch_ups.holds_records, records_bytes_max
        )
        self._serving = Serving(core, self._replicas, self.damages, self._serve)
        self.followed = FollowedStreams(
            core, self._replicas, self.compact, self.damages.__contains__
        )
        self.sparing.on_left = self.followed.forget
        self.notes = CommitNotes(core)
        self._fsynced_number = self._last_lsn = self._reads_left_count = 0
        self._is_carrying = False
        self._now_ms = now_ms or (lambda: core.node.now_ms)

    def join_links(self, room: LinkRoom) -> None:
        """Give links no more than they take; without this they take all."""
        self.catch_ups.has_room, self.notes.has_room = room.takes_catch_up, room.takes_notes

    def add_replica(self, queue: str, options: QueueOptions, replica: ReplicaLog) -> None:
        """Take part in a queue with what is on the disk; a replica that is lost has no place here.

        A node of which a replica is lost begins with a new disk identity (R3), and empty replicas.
        """
        stored = StoredReplica(replica.promised, replica.base, replica.end, replica.table)
        self._replicas[queue] = replica
        replica.damage.keeps = partial(self._note_damage, queue)
        self.core.add_replica(queue, options, stored)

    def drop_replica(self, queue: str) -> ReplicaLog | None:
        """Take no part in a queue any more, as it is gone; return what is left to be dropped.

        Not from within ``carry_out``.
        """
        assert not self._is_carrying, "what the core asked for is carried out first"
        self.step(Forget(queue))
        self.catch_ups.forget_queue(queue)
        self._buildings.forget(queue)
        self._serving.forget(queue)
        self.damages.forget(queue)
        self.compacting.forget(queue)
        self.followed.forget(queue)
        self.emptying.forget(queue)
        self.notes.forget_queue(queue)
        self._groups.forget(queue)
        return self._replicas.pop(queue, None)

    def note_state(self, queue: str, state: QueueState) -> None:
        """A queue's state is known: a damaged replica that nobody counts on begins anew."""
        if self.damages.may_begin_anew(queue, state):
            self._begin_anew(BeginAnew(queue, state.epoch, Installation(nothing(), None)))

    def _empty(self, queue: str, epoch: int) -> None:
        nothing_there = Installation(nothing(), None)
        self._begin_anew(BeginAnew(queue, epoch, nothing_there, is_let_go=True))

    def _begin_anew(self, happened: BeginAnew) -> None:
        self._buildings.forget(happened.queue)
        self.damages.forget(happened.queue)
        self.followed.forget(happened.queue)
        self.step(happened)

    def _note_damage(self, queue: str, error: DamagedError) -> bool:
        """Note damage; return whether another replica has what cannot be read here."""
        self.followed.note_damage(queue)
        return self.damages.keeps(queue, error)

    def log_of(self, queue: str) -> MirroredLog | None:
        """Return the log of a queue that this node leads and serves; None otherwise."""
        return self._logs.get(queue)

    def replicas(self) -> Mapping[str, ReplicaLog]:
        """Return what this node has of each queue, by name."""
        return self._replicas

    # -- inputs ---------------------------------------------------------------------------------

    def step(self, happened: Input) -> None:
        """Hand an input to the core, and do what it asks for; parts of messages are not its own."""
        if isinstance(happened, _FRAMES) and type(happened.frame) in _OF_SHELLS:
            self._take(happened)
        elif not self.sparing.is_on or not self.sparing.refuses(happened):
            self._step_core(happened)
        if isinstance(happened, FrameFromLeader):
            self.followed.came(happened.leader, happened.frame.queue)
        self.carry_out()

    def _take(self, happened: FrameFromLeader | FrameFromMirror) -> None:
        """Take a frame that passes between shells; a core gets a snapshot when it is whole."""
        match happened:
            case FrameFromLeader(leader, Part() as part):
                self._buildings.hear(leader, part)
            case FrameFromMirror(mirror, Want() as want):
                self.catch_ups.hear(mirror, want)
            case FrameFromMirror(mirror, Follow() as follow):
                self.notes.hear(mirror, follow)
            case FrameFromLeader(leader, Snapshot() as snapshot):
                if (whole := self._buildings.complete(leader, snapshot)) is not None:
                    self.core.step(FrameFromLeader(leader, whole))
            case _:
                raise AssertionError("it is none of _OF_SHELLS")

    def _step_core(self, happened: Input) -> None:
        if type(happened) in _PREPARED:
            self._prepare(happened)
        self.core.step(happened)
        if isinstance(happened, FrameFromMirror) and isinstance(happened.frame, Refused):
            self._answer_refused(happened.mirror, happened.frame)

    def _answer_refused(self, mirror: str, refused: Refused) -> None:
        """Let a mirror go that refused a queue and that nobody counts on."""
        lead = self.core.lead_of(refused.queue)
        is_of_now = lead is not None and lead.epoch == refused.promised
        if lead is not None and is_of_now and self.core.may_let_go(refused.queue, mirror):
            self.core.node.ready.to_mirrors.append((mirror, LetGo(refused.queue, lead.epoch)))

    def _prepare(self, happened: Input) -> None:
        """Forget what was of a connection that is over, or whose like begins; end what waits."""
        match happened:
            case MirrorConnected(mirror) | MirrorDisconnected(mirror):
                self.catch_ups.forget_mirror(mirror)
                self.notes.forget_mirror(mirror)
            case LeaderDisconnected(leader):
                self.followed.forget_leader(leader)
            case HandOver(queue) | Move(queue) if queue in self._logs:
                # Else the target may have the whole log, and an ack that is in no record is lost.
                self._logs[queue].end_waiting()

    def tick(self, now_ms: int) -> None:
        """Set the own monotonic clock, and do what is due."""
        self.core.tick(now_ms)
        self._buildings.tick()
        self.catch_ups.tick()
        self._serving.tick()
        self.sparing.tick()
        self.followed.tick()
        self.compacting.tick()
        self.carry_out()

    def append(self, led: LedQueue, octets: bytes, count: int, *, is_settlement: bool) -> int:
        """Append records to a queue; return the LSN of the last in the group of the queue."""
        core = self.core
        group = self._groups.place(led, core.node.last_lsn)
        append = core.append_settlement if is_settlement else core.append
        index, lsn = append(led.lead.queue, count, octets)
        led.note_run(index, lsn)
        assert led.group is group, "an append does not move its queue"
        return lsn

    def may_append(self, queue: str) -> bool:
        """Return whether messages are admitted into a queue (R22); else it is told later."""
        may = self.core.may_append(queue)
        if not may:
            self._waiting.shut[queue] = None
        return may

    def judge(self, queue: str, publishers: Publishers, submission: Submission) -> Verdict:
        """Say what is to be done with a run of a front end (R23).

        Raises:
            NotServingError: nothing is admitted now; the log is told when that may be over.
        """
        try:
            return self.core.judge(queue, publishers, submission)
        except NotServingError:
            self._waiting.shut[queue] = None
            raise

    def may_deliver(self, queue: str) -> bool:
        """Return whether committed messages may be delivered; who is refused is told later."""
        may = self.core.may_deliver(queue)
        if not may:
            self._waiting.held[queue] = None
        return may

    def may_confirm(self, queue: str, index: int) -> bool:
        """Return whether what is in the log up to here may be confirmed now; else as above."""
        may = self.core.may_confirm(queue, index)
        if not may:
            self._waiting.shut[queue] = None
        return may

    def is_leased(self, queue: str) -> bool:
        """Return whether no other node can lead a queue at this moment."""
        return self.core.is_leased(queue, self._now_ms())

    def is_elsewhere(self, queue: str, index: int) -> bool:
        """Return whether a mirror has the queue up to here, or there is none; else as above."""
        is_elsewhere = self.core.is_elsewhere(queue, index)
        if not is_elsewhere:
            self._waiting.unanswered[queue] = None
        return is_elsewhere

    def compact(self, queue: str, *, may_wait: bool = False) -> None:
        """Put what is committed of a queue into its messages, with the next ``carry_out``."""
        self.compacting.ask(queue, may_wait=may_wait)

    def after_writing(self, call: Callable[[], None]) -> None:
        """Call when all that the core asked for so far is on the disk; for the links' windows."""
        self._fsyncs.wait(self._last_lsn, call)

    # -- what the core asks for -------------------------------------------------------------------

    def carry_out(self) -> bool:
        """Do what the core asks for, also what comes of that; return whether it had asked.

        Reads beyond a few wait. A call from within does nothing: the outer one goes on until
        nothing is left. So writes and frames keep their order, whoever is called back in between.
        """
        if self._is_carrying:
            return False
        self._is_carrying, has_asked, node = True, False, self.core.node
        self._reads_left_count = READS_MAX
        try:
            while True:
                if not node.ready.is_idle():
                    has_asked = True
                    self._do(self.core.ready())
                elif not self._read_or_compact():
                    break
        finally:
            self._is_carrying = False
        if self.followed.unseen:
            self.followed.look()
        waiting = self._waiting
        if waiting.held or waiting.shut or waiting.unanswered:
            waiting.tell()
        return has_asked

    def _do(self, ready: Ready) -> None:
        for write in ready.writes:
            self._last_lsn = self._write(write)
        self._ask_for_fsync(ready)
        if self.notes.due:
            self.notes.left(ready.to_mirrors)
        self._around.route(ready)
        for transaction in ready.transactions:
            self._around.submit(transaction)
        for queue in ready.state_reads:
            self._around.read_state(queue)
        if ready.reads:
            self.catch_ups.ask(ready.reads)
        for queue, role in ready.roles.items():
            self._take_role(queue, role)
        for queue, committed in ready.committed.items():
            self._note_committed(queue, committed)

    def _write(self, write: WalWrite) -> int:
        replica = self._replicas[write.queue]
        lsn = written(replica, write)
        if replica.records_bytes > self.compacting.bytes_max:
            self.compacting.note_long(write.queue, replica.records_bytes)
        return lsn

    def _ask_for_fsync(self, ready: Ready) -> None:
        number = self.core.node.written
        if ready.writes:
            self._fsyncs.wrote(self._last_lsn, number)
        elif ready.fsync_wanted and number <= self._fsynced_number:
            # Else an fsync is under way that covers all that was written.
            self.core.step(Fsynced(number))

    def _fsynced(self, number: int) -> None:
        self._fsynced_number = max(self._fsynced_number, number)
        self.step(Fsynced(number))

    def _read_or_compact(self) -> bool:
        """Answer some reads, serve, compact what is due; nearly always there is nothing: False."""
        if self.catch_ups.is_asked and self._reads_left_count and self.catch_ups.go_on():
            self._reads_left_count -= 1
            return True
        if self._serving.begun and self._serving.go_on():
            return True
        if self.compacting.due and self.compacting.go_on():
            return True
        return bool(self.notes.due) and self.notes.give()

    def _take_role(self, queue: str, role: Role) -> None:
        ended = self._logs.pop(queue, None)
        if ended is not None:
            ended.has_ended = True
            ended.led.end()
            self._around.stop(queue)
        if role is Role.MIRROR:
            self.catch_ups.forget_queue(queue)
            self.notes.forget_queue(queue)
        else:
            self._buildings.forget(queue)
        if role is Role.LEADER:
            self._serving.begin(queue)
        else:
            self._serving.forget(queue)

    def _serve(self, queue: str, lead: Leadership, found: RecoveredQueue) -> None:
        group = self._groups.of(queue, self.core.node.last_lsn)
        log = self._logs[queue] = MirroredLog(LedQueue(lead, group), self._replicas[queue], self)
        self._around.serve(queue, log, found)

    def _note_committed(self, queue: str, committed: Committed) -> None:
        log = self._logs.get(queue)
        self.notes.committed(queue)
        if log is not None and log.led.lead.epoch == committed.epoch:
            log.commit(committed.index)
