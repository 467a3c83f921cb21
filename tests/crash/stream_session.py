"""A session of programs with streams, its end, and the judgement of all that is kept then."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final

from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.wire import FieldValue
from tests.crash.compacted_ledger import COMPACT_KEY, CompactedLedger
from tests.crash.link import HOST, Delivery, Link, LinkLostError, message_count_of
from tests.crash.stream_churner import Churner
from tests.crash.stream_ledger import Ledger, Tracked, now_ms
from tests.crash.stream_link import DELETE, StreamLink, string
from tests.crash.stream_publishers import AmqpPublisher, Identity, StreamPublisher
from tests.crash.stream_readers import (
    READ_TIMEOUT_S,
    AmqpReader,
    StreamReader,
    consume_with,
    offset_in,
    read_all,
)

PLAIN: Final = "crash.stream.plain"
SMALL: Final = "crash.stream.small-segments"
SHORT: Final = "crash.stream.short"
COMPACTED: Final = "crash.stream.compacted"
DEAD: Final = "crash.stream.dead"
SOURCE: Final = "crash.stream.source"
SHORT_BYTES_MAX: Final = 4 << 20
STREAMS: Final[dict[str, dict[str, FieldValue]]] = {
    PLAIN: {},
    SMALL: {"x-stream-max-segment-size-bytes": 300_000},
    SHORT: {"x-max-length-bytes": SHORT_BYTES_MAX, "x-stream-max-segment-size-bytes": 1 << 20},
    COMPACTED: {
        "x-stream-compact-key": COMPACT_KEY,
        "x-stream-max-segment-size-bytes": 200_000,
    },
    DEAD: {},
}
_DYING: Final[dict[str, FieldValue]] = {
    "x-message-ttl": 20,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD,
}
REFERENCES: Final = ("one", "two")
_FORCED: Final = "320 CONNECTION_FORCED"
_POLL_S: Final = 0.05
_PREFETCH_AT_END: Final = 2_000


class Run:
    """What lasts over all sessions on one data directory.

    Args:
        port: of AMQP.
        stream_port: of the stream protocol.
        chance: the seed's.
        grace_ms: an offset that was known to be stored for longer must be stored after a kill.

    Attributes:
        ledgers: of each stream.
        fault_ms: when the node was killed first since the last look; None has not been.
    """

    def __init__(self, port: int, stream_port: int, chance: random.Random, grace_ms: int) -> None:
        self.ledgers: dict[str, Ledger] = {}
        self._gone_counts = (0, 0)
        self._port = port
        self._stream_port = stream_port
        self._chance = chance
        self._grace_ms = grace_ms
        self._numbers = count(1)
        self.fault_ms: int | None = None
        self._identities: list[Identity] = []
        self._tracked: list[Tracked] = []
        self._churner = Churner(chance, self._numbers)

    def declare(self) -> None:
        """Declare the streams, which are not there."""
        with Session(Endpoint(HOST, self._port, "guest", "guest", "/")) as session:
            for name, arguments in STREAMS.items():
                typed = {"x-queue-type": "stream", **arguments}
                self._declare(session, name, typed)
            self._declare(session, SOURCE, _DYING)
        self.ledgers = {
            name: Ledger(name, self._numbers, has_retention=name == SHORT, may_repeat=name == DEAD)
            for name in STREAMS
        }
        self.ledgers[COMPACTED] = CompactedLedger(COMPACTED, self._numbers)
        kept = [self.ledgers[name] for name in (PLAIN, SMALL)]
        self._identities = [
            Identity(ledger, reference) for ledger in kept for reference in ("", *REFERENCES)
        ]
        self._identities.append(Identity(self.ledgers[SHORT], "short"))
        self._tracked = [
            Tracked(f"{kind}.{ledger.name}", ledger)
            for ledger in kept
            for kind in ("amqp", "group", "stream")
        ]

    def _declare(self, session: Session, name: str, arguments: dict[str, FieldValue]) -> None:
        declare = wire.queue_declare(1, name, arguments, durable=True)
        session.call(declare, wire.QUEUE_DECLARE_OK)

    async def session(self, end: Callable[[], Awaitable[None]]) -> None:
        """Let programs work until ``end`` has returned, which ends their broker.

        Raises:
            AssertionError: a program was refused something.
        """
        chance, ledgers = self._chance, self.ledgers
        streams = [ledgers[PLAIN], ledgers[SMALL], ledgers[SHORT], ledgers[COMPACTED]]
        links: list[Link | StreamLink] = []
        works: list[Awaitable[None]] = []
        for _ in range(chance.randint(1, 4)):
            publisher = AmqpPublisher(chance.choice(streams), chance)
            works.append(self._amqp(publisher.run, links))
        works.append(self._amqp(AmqpPublisher(ledgers[DEAD], chance, SOURCE).run, links))
        chosen = chance.sample(self._identities, chance.randint(1, 5))
        works += [self._stream(StreamPublisher(each, chance).run, links) for each in chosen]
        for tracked in self._tracked:
            if tracked.name.startswith("stream"):
                works.append(self._stream(StreamReader(tracked.ledger, chance, tracked).run, links))
            else:
                readers_count = 2 if tracked.name.startswith("group") else 1
                works += [self._come_and_leave(tracked, links) for _ in range(readers_count)]
        everything = list(ledgers.values())
        for _ in range(chance.randint(0, 3)):
            works.append(self._amqp(AmqpReader(chance.choice(everything), chance).run, links))
            works.append(self._stream(StreamReader(chance.choice(everything), chance).run, links))
        works.append(self._stream(self._churner.run, links))
        tasks = [asyncio.ensure_future(work) for work in works]
        await end()
        self.fault()
        await asyncio.gather(*tasks)
        refusals = [link.refusal for link in links if link.refusal and _FORCED not in link.refusal]
        assert not refusals, f"a program was refused: {refusals}"

    def fault(self) -> None:
        """Note that the node was killed."""
        if self.fault_ms is None:
            self.fault_ms = now_ms()

    async def _amqp(
        self, work: Callable[[Link], Awaitable[None]], links: list[Link | StreamLink]
    ) -> None:
        with contextlib.suppress(LinkLostError):
            link = await Link.open(self._port)
            links.append(link)
            await work(link)

    async def _stream(
        self, work: Callable[[StreamLink], Awaitable[None]], links: list[Link | StreamLink]
    ) -> None:
        with contextlib.suppress(LinkLostError):
            link = await StreamLink.open(self._stream_port)
            links.append(link)
            await work(link)

    async def _come_and_leave(self, tracked: Tracked, links: list[Link | StreamLink]) -> None:
        """Let readers of one name follow each other; each stores what it acked as it leaves."""
        is_grouped = tracked.name.startswith("group")
        with contextlib.suppress(LinkLostError):
            while True:
                link = await Link.open(self._port)
                links.append(link)
                reader = AmqpReader(tracked.ledger, self._chance, tracked, is_grouped=is_grouped)
                await reader.run(link)
                if is_grouped or link.refusal:
                    continue  # the next of the group may have acked already
                question = await StreamLink.open(self._stream_port)
                stored = await question.stored_offset(tracked.name, tracked.ledger.name)
                await question.close()
                if (-1 if stored is None else stored) != tracked.sent:
                    line = f"{stored} is stored as it closes, not {tracked.sent}"
                    tracked.ledger.say(f"{tracked.name}: {line}")

    async def look(self) -> list[str]:
        """Look at stored offsets and at the churned stream; return what is wrong."""
        assert self.fault_ms is not None, "it was killed"
        fault_ms, self.fault_ms = self.fault_ms, None
        link = await StreamLink.open(self._stream_port)
        for tracked in self._tracked:
            stored = await link.stored_offset(tracked.name, tracked.ledger.name)
            tracked.check(stored, fault_ms - self._grace_ms)
        await self._churner.look(link)
        await link.close()
        return [line for ledger in self.ledgers.values() for line in ledger.wrong] + (
            self._churner.wrong
        )

    async def judge(self) -> list[str]:
        """Read everything, and return what is wrong."""
        await self._let_all_die()
        for ledger in self.ledgers.values():
            link = await StreamLink.open(self._stream_port)
            offsets = await read_all(link, ledger)
            await link.close()
            if offsets and not ledger.is_compacted and self._chance.random() < 0.3:
                await self._consume_all(ledger, offsets)
            ledger.judge(offsets)
        return [line for ledger in self.ledgers.values() for line in ledger.wrong]

    async def renew(self) -> None:
        """Delete all streams and declare them again: nothing of the old is there."""
        link = await StreamLink.open(self._stream_port)
        for name in self.ledgers:
            await link.ask(DELETE, string(name))
        await link.close()
        self._gone_counts = self.counts()
        self.declare()

    def counts(self) -> tuple[int, int]:
        """Return how many messages were confirmed, and read."""
        confirmed, read = self._gone_counts
        ledgers = self.ledgers.values()
        confirmed += sum([ledger.confirmed_count for ledger in ledgers])
        return confirmed, read + sum([ledger.read_count for ledger in ledgers])

    async def _let_all_die(self) -> None:
        link = await Link.open(self._port)
        async with asyncio.timeout(READ_TIMEOUT_S):
            passive = wire.queue_declare(1, SOURCE, passive=True)
            while message_count_of(await link.call(passive, wire.QUEUE_DECLARE_OK)):
                await asyncio.sleep(_POLL_S)
        await link.close()

    async def _consume_all(self, ledger: Ledger, offsets: range) -> None:
        link = await Link.open(self._port)
        last = asyncio.Event()
        expected = iter(offsets)

        def deliver(delivery: Delivery) -> None:
            offset = offset_in(delivery.properties)
            if offset != next(expected, None):
                ledger.say(f"AMQP from first: {offset} is not what comes next")
                last.set()
            ledger.read(offset, delivery.body)
            if offset % 100 == 0:
                link.send(wire.ack(delivery.tag, multiple=True))
            if offset >= offsets[-1]:
                last.set()

        link.on_delivery = deliver
        await link.call(wire.qos(1, _PREFETCH_AT_END), wire.BASIC_QOS_OK)
        consume = consume_with(ledger.name, "judge", {"x-stream-offset": "first"})
        await link.call(consume, wire.BASIC_CONSUME_OK)
        async with asyncio.timeout(READ_TIMEOUT_S):
            await last.wait()
        await link.close()
