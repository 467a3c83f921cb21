"""What a mirror does while its disk is nearly full: it takes no more of queues that need it not.

A full disk takes nothing, and what frees it, such as a checkpoint, needs some room. So a mirror
leaves the in-sync sets before that, as one with a full disk does: it does not answer, and the
leader takes it out. Where too few members that live would be left it stays, or comes back, as the
queue would stand still, and consumers could not free anything. Else who is out gets nothing before
there is room again.

Where the disk stays nearly full, what was left so is emptied: ``cluster.mirrored.emptying``.

Several members may be short of room. They do not leave at the same time: the leader takes nobody
out where too few are left. So each tries for a while, one after the other.

    first member   |refuses 4 s|                               |refuses 4 s| ...
    second            5 s      |refuses 4 s|                               | ...
"""

import logging
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from cluster.mirrored.emptying import Emptying
from cluster.replication.core import ReplicationCore
from cluster.replication.frames import Fence, LetGo, Refused
from cluster.replication.inputs import FrameFromLeader, Input
from cluster.replication.links import LinkFromLeader
from cluster.replication.state import InSyncSet, QueueState

log = logging.getLogger(__name__)

TRY_MS: Final = 4_000
"""A leader takes out within this time who does not answer (``cluster.replication.timers``)."""

TURN_MS: Final = 5_000
"""So much later the next member tries."""

AGAIN_MS: Final = 30_000
"""So much later a member tries again that was not taken out."""

COPIES_MIN: Final = 2
"""Members that live where a replica is emptied, at least, whatever ``min_isr`` says: where one copy
would be left, an old one beside it is worth more than its room."""

LOOKS_MAX: Final = 256
"""Queues that one tick looks at."""


class KnownState(NamedTuple):
    """What is known of a queue; it may be older than what the store has.

    ``living`` are the members of its in-sync set that live.
    """

    state: QueueState
    min_isr: int
    living: InSyncSet


class Sparing:
    """The queues of which this node takes no more.

    Args:
        core: of this node.
        emptying: of the replicas that were left.

    Attributes:
        is_short: whether the disk is nearly full.
        known: returns what is known of a queue; None is nothing. The shell's owner puts it there.
        on_left: called with a queue of which no more is taken; who reads it here goes elsewhere.
    """

    def __init__(self, core: ReplicationCore, emptying: Emptying) -> None:
        self._core = core
        self._emptying = emptying
        emptying.can_do_without = self._can_do_without
        emptying.is_member = self._is_member
        self.is_short = False
        self.known: Callable[[str], KnownState | None] = _nothing
        self.on_left: Callable[[str], None] = _nothing
        self._since_ms: dict[str, int] = {}
        self._round: Iterator[tuple[str, LinkFromLeader, str]] = iter(())

    @property
    def is_on(self) -> bool:
        """Whether any queue may be refused."""
        return self.is_short or bool(self._emptying.emptied)

    def set_short(self, *, is_short: bool) -> None:
        """Note whether the disk is nearly full."""
        if is_short == self.is_short:
            return
        self.is_short = is_short
        self._since_ms.clear()
        self._emptying.set_short(is_short=is_short)
        if is_short:
            log.warning(
                "the disk is nearly full: of queues that can do without it no more is taken"
            )

    def refuses(self, happened: Input) -> bool:
        """Refuse a leader that wants to attach; return False where that goes on as always."""
        if isinstance(happened, FrameFromLeader) and isinstance(happened.frame, LetGo):
            self._emptying.hear(happened.frame)
            return True
        if not isinstance(happened, FrameFromLeader) or not isinstance(happened.frame, Fence):
            return False
        leader, fence, node = happened.leader, happened.frame, self._core.node
        link, replica = node.from_leaders.get(leader), node.replicas.get(fence.queue)
        if link is None or replica is None or replica.promised > fence.epoch:
            return False
        if not self._is_spared(fence.queue):
            self._emptying.answers(fence.queue)
            return False
        link.detach(fence.queue)
        node.ready.to_leaders.append((leader, Refused(fence.queue, fence.epoch)))
        self.on_left(fence.queue)
        return True

    def tick(self) -> None:
        """Look at some queues that are attached, and refuse more of those that are spared."""
        self._emptying.tick()
        if not self.is_short:
            return
        node, looks = self._core.node, list(islice(self._round, LOOKS_MAX))
        if len(looks) < LOOKS_MAX:
            self._round = self._attached()
        for leader, link, queue in looks:
            epoch = link.attached.get(queue)
            is_present = epoch is not None and node.from_leaders.get(leader) is link
            if epoch is not None and is_present and self._is_spared(queue):
                link.detach(queue)
                node.ready.to_leaders.append((leader, Refused(queue, epoch)))
                self.on_left(queue)

    def _can_do_without(self, queue: str, epoch: int) -> bool:
        """Return whether a queue has enough members that live, without this node.

        Where its leader does not reach this node, what is known here may be old: an operator may
        have this replica lead, as nobody else is left.
        """
        known, node = self.known(queue), self._core.node
        return (
            known is not None
            and known.state.epoch == epoch
            and known.state.leader in node.from_leaders
            and node.replica_id not in known.state.in_sync_set
            and len(known.living) >= max(known.min_isr, COPIES_MIN)
        )

    def _is_member(self, queue: str) -> bool:
        known = self.known(queue)
        return known is not None and self._core.node.replica_id in known.state.in_sync_set

    def _attached(self) -> Iterator[tuple[str, LinkFromLeader, str]]:
        for leader, link in list(self._core.node.from_leaders.items()):
            for queue in list(link.attached):
                yield leader, link, queue

    def _is_spared(self, queue: str) -> bool:
        """Return whether a queue can do without this node, and it is this node's turn to leave."""
        known, me = self.known(queue), self._core.node.replica_id
        if known is None:
            return False
        members, leader = known.state.in_sync_set, known.state.leader
        if len(known.living - {me}) < known.min_isr or leader == me.node:
            self._since_ms.pop(queue, None)
            return False
        if me not in members:
            return self.is_short or self._emptying.waits(queue)
        if not self.is_short:
            return False
        now_ms = self._core.node.now_ms
        rank = sorted(each for each in members if each.node != leader).index(me)
        elapsed_ms = now_ms - self._since_ms.setdefault(queue, now_ms) - rank * TURN_MS
        return elapsed_ms >= 0 and elapsed_ms % AGAIN_MS < TRY_MS


def _nothing(_queue: str) -> None:
    """Until the shell's owner says what it knows, and hears."""
