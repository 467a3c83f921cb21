"""The settlements of the deliveries of one channel: acked, given back, or dropped.

Each settlement is a step of its own, as if it had come alone. It returns credit, which could move
messages that are due to other consumers. In this case their queue is drained first. When one method
settles for several consumers, each of them is told in RabbitMQ's order: by name of the queue, then
by consumer tag.

One method may settle everything that a client ever got, message by message. If that can take long,
it is done in steps (``broker.steps``): all is taken off the channel, then told piece by piece.

Source: AMQP 0-9-1 §1.8.3.12 - 1.8.3.14; RabbitMQ, rabbit_channel.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from amqp_server.broker.queue import Queue
from amqp_server.broker.rejecting import rejecting
from amqp_server.broker.requeueing import requeue as requeue_in_pieces
from amqp_server.broker.requeueing import requeueing
from amqp_server.broker.steps import Steps, taken_in_pieces
from amqp_server.protocol.consumer import Consumer
from amqp_server.protocol.errors import UnknownDeliveryTagError
from amqp_server.protocol.holders import (
    PIECE_MAX,
    Owner,
    by_holder,
    grouping,
    joined,
    ranked,
)
from amqp_server.protocol.lane import Lane
from amqp_server.protocol.transaction import Settlement
from amqp_server.protocol.unacked import Part, Unacked
from queues.batch import Batch
from queues.ports import QueueEngine

AT_ONCE_MAX: Final = 2_000
"""Most messages settled in a plain call: a few milliseconds if each was delivered alone."""

LEAVE_AT_ONCE_MAX: Final = 32
"""Consumers, or queues, that lose their channel between two looks at the time."""


class Settling:
    """The settlements of one channel.

    Args:
        unacked: its delivery tags.
        lane: for consumers that the shared prefetch counts.

    Attributes:
        unshared_lane: for consumers whose kind of queue ignores it; None while there is none.
    """

    __slots__ = (
        "_counters",
        "_delivered",
        "_lane",
        "_settled_up_to",
        "_turn",
        "_unacked",
        "unshared_lane",
    )

    def __init__(self, unacked: Unacked[Owner], lane: Lane) -> None:
        self._unacked = unacked
        self._lane = lane
        self._turn = lane.turn
        self._delivered = lane.delivered
        self._counters = lane.counters
        self._settled_up_to = 0
        self.unshared_lane: Lane | None = None

    def settle(self, settlement: Settlement, now_ms: int) -> None:
        """Carry out an ack, nack or reject.

        Raises:
            UnknownDeliveryTagError: a tag that is not outstanding (406).
        """
        first_tag, last_tag, multiple, requeue = settlement
        if requeue is None:
            if multiple:
                self.settle_up_to(last_tag, now_ms)
            else:
                self.settle_each(first_tag, last_tag, now_ms)
            return
        unacked = self._unacked
        if multiple:
            self._settled_up_to = last_tag or unacked.next_tag - 1
            parts = unacked.settle_up_to(last_tag)
        else:
            parts = unacked.settle_each(first_tag, last_tag)
        try:
            self._give_back(parts, now_ms, requeue=requeue)
        finally:
            self._reopen(now_ms)

    def settle_up_to(self, last_tag: int, now_ms: int) -> None:
        """Carry out one ack of everything up to a tag; 0 is everything.

        Raises:
            UnknownDeliveryTagError: the tag is not outstanding (406).
        """
        self._settled_up_to = last_tag or self._unacked.next_tag - 1
        try:
            self._ack_by_holder(self._unacked.settle_up_to(last_tag), now_ms)
        finally:
            if self._lane.waiting or self.unshared_lane is not None or self._delivered.waiting:
                self._reopen(now_ms)

    def settle_each(self, first_tag: int, last_tag: int, now_ms: int) -> None:
        """Carry out acks of tags first..last, one by one.

        Raises:
            UnknownDeliveryTagError: a tag that is not outstanding (406).
        """
        parts = self._unacked.settle_each(first_tag, last_tag)
        try:
            if first_tag == last_tag:
                for owner, batch in parts:
                    self._make_room(self._ack(owner, batch.positions, batch.body_bytes, now_ms))
            else:
                self._ack_joined(parts, now_ms)
        finally:
            if self._lane.waiting or self.unshared_lane is not None or self._delivered.waiting:
                self._reopen(now_ms)

    def is_long(self, first_tag: int, last_tag: int, *, multiple: bool) -> bool:
        """Whether such a settlement is for ``settling``."""
        if multiple:
            # No earlier tag is outstanding: a client that acks often settles few at a time.
            last_tag = last_tag or self._unacked.next_tag - 1
            return min(last_tag - self._settled_up_to, self._unacked.count) > AT_ONCE_MAX
        return last_tag - first_tag >= AT_ONCE_MAX

    def settling(self, settlement: Settlement) -> Steps[None]:
        """Carry out an ack, nack or reject that may cover much; raises as ``settle``."""
        first_tag, last_tag, multiple, requeue = settlement
        if multiple:
            self._settled_up_to = last_tag or self._unacked.next_tag - 1
            parts = self._unacked.settle_up_to(last_tag)
        else:
            parts = self._unacked.settle_each(first_tag, last_tag)
        if requeue is not None:
            yield from self._giving_back(parts, requeue=requeue)
        elif multiple:
            yield from self._settling_by_holder(parts)
        else:
            yield from self._settling_joined(parts)
        self._reopen(self._turn.now_ms)

    def settling_together(self, settlements: Sequence[Settlement]) -> Steps[None]:
        """Carry out settlements of one kind; requeued messages come back all at once."""
        requeue = settlements[0].requeue
        parts = self._parts_of([(one.first_tag, one.last_tag) for one in settlements])
        if requeue is None:
            yield from self._settling_joined(parts)
        else:
            yield from self._giving_back(parts, requeue=requeue)
        self._reopen(self._turn.now_ms)

    def giving_back_all(self) -> Steps[None]:
        """Requeue everything that is outstanding: basic.recover."""
        yield from self._giving_back(self._unacked.take_all(), requeue=True)
        self._reopen(self._turn.now_ms)

    def giving_back_each(self, tags: Iterable[int]) -> Steps[None]:
        """Requeue deliveries with these tags: basic.recover while a transaction holds others."""
        yield from self._giving_back(self._parts_of((tag, tag) for tag in tags), requeue=True)
        self._reopen(self._turn.now_ms)

    def _parts_of(self, ranges: Iterable[tuple[int, int]]) -> Iterator[Part[Owner]]:
        """Settle tags that are outstanding, as long as the channel is there."""
        for first_tag, last_tag in ranges:
            try:
                yield from self._unacked.settle_each(first_tag, last_tag)
            except UnknownDeliveryTagError:
                return  # the channel ended in between, and the rest went back with it

    def releasing(
        self, consumers_of: dict[Queue, list[Consumer]], drop: Callable[[Consumer], None]
    ) -> Steps[None]:
        """Remove the consumers of a channel that is gone, and requeue everything it holds.

        Each queue gets all of this at once and delivers nothing in between. So the consumers that
        come next get the requeued messages first. The other consumers of a queue continue.

        Args:
            consumers_of: by queue, removed one by one; each has got the deliveries due to it.
            drop: removes one of them from its queue.
        """
        batches_of: dict[Queue, list[Batch]] = {}
        for count, (owner, batch) in enumerate(self._unacked.take_all(), start=1):
            self._counters.requeued_count += len(batch)
            batches_of.setdefault(owner.queue, []).append(batch)
            if not count % PIECE_MAX:
                yield
        queues = deque(dict.fromkeys([*consumers_of, *batches_of]))
        for count in range(1, len(queues) + 1):
            # Keep no reference to a queue deleted meanwhile: to free all at once takes long.
            queue = queues.popleft()
            consumers, batches = consumers_of.pop(queue, []), batches_of.pop(queue, [])
            if not consumers:
                self._turn.drain_now(queue.engine, self._turn.now_ms)
            yield from self._releasing_queue(queue.engine, consumers, batches, drop)
            if not count % LEAVE_AT_ONCE_MAX:
                yield
        if self._delivered.waiting:
            self._delivered.were_settled()

    def _releasing_queue(
        self,
        engine: QueueEngine,
        consumers: list[Consumer],
        batches: list[Batch],
        drop: Callable[[Consumer], None],
    ) -> Steps[None]:
        is_long = len(consumers) > LEAVE_AT_ONCE_MAX
        if is_long:
            engine.begin_refill()
        for some in taken_in_pieces(consumers, LEAVE_AT_ONCE_MAX):
            for consumer in some:
                drop(consumer)
            if is_long:
                yield
        if batches:
            yield from requeueing(engine, batches, self._turn, self._turn.now_ms)
        if is_long:
            engine.end_refill()

    def _make_room(self, count: int) -> None:
        """Remove settled messages from the shared prefetch, which may have grown meanwhile."""
        self._lane.shared_prefetch.used -= count

    def _reopen(self, now_ms: int) -> None:
        """Tell other queues about the room: settled messages counted for channel and node."""
        if self._delivered.waiting:
            self._delivered.were_settled()
        if self._lane.waiting:
            self._lane.reopen(now_ms)
        if self.unshared_lane is not None and self.unshared_lane.waiting:
            self.unshared_lane.reopen(now_ms)

    # -- acks -------------------------------------------------------------------------------

    def _ack_joined(self, parts: Iterable[Part[Owner]], now_ms: int) -> None:
        """Tell queues which messages were acked one by one; several deliveries are joined.

        Raises:
            UnknownDeliveryTagError: of ``parts``; the tags before it are settled.
        """
        owner: Owner | None = None
        positions, body_bytes = range(0), 0
        try:
            for next_owner, batch in parts:
                found = batch.positions
                if next_owner is owner:
                    step = found.step
                    if step == positions.step and found.start == positions[-1] + step:
                        positions = range(positions.start, found.stop, step)
                        body_bytes += batch.body_bytes
                        continue
                if owner is not None:
                    self._make_room(self._ack(owner, positions, body_bytes, now_ms))
                owner, positions, body_bytes = next_owner, found, batch.body_bytes
        finally:
            if owner is not None:
                self._make_room(self._ack(owner, positions, body_bytes, now_ms))

    def _ack_by_holder(self, parts: Iterable[Part[Owner]], now_ms: int) -> None:
        """Tell queues which messages one method acked."""
        counted = 0
        for holder, batches in by_holder(parts):
            if len(batches) == 1:
                batch = batches[0]
                counted += self._ack(holder, batch.positions, batch.body_bytes, now_ms)
                continue
            for positions, body_bytes in joined(batches):
                counted += self._ack(holder, positions, body_bytes, now_ms)
        self._make_room(counted)

    def _settling_joined(self, parts: Iterator[Part[Owner]]) -> Steps[None]:
        while some := list(islice(parts, PIECE_MAX)):
            self._ack_joined(some, self._turn.now_ms)
            yield

    def _settling_by_holder(self, parts: Iterator[Part[Owner]]) -> Steps[None]:
        counted = 0
        for holder, batches in ranked((yield from grouping(parts))):
            for some in taken_in_pieces(batches, PIECE_MAX):
                for positions, body_bytes in joined(some):
                    counted += self._ack(holder, positions, body_bytes, self._turn.now_ms)
                yield
        self._make_room(counted)

    def _ack(self, owner: Owner, positions: range, body_bytes: int, now_ms: int) -> int:
        engine = owner.queue.engine
        if engine.must_drain_before(owner):
            self._turn.drain_now(engine, now_ms)
        counted = owner.settled(positions)
        engine.settle(positions, body_bytes)
        return counted

    # -- back to the queue, or out of it ----------------------------------------------------

    def _give_back(self, parts: Iterable[Part[Owner]], now_ms: int, *, requeue: bool) -> None:
        """Requeue or reject the messages that one method names.

        The shared prefetch has room again for requeued messages. A consumer that was not refused
        before may get them now. A consumer that was refused is told once all are back.
        """
        for holder, batches in by_holder(self._counting(parts, requeue=requeue)):
            engine = holder.queue.engine
            must_drain = engine.must_drain_before(None)
            if requeue or must_drain:
                self._turn.drain_now(engine, now_ms)
            for batch in batches:
                self._make_room(holder.settled(batch.positions))
            if requeue:
                requeue_in_pieces(engine, batches, self._turn, now_ms)
                self._turn.drain_now(engine, now_ms)
            else:
                engine.reject(batches, now_ms)

    def _counting(self, parts: Iterable[Part[Owner]], *, requeue: bool) -> Iterator[Part[Owner]]:
        """Count parts as they are taken off the channel, so that none of them seems acked."""
        counters = self._counters
        for part in parts:
            if requeue:
                counters.requeued_count += len(part.batch)
            else:
                counters.discarded_count += len(part.batch)
            yield part

    def _giving_back(self, parts: Iterator[Part[Owner]], *, requeue: bool) -> Steps[None]:
        """Do the same in steps; until all are on their way back, others are not delivered."""
        turn = self._turn
        counted = self._counting(parts, requeue=requeue)
        for holder, batches in ranked((yield from grouping(counted))):
            engine = holder.queue.engine
            must_drain = engine.must_drain_before(None)
            if requeue or must_drain:
                turn.drain_now(engine, turn.now_ms)
            if requeue:
                engine.begin_refill()
            for first in range(0, len(batches), PIECE_MAX):
                for batch in batches[first : first + PIECE_MAX]:
                    self._make_room(holder.settled(batch.positions))
                yield
            if requeue:
                requeue_in_pieces(engine, batches, turn, turn.now_ms)
                engine.end_refill()
                turn.drain_now(engine, turn.now_ms)
            else:
                yield from rejecting(engine, batches, turn)
