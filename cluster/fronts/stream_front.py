"""The front half of a mirrored stream: each consumer goes on where it was, whoever leads."""

from collections.abc import Callable

from cluster.fronts.followed_handle import FollowedHandle
from cluster.fronts.front_queue import FrontQueue
from cluster.fronts.limits import FrontNode
from cluster.fronts.local_way import LocalHandle, LocalWay
from cluster.fronts.ways import Way
from queues.asked_port import ConsumeAnswer
from queues.options import QueueOptions
from queues.ports import ConsumerHandle, QueueState, ReaderPosition, WakeUp


class StreamFront(FrontQueue):
    """A ``FrontQueue`` whose consumers read for themselves, each from a place of its own.

    A consumer that is there has a followed handle, and ways know that one alone.
    """

    has_lone_readers: bool = True

    def __init__(self, queue: str, options: QueueOptions, node: FrontNode, wake_up: WakeUp) -> None:
        super().__init__(queue, options, node, wake_up)
        self._followed: dict[object, FollowedHandle] = {}

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Add a consumer; it stays, whoever leads."""
        followed = self._follow(handle)
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
        if followed is not None:
            super().cancel(followed, now_ms)

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer has room in its own prefetch again."""
        followed = self._followed.get(handle)
        if followed is not None:
            super().credit_regained(followed)

    def must_drain_before(self, holder: object) -> bool:
        """Note whose messages are settled next; see the port."""
        engine = self.here
        return engine is not None and engine.must_drain_before(self._local(holder))

    def state(self) -> QueueState:
        """Return how its consumers on this node are, where it is led here."""
        engine = self.here
        if engine is None:
            return QueueState()
        found = engine.state()

        def position_of(handle: ConsumerHandle) -> ReaderPosition | None:
            local = self._local(handle)
            return None if local is None else found.position_of(local)

        def reads_for_group(handle: ConsumerHandle) -> bool | None:
            local = self._local(handle)
            return None if local is None else found.reads_for_group(local)

        return found._replace(position_of=position_of, reads_for_group=reads_for_group)

    def delete(self) -> None:
        """The queue is gone everywhere: what is open fails."""
        super().delete()
        self._followed.clear()

    def _follow(self, handle: ConsumerHandle) -> FollowedHandle:
        """Return the followed handle of a consumer that comes; it may be one."""
        if isinstance(handle, FollowedHandle):
            return handle
        followed = self._followed[handle] = FollowedHandle(handle, self._forget)
        return followed

    def _begin_consumer(self, way: Way, handle: ConsumerHandle, now_ms: int) -> None:
        super()._begin_consumer(way, handle, now_ms)
        assert isinstance(handle, FollowedHandle), "ways know no other"
        self._note_begin(handle)

    def _note_begin(self, followed: FollowedHandle) -> None:
        """Note where a leader on this node has begun with a consumer; others say it later."""
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
