"""A link is made again when it has ended."""

import asyncio

from tests.support.link_sockets import BRISK, QUEUES, is_linked, pair_of_nodes
from tests.support.linked_nodes import LinkedNode, until


def test_a_node_that_comes_back_is_linked_again() -> None:
    async def work() -> None:
        async with pair_of_nodes() as nodes:
            await nodes["b"].stop()
            await until(nodes, lambda: nodes["a"].table.to_mirror("b") is None)
            nodes["b"] = LinkedNode("b", nodes, QUEUES, BRISK)
            await nodes["b"].listen()
            await until(nodes, lambda: is_linked(nodes))
            assert nodes["a"].dialers["b"].attempts_count > 1

    asyncio.run(work())
