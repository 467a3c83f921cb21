"""Nodes in one loop that ask each other over sockets."""

import asyncio
import secrets
import socket
from collections.abc import Callable

from amqp_server.clustering.peers import Peers
from cluster.asking.table import AskingTable
from cluster.fronts.links.dialing import FrontDialing
from cluster.links.doorway import make_doorway
from cluster.links.handshake import Trust
from cluster.links.hello import Hello
from cluster.links.kinds import Purpose
from cluster.links.settings import LinkSettings
from cluster.links.sockets.dialer import Address, TcpAddress
from cluster.links.sockets.listener import Listener
from tests.support.linked_nodes import Slices

BRISK = LinkSettings(heartbeat_ms=20, silence_ms=1_500, handshake_ms=1_500, stall_ms=800)


class AskingNode:
    """One node; ``nodes`` are all of them, by name."""

    def __init__(self, name: str, nodes: "dict[str, AskingNode]", idle_ms: int = 60_000) -> None:
        self.name, self.nodes = name, nodes
        nodes[name] = self
        loop = asyncio.get_running_loop()
        self.peers = Peers()
        self.peers.table = AskingTable(self.peers, self._hello, Trust(b"secret"), BRISK)
        self.peers.dialing = FrontDialing(
            loop, self.peers.table, self._find, Slices, lambda: 0.0, idle_ms=idle_ms
        )
        make = self.peers.table.make_accepted
        makers = {Purpose.MIRRORING: make, Purpose.ASKING: make}
        self.listener = Listener(loop, make_doorway(makers), BRISK, Slices())
        self.addresses: tuple[Address, ...] = ()

    async def listen(self) -> "AskingNode":
        listening = socket.create_server(("127.0.0.1", 0))
        self.addresses = (TcpAddress("127.0.0.1", listening.getsockname()[1]),)
        listening.setblocking(False)
        await self.listener.listen([listening])
        return self

    async def stop(self) -> None:
        await self.peers.stop()
        await self.listener.close()

    def _hello(self, meant: str) -> Hello:
        return Hello("c", self.name, "0", 7, meant, secrets.token_bytes(32))

    def _find(self, node: str) -> tuple[Address, ...]:
        return self.nodes[node].addresses if node in self.nodes else ()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1_000_000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never holds")
