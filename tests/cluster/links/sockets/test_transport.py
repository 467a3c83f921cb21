"""Whoever is at the other end of a socket harms no other link."""

import asyncio
import socket
from dataclasses import replace

import pytest

from cluster.links.settings import KIB, MIB
from cluster.links.sockets.dialer import TcpAddress
from cluster.links.sockets.transport import UNIX_BYTES, WRITE_BYTES_MAX, LinkTransport
from cluster.replication.frames import Fence
from tests.support.link_sockets import BRISK, QUEUES, Peer, ends, is_linked, pair_of_nodes, raw
from tests.support.linked_nodes import LinkedNode, until
from tests.support.linked_pair import run


class Idle:
    """A link that says nothing, and has all the time."""

    peer = reason = None
    has_answers = may_say_more = False

    def output(self, room_bytes: int, now_ms: int) -> list[bytes]:
        del room_bytes, now_ms
        return []

    def tick(self, now_ms: int) -> None:
        pass

    def lost(self, reason: str) -> None:
        pass

    def begin(self) -> None:
        pass

    def is_spent(self) -> bool:
        return False


def room_of(ours: socket.socket) -> int:
    """What the kernel holds of a socket once it is a link's."""

    async def work() -> int:
        loop, idle = asyncio.get_running_loop(), Idle()
        transport, _ = await loop.create_connection(
            lambda: LinkTransport(loop, lambda names, now_ms: idle, BRISK, idle),  # type: ignore[arg-type, return-value]
            sock=ours,
        )
        try:
            return ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        finally:
            transport.abort()

    return asyncio.run(work())


class Hearing(Idle):
    """A link that takes all input, and says something when it is asked for the first time."""

    def __init__(self, *, may_say_more: bool) -> None:
        self.may_say_more = may_say_more
        self.asked_count = 0
        self.heard = asyncio.Event()
        self.wake = lambda: None

    def receive(self, view: memoryview, now_ms: int, is_spent: object) -> int:
        del now_ms, is_spent
        self.heard.set()
        return len(view)

    def output(self, room_bytes: int, now_ms: int) -> list[bytes]:
        self.asked_count += 1
        return [b"hello"] if self.asked_count == 1 else super().output(room_bytes, now_ms)


@pytest.mark.parametrize("may_say_more", [False, True])
def test_input_asks_for_output_only_where_there_may_be_some(*, may_say_more: bool) -> None:
    async def work() -> int:
        loop, link = asyncio.get_running_loop(), Hearing(may_say_more=may_say_more)
        ours, theirs = socket.socketpair(socket.AF_UNIX)
        with theirs:
            transport, _ = await loop.create_connection(
                lambda: LinkTransport(loop, lambda names, now_ms: link, BRISK, link),  # type: ignore[arg-type, return-value]
                sock=ours,
            )
            theirs.setblocking(False)
            assert await loop.sock_recv(theirs, 100) == b"hello"
            for _ in range(3):
                link.heard.clear()
                await loop.sock_sendall(theirs, b"x")
                await link.heard.wait()
            await asyncio.sleep(0)  # the last output is asked for right behind its input
            transport.abort()
        return link.asked_count

    asked_count = asyncio.run(work())
    assert asked_count == (5 if may_say_more else 1)


def test_a_unix_socket_has_room_for_the_run_of_one_read() -> None:
    # It left in two writes with a wait between: 208 KiB are what a Unix socket has of itself.
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with theirs:
        assert room_of(ours) > UNIX_BYTES


def test_a_tcp_socket_finds_its_own_size() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        before = ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        assert room_of(ours) == before


@pytest.mark.parametrize(
    "octets",
    [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 8 * MIB, b"\xff" * 8 * MIB, bytes(range(256)) * 4096],
)
def test_garbage_ends_its_connection_and_no_other(octets: bytes) -> None:
    async def work() -> None:
        async with pair_of_nodes() as nodes:
            link = nodes["a"].table.to_mirror("b")
            reader, writer = await raw(nodes["b"])
            writer.write(octets)
            await ends(reader)
            writer.close()
            assert nodes["a"].table.to_mirror("b") is link
            assert is_linked(nodes)

    asyncio.run(work())


def test_garbage_of_a_node_that_is_known_ends_its_connection_and_no_other() -> None:
    async def work() -> None:
        async with pair_of_nodes() as nodes:
            link = nodes["a"].table.to_mirror("b")
            reader, writer = await raw(nodes["a"])
            peer = Peer(is_dialer=True)
            await peer.meet(reader, writer)
            writer.write(b"\x07" * 4 * MIB)
            assert b"checksum of a header" in await ends(reader)
            writer.close()
            assert nodes["a"].table.from_leader("x") is None
            assert nodes["a"].table.to_mirror("b") is link

    asyncio.run(work())


def test_a_half_closed_link_is_closed() -> None:
    async def work() -> None:
        async with pair_of_nodes() as nodes:
            reader, writer = await raw(nodes["a"])
            await Peer(is_dialer=True).meet(reader, writer)
            writer.write_eof()
            assert b"the other node closed the connection" in await ends(reader)
            writer.close()
            assert is_linked(nodes)

    asyncio.run(work())


def test_a_half_open_link_is_found_by_its_silence() -> None:
    async def work() -> None:
        async with pair_of_nodes() as nodes:
            reader, writer = await raw(nodes["a"])
            await Peer(is_dialer=True).meet(reader, writer)
            await until(nodes, lambda: nodes["a"].table.from_leader("x") is not None)
            assert b"nothing heard for" in await ends(reader)
            writer.close()
            assert nodes["a"].table.from_leader("x") is None
            assert is_linked(nodes)

    asyncio.run(work())


def test_a_mirror_that_never_reads_is_given_up_and_costs_little_memory() -> None:
    async def work() -> None:
        settings = replace(BRISK, silence_ms=20_000, held_bytes_max=MIB)
        async with pair_of_nodes(settings) as nodes:
            leader = nodes["a"]
            listening = socket.create_server(("127.0.0.1", 0))
            listening.setblocking(False)
            met: asyncio.Future[asyncio.StreamWriter] = leader.loop.create_future()

            async def never_read(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter
            ) -> None:
                await Peer(is_dialer=False).meet(reader, writer)
                writer.transport.pause_reading()  # type: ignore[attr-defined]
                met.set_result(writer)

            server = await asyncio.start_server(never_read, sock=listening)
            nodes["x"] = leader.nodes["x"] = LinkedNode("x", nodes, QUEUES, settings)
            nodes["x"].address = TcpAddress("127.0.0.1", listening.getsockname()[1])
            leader.dial("x")
            writer = await met
            await until(nodes, lambda: leader.table.to_mirror("x") is not None)
            link = leader.table.to_mirror("x")
            transport = leader.dialers["x"].transport
            assert link is not None
            assert transport is not None
            assert transport._transport is not None
            octets = b"x" * 64 * KIB
            lsn = leader.core.node.last_lsn
            for _ in range(500):
                lsn += 1
                link.put(run("q", lsn, octets))
                await asyncio.sleep(0)
                assert leader.held.total <= MIB
                assert transport._transport.get_write_buffer_size() <= WRITE_BYTES_MAX + MIB
            assert is_linked(nodes)
            reason = await transport.ended
            assert reason.startswith(("the other node reads nothing", "nothing heard", "the log"))
            assert leader.held.total == 0
            assert is_linked(nodes)
            writer.close()
            server.close()
            del nodes["x"]

    asyncio.run(work())


def test_twenty_thousand_frames_in_one_write_do_not_hold_another_link_up() -> None:
    async def work() -> None:
        async with pair_of_nodes(replace(BRISK, silence_ms=20_000)) as nodes:
            mirror = nodes["b"]
            await until(nodes, lambda: nodes["a"].core.may_append("r"))
            reader, writer = await raw(mirror)
            peer = Peer(is_dialer=True, meant="b")
            await peer.meet(reader, writer)
            await until(nodes, lambda: mirror.table.from_leader("x") is not None)
            for _ in range(20_000):
                peer.link.put(Fence("nothing here", 1))
            writer.writelines(peer.link.output(1 << 40, 0))
            link = mirror.table.from_leader("x")
            assert link is not None
            end = nodes["a"].publish("r", [b"beside the flood"])
            await until(nodes, lambda: mirror.logs["r"].end == end)
            # The flood is worked on in slices: the other link had its turn before the end of it.
            assert link._received_count < 20_000
            await until(nodes, lambda: link._received_count > 20_000)
            assert is_linked(nodes)
            writer.close()

    asyncio.run(work())
