"""The consumers here of a queue that is led on another node: their credit, and what is shown.

The leader is told how much each may get, in all since it began. No consumer is shown more than it
has credit for at that moment: what came and may not be shown waits. A consumer is asked for its
credit when it comes, when something was shown to it, when it or its lane has room again.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import Cancel, Consume, Credit, Settlement, ToLeader
from cluster.fronts.limits import FrontLimits
from cluster.fronts.remote_consumer import Held, HeldLane, RemoteConsumer
from queues.batch import Batch
from queues.consumer_port import ConsumerHandle, Lane

GRANTS_PER_DRAIN: Final = 500
"""Consumers that are asked for credit in one drain."""

WOKEN_MAX: Final = 64
"""Consumers of one lane with a shared prefetch that are asked at once: they mostly use it up."""


class Peer(Protocol):
    """The way to the leader."""

    def put(self, frame: ToLeader) -> None:
        """Let a frame leave."""

    def settle_as(self, settlement: Settlement, numbers: range) -> None:
        """Settle deliveries."""


class RemoteConsumers:
    """All of one front half, on one way.

    Args:
        queue: the id.
        limits: of what may be on its way.
        peer: the way.
        base: is added to the numbers of deliveries where consumers see them.
    """

    def __init__(self, queue: str, limits: FrontLimits, peer: Peer, base: int) -> None:
        self._queue = queue
        self._limits = limits
        self._peer = peer
        self._base = base
        self._by_number: dict[int, RemoteConsumer] = {}
        self._of: dict[ConsumerHandle, RemoteConsumer] = {}
        self._lanes: dict[Lane, HeldLane] = {}
        self._last_number = self._last_lane = 0
        self._to_show: dict[HeldLane, None] = {}
        self._to_grant: dict[RemoteConsumer, None] = {}

    # -- who there is ---------------------------------------------------------------------------

    def consume(self, handle: ConsumerHandle, arguments: Mapping[str, object]) -> None:
        """Have a consumer added by the leader."""
        lane = self._lanes.get(handle.lane)
        if lane is None:
            self._last_lane += 1
            lane = self._lanes[handle.lane] = HeldLane(handle.lane, self._last_lane)
        lane.consumers_count += 1
        self._last_number += 1
        number = self._last_number
        consumer = RemoteConsumer(number, handle, lane)
        self._by_number[number] = self._of[handle] = consumer
        # So it is told of whenever its client has settled something.
        handle.is_blocked = True
        self._allow(consumer, max(self._extra(consumer), 0))
        if not consumer.granted:
            self._to_grant[consumer] = None
        self._peer.put(
            Consume(
                self._queue,
                number,
                handle.consumer_tag,
                lane.number,
                handle.priority,
                handle.no_ack,
                handle.exclusive,
                arguments,
                consumer.granted,
                consumer.granted_bytes,
            )
        )

    def answered(self, number: int, *, is_there: bool) -> ConsumerHandle | None:
        """The leader has answered; return whose consumer it is, None where it was cancelled."""
        consumer = self._by_number.get(number)
        if consumer is None:
            return None
        if consumer.is_there:
            raise FrontError(f"answers consumer {number} twice")
        consumer.is_there = True
        if not is_there:
            self._drop(consumer)
        return consumer.handle

    def cancel(self, handle: ConsumerHandle) -> None:
        """Remove a consumer: what was not shown to it goes back."""
        consumer = self._of.get(handle)
        if consumer is None:
            return
        self._peer.put(Cancel(self._queue, consumer.number))
        for numbers in consumer.lane.take_of(consumer):
            self._peer.settle_as(Settlement.UNSEEN, numbers)
        self._drop(consumer)

    def _drop(self, consumer: RemoteConsumer) -> None:
        lane = consumer.lane
        del self._by_number[consumer.number], self._of[consumer.handle]
        self._to_grant.pop(consumer, None)
        lane.waiting.pop(consumer, None)
        lane.on_way_count -= consumer.on_way_count
        lane.consumers_count -= 1
        if lane.consumers_count:
            self._wake(lane)
        else:
            del self._lanes[lane.port]
            self._to_show.pop(lane, None)

    # -- what comes -----------------------------------------------------------------------------

    def arrived(self, numbers: tuple[int, ...], batch: Batch) -> None:
        """Take a batch of the leader's.

        Raises:
            FrontError: it is more than was granted.
        """
        consumers = [self._by_number.get(number) for number in numbers]
        if len(consumers) == 1 and (one := consumers[0]) is not None:
            self._note_arrived(one, len(batch))
            one.lane.put(Held((one,), batch))
            self._to_show[one.lane] = None
            return
        there = [each for each in consumers if each is not None]
        ways = len(consumers)
        for index, consumer in enumerate(consumers):
            share = batch.positions[index::ways]
            if consumer is not None:
                self._note_arrived(consumer, len(share))
            elif share:
                self._peer.settle_as(Settlement.UNSEEN, share)
        if not there:
            return
        if len({each.lane for each in there}) > 1:
            raise FrontError(f"deals messages to consumers {numbers}, which share no lane")
        if len(there) == ways:
            there[0].lane.put(Held(tuple(there), batch))
        else:
            for index in range(len(batch)):
                to = consumers[index % ways]
                if to is not None:
                    to.lane.put(Held((to,), batch.part(index, 1, index + 1)))
        self._to_show[there[0].lane] = None

    def _note_arrived(self, consumer: RemoteConsumer, count: int) -> None:
        if count > consumer.on_way_count:
            text = f"{count} messages to consumer {consumer.number}"
            raise FrontError(f"delivers {text}, which may get {consumer.on_way_count}")
        consumer.arrived += count
        consumer.lane.on_way_count -= count
        self._to_grant[consumer] = None

    # -- what is shown --------------------------------------------------------------------------

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer may have room again."""
        consumer = self._of.get(handle)
        if consumer is not None:
            handle.is_blocked = True
            self._to_grant[consumer] = None
            lane = consumer.lane
            if lane.line:
                self._to_show[lane] = None
            if lane.waiting and handle.shares_credit:
                self._wake(lane)

    def lane_opened(self, port: Lane) -> None:
        """A lane may have room again."""
        lane = self._lanes.get(port)
        if lane is not None:
            self._to_show[lane] = None
            self._wake(lane)

    def drain(self, max_messages: int) -> bool:
        """Show and grant what is due; return whether more could be done now."""
        left = max_messages
        to_show, self._to_show = self._to_show, {}
        for lane in to_show:
            left -= self._show(lane, left)
        for _ in range(GRANTS_PER_DRAIN):
            if not self._to_grant:
                break
            consumer = next(iter(self._to_grant))
            del self._to_grant[consumer]
            self._grant(consumer)
        return bool(self._to_show or self._to_grant)

    def _show(self, lane: HeldLane, max_messages: int) -> int:
        """Show what waits in a line, until somebody has no credit."""
        left = max_messages
        while (held := lane.head()) is not None:
            if left <= 0:
                self._to_show[lane] = None
                break
            assert held.batch is not None, "it is the head"
            if len(held.consumers) > 1:
                left -= self._show_dealt(lane, held)
                continue
            consumer = held.consumers[0]
            credit = consumer.handle.credit()
            if credit <= 0:
                break
            batch = lane.take(held, min(credit, len(held.batch), left))
            left -= len(batch)
            self._shown(consumer, batch.body_bytes, batch.positions)
            consumer.handle.deliver(self._placed(batch))
        return max_messages - left

    def _show_dealt(self, lane: HeldLane, held: Held) -> int:
        """Show a batch of several consumers, or have it be shown message by message."""
        batch, ways = held.batch, len(held.consumers)
        assert batch is not None, "it is the head"
        handles = [each.handle for each in held.consumers]
        share_max = (len(batch) + ways - 1) // ways
        if len(batch) > lane.port.shared_room or any(
            [handle.credit() < share_max for handle in handles]
        ):
            lane.line.popleft()
            lane.line.extendleft(reversed(lane.split(held)))
            return 0
        lane.take_dealt(held)
        for index, consumer in enumerate(held.consumers):
            share = batch.part(index, ways)
            self._shown(consumer, share.body_bytes, share.positions)
        handles[0].deliver_in_turn(handles, self._placed(batch))
        return len(batch)

    def _shown(self, consumer: RemoteConsumer, body_bytes: int, numbers: range) -> None:
        consumer.shown_bytes += body_bytes
        self._to_grant[consumer] = None
        if consumer.handle.no_ack:
            self._peer.settle_as(Settlement.ACK, numbers)

    def _placed(self, batch: Batch) -> Batch:
        """Return a batch with the positions that its consumer sees."""
        numbers, base = batch.positions, self._base
        return Batch(
            range(numbers.start + base, numbers.stop + base, numbers.step),
            batch.records,
            None,
            batch.delivery_count,
            redelivered=batch.redelivered,
        )

    # -- credit ---------------------------------------------------------------------------------

    def _grant(self, consumer: RemoteConsumer) -> None:
        """Tell the leader of more credit, where what is on its way has become little."""
        handle, lane = consumer.handle, consumer.lane
        extra = max(self._extra(consumer), 0)
        more_bytes = consumer.shown_bytes + self._limits.credit_bytes - consumer.granted_bytes
        if (extra and extra >= consumer.on_way_count) or more_bytes * 2 >= (
            self._limits.credit_bytes
        ):
            self._allow(consumer, extra)
            credit = consumer.granted, consumer.granted_bytes
            self._peer.put(Credit(self._queue, consumer.number, *credit))
        if not extra and self._waits_for_lane(consumer):
            lane.waiting[consumer] = None
        elif lane.waiting and handle.shares_credit:
            self._wake(lane, 1)

    def _waits_for_lane(self, consumer: RemoteConsumer) -> bool:
        """Whether its lane has no room, and it is told when that has."""
        handle = consumer.handle
        if handle.shares_credit and not handle.no_ack and consumer.lane.shared_room <= 0:
            return True
        return handle.credit() <= 0 and handle.has_own_room()

    def _extra(self, consumer: RemoteConsumer) -> int:
        """Return how many more messages may be asked for."""
        handle, lane = consumer.handle, consumer.lane
        credit = handle.credit()
        extra = min(credit, self._limits.credit_max) - consumer.on_way_count - consumer.held_count
        if extra > 0 and handle.shares_credit and not handle.no_ack:
            room = lane.shared_room
            extra = min(extra, room, max(room // lane.consumers_count, 1))
        return extra

    def _allow(self, consumer: RemoteConsumer, extra: int) -> None:
        consumer.granted += extra
        consumer.lane.on_way_count += extra
        most_bytes = consumer.shown_bytes + self._limits.credit_bytes
        consumer.granted_bytes = max(consumer.granted_bytes, most_bytes)

    def _wake(self, lane: HeldLane, max_count: int = WOKEN_MAX) -> None:
        """Ask consumers that wait for room in a lane again."""
        waiting = lane.waiting
        if not waiting:
            return
        first = next(iter(waiting))
        if first.handle.shares_credit:
            for consumer in list(waiting)[:max_count]:
                del waiting[consumer]
                self._to_grant[consumer] = None
        else:
            self._to_grant.update(waiting)
            waiting.clear()
