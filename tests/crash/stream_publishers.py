"""Programs that publish to a stream, over AMQP and over the stream protocol, until it is gone."""

import asyncio
import random
import struct
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from load_generator import wire
from tests.crash.history import Value
from tests.crash.link import Answer, Link
from tests.crash.stream_ledger import Ledger, body_of, message_of
from tests.crash.stream_link import (
    DECLARE_PUBLISHER,
    PRECONDITION_FAILED,
    PUBLISH,
    StreamLink,
    simple_entry,
    string,
    sub_batch,
)

BYTES_PER_SESSION_MAX: Final = 8 << 20
"""Of one publisher: a broker that never dies must not fill the disk."""
SUB_BATCH_MESSAGES_MAX: Final = 30
RESENT_MAX: Final = 100
"""Entries that were confirmed and may be sent again after a reconnect."""
FRAME_BYTES_MAX: Final = 900_000
_PUBLISHER: Final = 3
_RETRY_S: Final = 0.1
_WINDOWS: Final = (1, 30, 1_000, 5_000)
_SIZES_BITS_MAX: Final = (4, 10, 15, 17)


def size_bytes(chance: random.Random, bits_max: int) -> int:
    """Return a size, each power of two as likely as another."""
    return int(2 ** chance.uniform(0, bits_max))


class AmqpPublisher:
    """Publishes with confirms, persistent messages and others; a stream keeps both.

    Args:
        ledger: of the stream where the messages come.
        chance: of the choices.
        routing_key: a queue that dead-letters to the stream; None is the stream.
    """

    def __init__(
        self, ledger: Ledger, chance: random.Random, routing_key: str | None = None
    ) -> None:
        self._ledger = ledger
        self._chance = chance
        self._routing_key = routing_key or ledger.name
        self._is_persistent = routing_key is not None or chance.random() < 0.5
        self._publisher = ledger.new_publisher()
        self._window = chance.choice(_WINDOWS)
        self._bits_max = chance.choice(_SIZES_BITS_MAX)
        self._tag = 0
        self._awaited: dict[int, Value] = {}
        self._changed = asyncio.Event()

    async def run(self, link: Link) -> None:
        """Publish until the link is lost or the session's bytes are reached."""
        link.on_answer = self._answer
        await link.call(wire.method(1, wire.CONFIRM_SELECT, b"\x00"), wire.CONFIRM_SELECT_OK)
        left_bytes = BYTES_PER_SESSION_MAX
        while left_bytes > 0 and not link.lost.is_set():
            room = self._window - len(self._awaited)
            if room > 0:
                burst = self._chance.randint(1, min(room, 50))
                octets = b"".join([self._publish() for _ in range(burst)])
                left_bytes -= len(octets)
                link.send(octets)
            await first_of(self._changed, link.lost, wait=room <= 0)
        await link.lost.wait()

    def _publish(self) -> bytes:
        value = self._ledger.publish(self._publisher)
        self._tag += 1
        self._awaited[self._tag] = value
        body = body_of(value, size_bytes(self._chance, self._bits_max))
        headers = self._ledger.headers_of(value)
        properties = wire.properties(headers, persistent=self._is_persistent)
        return wire.publish("", self._routing_key, properties, body)

    def _answer(self, answer: Answer) -> None:
        tags = [answer.tag]
        if answer.multiple:
            tags = [tag for tag in self._awaited if tag <= answer.tag]
        for tag in tags:
            value = self._awaited.pop(tag, None)
            if value is not None and answer.is_ack:
                self._ledger.confirm(value)
        self._changed.set()


class Entry(NamedTuple):
    """What has one publishing id."""

    publishing_id: int
    values: list[Value]
    octets: bytes


class Identity:
    """A publisher of the stream protocol, over all its connections.

    Args:
        ledger: of its stream.
        reference: publishing ids are stored under it; empty has a connection be forgotten.

    Attributes:
        confirmed_id: the highest publishing id that was confirmed.
        recent: entries that are not confirmed, and some before them.
    """

    def __init__(self, ledger: Ledger, reference: str = "") -> None:
        self.ledger = ledger
        self.reference = reference
        self.publisher = ledger.new_publisher()
        self.last_id = 0
        self.confirmed_id = 0
        self.recent: deque[Entry] = deque()

    def reconnect(self) -> None:
        """Begin anew, if nothing is stored for it."""
        if not self.reference:
            self.publisher = self.ledger.new_publisher()
            self.last_id = self.confirmed_id = 0
            self.recent.clear()


class StreamPublisher:
    """Publishes over the stream protocol; resends what it does not know to be stored."""

    def __init__(self, identity: Identity, chance: random.Random) -> None:
        identity.reconnect()
        self._identity = identity
        self._ledger = identity.ledger
        self._chance = chance
        self._window = chance.choice(_WINDOWS)
        self._bits_max = chance.choice(_SIZES_BITS_MAX)
        self._batch_max = chance.choice((1, 20, 400))
        self._sub_batch_share = chance.choice((0, 0, 0.3))
        self._awaited: dict[int, Entry] = {}
        self._changed = asyncio.Event()

    async def run(self, link: StreamLink) -> None:
        """Resend, then publish, until the link is lost or the session's bytes are reached."""
        link.on_confirm = self._confirm
        identity = self._identity
        await self._declare(link)
        if identity.reference:
            await self._resend(link)
        left_bytes = BYTES_PER_SESSION_MAX
        while left_bytes > 0 and not link.lost.is_set():
            room = self._window - len(self._awaited)
            if room > 0:
                burst = self._chance.randint(1, min(room, self._batch_max))
                entries = [self._entry() for _ in range(burst)]
                left_bytes -= sum(len(entry.octets) for entry in entries)
                self._send(link, entries)
            await first_of(self._changed, link.lost, wait=room <= 0)
        await link.lost.wait()

    async def _declare(self, link: StreamLink) -> None:
        """Declare the publisher; that is refused while a resource alarm is on."""
        names = string(self._identity.reference) + string(self._ledger.name)
        number = struct.pack(">B", _PUBLISHER)
        allowed = (PRECONDITION_FAILED,)
        while True:
            answer = await link.ask(DECLARE_PUBLISHER, number, names, allowed=allowed)
            if int.from_bytes(answer, "big") != PRECONDITION_FAILED:
                return
            await asyncio.sleep(_RETRY_S)

    async def _resend(self, link: StreamLink) -> None:
        identity = self._identity
        stored_id = await link.sequence(identity.reference, self._ledger.name)
        if not identity.confirmed_id <= stored_id <= identity.last_id:
            confirmed_id, last_id = identity.confirmed_id, identity.last_id
            line = f"{stored_id} is stored; {confirmed_id} is confirmed, {last_id} was the last"
            self._ledger.say(f"{identity.reference}: {line}")
        recent = list(identity.recent)
        unconfirmed = [e for e in recent if e.publishing_id > identity.confirmed_id]
        known_count = len(recent) - len(unconfirmed)
        again = recent[self._chance.randint(0, known_count) :]
        self._send(link, again)
        while self._awaited and not link.lost.is_set():
            await first_of(self._changed, link.lost, wait=True)

    def _entry(self) -> Entry:
        identity, chance = self._identity, self._chance
        count = 1
        is_sub_batch = chance.random() < self._sub_batch_share
        if is_sub_batch:
            count = chance.randint(1, SUB_BATCH_MESSAGES_MAX)
        values = [self._ledger.publish(identity.publisher) for _ in range(count)]
        bits_max = min(self._bits_max, 10) if is_sub_batch else self._bits_max
        messages = [message_of(body_of(value, size_bytes(chance, bits_max))) for value in values]
        octets = sub_batch(messages) if is_sub_batch else simple_entry(messages[0])
        identity.last_id += 1
        entry = Entry(identity.last_id, values, octets)
        if identity.reference:
            identity.recent.append(entry)
        return entry

    def _send(self, link: StreamLink, entries: list[Entry]) -> None:
        """Publish entries, in as many frames as they need."""
        items: list[bytes] = []
        frame_bytes = 0
        for entry in entries:
            self._awaited[entry.publishing_id] = entry
            if frame_bytes + len(entry.octets) > FRAME_BYTES_MAX:
                _publish(link, items)
                items, frame_bytes = [], 0
            items.append(struct.pack(">Q", entry.publishing_id) + entry.octets)
            frame_bytes += len(items[-1])
        _publish(link, items)

    def _confirm(self, publishing_ids: Sequence[int]) -> None:
        identity = self._identity
        for publishing_id in publishing_ids:
            entry = self._awaited.pop(publishing_id, None)
            if entry is None:
                self._ledger.say(f"id {publishing_id} is confirmed, and is not awaited")
                continue
            identity.confirmed_id = max(identity.confirmed_id, publishing_id)
            for value in entry.values:
                self._ledger.confirm(value)
        recent = identity.recent
        while len(recent) > RESENT_MAX and (
            recent[RESENT_MAX].publishing_id <= identity.confirmed_id
        ):
            recent.popleft()
        self._changed.set()


def _publish(link: StreamLink, items: list[bytes]) -> None:
    if items:
        link.send(PUBLISH, struct.pack(">Bi", _PUBLISHER, len(items)), *items)


async def first_of(changed: asyncio.Event, lost: asyncio.Event, *, wait: bool) -> None:
    """Wait until something has changed or the link is lost, or let others run a moment."""
    if not wait:
        await asyncio.sleep(0)
        return
    waits = [asyncio.ensure_future(event.wait()) for event in (changed, lost)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
    changed.clear()
