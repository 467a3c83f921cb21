"""What clients of the stream protocol ask of a stream that another node leads: its leader says it.

    stored offsets, publishing ids, chunks ─▶ the leader's node, within a time ─▶ an answer
    offsets to be stored ─▶ the last one of each reference, together ─▶ the leader's node

Clients ask any node, and store offsets on any. Nobody waits for an offset that is stored: it goes
to the leader as soon as there is one, and a newer one of its reference takes its place. Who asks
for one that is on its way gets that. The right to do so was checked by the node that was asked.
"""

import asyncio
import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, TypeAlias

from amqp_server.broker.broker import Broker
from amqp_server.broker.cluster import PeerAwayError, PeerRefusedError
from amqp_server.broker.steps import Steps, StepsJob
from amqp_server.broker.stream_numbers import (
    STORED_OFFSET,
    Numbers,
    numbers_of,
    tellable_at,
)
from amqp_server.clustering.peers import Peers
from cluster.node.node import ClusterNode
from persistence.streams.chunk import REFERENCE_BYTES_MAX
from queues.commits import is_safe, wait_for
from queues.stream_port import StreamQueue

log = logging.getLogger(__name__)

SUBJECT: Final = "stream"
WITHIN_S: Final = 5.0
"""How long a client waits for the leader's node."""

SERVED_S: Final = 5.0
"""How long a client waits for a stream that this node is to lead, or nobody leads."""

LOOK_S: Final = 0.02
"""Between two looks whether it is led."""

STORED_S: Final = 1.0
"""How long a node waits for offsets to be stored before it says that a consumer has stopped."""

AGAIN_S: Final = 0.2
"""Before offsets that found no leader are sent again."""

ATTEMPTS_MAX: Final = 50
"""With ``AGAIN_S`` between them; then the offsets are lost, as they are when a node is killed."""

OFFSETS_MAX: Final = 10_000
"""References with an offset on its way; those of one more wait for their next."""

OFFSETS_AT_ONCE: Final = 500

Key: TypeAlias = tuple[str, str, bytes]
"""Vhost and name of the stream, and the reference."""

KeyOfOne: TypeAlias = tuple[str, str, bytes, str]
"""The same with the id of the stream: another one of its name has other offsets."""


class StreamQuestions:
    """The questions of one node, and its answers to others.

    Args:
        node: its part in the cluster.
        broker: of the node.
        peers: the other nodes.
    """

    def __init__(self, node: ClusterNode, broker: Broker, peers: Peers) -> None:
        self._node = node
        self._broker = broker
        self._peers = peers
        self._waiting: dict[KeyOfOne, int] = {}
        self._on_the_way: dict[KeyOfOne, int] = {}
        self._storing: asyncio.Task[None] | None = None
        peers.answer_to(SUBJECT, self._answer)

    async def stop(self) -> None:
        """Store nothing more."""
        storing, self._storing = self._storing, None
        if storing is not None:
            storing.cancel()
            await asyncio.gather(storing, return_exceptions=True)

    async def served(self, vhost: str, name: str) -> None:
        """Return once this node serves a stream, or another one leads it; or after a while.

        A new stream is led when its first record is on the disks of its mirrors.
        """
        places = {"", self._node.options.node}
        try:
            async with asyncio.timeout(SERVED_S):
                while True:
                    if self._stream(vhost, name) or self._leader_of(vhost, name) not in places:
                        return
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            log.debug("nobody leads the stream %r", name)

    async def numbers(self, vhost: str, name: str, what: str, reference: bytes) -> Numbers:
        """Return numbers of a stream; see ``broker.stream_numbers``.

        Raises:
            PeerAwayError: nobody leads it, or who does has not answered in time.
            PeerRefusedError: who was asked does not lead it.
        """
        if what == STORED_OFFSET:
            key = self._key(vhost, name, reference)
            offset = self._waiting.get(key, self._on_the_way.get(key))
            if offset is not None:
                return (offset,)
        leader = self._leader_of(vhost, name)
        if not leader:
            raise PeerAwayError("nobody leads the stream now", was_asked=False)
        if leader == self._node.options.node:
            return await self._numbers_here(vhost, name, what, reference)
        question = [what, vhost, name, _text(reference)]
        answer = await self._peers.ask_json(leader, SUBJECT, question, WITHIN_S)
        return _numbers(answer)

    def store_offset(self, vhost: str, name: str, reference: bytes, offset: int) -> None:
        """Have the leader store how far a consumer has come; nobody waits for that."""
        key = self._key(vhost, name, reference)
        if key not in self._waiting and len(self._waiting) >= OFFSETS_MAX:
            log.warning("offset not stored stream=%r: too many are on their way", name)
            return
        self._waiting[key] = offset
        if self._storing is None:
            self._storing = asyncio.get_running_loop().create_task(self._store())

    async def offsets_stored(self, leader: str) -> None:
        """Return once the offsets that are on their way to a node are stored, or after a while."""
        before = {
            key: offset
            for key, offset in {**self._waiting, **self._on_the_way}.items()
            if self._leader_of(key[0], key[1]) == leader
        }
        with suppress(TimeoutError):
            async with asyncio.timeout(STORED_S):
                while before:
                    there = {**self._waiting, **self._on_the_way}
                    before = {key: each for key, each in before.items() if there.get(key) == each}
                    if before:
                        await asyncio.sleep(LOOK_S)

    # -- offsets on their way ---------------------------------------------------------------------

    async def _store(self) -> None:
        attempts_count = 0
        try:
            while self._waiting:
                attempts_count = 0 if await self._store_some() else attempts_count + 1
                missed, self._on_the_way = self._on_the_way, {}
                if attempts_count >= ATTEMPTS_MAX:
                    log.warning("%d offsets are not stored: no leader takes them", len(missed))
                    attempts_count = 0
                elif missed:
                    # Behind the others: those of a stream that nobody leads hold up no other's.
                    for key, offset in missed.items():
                        self._waiting.setdefault(key, offset)
                    await asyncio.sleep(AGAIN_S)
        finally:
            self._storing = None

    async def _store_some(self) -> bool:
        """Have leaders store some of what waits; return whether any did."""
        taken = {key: self._waiting.pop(key) for key in list(self._waiting)[:OFFSETS_AT_ONCE]}
        # Those of a stream that is gone would wait for its leader as long as others are stored, or
        # be those of the next one of its name.
        keys = [key for key in taken if self._node.queue_id_of(key[0], key[1]) == key[3]]
        self._on_the_way = {key: taken[key] for key in keys}
        by_leader: dict[str, list[KeyOfOne]] = {}
        for key in keys:
            by_leader.setdefault(self._leader_of(key[0], key[1]), []).append(key)
        return any([await self._stored(*each) for each in by_leader.items()])

    def _key(self, vhost: str, name: str, reference: bytes) -> KeyOfOne:
        return vhost, name, reference, self._node.queue_id_of(vhost, name) or ""

    async def _stored(self, leader: str, keys: list[KeyOfOne]) -> bool:
        """Have a leader store offsets; return whether it did."""
        offsets = [(key[:3], self._on_the_way[key]) for key in keys]
        if leader == self._node.options.node:
            await self._store_here(offsets)
        else:
            question = [[vhost, name, _text(of), offset] for (vhost, name, of), offset in offsets]
            if not leader:
                return False
            try:
                await self._peers.ask_json(leader, SUBJECT, question, WITHIN_S)
            except (PeerAwayError, PeerRefusedError) as error:
                log.debug("offsets are not stored yet: %s", error)
                return False
        for key in keys:
            del self._on_the_way[key]
        return True

    # -- here -------------------------------------------------------------------------------------

    async def _answer(self, octets: bytes, _node: str) -> bytes:
        """Answer another node, where this one leads."""
        try:
            question = json.loads(octets)
            if question and isinstance(question[0], list):
                await self._store_here([_offset(each) for each in question])
                return b"[]"
            what, vhost, name, reference = question
            found = await self._numbers_here(str(vhost), str(name), str(what), _octets(reference))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise PeerRefusedError("it does not know this question") from error
        return json.dumps(found).encode()

    async def _numbers_here(self, vhost: str, name: str, what: str, reference: bytes) -> Numbers:
        stream = self._stream(vhost, name)
        if stream is None:
            raise PeerRefusedError("it does not lead the stream")
        tellable = tellable_at(stream.log, what)
        found = numbers_of(stream.log, what, reference)
        if not is_safe(tellable):
            decided = asyncio.Event()
            wait_for(tellable, decided.set)
            with suppress(TimeoutError):
                await asyncio.wait_for(decided.wait(), WITHIN_S)
        if not is_safe(tellable):
            raise PeerRefusedError("what it has of the stream is not safe")
        return found

    async def _store_here(self, offsets: Iterable[tuple[Key, int]]) -> None:
        """Store offsets in a turn, which has the disk told behind it."""
        turn, stored = self._broker.turn, asyncio.Event()
        turn.resume(StepsJob(self._storing_here(offsets, stored), turn))
        await stored.wait()

    def _storing_here(
        self, offsets: Iterable[tuple[Key, int]], stored: asyncio.Event
    ) -> Steps[None]:
        try:
            for (vhost, name, reference), offset in offsets:
                stream = self._stream(vhost, name)
                if stream is not None:
                    stream.log.store_offset(reference, offset)
                yield
        finally:
            stored.set()  # Or who asked would wait for ever, and with it all offsets behind.

    def _stream(self, vhost: str, name: str) -> StreamQueue | None:
        """Return a stream that this node leads."""
        if not self._broker.has_vhost(vhost):
            return None
        queue = self._broker.vhost(vhost).queues.find(name)
        return None if queue is None else queue.stream

    def _leader_of(self, vhost: str, name: str) -> str:
        """Return the node that leads a stream and runs; empty is nobody."""
        queue_id = self._node.queue_id_of(vhost, name)
        found = None if queue_id is None else self._node.leader_of(queue_id)
        return "" if found is None else found[0]


def _text(reference: bytes) -> str:
    return reference.decode("latin-1")


def _octets(text: Any) -> bytes:  # noqa: ANN401 -- it is JSON of another node
    octets = str(text).encode("latin-1")
    if len(octets) > REFERENCE_BYTES_MAX:
        raise ValueError("expected a reference")
    return octets


def _offset(item: Any) -> tuple[Key, int]:  # noqa: ANN401 -- it is JSON of another node
    vhost, name, reference, offset = item
    if type(offset) is not int or not 0 <= offset < 1 << 64:
        raise ValueError("expected an offset")
    return (str(vhost), str(name), _octets(reference)), offset


def _numbers(answer: Any) -> Numbers:  # noqa: ANN401 -- it is JSON of another node
    """Return the numbers in an answer.

    Raises:
        PeerRefusedError: there are none.
    """
    is_right = isinstance(answer, list) and all(
        each is None or type(each) is int for each in answer
    )
    if not is_right or not answer:
        raise PeerRefusedError("it answers with what is no number")
    return tuple(answer)
