"""Nodes with front links over real sockets; their halves note what they hear."""

import asyncio
import secrets
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from cluster.fronts.frames import ToFront, ToLeader
from cluster.fronts.links.connection import FrontLink
from cluster.fronts.links.dialing import FrontDialing
from cluster.fronts.links.encoding import Frame
from cluster.fronts.links.table import FRONT_SETTINGS, FrontTable
from cluster.links.doorway import make_doorway
from cluster.links.handshake import Trust
from cluster.links.hello import Hello
from cluster.links.kinds import Purpose
from cluster.links.port import Link
from cluster.links.settings import LinkSettings
from cluster.links.sockets.dialer import Address, TcpAddress, UnixAddress
from cluster.links.sockets.listener import Listener
from cluster.replication.publishers import Front
from tests.support.linked_nodes import TRUST, WAIT_S, Slices


class FrontNode:
    """One node; ``nodes`` are all of the cluster, by name, itself among them."""

    def __init__(
        self,
        name: str,
        nodes: "dict[str, FrontNode]",
        settings: LinkSettings = FRONT_SETTINGS,
        *,
        tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
        trust: Trust = TRUST,
        idle_ms: int = 60_000,
        makers: dict[Purpose, Callable[[frozenset[str] | None, int], Link]] | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.name, self.nodes, self.tls = name, nodes, tls
        nodes[name] = self
        self.moved = asyncio.Event()
        self.heard: list[tuple[str, str]] = []
        self.frames: list[Frame] = []
        self.rooms: list[str] = []
        self.is_slow = False
        self.owed: list[tuple[FrontLink, str, int]] = []
        self.answer: Callable[[FrontLink, Frame], None] = lambda _link, _frame: None
        self.addresses: tuple[Address, ...] = ()
        self.dialled: list[str] = []
        self.table = FrontTable(self, self, self._hello, trust, settings)
        self.dialing = FrontDialing(
            self.loop, self.table, self._find, Slices, lambda: 0.0, idle_ms=idle_ms
        )
        mine = {
            Purpose.MIRRORING: self.table.make_accepted,
            Purpose.FRONTS: self.table.make_accepted,
        }
        make = make_doorway({**mine, **(makers or {})})
        self.listener = Listener(self.loop, make, settings, Slices())

    async def listen(self, path: Path | None = None) -> "FrontNode":
        if path is None:
            listening = socket.create_server(("127.0.0.1", 0))
            client = self.tls[1] if self.tls is not None else None
            self.addresses = (TcpAddress("127.0.0.1", listening.getsockname()[1], client),)
        else:
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(path))
            listening.listen()
            self.addresses = (UnixAddress(str(path)),)
        listening.setblocking(False)
        await self.listener.listen([listening], self.tls[0] if self.tls is not None else None)
        return self

    async def stop(self) -> None:
        await self.dialing.stop()
        await self.listener.close()

    def take(self) -> None:
        owed, self.owed = self.owed, []
        for link, queue, octets in owed:
            link.taken(queue, octets)

    def _hello(self, meant: str) -> Hello:
        return Hello("c", self.name, "0", 7, meant, secrets.token_bytes(32))

    def _find(self, node: str) -> tuple[Address, ...]:
        self.dialled.append(node)
        self.moved.set()
        return self.nodes[node].addresses if node in self.nodes else ()

    def _took(self, link: FrontLink, frame: Frame, octets: int) -> None:
        self.frames.append(frame)
        self.owed.append((link, frame.queue, octets))
        if not self.is_slow:
            self.take()
        self.answer(link, frame)
        self.moved.set()

    def _hears(self, what: str, node: str) -> None:
        self.heard.append((what, node))
        self.moved.set()

    # ---- what the table says ----

    def front_opened(self, link: FrontLink, front: Front) -> None:
        assert front.incarnation == 7
        self._hears("front opened", front.node)

    def front_ended(self, link: FrontLink, front: Front) -> None:
        self._hears("front ended", front.node)

    def leader_opened(self, link: FrontLink, node: str) -> None:
        self._hears("leader opened", node)

    def leader_ended(self, link: FrontLink, node: str) -> None:
        self._hears("leader ended", node)

    def from_front(self, link: FrontLink, frame: ToLeader, octets: int) -> None:
        self._took(link, frame, octets)

    def from_leader(self, link: FrontLink, frame: ToFront, octets: int) -> None:
        self._took(link, frame, octets)

    def room_to_front(self, link: FrontLink, queue: str) -> None:
        self.rooms.append(queue)
        self.moved.set()

    def room_to_leader(self, link: FrontLink, queue: str) -> None:
        self.rooms.append(queue)
        self.moved.set()


async def until(nodes: dict[str, FrontNode], is_true: Callable[[], bool]) -> None:
    """Wait until something holds; what moves any of the nodes makes us look again."""
    async with asyncio.timeout(WAIT_S):
        while not is_true():
            for node in nodes.values():
                node.moved.clear()
            waits = [asyncio.ensure_future(node.moved.wait()) for node in nodes.values()]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waits:
                    each.cancel()


async def link_of(nodes: dict[str, FrontNode], front: str, leader: str) -> FrontLink:
    """Dial, and return the front's end once both ends are open."""
    table = nodes[front].table
    nodes[front].dialing.reach(leader)
    await until(
        nodes,
        lambda: (
            table.to_leader(leader) is not None
            and nodes[leader].table.from_front(front) is not None
        ),
    )
    link = table.to_leader(leader)
    assert link is not None
    return link


def link_or_none(node: FrontNode, leader: str) -> FrontLink | None:
    return node.table.to_leader(leader)
