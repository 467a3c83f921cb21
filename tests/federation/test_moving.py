"""Shovels and links of a node begin and end together."""

import asyncio

from amqp_server.federation.moving import begun_moving
from tests.support.federated import declare_exchange, federate, put_upstream, statuses
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run


def test_both_begin_and_end(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down", has_shovels=False) as down:
            declare_exchange(down)
            put_upstream(down, up.uri)
            federate(down)
            down.declare("from")
            down.put_shovel(src_uri="amqp://", src_queue="from", dest_uri="amqp://")
            loop, turn = asyncio.get_running_loop(), down.reactor.request_turn
            moving = begun_moving(loop, down.broker, down.server, turn)
            await until(lambda: statuses(down) == ["running"] and down.state() == "running")
            await moving.stop()
            await until(lambda: up.broker.count_connections() == 0)

    run(scene())
