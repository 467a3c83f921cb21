"""Transactions that publish to two queues and ack from a third.

    crash.tx.source ─ consumed, published again to both, acked: one commit ─ crash.tx.1, crash.tx.2

What is published to the source must arrive from both others, whatever kills came between: a commit
of which a crash keeps a part keeps no ack without the publishes before it. Each transaction also
publishes messages of its own: they count as confirmed at commit-ok. What was rolled back, or never
committed, is not published. Several queues are no unit, nor is a queue: a crash before commit-ok
may keep a part, as in RabbitMQ (https://www.rabbitmq.com/docs/semantics#tx).
"""

import asyncio
import random
from typing import Final

from load_generator import wire
from load_generator.session import Session
from tests.crash import messages
from tests.crash.history import Kind, Value
from tests.crash.link import Delivery, Link, message_count_of
from tests.crash.notes import Notes

SOURCE: Final = "crash.tx.source"
SINKS: Final = ("crash.tx.1", "crash.tx.2")
MOVE_TIMEOUT_S: Final = 60.0
ROLLBACK_SHARE: Final = 0.2
TX_SELECT: Final = wire.MethodId(90, 10)
TX_SELECT_OK: Final = wire.MethodId(90, 11)
TX_COMMIT: Final = wire.MethodId(90, 20)
TX_COMMIT_OK: Final = wire.MethodId(90, 21)
TX_ROLLBACK: Final = wire.MethodId(90, 30)
TX_ROLLBACK_OK: Final = wire.MethodId(90, 31)
_OWN_MAX: Final = 5
_OWN_BYTES_MAX: Final = 2_000
_PAUSE_S: Final = 0.02
_PREFETCH_AT_END: Final = 500


def declare_transacted(session: Session) -> None:
    """Declare the source; the others are drained as all queues are, and declared with them."""
    session.call(wire.queue_declare(1, SOURCE, durable=True), wire.QUEUE_DECLARE_OK)


class Transactor:
    """Moves messages from the source to both sinks, a commit at a time."""

    def __init__(self, notes: Notes, chance: random.Random, prefetch_count: int) -> None:
        self._notes = notes
        self._chance = chance
        self._prefetch_count = prefetch_count
        self._process = notes.new_process()
        self._publisher = notes.new_publisher()
        self._counter = 0
        self._unacked: list[Delivery] = []

    async def run(self, link: Link) -> None:
        """Commit and roll back until the link is lost."""
        await self._begin(link)
        while True:
            await asyncio.sleep(_PAUSE_S * self._chance.random())
            count = self._chance.randint(1, _OWN_MAX)
            own = [self._next_value() for _ in range(count)]
            if self._chance.random() < ROLLBACK_SHARE:
                # They stay unacked here: a rollback takes the acks back, and delivers nothing.
                await link.call(self._work(own) + wire.method(1, TX_ROLLBACK), TX_ROLLBACK_OK)
            else:
                await self._commit(link, own)

    async def move_all(self, link: Link) -> None:
        """Commit until nothing is ready in the source and all that came from it is acked."""
        await self._begin(link)
        while await _ready_count(link) or self._unacked:
            await self._commit(link, [])

    async def _begin(self, link: Link) -> None:
        link.on_delivery = self._unacked.append
        await link.call(wire.method(1, TX_SELECT), TX_SELECT_OK)
        await link.call(wire.qos(1, self._prefetch_count), wire.BASIC_QOS_OK)
        await link.call(wire.consume(1, SOURCE, "", no_ack=False), wire.BASIC_CONSUME_OK)

    def _next_value(self) -> Value:
        self._counter += 1
        return Value(self._publisher, self._counter)

    async def _commit(self, link: Link, own: list[Value]) -> None:
        octets, count = self._work(own), len(self._unacked)
        for value in own:
            self._notes.enqueue(Kind.INVOKE, self._process, value, SINKS)
        await link.call(octets + wire.method(1, TX_COMMIT), TX_COMMIT_OK)
        for value in own:
            self._notes.enqueue(Kind.OK, self._process, value, SINKS)
        del self._unacked[:count]

    def _work(self, own: list[Value]) -> bytes:
        """Return the publishes to each sink and the ack of all that is unacked, acks first or last.

        A crash must not keep the ack alone, in whatever order the client sent them.
        """
        publishes = [
            messages.publish("", sink, value, self._chance.randint(1, _OWN_BYTES_MAX))
            for value in own
            for sink in SINKS
        ]
        publishes += [
            wire.publish("", sink, delivery.properties, delivery.body)
            for sink in SINKS
            for delivery in self._unacked
        ]
        if not self._unacked:
            return b"".join(publishes)
        ack = wire.ack(self._unacked[-1].tag, multiple=True)
        parts = [ack, *publishes] if self._chance.random() < 0.5 else [*publishes, ack]
        return b"".join(parts)


def transactors(notes: Notes, chance: random.Random) -> list[Transactor]:
    """Return who makes transactions in a session."""
    return [Transactor(notes, chance, chance.randint(1, 200)) for _ in range(chance.randint(0, 2))]


async def move_all(port: int, vhost: str, notes: Notes, chance: random.Random) -> None:
    """Move the messages that are left in the source.

    Raises:
        TimeoutError: some of it stays.
    """
    async with asyncio.timeout(MOVE_TIMEOUT_S):
        left_count = 1
        while left_count:  # what is on its way when a link ends is ready again for the next
            link = await Link.open(port, vhost)
            await Transactor(notes, chance, _PREFETCH_AT_END).move_all(link)
            await link.close()
            link = await Link.open(port, vhost)
            left_count = await _ready_count(link)
            await link.close()


async def _ready_count(link: Link) -> int:
    passive = wire.queue_declare(1, SOURCE, passive=True)
    return message_count_of(await link.call(passive, wire.QUEUE_DECLARE_OK))
