"""Programs that read a stream, over AMQP and over the stream protocol, until it is gone."""

import asyncio
import random
import struct
import time
from collections.abc import Mapping
from typing import Final

from load_generator import wire
from load_generator.wire import FieldValue
from tests.crash.link import Delivery, Link
from tests.crash.stream_ledger import Ledger, Tracked, body_in, now_ms
from tests.crash.stream_link import (
    FIRST,
    LAST,
    NEXT,
    STORE_OFFSET,
    Chunk,
    StreamLink,
    at_offset,
    string,
)

BASIC_CANCEL: Final = wire.MethodId(60, 30)
BASIC_CANCEL_OK: Final = wire.MethodId(60, 31)
_OFFSET_KEY: Final = wire.shortstr("x-stream-offset")
_STEP_S: Final = 0.02
_CREDIT: Final = 20
_LEAVE_SHARE: Final = 0.1
READ_TIMEOUT_S: Final = 120.0


class Dense:
    """Looks whether the offsets of one reader follow each other.

    Attributes:
        next_offset: that must come next; None before the first.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.next_offset: int | None = None
        self._ledger = ledger

    def take(self, offset: int, stop: int) -> None:
        """Note what came."""
        expected = self.next_offset
        is_overtaken = self._ledger.has_retention and expected is not None and offset > expected
        if expected is not None and offset != expected and not is_overtaken:
            self._ledger.say(f"a reader got {offset} where {expected} was next")
        self.next_offset = stop


def read_chunk(ledger: Ledger, chunk: Chunk) -> None:
    """Note what a chunk has."""
    for at, message in enumerate(chunk.messages):
        ledger.read(chunk.first_offset + at, body_in(message), message)


class StreamReader:
    """Reads from any place; stores where it is, if it has a name.

    Args:
        ledger: of the stream.
        chance: of the choices.
        tracked: its name; None has none.
    """

    def __init__(
        self, ledger: Ledger, chance: random.Random, tracked: Tracked | None = None
    ) -> None:
        self._ledger = ledger
        self._chance = chance
        self._tracked = tracked
        self._dense = Dense(ledger)
        self._link: StreamLink | None = None

    async def run(self, link: StreamLink) -> None:
        """Read until the link is lost."""
        self._link = link
        link.on_chunk = self._chunk
        spec = self._spec()
        if self._tracked is not None:
            stored = await link.stored_offset(self._tracked.name, self._ledger.name)
            spec = at_offset(0 if stored is None else stored + 1)
        await link.subscribe(self._ledger.name, spec, self._chance.choice((1, 2, 10, 50)))
        while not link.lost.is_set():
            await asyncio.sleep(_STEP_S)
            if self._tracked is not None:
                sent = self._tracked.sent
                stored = await link.stored_offset(self._tracked.name, self._ledger.name)
                if sent >= 0 and (stored is None or stored < sent):
                    self._ledger.say(f"{self._tracked.name}: {stored} is stored, not {sent}")
                elif stored is not None:
                    self._tracked.is_known(stored, now_ms())

    def _spec(self) -> bytes:
        chance, last = self._chance, self._ledger.next_offset
        timestamp = struct.pack(">Hq", 5, int((time.time() - chance.uniform(0, 5)) * 1_000))
        somewhere = at_offset(chance.randint(0, last + 100))
        return chance.choice((FIRST, LAST, NEXT, somewhere, somewhere, timestamp))

    def _chunk(self, chunk: Chunk) -> None:
        assert self._link is not None
        tracked = self._tracked
        is_first = self._dense.next_offset is None
        if tracked is not None and is_first and chunk.first_offset > tracked.sent + 1:
            self._ledger.say(f"{tracked.name} resumes at {chunk.first_offset}")
        self._dense.take(chunk.first_offset, chunk.next_offset)
        read_chunk(self._ledger, chunk)
        self._link.give_credit(1)
        if tracked is not None and chunk.next_offset - 1 > tracked.sent:
            tracked.sent = chunk.next_offset - 1
            names = string(tracked.name) + string(self._ledger.name)
            self._link.send(STORE_OFFSET, names, struct.pack(">Q", tracked.sent))


class AmqpReader:
    """Consumes a stream from any place; has its offset stored, if it has a name.

    Args:
        ledger: of the stream.
        chance: of the choices.
        tracked: its name, which is its consumer tag or its group; None has none.
        is_grouped: it reads in turn with others of this name.
    """

    def __init__(
        self,
        ledger: Ledger,
        chance: random.Random,
        tracked: Tracked | None = None,
        *,
        is_grouped: bool = False,
    ) -> None:
        self._ledger = ledger
        self._chance = chance
        self._tracked = tracked
        self._is_grouped = is_grouped
        self._dense = Dense(ledger)
        self._unacked: dict[int, int] = {}
        self._link: Link | None = None

    async def run(self, link: Link) -> None:
        """Consume until the link is lost; a reader with a name may leave before."""
        self._link = link
        link.on_delivery = self._deliver
        chance, tracked = self._chance, self._tracked
        prefetch_count = chance.choice((1, 20, 500))
        await link.call(wire.qos(1, prefetch_count), wire.BASIC_QOS_OK)
        consume = consume_with(self._ledger.name, self._tag, self._arguments())
        await link.call(consume, wire.BASIC_CONSUME_OK)
        while not link.lost.is_set():
            await asyncio.sleep(_STEP_S)
            self._ack_some()
            if tracked is not None and self._dense.next_offset is not None:
                sent = tracked.sent
                asked = wire.queue_declare(1, self._ledger.name, passive=True)
                await link.call(asked, wire.QUEUE_DECLARE_OK)
                if tracked.sent == sent:
                    tracked.is_known(sent, now_ms())
                if chance.random() < _LEAVE_SHARE:
                    await link.close()
                    return

    @property
    def _tag(self) -> str:
        tracked = self._tracked
        return "reader" if tracked is None or self._is_grouped else tracked.name

    def _arguments(self) -> Mapping[str, FieldValue]:
        if self._tracked is None:
            return {"x-stream-offset": self._spec()}
        if self._is_grouped:
            return {"x-stream-group": self._tracked.name, "x-stream-offset": "first"}
        return {"x-stream-automatic-offset-tracking": True, "x-stream-offset": "first"}

    def _spec(self) -> FieldValue:
        somewhere = self._chance.randint(0, self._ledger.next_offset + 100)
        return self._chance.choice(("first", "last", "next", "1m", -100, somewhere, somewhere))

    def _deliver(self, delivery: Delivery) -> None:
        offset = offset_in(delivery.properties)
        if self._tracked is not None and self._dense.next_offset is None:
            self._dense.next_offset = self._tracked.sent + 1
        self._dense.take(offset, offset + 1)
        self._ledger.read(offset, delivery.body)
        self._unacked[delivery.tag] = offset

    def _ack_some(self) -> None:
        """Ack some of what came: all up to one, or any of them."""
        assert self._link is not None
        if not self._unacked:
            return
        tags = list(self._unacked)
        upto = self._chance.choice((tags[-1], self._chance.choice(tags)))
        if self._chance.random() < 0.5:
            acked = [tag for tag in tags if tag <= upto]
            self._link.send(wire.ack(upto, multiple=True))
        else:
            acked = self._chance.sample(tags, min(len(tags), 30))
            if self._chance.random() < 0.7 and tags[0] not in acked:
                acked.append(tags[0])
            self._link.send(b"".join([wire.ack(tag, multiple=False) for tag in acked]))
        for tag in acked:
            del self._unacked[tag]
        if self._tracked is not None and self._dense.next_offset is not None:
            lowest = min(self._unacked.values(), default=self._dense.next_offset)
            self._tracked.sent = max(self._tracked.sent, lowest - 1)


def consume_with(queue: str, tag: str, arguments: Mapping[str, FieldValue]) -> bytes:
    """Render basic.consume with arguments."""
    names = wire.shortstr(queue) + wire.shortstr(tag)
    return wire.method(1, wire.BASIC_CONSUME, b"\x00\x00" + names + b"\x00" + wire.table(arguments))


def offset_in(properties: bytes) -> int:
    """Return the offset that the headers of a delivery say."""
    at = properties.index(_OFFSET_KEY) + len(_OFFSET_KEY)
    assert properties[at : at + 1] == b"l", "a signed number of 64 bits"
    return int(struct.unpack_from(">q", properties, at + 1)[0])


async def read_all(link: StreamLink, ledger: Ledger) -> range:
    """Read a stream to which nobody publishes; return its offsets."""
    last_chunk = await link.last_chunk_offset(ledger.name)
    if last_chunk < 0:
        return range(ledger.next_offset, ledger.next_offset)
    ledger.begin_judging()
    chunks: list[tuple[int, int]] = []
    is_done = asyncio.Event()

    def take(chunk: Chunk) -> None:
        is_next = not chunks or chunks[-1][1] == chunk.first_offset
        if not is_next and not ledger.is_compacted:
            ledger.say(f"a gap: {chunks[-1][1]} is next, {chunk.first_offset} comes")
        chunks.append((chunk.first_offset, chunk.next_offset))
        read_chunk(ledger, chunk)
        link.give_credit(1)
        if chunk.first_offset >= last_chunk:
            is_done.set()

    link.on_chunk = take
    await link.subscribe(ledger.name, FIRST, _CREDIT)
    async with asyncio.timeout(READ_TIMEOUT_S):
        await is_done.wait()
    return range(chunks[0][0], chunks[-1][1])
