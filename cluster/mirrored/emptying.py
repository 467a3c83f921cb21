"""What a mirror does whose disk stays nearly full: it empties replicas that it has left.

No in-sync set has them (``cluster.mirrored.sparing``), so nobody counts on them. But a write of the
leader may be under way that takes it in again. So the leader says when that is over:

    mirror ── Refused ──▶ leader    forgets how far the mirror was; no set or open write has it
           ◀── LetGo ───            it is taken in only after it has answered the next fence
    mirror: answers no fence, and begins anew with nothing, in one record of its write-ahead log

It comes back when there is room for all that it had, and some more, or when the queue needs it.
"""

import logging
from collections.abc import Callable, Mapping
from heapq import nlargest
from operator import itemgetter
from typing import Final, NamedTuple

from cluster.replication.core import ReplicationCore
from cluster.replication.frames import LetGo
from persistence.replicas.log import ReplicaLog

log = logging.getLogger(__name__)

AFTER_MS: Final = 30_000
"""So long the disk is nearly full before a replica is emptied: to get it again takes a copy."""

APART_MS: Final = 10_000
"""Between two times, so that a checkpoint has freed the files and the room is measured again."""

AT_ONCE_BYTES: Final = 64 * 1024 * 1024
AT_ONCE_MAX: Final = 64
"""What one time empties at least, the largest first, and how many replicas at most."""

LOOKED_MAX: Final = 1_024
"""How many it looks at: some may not be emptied now, as too few others live."""

COMING_MS: Final = 600_000
"""So long a replica that comes back is counted, where it is not in sync before."""

COME_BACK_PERCENT: Final = 150
"""Of the limit below which a disk is nearly full, so much is free behind what comes back."""

MEASURED_MS: Final = 1_000
"""Before the room is measured again."""


class _LetGo(NamedTuple):
    epoch: int
    size_bytes: int


class _Coming(NamedTuple):
    size_bytes: int
    at_ms: int


class Emptying:
    """The replicas of this node that may be emptied, and those that were.

    Args:
        core: of this node.
        replicas: of this node, by queue.
        begin_anew: replaces a replica by nothing, in the epoch that it has promised.

    Attributes:
        can_do_without: returns whether a queue does not need this node, as is known of its state in
            this epoch.
        is_member: returns whether this node is a member again, as far as is known.
        room_bytes: returns what is free for replicas that come back; None is not known. The shell's
            owner puts it there.
    """

    def __init__(
        self,
        core: ReplicationCore,
        replicas: Mapping[str, ReplicaLog],
        begin_anew: Callable[[str, int], None],
    ) -> None:
        self._core = core
        self._replicas = replicas
        self._begin_anew = begin_anew
        self.can_do_without: Callable[[str, int], bool] = _never
        self.is_member: Callable[[str], bool] = lambda _queue: False
        self.room_bytes: Callable[[], int | None] = lambda: None
        self._let_go: dict[str, _LetGo] = {}
        self.emptied: dict[str, int] = {}
        self._coming: dict[str, _Coming] = {}
        self._due_ms: int | None = None
        self._room: tuple[int, int | None] | None = None

    def __bool__(self) -> bool:
        """Return whether any replica that was emptied has not come back."""
        return bool(self.emptied)

    def set_short(self, *, is_short: bool) -> None:
        """The disk is nearly full from now on, or is not any more."""
        self._due_ms = self._core.node.now_ms + AFTER_MS if is_short else None
        self._let_go.clear()

    def hear(self, let_go: LetGo) -> None:
        """The replica may be emptied, as long as no fence is answered."""
        queue = let_go.queue
        replica = self._replicas.get(queue)
        known = self._let_go.get(queue)
        if self._due_ms is None or replica is None or not self._is_let_go(queue, let_go.epoch):
            return
        if known is None or known.epoch != let_go.epoch:
            # Of what comes back, a part may be there that is not the replica yet.
            coming = self._coming.get(queue)
            coming_bytes = 0 if coming is None else coming.size_bytes
            self._let_go[queue] = _LetGo(let_go.epoch, max(_bytes_of(replica), coming_bytes))

    def waits(self, queue: str) -> bool:
        """Return whether a replica was emptied, and there is no room yet to get it again."""
        size_bytes = self.emptied.get(queue)
        if size_bytes is None:
            return False
        room_bytes = self._measured_bytes()
        return room_bytes is not None and room_bytes < size_bytes

    def answers(self, queue: str) -> None:
        """A fence is answered: from now on the leader may count on the replica."""
        self._let_go.pop(queue, None)
        size_bytes = self.emptied.pop(queue, None)
        if size_bytes is not None:
            self._coming[queue] = _Coming(size_bytes, self._core.node.now_ms)

    def forget(self, queue: str) -> None:
        """The queue is gone."""
        self._let_go.pop(queue, None)
        self.emptied.pop(queue, None)
        self._coming.pop(queue, None)

    def tick(self) -> None:
        """Empty what is due."""
        now_ms = self._core.node.now_ms
        for queue, coming in list(self._coming.items()):
            if now_ms - coming.at_ms >= COMING_MS or self.is_member(queue):
                del self._coming[queue]
        if self._due_ms is None or now_ms < self._due_ms:
            return
        self._due_ms = now_ms + APART_MS
        sizes = ((queue, each.size_bytes) for queue, each in self._let_go.items())
        left_bytes, left_count = AT_ONCE_BYTES, AT_ONCE_MAX
        for queue, size_bytes in nlargest(LOOKED_MAX, sizes, key=itemgetter(1)):
            if left_bytes <= 0 or not left_count:
                break
            if size_bytes and self._may_empty(queue):
                left_bytes, left_count = left_bytes - size_bytes, left_count - 1
                self._empty(queue)

    def _empty(self, queue: str) -> None:
        let_go = self._let_go.pop(queue)
        log.warning(
            "the disk is nearly full: the replica of queue %s, which others have, is emptied here"
            " bytes=%d",
            queue,
            let_go.size_bytes,
        )
        self._coming.pop(queue, None)
        self.emptied[queue] = let_go.size_bytes
        self._begin_anew(queue, let_go.epoch)

    def _may_empty(self, queue: str) -> bool:
        epoch = self._let_go[queue].epoch
        return self._is_let_go(queue, epoch) and self.can_do_without(queue, epoch)

    def _is_let_go(self, queue: str, epoch: int) -> bool:
        """Return whether no fence was answered since, nor a later leader promised anything."""
        node = self._core.node
        replica = node.replicas.get(queue)
        return (
            replica is not None
            and replica.promised <= epoch
            and queue not in node.leaderships
            and all(queue not in link.attached for link in node.from_leaders.values())
        )

    def _measured_bytes(self) -> int | None:
        """Return the room, without what comes back already."""
        now_ms = self._core.node.now_ms
        if self._room is None or now_ms - self._room[0] >= MEASURED_MS:
            self._room = now_ms, self.room_bytes()
        room_bytes = self._room[1]
        if room_bytes is None:
            return None
        return room_bytes - sum([each.size_bytes for each in self._coming.values()])


def room_above(limit_bytes: int, measure: Callable[[], int]) -> int | None:
    """Return what is free for replicas that come back; None where that is not known.

    Args:
        limit_bytes: with less the disk is nearly full; what comes back leaves more than that.
        measure: returns the free bytes, or raises OSError.
    """
    try:
        return measure() - limit_bytes * COME_BACK_PERCENT // 100
    except OSError:
        return None


def _bytes_of(replica: ReplicaLog) -> int:
    """Return about how much of the disk a replica takes; it looks at each chunk."""
    content = replica.stream.content
    stream_bytes = 0 if content is None else content.kept.size_bytes
    return replica.records_bytes + replica.state.stored.table.size_bytes + stream_bytes


def _never(_queue: str, _epoch: int) -> bool:
    return False
