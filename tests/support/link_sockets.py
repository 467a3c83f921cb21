"""Two nodes with links, and a third whose socket the test holds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from cluster.links.connection import LinkConnection
from cluster.links.handshake import Handshake, Trust
from cluster.links.payload import HeldOctets
from cluster.links.settings import KIB, MIB, LinkSettings
from cluster.links.sockets.dialer import TcpAddress
from cluster.replication.state import QueueOptions
from tests.support.linked_nodes import SECRET, LinkedNode, until
from tests.support.linked_pair import Hearing, Log, hello, never

QUEUES = {"q": QueueOptions(("a", "b", "x"), 1), "r": QueueOptions(("a", "b"), 1)}
BRISK = LinkSettings(heartbeat_ms=20, silence_ms=1_500, handshake_ms=1_500, stall_ms=800)


class Peer:
    """A node ``x`` whose socket the test holds."""

    def __init__(self, is_dialer: bool, meant: str = "a") -> None:
        self.heard = Hearing()
        self.link = LinkConnection(
            self.heard,
            Handshake(hello("x", meant if is_dialer else ""), Trust(SECRET), is_dialer=is_dialer),
            LinkSettings(),
            HeldOctets(MIB),
            Log(),
            is_dialer=is_dialer,
            now_ms=0,
        )

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry the handshake out."""
        waiting = b""
        while True:
            writer.writelines(self.link.output(MIB, 0))
            if self.link.peer is not None:
                return
            octets = await reader.read(4 * KIB)
            assert octets, self.heard.reasons
            waiting += octets
            waiting = waiting[self.link.receive(memoryview(waiting), 0, never) :]


@asynccontextmanager
async def pair_of_nodes(settings: LinkSettings = BRISK) -> AsyncIterator[dict[str, LinkedNode]]:
    """Node a leads q; b mirrors it; x is the test's."""
    nodes: dict[str, LinkedNode] = {}
    for name in "ab":
        nodes[name] = LinkedNode(name, nodes, QUEUES, settings)
        await nodes[name].listen()
    nodes["a"].lead(1, "q", "r")
    nodes["a"].dial("b")
    try:
        await until(nodes, lambda: nodes["a"].table.to_mirror("b") is not None)
        yield nodes
    finally:
        for node in nodes.values():
            await node.stop()


async def raw(node: LinkedNode) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    assert isinstance(node.address, TcpAddress)
    return await asyncio.open_connection(node.address.host, node.address.port)


async def ends(reader: asyncio.StreamReader) -> bytes:
    """Read until the other side closes."""
    octets = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(20):
            while new := await reader.read(MIB):
                octets = (octets + new)[-4 * KIB :]
    return octets


def is_linked(nodes: dict[str, LinkedNode]) -> bool:
    link = nodes["a"].table.to_mirror("b")
    return link is not None and link.reason is None
