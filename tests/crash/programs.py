"""The programs of a kill loop: they publish, consume and get until their broker is gone."""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from load_generator import wire
from tests.crash import messages
from tests.crash.confirm_checker import Frame
from tests.crash.history import Action, Kind, Value
from tests.crash.link import BASIC_GET_EMPTY, BASIC_GET_OK, Answer, Delivery, Link, get, nack
from tests.crash.messages import DamagedMessageError
from tests.crash.notes import Notes

PUBLISHES_PER_SESSION_MAX: Final = 4_000
"""Of one publisher: a broker that never dies must not fill the disk."""
BODY_BITS_MAX: Final = 16
DRAIN_TIMEOUT_S: Final = 60.0
BASIC_CANCEL: Final = wire.MethodId(60, 30)
BASIC_CANCEL_OK: Final = wire.MethodId(60, 31)
NACK_SHARE: Final = 0.03
_ROUND_TRIP_S: Final = 0.03
_WINDOWS: Final = (1, 10, 200, 1_000)


class Target(NamedTuple):
    """Where a publisher publishes, and which queues that reaches."""

    exchange: str
    routing_key: str
    queues: Sequence[str]
    has_priorities: bool = False


def body_size_bytes(chance: random.Random) -> int:
    """Return a size from 1 octet to 64 KiB, each power of two as likely as another."""
    return min(1 << BODY_BITS_MAX, int(2 ** chance.uniform(0, BODY_BITS_MAX + 0.1)))


class Publisher:
    """Publishes with confirms, at most a window ahead of them."""

    def __init__(self, notes: Notes, target: Target, chance: random.Random) -> None:
        self._notes = notes
        self._target = target
        self._chance = chance
        self._process = notes.new_process()
        lanes_count = messages.PRIORITIES_COUNT if target.has_priorities else 1
        self._lanes = [notes.new_publisher() for _ in range(lanes_count)]
        self._counters = [0] * lanes_count
        self._window = chance.choice(_WINDOWS)
        self._published_count = 0
        self._awaited: dict[int, Value] = {}
        self._answered = asyncio.Event()

    async def run(self, link: Link) -> None:
        """Publish until the link is lost or the session's count is reached."""
        link.on_answer = self._answer
        await link.call(wire.method(1, wire.CONFIRM_SELECT, b"\x00"), wire.CONFIRM_SELECT_OK)
        while self._published_count < PUBLISHES_PER_SESSION_MAX and not link.lost.is_set():
            room = self._window - len(self._awaited)
            if room <= 0:
                self._answered.clear()
                await _first(self._answered, link.lost)
                continue
            burst = range(self._chance.randint(1, min(room, 20)))
            link.send(b"".join([self._publish() for _ in burst]))
            await asyncio.sleep(0)
        await link.lost.wait()

    def close(self) -> None:
        """Note that the channel has ended."""
        self._notes.confirm_event(self._process, Frame.CLOSE, 0)

    def _publish(self) -> bytes:
        priority = self._chance.randrange(len(self._lanes))
        self._counters[priority] += 1
        value = Value(self._lanes[priority], self._counters[priority])
        self._published_count += 1
        self._awaited[self._published_count] = value
        self._notes.enqueue(Kind.INVOKE, self._process, value, self._target.queues)
        self._notes.confirm_event(self._process, Frame.PUBLISH, self._published_count)
        size_bytes = body_size_bytes(self._chance)
        target = self._target
        return messages.publish(target.exchange, target.routing_key, value, size_bytes, priority)

    def _answer(self, answer: Answer) -> None:
        frame = Frame.ACK if answer.is_ack else Frame.NACK
        self._notes.confirm_event(self._process, frame, answer.tag, answer.multiple)
        tags = [answer.tag]
        if answer.multiple:
            tags = [tag for tag in self._awaited if tag <= answer.tag]
        for tag in tags:
            if (value := self._awaited.pop(tag, None)) is not None:
                kind = Kind.OK if answer.is_ack else Kind.FAIL
                self._notes.enqueue(kind, self._process, value, self._target.queues)
        self._answered.set()


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


class Taker:
    """Takes messages of one queue, and acks those that it does not requeue."""

    def __init__(self, notes: Notes, queue: str, chance: random.Random) -> None:
        self._notes = notes
        self._queue = queue
        self._chance = chance
        self._process = notes.new_process()
        self._unacked: deque[tuple[int, Value]] = deque()
        self._written: list[Value] = []
        self._link: Link | None = None

    def take(self, delivery: Delivery, action: Action = Action.DELIVER) -> None:
        """Note a message, and now and then give it back."""
        assert self._link is not None
        try:
            value = messages.value_of(delivery.properties, delivery.body)
        except DamagedMessageError as error:
            self._notes.damaged.append(f"{self._queue}: {error}")
            return
        self._notes.arrive(self._queue, action, self._process, value, delivery.redelivered)
        if action is Action.DELIVER and self._chance.random() < NACK_SHARE:
            self._link.send(nack(delivery.tag))
            return
        self._unacked.append((delivery.tag, value))

    def ack_all(self, *, multiple: bool) -> None:
        """Ack everything that is unacked, in one ack or in one each, in no order."""
        assert self._link is not None
        if not self._unacked:
            return
        taken = list(self._unacked)
        self._unacked.clear()
        for _, value in taken:
            self._notes.acked(self._queue, Kind.INVOKE, self._process, value)
        if multiple:
            self._link.send(wire.ack(taken[-1][0], multiple=True))
        else:
            self._chance.shuffle(taken)
            self._link.send(b"".join(wire.ack(tag, multiple=False) for tag, _ in taken))
        self._written += [value for _, value in taken]

    async def round_trip(self, prefetch_count: int) -> None:
        """Send a request and await its answer; the broker then has all earlier acks."""
        assert self._link is not None
        written, self._written = self._written, []
        faults_count = self._notes.faults_count
        await self._link.call(wire.qos(1, prefetch_count), wire.BASIC_QOS_OK)
        if self._notes.faults_count > faults_count:
            return  # the reply was on its way when the broker was killed: it says nothing any more
        for value in written:
            self._notes.acked(self._queue, Kind.OK, self._process, value)


class Consumer(Taker):
    """Consumes with a prefetch; acks in groups."""

    async def run(self, link: Link) -> None:
        """Consume until the link is lost."""
        self._link = link
        link.on_delivery = self.take
        prefetch_count, multiple = self._chance.randint(1, 300), self._chance.random() < 0.6
        await link.call(wire.qos(1, prefetch_count), wire.BASIC_QOS_OK)
        await link.call(wire.consume(1, self._queue, "", no_ack=False), wire.BASIC_CONSUME_OK)
        while True:
            await asyncio.sleep(_ROUND_TRIP_S * self._chance.random())
            self.ack_all(multiple=multiple)
            await self.round_trip(prefetch_count)


class Getter(Taker):
    """Gets messages one by one, and acks each a little later."""

    async def run(self, link: Link) -> None:
        """Get until the link is lost."""
        self._link = link
        link.on_delivery = self.take
        while True:
            for _ in range(self._chance.randint(1, 20)):
                reply = await link.call(get(self._queue), BASIC_GET_OK, BASIC_GET_EMPTY)
                if wire.method_of(reply) == BASIC_GET_EMPTY:
                    await asyncio.sleep(_ROUND_TRIP_S)
            self.ack_all(multiple=False)
            await self.round_trip(0)


class Drain(Taker):
    """Takes everything that a queue holds, in the queue's order."""

    async def run(self, link: Link, ready_count: int) -> int:
        """Take and ack so many messages; return how many more there were than that."""
        self._link = link
        taken_count = 0
        is_all = asyncio.Event()

        def take(delivery: Delivery) -> None:
            nonlocal taken_count
            taken_count += 1
            self.take(delivery, Action.DRAIN)
            if taken_count >= ready_count:
                is_all.set()

        link.on_delivery = take
        if ready_count:
            await link.call(
                wire.consume(1, self._queue, "drain", no_ack=False), wire.BASIC_CONSUME_OK
            )
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                await _first(is_all, link.lost)
            cancel = wire.method(1, BASIC_CANCEL, wire.shortstr("drain") + b"\x00")
            await link.call(cancel, BASIC_CANCEL_OK)
        reply = await link.call(get(self._queue), BASIC_GET_OK, BASIC_GET_EMPTY)
        while wire.method_of(reply) == BASIC_GET_OK:
            reply = await link.call(get(self._queue), BASIC_GET_OK, BASIC_GET_EMPTY)
        self.ack_all(multiple=True)
        await self.round_trip(0)
        return taken_count - ready_count
