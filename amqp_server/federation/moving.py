"""All that moves messages between brokers: shovels, and the links to upstreams."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from amqp_server.broker.broker import Broker
from amqp_server.federation.supervisor import Federation, begun_federation
from amqp_server.net.server import Server
from amqp_server.shovels.supervisor import Shovels, begun_shovels


class Moving(NamedTuple):
    """The shovels and the links of a node."""

    shovels: Shovels
    federation: Federation

    async def stop(self) -> None:
        """End all of them."""
        await asyncio.gather(self.shovels.stop(), self.federation.stop())


def begun_moving(
    loop: asyncio.AbstractEventLoop,
    broker: Broker,
    server: Server,
    request_turn: Callable[[], None],
) -> Moving:
    """Return the shovels and the links of a node, which have begun."""
    shovels = begun_shovels(loop, broker, server, request_turn)
    return Moving(shovels, begun_federation(loop, broker, server))
