"""A group of single active consumers with members on all nodes: one reads, whoever is killed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from amqp_server.stream_protocol.fields import U8, U16, U64, string, string_map
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from tests.clustering.test_stream_questions_processes import begun, led_at, published
from tests.support.clustered_processes import ClusteredProcesses, running_nodes
from tests.support.raw_streams import RawStreams
from tests.support.stream_peer import chunk_of

COUNT = 100
WAIT_S = 60
UPDATE = CommandKey.CONSUMER_UPDATE

pytestmark = pytest.mark.timeout(240)

GOT: dict[int, bytes] = {}
"""What the group has got, whoever has read it."""


class GroupMember:
    """A client in the group ``app``; it goes on behind what the group has got.

    Attributes:
        told: whether it is active, of each update.
        is_over: its stream or its connection is gone.
    """

    def __init__(self, client: RawStreams) -> None:
        self.client = client
        self.told: list[bool] = []
        self.is_over = False
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def join(cls, nodes: ClusteredProcesses, name: str) -> "GroupMember":
        """Subscribe at a node, and answer from then on."""
        member = cls(await RawStreams.open(nodes.stream_ports[name]))
        properties = string_map({"single-active-consumer": "true", "name": "app"})
        subscribe = U8.pack(9) + string("s") + U16.pack(1) + U16.pack(1_000) + properties
        async with asyncio.timeout(WAIT_S):
            while (
                code := (await member.client.ask(CommandKey.SUBSCRIBE, subscribe))[0]
            ) != Code.OK:
                assert code == Code.STREAM_NOT_AVAILABLE
                await asyncio.sleep(0.1)
        member._reading = asyncio.create_task(member._read())
        return member

    @property
    def is_active(self) -> bool:
        return not self.is_over and self.told[-1:] == [True]

    def leave(self) -> None:
        """Close the connection."""
        assert self._reading is not None
        self._reading.cancel()
        self.client.close()
        self.is_over = True

    async def _read(self) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                for answer in self.client.told or [await self.client._next()]:
                    self._take(answer.key, answer.body)
                    if answer.key == CommandKey.DELIVER and self.is_active:
                        chunk = chunk_of(answer)
                        GOT.update(enumerate(chunk.messages, chunk.header.first_offset))
                self.client.told.clear()
        self.is_over = True

    def _take(self, key: int, body: bytes) -> None:
        if key == CommandKey.METADATA_UPDATE:
            self.is_over = True
        if key == UPDATE:
            self.told.append(bool(body[5]))
            spec = U16.pack(4) + U64.pack(len(GOT))
            self.client.send(UPDATE | RESPONSE, body[:4] + U16.pack(Code.OK) + spec)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(WAIT_S):
        while True:
            if holds():
                return
            await asyncio.sleep(0.02)


async def until_one(members: list[GroupMember]) -> GroupMember:
    """Wait until one is active; more than one is none."""
    await until(lambda: sum(each.is_active for each in members) == 1)
    return next(each for each in members if each.is_active)


async def until_got(count: int) -> None:
    """Wait for all messages below an offset."""
    await until(lambda: len(GOT) >= count)
    assert list(GOT.items()) == [(number, b"%d" % number) for number in range(count)]


async def both_mirrors(client: RawStreams) -> list[tuple[str, int]]:
    """Wait until two mirrors are named; return where they are."""
    async with asyncio.timeout(WAIT_S):
        while True:
            mirrors = (await client.places_of("s"))[2]
            if len(mirrors) == 2:
                return mirrors
            await asyncio.sleep(0.1)


async def play(nodes: ClusteredProcesses) -> None:
    await nodes.start_all()
    one = await RawStreams.open(nodes.stream_ports["n1"])
    at = {("127.0.0.1", port): name for name, port in nodes.stream_ports.items()}
    assert (await one.ask(CommandKey.CREATE, string("s") + string_map({})))[0] == Code.OK
    leader = await led_at(one)
    mirrors = await both_mirrors(one)
    assert sorted(at[each] for each in (leader, *mirrors)) == ["n1", "n2", "n3"]
    publisher = await RawStreams.open(leader[1])
    await begun(publisher)
    await published(publisher, 0)

    # Members at both mirrors and at the leader: the first reads, and the next when it leaves.
    members = [await GroupMember.join(nodes, at[mirrors[0]])]
    assert await until_one(members) is members[0]
    await until_got(COUNT)
    places = mirrors[1], leader, mirrors[0]
    members.extend([await GroupMember.join(nodes, at[place]) for place in places])
    await published(publisher, COUNT)
    await until_got(2 * COUNT)
    assert await until_one(members) is members[0]
    members[0].leave()
    del members[0]
    assert await until_one(members) is members[0]
    await published(publisher, 2 * COUNT)
    await until_got(3 * COUNT)
    assert [len(each.told) for each in members[1:]] == [1, 1], "the others were told once to wait"
    await lose_nodes(nodes, list(members), leader, at)
    for each in members:
        each.leave()
    one.close()
    publisher.close()


async def lose_nodes(
    nodes: ClusteredProcesses,
    members: list[GroupMember],
    leader: tuple[str, int],
    at: dict[tuple[str, int], str],
) -> None:
    """The node of the active member stands still, and then the leader is killed."""
    active = members[0]
    frozen = at["127.0.0.1", nodes.stream_ports[_node_of(nodes, active)]]
    nodes.freeze(frozen)
    assert await until_one(members[1:]) in members[1:]
    nodes.thaw(frozen)
    await until(lambda: not active.is_active)
    before = await until_one(members)
    nodes.kill(at[leader])
    members = [each for each in members if _node_of(nodes, each) != at[leader]]
    after = await until_one(members)
    other = await RawStreams.open(nodes.stream_ports[frozen])
    port = (await led_at(other, leader))[1]
    publisher = await RawStreams.open(port)
    await begun(publisher)
    await published(publisher, 3 * COUNT)
    await until_got(4 * COUNT)
    assert await until_one(members) is after
    assert before is after or _node_of(nodes, before) == at[leader], "who can go on does"
    other.close()
    publisher.close()


def _node_of(nodes: ClusteredProcesses, member: GroupMember) -> str:
    port = member.client._writer.get_extra_info("peername")[1]
    return next(name for name, each in nodes.stream_ports.items() if each == port)


def test_one_reads_whoever_is_lost(tmp_path: Path) -> None:
    with running_nodes(tmp_path, 3) as nodes:
        asyncio.run(play(nodes))
