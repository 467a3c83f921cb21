"""Who is read in which order, on both loops, over loopback sockets with full kernel buffers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from amqp_server.net.settings import ListenerSettings
from tests.support.loops import Run
from tests.support.server_place import Place

PIECE_BYTES = 65_536  # what a Place lends for a read


async def _until(place: Place, is_so: Callable[[], bool]) -> None:
    """Wait for something that a connection's coming, bytes or end bring about."""
    while not is_so():
        place.heard.clear()
        await place.heard.wait()


@asynccontextmanager
async def _raw_client(place: Place) -> AsyncIterator[socket.socket]:
    """Connect without a transport of the loop's: it sends while the loop stands still."""
    peer = socket.socket()
    peer.setblocking(False)
    await asyncio.get_running_loop().sock_connect(peer, place.server.bound[0][:2])
    place.on_made = place.heard.set
    await _until(place, lambda: len(place.connections) == 1)
    try:
        yield peer
    finally:
        peer.close()


def _fill(peer: socket.socket) -> int:
    """Send until the kernel takes no more; return how much that was."""
    sent = 0
    while True:
        try:
            sent += peer.send(b"f" * PIECE_BYTES)
        except BlockingIOError:
            return sent


def test_no_socket_is_read_twice_while_another_is_ready(run: Run) -> None:
    async def work() -> None:
        async with Place() as place, _raw_client(place) as flood, place.client() as other:
            await _until(place, lambda: len(place.connections) == 2)
            order: list[str] = []
            for name, connection in zip("fo", place.connections, strict=True):
                connection.on_data = lambda data, name=name: order.append(name)  # type: ignore[misc]

            assert _fill(flood) > 6 * PIECE_BYTES
            for count in range(1, 4):  # one octet each time the last one was read
                other[1].write(b"o")
                await _until(place, lambda count=count: order.count("o") == count)  # type: ignore[misc]
            runs = "".join(order).split("o")
            assert max(map(len, runs)) <= 2, f"looked at between any two reads: {order}"

    run(work())


def test_a_flood_is_read_to_its_end(run: Run) -> None:
    async def work() -> None:
        async with Place(ListenerSettings(port=0)) as place, _raw_client(place) as flood:
            connection = place.connections[0]
            connection.on_data = lambda data: None
            sent = _fill(flood)
            await _until(place, lambda: len(connection.received) == sent)
            connection.on_eof = place.heard.set
            flood.shutdown(socket.SHUT_WR)
            await _until(place, lambda: connection.eof_count == 1)

    run(work())
