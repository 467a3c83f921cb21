"""The front half of a mirrored stream: each consumer goes on where it was, whoever leads.

consumers whose offset is stored, and those of groups ─▶ the way to the leader
all others ─▶ the mirror of this node, if it is read ─▶ else the way to the leader
"""

from collections.abc import Callable, Sequence

from cluster.fronts.followed_handle import FollowedHandle
from cluster.fronts.frames import Settlement
from cluster.fronts.front_queue import FrontQueue
from cluster.fronts.limits import FrontNode
from cluster.fronts.local_way import LocalHandle, LocalWay
from cluster.fronts.mirror_readers import WAY_BASE, MirrorReaders, MirrorReading
from cluster.fronts.taking import Take
from cluster.fronts.ways import Way
from queues.asked_port import ConsumeAnswer
from queues.batch import Batch
from queues.consumer_port import ConsumerHandle, Lane
from queues.options import QueueOptions
from queues.ports import Positions, QueueEngine, QueueState, ReaderPosition, WakeUp


class StreamFront(FrontQueue):
    """A ``FrontQueue`` whose consumers read for themselves, each from a place of its own.

    A consumer that is there has a followed handle, and ways know that one alone.

    Attributes:
        find_mirror: returns the stream as readers may begin with it at the mirror of this node;
            None where there is none, or it is behind.
    """

    has_lone_readers: bool = True

    def __init__(self, queue: str, options: QueueOptions, node: FrontNode, wake_up: WakeUp) -> None:
        super().__init__(queue, options, node, wake_up)
        self._base = WAY_BASE
        self._followed: dict[object, FollowedHandle] = {}
        self._mirror = MirrorReaders(self._asked_consumers.there)
        self.find_mirror: Callable[[], MirrorReading | None] = _no_mirror

    # -- who leads ------------------------------------------------------------------------------

    def lead_here(self, engine: QueueEngine, take: Take, epoch: int) -> None:
        """This node leads: the engine is the queue, for who has read at the mirror too."""
        self._leave_mirror()
        super().lead_here(engine, take, epoch)

    def mirror_lost(self) -> None:
        """The mirror is not read any more: its readers go on by the way to the leader."""
        self._leave_mirror()
        self._wake_up()

    def mirror_unread(self) -> bool:
        """The mirror has no reader; let go of it, unless one is about to begin. Return whether."""
        is_unread = not self._mirror
        if is_unread:
            self._mirror.end()
        return is_unread

    def engine_to_read(self) -> QueueEngine | None:
        """Return the engine that readers of this node may be served by; None is none."""
        here = self.here
        return here if here is not None or not self._has_mirror() else self._mirror.engine

    def _leave_mirror(self) -> None:
        for followed in self._mirror.end():
            followed.is_blocked = False
            self._consumers.add(followed, is_there=False)

    def _has_mirror(self) -> bool:
        """Return whether the mirror of this node is read; it is from now on, where it can be."""
        if self._mirror.engine is None:
            found = self.find_mirror()
            if found is not None:
                self._mirror.begin(found)
        return self._mirror.engine is not None

    # -- consumers ------------------------------------------------------------------------------

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Add a consumer; it stays, whoever leads."""
        followed = self._follow(handle)
        if not self._reads_mirror(followed, now_ms):
            super().consume(followed, now_ms)
            self._note_begin(followed)

    def ask_consume(
        self, handle: ConsumerHandle, then: Callable[[ConsumeAnswer], None], now_ms: int
    ) -> None:
        """Add a consumer; its client waits until the leader has said whether it is there."""
        super().ask_consume(self._follow(handle), then, now_ms)

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Remove a consumer; its deliveries stay unacked."""
        followed = self._followed.pop(_of_channel(handle), None)
        if followed is None:
            return
        if followed in self._mirror:
            self._asked_consumers.forget(followed)
            self._mirror.cancel(followed, now_ms)
        else:
            super().cancel(followed, now_ms)

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer has room in its own prefetch again."""
        followed = self._followed.get(handle)
        local = self._mirror.local_of(followed)
        if local is not None and self._mirror.engine is not None:
            self._mirror.engine.credit_regained(local)
        elif followed is not None:
            super().credit_regained(followed)

    def lane_opened(self, lane: Lane) -> None:
        """The consumers of a lane may be served again."""
        if self._mirror.engine is not None:
            self._mirror.engine.lane_opened(lane)
        super().lane_opened(lane)

    def serves(self, lane: Lane) -> bool:
        """Whether any consumer of this lane is here."""
        return super().serves(lane) or any([each.lane is lane for each in self._mirror.handles])

    @property
    def consumers_here_count(self) -> int:
        """How many consumers there are on this node."""
        return len(self._consumers) + len(self._mirror)

    # -- settlements ----------------------------------------------------------------------------

    def must_drain_before(self, holder: object) -> bool:
        """Note whose messages are settled next; see the port."""
        local = self._mirror.local_of(self._followed.get(holder))
        engine = self._mirror.engine
        if local is not None and engine is not None:
            return engine.must_drain_before(local)
        engine = self.here
        return engine is not None and engine.must_drain_before(self._local(holder))

    def settle(self, positions: Positions, settled_body_bytes: int) -> int:
        """Note that delivered messages were acked; at a mirror nothing comes of that."""
        if len(positions) and positions[0] < WAY_BASE:
            if self._mirror.engine is not None:
                self._mirror.engine.settle(positions, settled_body_bytes)
            return 0
        return super().settle(positions, settled_body_bytes)

    def give_back(self, settlement: Settlement, batches: Sequence[Batch], now_ms: int) -> None:
        """Give batches back, but for those that were delivered on an earlier way."""
        engine = self._mirror.engine
        read = [batch for batch in batches if batch.positions[0] < WAY_BASE]
        if read and engine is not None:
            engine.requeue(read, now_ms)
        super().give_back(settlement, batches, now_ms)

    # -- the queue itself -----------------------------------------------------------------------

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Deliver, over the way and at the mirror."""
        has_more = super().drain(now_ms, max_messages)
        engine = self._mirror.engine
        return has_more | (engine is not None and engine.drain(now_ms, max_messages))

    def expire(self, now_ms: int) -> None:
        """Do what is due."""
        super().expire(now_ms)
        if self._mirror.engine is not None:
            self._mirror.engine.expire(now_ms)

    def next_deadline_ms(self) -> int | None:
        """Return when ``expire`` must be called next."""
        engine = self._mirror.engine
        due = super().next_deadline_ms(), None if engine is None else engine.next_deadline_ms()
        return min([each for each in due if each is not None], default=None)

    def state(self) -> QueueState:
        """Return how its consumers on this node are, where they are served here."""
        engines = self.here, self._mirror.engine
        states = [QueueState() if engine is None else engine.state() for engine in engines]
        led, read = states

        def position_of(handle: ConsumerHandle) -> ReaderPosition | None:
            local = self._mirror.local_of(self._followed.get(handle))
            if local is not None:
                return read.position_of(local)
            local = self._local(handle)
            return None if local is None else led.position_of(local)

        def reads_for_group(handle: ConsumerHandle) -> bool | None:
            local = self._local(handle)
            return None if local is None else led.reads_for_group(local)

        may_deliver = led.may_deliver or read.may_deliver
        return led._replace(
            may_deliver=may_deliver, position_of=position_of, reads_for_group=reads_for_group
        )

    def delete(self) -> None:
        """The queue is gone everywhere: what is open fails."""
        engine = self._mirror.engine
        self._mirror.end()
        super().delete()
        self._followed.clear()
        if engine is not None:
            engine.delete()

    # -- inside ---------------------------------------------------------------------------------

    def _reads_mirror(self, followed: FollowedHandle, now_ms: int) -> bool:
        """Have a consumer read at the mirror, if it may; return whether it does."""
        if self.here is not None or not followed.reads_anywhere or not self._has_mirror():
            return False
        self._mirror.consume(followed, now_ms)
        return True

    def _follow(self, handle: ConsumerHandle) -> FollowedHandle:
        """Return the followed handle of a consumer that comes; it may be one."""
        if isinstance(handle, FollowedHandle):
            return handle
        followed = self._followed[handle] = FollowedHandle(handle, self._forget)
        return followed

    def _begin_consumer(self, way: Way, handle: ConsumerHandle, now_ms: int) -> None:
        assert isinstance(handle, FollowedHandle), "ways know no other"
        if self._reads_mirror(handle, now_ms):
            self._consumers.remove(handle)
            return
        super()._begin_consumer(way, handle, now_ms)
        self._note_begin(handle)

    def _note_begin(self, followed: FollowedHandle) -> None:
        """Note where a leader on this node has begun with it; others say it later."""
        engine = self.here
        local = self._local(followed.handle)
        if engine is not None and local is not None:
            position = engine.state().position_of(local)
            if position is not None:
                followed.began_at(position.offset)

    def _local(self, handle: object) -> LocalHandle | None:
        """Return a channel's consumer as the engine on this node knows it."""
        followed = self._followed.get(handle)
        way = self._way
        if followed is None or not isinstance(way, LocalWay):
            return None
        return way.local_of(followed)

    def _forget(self, handle: ConsumerHandle) -> None:
        self._followed.pop(handle, None)


def _of_channel(handle: ConsumerHandle) -> ConsumerHandle:
    return handle.handle if isinstance(handle, FollowedHandle) else handle


def _no_mirror() -> MirrorReading | None:
    return None
