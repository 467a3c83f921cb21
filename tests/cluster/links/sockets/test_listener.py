"""Connections that are accepted, and their number."""

import asyncio
from dataclasses import replace

from cluster.links.sockets.listener import STRANGERS_MAX
from tests.support.link_sockets import BRISK, Peer, ends, is_linked, pair_of_nodes, raw
from tests.support.linked_nodes import until


def test_connections_that_say_nothing_make_room_and_are_closed_in_time() -> None:
    async def work() -> None:
        async with pair_of_nodes() as nodes:
            silent = [await raw(nodes["a"]) for _ in range(2 * STRANGERS_MAX)]
            reader, writer = await raw(nodes["a"])
            await Peer(is_dialer=True).meet(reader, writer)
            assert nodes["a"].listener.open_count <= STRANGERS_MAX + 1
            for stranger, _ in silent:
                await ends(stranger)
            for _, each in [*silent, (reader, writer)]:
                each.close()
            assert is_linked(nodes)

    asyncio.run(work())


def test_a_newer_connection_takes_the_place_of_an_older() -> None:
    async def work() -> None:
        async with pair_of_nodes(replace(BRISK, silence_ms=20_000)) as nodes:
            older_reader, older = await raw(nodes["a"])
            await Peer(is_dialer=True).meet(older_reader, older)
            await until(nodes, lambda: nodes["a"].table.from_leader("x") is not None)
            link = nodes["a"].table.from_leader("x")
            newer_reader, newer = await raw(nodes["a"])
            await Peer(is_dialer=True).meet(newer_reader, newer)
            assert b"a newer connection takes its place" in await ends(older_reader)
            assert nodes["a"].table.from_leader("x") not in {None, link}
            older.close()
            newer.close()

    asyncio.run(work())
