"""The streams that are read at the mirror of this node: each is told how far it is committed.

    follow ─▶ a Follow to the leader that is obeyed, and to each that is obeyed later
    its runs and notes ─▶ ``came`` ─▶ ``look``, once they are in the replica ─▶ readers

Who reads at a mirror that its leader does not reach any more goes elsewhere after a while: the
leader lives and goes on, and is cut off from this node. Where nobody leads the mirror is read on.

    attached in the leader's epoch, or a later one   ─▶ reached
    the leader's link is there, and not attached     ─▶ it is busy: it attaches many queues in turn
    no link from the leader, or it was refused here  ─▶ cut

A link that is there is heard on all the time, or it ends. Who stays at a mirror that is not reached
reads what was known to be committed before, and no more.

It costs nothing where nobody reads.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from cluster.mirrored.mirror_stream_log import MirrorStreamLog
from cluster.replication.core import ReplicationCore
from cluster.replication.frames import Follow
from persistence.replicas.log import ReplicaLog

CUT_MS: Final = 6_000
"""A mirror that is cut from its leader for so long is read no more. The link is given up after some
silence, which comes before."""

BUSY_MS: Final = 60_000
"""The same of one whose leader is there and does not attach it, whatever else it does. A leader
attaches thousands of queues a second, and many queues may have a new one at once."""

LOOK_MS: Final = 500


class LivingLeader(NamedTuple):
    """A leader that lives: its node and its epoch."""

    node: str
    epoch: int


class FollowedStreams:
    """Those of one node.

    Args:
        core: of this node.
        replicas: what it has of each queue.
        compact: has what is committed of a queue be put into its content.
        is_damaged: returns whether some of a queue cannot be read here.
    """

    def __init__(
        self,
        core: ReplicationCore,
        replicas: Mapping[str, ReplicaLog],
        compact: Callable[[str], None],
        is_damaged: Callable[[str], bool],
    ) -> None:
        self._core = core
        self._replicas = replicas
        self._compact = compact
        self._is_damaged = is_damaged
        self._logs: dict[str, MirrorStreamLog] = {}
        # Who was asked to tell of a queue: leader and epoch.
        self._asked: dict[str, tuple[str, int]] = {}
        self.unseen: dict[str, None] = {}
        self.leader_of: Callable[[str], LivingLeader | None] = _nobody
        """Returns the leader of a queue, as the store says; None where it does not live, or is this
        node. The owner sets it."""
        # Since when no leader reaches the mirror, and since when it is cut; of streams that are
        # read, and that were.
        self._apart_since_ms: dict[str, int] = {}
        self._cut_since_ms: dict[str, int] = {}
        # Queues that are read, of which the leader was refused here, and not obeyed since.
        self._refused: set[str] = set()
        self._looked_at_ms = 0

    def follow(self, queue: str) -> MirrorStreamLog:
        """Return the log of a stream that this node has a replica of, and follow it from now on."""
        log = self._logs.get(queue)
        if log is None:
            log = MirrorStreamLog(self._replicas[queue], lambda: self._compact(queue))
            self._logs[queue] = log
            self.unseen[queue] = None
            for leader in self._core.node.from_leaders:
                self._ask(leader, queue)
        return log

    def leave(self, queue: str) -> None:
        """Nobody reads a stream here any more."""
        self._logs.pop(queue, None)
        self.unseen.pop(queue, None)
        self._refused.discard(queue)
        asked = self._asked.pop(queue, None)
        if asked is not None and asked[0] in self._core.node.from_leaders:
            leader, epoch = asked
            unfollow = Follow(queue, epoch, is_on=False)
            self._core.node.ready.to_leaders.append((leader, unfollow))

    def note_damage(self, queue: str) -> None:
        """Some of a queue cannot be read here: ``look`` has its readers go elsewhere."""
        if queue in self._logs:
            self.unseen[queue] = None

    def came(self, leader: str, queue: str) -> None:
        """A frame of a queue came, and the core has it; ``look`` is called when it is written."""
        if queue in self._logs:
            self.unseen[queue] = None
            self._ask(leader, queue)
            if self._is_attached(leader, queue):
                self._refused.discard(queue)
            elif (present := self.leader_of(queue)) is not None and present.node == leader:
                self._refused.add(queue)

    def is_cut(self, queue: str) -> bool:
        """Return whether readers had to leave the mirror, which is still out of reach."""
        return queue not in self._logs and queue in self._apart_since_ms and self._is_apart(queue)

    def tick(self) -> None:
        """Have readers go elsewhere whose mirror its leader does not reach."""
        now_ms = self._core.node.now_ms
        if now_ms - self._looked_at_ms < LOOK_MS:
            return
        self._looked_at_ms = now_ms
        for queue in [each for each in self._apart_since_ms if not self._is_apart(each)]:
            del self._apart_since_ms[queue]
            self._cut_since_ms.pop(queue, None)
        for queue in [each for each in self._logs if self._is_apart(each)]:
            apart_ms = now_ms - self._apart_since_ms.setdefault(queue, now_ms)
            if self._has_busy_leader(queue):
                self._cut_since_ms[queue] = now_ms
            cut_ms = now_ms - self._cut_since_ms.setdefault(queue, now_ms)
            if cut_ms >= CUT_MS or apart_ms >= BUSY_MS:
                self.forget(queue)

    def look(self) -> None:
        """Show what is committed of the streams of which something came."""
        while self.unseen:
            queue, _ = self.unseen.popitem()
            replica = self._core.node.replicas.get(queue)
            if self._is_damaged(queue):
                # Others have what cannot be read here.
                self.forget(queue)
            elif replica is not None:
                self._logs[queue].advance(max(replica.known_commit, replica.base))

    def forget_leader(self, leader: str) -> None:
        """The connection from a leader is over: it is asked anew on the next one."""
        for queue in [each for each, asked in self._asked.items() if asked[0] == leader]:
            del self._asked[queue]
        present = {queue: self.leader_of(queue) for queue in self._refused}
        self._refused = {queue for queue, each in present.items() if each and each.node != leader}

    def forget(self, queue: str) -> None:
        """This node has no replica any more: who reads there goes elsewhere."""
        log = self._logs.get(queue)
        self.leave(queue)
        if log is not None:
            log.lose()

    def _is_apart(self, queue: str) -> bool:
        node = self._core.node
        replica = node.replicas.get(queue)
        if replica is None or not node.lease.is_running(node.now_ms):
            # Without a lease nobody knows here who lives.
            return False
        leader = self.leader_of(queue)
        if leader is None:
            return False
        is_reached = any(self._is_attached(each, queue) for each in node.from_leaders)
        # Else it is an earlier leader's, which does not know of the next one: it commits nothing.
        return not is_reached or replica.promised < leader.epoch

    def _has_busy_leader(self, queue: str) -> bool:
        """Return whether the leader is connected, and was not refused here."""
        leader = self.leader_of(queue)
        if leader is None or leader.node not in self._core.node.from_leaders:
            return False
        return queue not in self._refused

    def _is_attached(self, leader: str, queue: str) -> bool:
        """Return whether a leader is obeyed on the present connection."""
        node = self._core.node
        link, replica = node.from_leaders.get(leader), node.replicas.get(queue)
        if link is None or replica is None:
            return False
        return link.attached.get(queue) == replica.promised

    def _ask(self, leader: str, queue: str) -> None:
        """Have a leader tell of a queue, if it is the one that is obeyed and was not asked."""
        node = self._core.node
        if not self._is_attached(leader, queue):
            return
        asked = leader, node.replicas[queue].promised
        if self._asked.get(queue) != asked:
            self._asked[queue] = asked
            follow = Follow(queue, asked[1], is_on=True)
            node.ready.to_leaders.append((leader, follow))


def _nobody(_queue: str) -> None:
    """Until it is known."""
