"""Queues whose messages die, each in its own way, and come together in one dead letter queue.

    crash.dies.* ─ dead letter exchange ─ an exchange bound to it ─ crash.dead

What is published to one of them must arrive from ``crash.dead``, whatever kills came between. It
may come twice: a crash leaves a message that is moved in both queues.
"""

import asyncio
import random
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from load_generator import wire
from load_generator.session import Session
from load_generator.wire import FieldValue, MethodId
from tests.crash.link import Delivery, Link, LinkLostError, message_count_of
from tests.crash.messages import PRIORITIES_COUNT

DEAD: Final = "crash.dead"
JUDGED: Final = ("lost", "unexpected")
"""What must not be of messages that are moved; a second copy is neither flagged nor in order."""

TTL_MS: Final = 60
FLUSH_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.05
_PREFETCH_AT_END: Final = 1_000
_EXCHANGE: Final = "crash.dlx"
_BEHIND: Final = "crash.dlx.behind"
_EXCHANGE_BIND: Final = MethodId(40, 30)
_EXCHANGE_BIND_OK: Final = MethodId(40, 31)
_QUORUM: Final[dict[str, FieldValue]] = {"x-queue-type": "quorum"}
_DEATHS: Final[Mapping[str, dict[str, FieldValue]]] = {
    "crash.dies.rejected": {},
    "crash.dies.expired": {"x-message-ttl": TTL_MS},
    "crash.dies.long": {"x-max-length": 20},
    "crash.dies.priority": {"x-max-length": 20, "x-max-priority": PRIORITIES_COUNT - 1},
    "crash.dies.limit": {**_QUORUM, "x-delivery-limit": 2},
    "crash.dies.confirmed": {
        **_QUORUM,
        "x-message-ttl": TTL_MS,
        "x-overflow": "reject-publish",
        "x-dead-letter-strategy": "at-least-once",
    },
}
SOURCES: Final[Mapping[str, dict[str, FieldValue]]] = {
    name: {**arguments, "x-dead-letter-exchange": _EXCHANGE} for name, arguments in _DEATHS.items()
}
HAS_PRIORITIES: Final = frozenset({"crash.dies.priority"})


def declare_dying(session: Session) -> None:
    """Declare the queues, and the exchanges between them and their dead letter queue."""
    for exchange in (_EXCHANGE, _BEHIND):
        declare = wire.exchange_declare(1, exchange, "fanout", durable=True)
        session.call(declare, wire.EXCHANGE_DECLARE_OK)
    names = wire.shortstr(_BEHIND) + wire.shortstr(_EXCHANGE) + wire.shortstr("")
    binding = b"\x00\x00" + names + b"\x00" + bytes(4)
    session.call(wire.method(1, _EXCHANGE_BIND, binding), _EXCHANGE_BIND_OK)
    session.call(wire.queue_bind(1, DEAD, _BEHIND, ""), wire.QUEUE_BIND_OK)
    for queue, arguments in SOURCES.items():
        session.call(wire.queue_declare(1, queue, arguments, durable=True), wire.QUEUE_DECLARE_OK)


class Rejecter:
    """Consumes from a queue, and gives everything back: for good, or until the limit kills it."""

    def __init__(self, queue: str, prefetch_count: int) -> None:
        self._queue = queue
        self._prefetch_count = prefetch_count
        self._requeues = queue == "crash.dies.limit"
        self._newest_tag = 0

    async def run(self, link: Link) -> None:
        """Reject until the link is lost."""
        link.on_delivery = self._take
        await link.call(wire.qos(1, self._prefetch_count), wire.BASIC_QOS_OK)
        await link.call(wire.consume(1, self._queue, "", no_ack=False), wire.BASIC_CONSUME_OK)
        while not link.lost.is_set():
            await asyncio.sleep(_POLL_S)
            if self._newest_tag:
                bits = 1 | self._requeues << 1
                nack = struct.pack(">QB", self._newest_tag, bits)
                self._newest_tag = 0
                link.send(wire.method(1, wire.BASIC_NACK, nack))

    def _take(self, delivery: Delivery) -> None:
        self._newest_tag = delivery.tag


async def let_all_die(port: int, vhost: str) -> None:
    """Have all that is left in the queues die, and wait until it has been moved.

    Raises:
        TimeoutError: some of it stays.
    """
    links = [await Link.open(port, vhost) for _ in SOURCES]
    works = [
        asyncio.create_task(_until_lost(Rejecter(queue, _PREFETCH_AT_END), link))
        for queue, link in zip(SOURCES, links, strict=True)
    ]
    asking = await Link.open(port, vhost)
    async with asyncio.timeout(FLUSH_TIMEOUT_S):
        moved_count, still_count = -1, 0
        while still_count < 5:
            await asyncio.sleep(4 * _POLL_S)
            left = sum([await _ready_count(asking, queue) for queue in SOURCES])
            count = await _ready_count(asking, DEAD)
            still_count = still_count + 1 if not left and count == moved_count else 0
            moved_count = count
    for link in (*links, asking):
        await link.close()
    await asyncio.gather(*works)


async def _until_lost(rejecter: Rejecter, link: Link) -> None:
    try:
        await rejecter.run(link)
    except LinkLostError:
        return


async def _ready_count(link: Link, queue: str) -> int:
    passive = wire.queue_declare(1, queue, passive=True)
    return message_count_of(await link.call(passive, wire.QUEUE_DECLARE_OK))


def rejecters(chance: random.Random) -> Sequence[Rejecter]:
    """Return who rejects in a session."""
    queues = chance.sample(list(SOURCES), chance.randint(1, 3))
    return [Rejecter(queue, chance.randint(1, 300)) for queue in queues]
