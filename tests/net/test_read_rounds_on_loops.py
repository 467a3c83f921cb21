"""Who is read in which order, on both loops, over loopback sockets with full kernel buffers."""

import socket

from tests.support.loops import Run
from tests.support.server_place import FILL_BYTES, Place, fill


def test_no_socket_is_read_twice_while_another_is_ready(run: Run) -> None:
    async def work() -> None:
        async with Place() as place, place.raw_client() as flood, place.raw_client() as other:
            order: list[str] = []
            for name, (_, connection) in {"f": flood, "o": other}.items():
                connection.on_data = lambda data, name=name: order.append(name)  # type: ignore[misc]
            assert fill(flood[0]) > 6 * FILL_BYTES
            for count in range(1, 4):  # one octet each time the last one was read
                other[0].send(b"o")
                await place.until(lambda count=count: order.count("o") == count)  # type: ignore[misc]
            runs = "".join(order).split("o")
            assert max(map(len, runs)) <= 2, f"looked at between any two reads: {order}"

    run(work())


def test_a_flood_is_read_to_its_end(run: Run) -> None:
    async def work() -> None:
        async with Place() as place, place.raw_client() as (peer, connection):
            connection.on_data = lambda data: None
            sent = fill(peer)
            await place.until(lambda: len(connection.received) == sent)
            peer.shutdown(socket.SHUT_WR)
            await place.until(lambda: connection.eof_count == 1)

    run(work())
