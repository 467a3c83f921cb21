"""What nodes ask of streams that others lead; over brokers in memory, without links."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from amqp_server.broker.cluster import PeerAwayError, PeerRefusedError
from amqp_server.broker.stream_numbers import CHUNKS, PUBLISHING_ID, STORED_OFFSET
from amqp_server.clustering import stream_questions
from amqp_server.clustering.stream_questions import OFFSETS_AT_ONCE, OFFSETS_MAX, StreamQuestions
from tests.support.clustered_nodes import until
from tests.support.commits import FakeCommits
from tests.support.joined_peers import JoinedPeers
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer

WAIT_S = 20


class _Options:
    def __init__(self, node: str) -> None:
        self.node = node


class Member:
    """A node with a broker, which leads the stream or knows who does.

    Attributes:
        leader: the node that leads every stream, as far as this one knows; empty is nobody.
        unled: the stream that nobody leads; empty is none.
        gone: the stream that was deleted; empty is none.
        made: the end of the ids of streams; another one where they were made anew.
    """

    def __init__(self, name: str, peers: dict[str, JoinedPeers], leader: str = "a") -> None:
        self.options = _Options(name)
        self.leader = leader
        self.unled = self.gone = self.made = ""
        self.node = Node()
        self.peers = JoinedPeers(name, peers)
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon(self.node.end_turns)

        self.node.broker.woken_by(wake)
        member: Any = self
        self.questions = StreamQuestions(member, self.node.broker, self.peers)

    def queue_id_of(self, vhost: str, name: str) -> str | None:
        return None if name == self.gone else f"{vhost} {name}{self.made}"

    def leader_of(self, queue_id: str) -> tuple[str, int] | None:
        assert queue_id
        is_led = self.leader and queue_id != f"/ {self.unled}"
        return (self.leader, 1) if is_led else None

    def stored(self, reference: bytes) -> int | None:
        queue = self.node.vhost.queues.find("s")
        assert queue is not None
        assert queue.stream is not None
        return queue.stream.log.stored_offset(reference)

    async def ask(self, what: str, reference: bytes = b"") -> tuple[int | None, ...]:
        return await self.questions.numbers("/", "s", what, reference)


def pair() -> tuple[Member, Member]:
    """Return a, which leads the stream s, and b."""
    peers: dict[str, JoinedPeers] = {}
    a, b = Member("a", peers), Member("b", peers)
    client = StreamPeer.open(a.node)
    client.create("s")
    client.declare_publisher("s", reference="p")
    for number in (4, 9):
        client.publish(1, (number, b"m"))
    client.receive()
    return a, b


def run(work: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(work, WAIT_S))


async def all_stored(member: Member) -> None:
    await until(lambda: member.questions._storing is None)


def test_the_leaders_node_answers() -> None:
    async def work() -> None:
        a, b = pair()
        for member in (a, b):
            assert await member.ask(STORED_OFFSET, b"me") == (None,)
            assert await member.ask(PUBLISHING_ID, b"p") == (9,)
            assert await member.ask(CHUNKS) == (0, 1)
        assert b.peers.asked_of == [("a", "stream")] * 3
        assert a.peers.asked_of == []

    run(work())


def test_nobody_who_leads_is_no_answer() -> None:
    async def work() -> None:
        a, b = pair()
        b.leader = ""
        with pytest.raises(PeerAwayError):
            await b.ask(CHUNKS)
        # One that was asked does not lead any more; and one that thinks it leads has no engine.
        a.leader = b.leader = "b"
        for member in (a, b):
            with pytest.raises(PeerRefusedError, match="does not lead"):
                await member.ask(CHUNKS)

    run(work())


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b"{}",
        b'["chunks"]',
        b'["other", "/", "s", ""]',
        b'["stored_offset", "/", "s", "\xc4\x80"]',
        b'[["/", "s", "me"]]',
        b'[["/", "s", "me", -1]]',
        b'[["/", "s", "me", true]]',
        b'["stored_offset", "/", "s", "' + b"x" * 256 + b'"]',
    ],
)
def test_a_question_that_is_none_is_refused(octets: bytes) -> None:
    async def work() -> None:
        _, b = pair()
        with pytest.raises(PeerRefusedError):
            await b.peers.ask("a", "stream", octets, 1)

    run(work())


def test_an_offset_goes_to_the_leader_and_is_seen_on_its_way() -> None:
    async def work() -> None:
        a, b = pair()
        reference = b"m\xc3\xa9\xff"
        for offset in (1, 2):
            b.questions.store_offset("/", "s", reference, offset)
            assert await b.ask(STORED_OFFSET, reference) == (offset,)
        await all_stored(b)
        assert a.stored(reference) == 2
        assert await b.ask(STORED_OFFSET, reference) == (2,)

    run(work())


def test_a_publishing_id_is_told_once_it_is_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        a, b = pair()
        queue = a.node.vhost.queues.find("s")
        assert queue is not None
        assert queue.stream is not None
        commits = FakeCommits()
        monkeypatch.setattr(queue.stream.log, "commit_group", commits)
        monkeypatch.setattr(queue.stream.log, "appended_lsn", 5)
        asking = [asyncio.ensure_future(each.ask(PUBLISHING_ID, b"p")) for each in (a, b)]
        await until(lambda: len(commits.waiters) == len(asking))
        assert await b.ask(STORED_OFFSET, b"me") == (None,)
        assert not any(each.done() for each in asking)
        commits.commit(5)
        assert await asyncio.gather(*asking) == [(9,), (9,)]
        monkeypatch.setattr(queue.stream.log, "appended_lsn", 6)
        commits.fail()
        for member in (a, b):
            with pytest.raises(PeerRefusedError, match="is not safe"):
                await member.ask(PUBLISHING_ID, b"p")

    run(work())


def test_offsets_of_one_reference_are_one() -> None:
    async def work() -> None:
        a, b = pair()
        for offset in range(5_000):
            b.questions.store_offset("/", "s", b"me", offset)
        await all_stored(b)
        assert (a.stored(b"me"), len(b.peers.asked_of)) == (4_999, 1)
        for number in range(OFFSETS_AT_ONCE * 2):
            b.questions.store_offset("/", "s", b"%d" % number, number)
        await all_stored(b)
        assert len(b.peers.asked_of) == 3
        assert a.stored(b"%d" % (OFFSETS_AT_ONCE * 2 - 1)) == OFFSETS_AT_ONCE * 2 - 1

    run(work())


def test_who_stores_an_offset_is_freed_where_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        a, _ = pair()
        queue = a.node.vhost.queues.find("s")
        assert queue is not None
        assert queue.stream is not None
        stream = queue.stream

        def fail(reference: bytes, offset: int) -> None:
            raise AssertionError(f"{reference!r} {offset}")

        storing = a.questions._storing_here([(("/", "s", b"me"), 1)], freed := asyncio.Event())
        monkeypatch.setattr(stream.log, "store_offset", fail)
        with pytest.raises(AssertionError, match="me"):
            next(storing)
        assert freed.is_set()

    run(work())


def test_offsets_wait_for_a_leader_and_the_newest_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_questions, "AGAIN_S", 0.001)

    async def work() -> None:
        a, b = pair()
        b.leader = ""
        b.questions.store_offset("/", "s", b"me", 1)
        for _ in range(5):
            await asyncio.sleep(0)
        b.questions.store_offset("/", "s", b"me", 2)
        b.leader = "gone"
        for _ in range(5):
            await asyncio.sleep(0)
        assert await b.ask(STORED_OFFSET, b"me") == (2,)
        b.leader = "a"
        await all_stored(b)
        assert a.stored(b"me") == 2

    run(work())


def test_offsets_that_no_leader_takes_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_questions, "AGAIN_S", 0)

    async def work() -> None:
        a, b = pair()
        b.leader = ""
        for number in range(OFFSETS_MAX + 10):
            b.questions.store_offset("/", "s", b"%d" % number, number)
        assert len(b.questions._waiting) == OFFSETS_MAX
        b.leader = "a"
        await all_stored(b)
        b.leader = ""
        b.questions.store_offset("/", "s", b"me", 1)
        await all_stored(b)
        b.leader = "a"
        assert await b.ask(STORED_OFFSET, b"me") == (None,)
        assert a.stored(b"%d" % (OFFSETS_MAX - 1)) == OFFSETS_MAX - 1

    run(work())


def test_offsets_of_a_stream_that_nobody_leads_hold_up_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_questions, "AGAIN_S", 0)

    async def work() -> None:
        a, b = pair()
        b.unled = "orphan"
        for number in range(OFFSETS_AT_ONCE):
            b.questions.store_offset("/", "orphan", b"%d" % number, number)
        b.questions.store_offset("/", "s", b"me", 7)
        async with asyncio.timeout(WAIT_S):
            while a.stored(b"me") is None:
                assert b.questions._storing is not None
                assert len(b.questions._waiting) + len(b.questions._on_the_way) > 1, "given up"
                await asyncio.sleep(0)
        await b.questions.stop()

    run(work())


def test_who_has_to_know_waits_until_offsets_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_questions, "AGAIN_S", 0.001)
    monkeypatch.setattr(stream_questions, "LOOK_S", 0)

    async def work() -> None:
        a, b = pair()
        await b.questions.offsets_stored("a")
        b.questions.store_offset("/", "s", b"me", 7)
        waiting = asyncio.ensure_future(b.questions.offsets_stored("a"))
        await asyncio.sleep(0)
        assert not waiting.done()
        await waiting
        assert a.stored(b"me") == 7
        # Not for ever.
        monkeypatch.setattr(stream_questions, "STORED_S", 0.01)
        b.leader = "away"
        b.questions.store_offset("/", "s", b"me", 8)
        await b.questions.offsets_stored("away")
        await b.questions.stop()

    run(work())


def test_who_has_to_know_waits_for_no_stream_of_another_leader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_questions, "STORED_S", 10 * WAIT_S)

    async def work() -> None:
        _, b = pair()
        b.unled = "orphan"
        b.questions.store_offset("/", "orphan", b"me", 7)
        await b.questions.offsets_stored("a")
        assert b.questions._waiting
        await b.questions.stop()

    run(work())


def test_offsets_are_not_those_of_the_next_stream_of_that_name() -> None:
    async def work() -> None:
        a, b = pair()
        b.questions.store_offset("/", "s", b"me", 7)
        b.made = " anew"
        assert await b.ask(STORED_OFFSET, b"me") == (None,)
        await all_stored(b)
        assert a.stored(b"me") is None

    run(work())


def test_offsets_of_a_stream_that_is_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_questions, "AGAIN_S", 10 * WAIT_S)

    async def work() -> None:
        a, b = pair()
        b.gone = "gone"
        b.questions.store_offset("/", "gone", b"me", 7)
        b.questions.store_offset("/", "s", b"me", 8)
        await all_stored(b)
        assert a.stored(b"me") == 8

    run(work())


def test_a_stop_ends_what_is_on_its_way() -> None:
    async def work() -> None:
        _, b = pair()
        b.leader = ""
        b.questions.store_offset("/", "s", b"me", 1)
        await asyncio.sleep(0)
        await b.questions.stop()
        await b.questions.stop()

    run(work())


def test_a_stream_that_is_to_be_led_here_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_questions, "LOOK_S", 0)

    async def work() -> None:
        a, b = pair()
        await a.questions.served("/", "s")
        await b.questions.served("/", "s")
        b.leader = "b"
        waiting = asyncio.ensure_future(b.questions.served("/", "s"))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        StreamPeer.open(b.node).create("s")
        await waiting
        monkeypatch.setattr(stream_questions, "SERVED_S", 0.01)
        await b.questions.served("/", "another")

    run(work())
