"""Groups whose members are on two nodes, over brokers in memory and peers without links."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from amqp_server.broker.cluster import PeerAwayError, PeerRefusedError
from amqp_server.broker.groups import shared
from amqp_server.broker.groups.single_active import PLAIN, GroupKey
from amqp_server.clustering import group_links
from amqp_server.clustering.group_links import SUBJECT, GroupLinks
from amqp_server.clustering.peers import Compose
from cluster.links.hello import STREAM_IDS_FROM
from tests.support.clustered_nodes import until
from tests.support.joined_peers import JoinedPeers
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer

KEY = GroupKey("/", "s", "app", stored_id="/ s")
WAIT_S = 20


class Peers(JoinedPeers):
    """Peers that can be cut off, and do not wait for ever."""

    is_cut = False

    async def ask(self, node: str, subject: str, octets: bytes | Compose, within_s: float) -> bytes:
        await asyncio.sleep(0)
        if self.is_cut:
            raise PeerAwayError("cut off", was_asked=False)
        return await super().ask(node, subject, octets, within_s)


class Member:
    """A member that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def tell(self, *, is_active: bool) -> None:
        self.told.append(is_active)


class GroupNode:
    """A node that knows who leads; ``a`` has the engine."""

    def __init__(self, name: str, peers: dict[str, JoinedPeers]) -> None:
        self.leader: tuple[str, int, int] | None = ("a", 1, 9)
        self.node = Node()
        StreamPeer.open(self.node).create("s")
        queue = self.node.vhost.queues.look_at("s")
        assert queue is not None
        queue.stored_id = "/ s"
        self.peers = Peers(name, peers)
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon(self.node.end_turns)

        self.node.broker.woken_by(wake)
        known: Any = self
        self.stored = asyncio.Event()
        self.stored.set()
        self.links = GroupLinks(
            name, known, lambda: 7, self.node.broker, self.peers, self._offsets_stored
        )

    async def _offsets_stored(self, node: str) -> None:
        assert node == "a"
        await self.stored.wait()

    def queue_id_of(self, vhost: str, name: str) -> str:
        return f"{vhost} {name}"

    def leader_of(self, queue_id: str) -> tuple[str, int, int] | None:
        assert queue_id
        return self.leader

    def may_deliver(self, queue_id: str) -> bool:
        return bool(queue_id)

    def join(self) -> Member:
        member = Member()
        self.links.shared.join(KEY, member, PLAIN)
        return member

    def leave(self, member: Member) -> None:
        self.links.shared.leave(KEY, member)


def run(work: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(work, WAIT_S))


def pair() -> tuple[GroupNode, GroupNode]:
    """Return a, which leads the stream s, and b."""
    peers: dict[str, JoinedPeers] = {}
    return GroupNode("a", peers), GroupNode("b", peers)


def test_members_of_both_nodes_are_in_one_group() -> None:
    async def work() -> None:
        a, b = pair()
        first = b.join()
        await until(lambda: first.told == [True])
        second, third = a.join(), b.join()
        await until(lambda: third.told == [False])
        assert second.told == [False]
        b.leave(first)
        await until(lambda: second.told == [False, True])
        a.leave(second)
        # A word comes at once, as a question waits for it there.
        await until(lambda: third.told == [False, True])
        b.leave(third)
        await until(lambda: not b.links._asking)
        for each in (a, b):
            await each.links.stop()

    run(work())


def test_who_is_cut_off_stops_and_joins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from amqp_server.broker.groups import guests, visits  # noqa: PLC0415

    monkeypatch.setattr(visits, "LEASE_MS", 200)
    monkeypatch.setattr(guests, "SILENCE_MS", 300)
    monkeypatch.setattr(group_links, "HOLD_S", 0.02)
    monkeypatch.setattr(group_links, "LOOK_S", 0.01)
    monkeypatch.setattr(group_links, "AGAIN_S", 0.01)

    async def work() -> None:
        a, b = pair()
        first = b.join()
        await until(lambda: first.told[-1:] == [True])
        second = a.join()
        b.peers.is_cut = True
        await until(lambda: first.told[-1:] == [False])
        await until(lambda: second.told == [False, True])
        b.peers.is_cut = False
        a.leave(second)
        await until(lambda: first.told[-1:] == [True])
        for each in (a, b):
            await each.links.stop()

    run(work())


def test_members_go_where_the_next_leader_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "AGAIN_MS", 1)

    async def work() -> None:
        a, b = pair()
        first = b.join()
        await until(lambda: first.told == [True])
        for each in (a, b):
            each.leader = ("b", 2, 9)
            each.links.leaders_changed(["/ s"])
        second = a.join()
        await until(lambda: second.told == [False])
        assert first.told == [True], "it goes on"
        for each in (a, b):
            await each.links.stop()

    run(work())


def test_the_next_reads_once_the_offsets_of_the_last_are_stored() -> None:
    async def work() -> None:
        a, b = pair()
        first = b.join()
        await until(lambda: first.told == [True])
        b.stored.clear()
        second, third = a.join(), b.join()
        # Who joins waits for no offsets.
        await until(lambda: third.told == [False])
        b.leave(first)
        for _ in range(50):
            await asyncio.sleep(0)
        assert second.told == [False]
        b.stored.set()
        await until(lambda: second.told == [False, True])
        for each in (a, b):
            await each.links.stop()

    run(work())


def test_nodes_of_two_releases_have_one_group() -> None:
    async def work() -> None:
        a, b = pair()
        b.peers.version = STREAM_IDS_FROM - 1
        first, second = b.join(), a.join()
        await until(lambda: len(first.told + second.told) == 2)
        b.leave(first)
        await until(lambda: second.told[-1:] == [True])
        for each in (a, b):
            await each.links.stop()

    run(work())


@pytest.mark.parametrize(
    "octets", [b"", b"{}", b"[]", b"[1]", b"[0, []]", b"[0, [[1, 1], 0, 1, [[]]]]", b"\xff"]
)
def test_a_question_that_is_none_is_refused(octets: bytes) -> None:
    async def work() -> None:
        a, b = pair()
        with pytest.raises(PeerRefusedError, match="does not know this question"):
            await b.peers.ask("a", SUBJECT, octets, 1)
        with pytest.raises(PeerRefusedError, match="is missing"):
            await b.peers.ask("a", SUBJECT, b'[0, [[1, 1], 0, 5, [["leave", 1]]]]', 1)
        for each in (a, b):
            await each.links.stop()

    run(work())


def test_an_answer_that_is_none_has_the_members_join_again() -> None:
    async def work() -> None:
        a, b = pair()
        answers = 3

        async def answer(_octets: bytes, _node: str) -> bytes:
            nonlocal answers
            answers -= 1
            if not answers:
                a.peers.answer_to(SUBJECT, a.links._answer)
            return b"[]"

        a.peers.answer_to(SUBJECT, answer)
        first = b.join()
        await until(lambda: first.told == [True])
        for each in (a, b):
            await each.links.stop()

    run(work())
