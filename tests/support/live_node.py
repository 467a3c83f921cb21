"""A node on the loop of a test: a broker in memory behind real sockets, with its shovels."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from amqp_server.app import build_broker
from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.definition import ParameterDefinition
from amqp_server.broker.settings import BrokerSettings
from amqp_server.federation.supervisor import federation_of
from amqp_server.net.reactor import Reactor
from amqp_server.net.server import Server
from amqp_server.net.settings import ListenerSettings, NetSettings
from amqp_server.protocols import connections_of
from amqp_server.settings.schema import Settings
from amqp_server.shovels.supervisor import shovels_of
from tests.support.vhosts import message


class LiveNode:
    """Up while the ``async with`` lasts; ``guest`` may do everything."""

    def __init__(self, *, has_shovels: bool = True, name: str = "") -> None:
        loop = asyncio.get_running_loop()
        net = NetSettings(listeners=(ListenerSettings(port=0),))
        settings = Settings(broker=BrokerSettings(data_dir=None, cluster_name=name), net=net)
        self.broker: Broker = build_broker(settings)
        self.vhost = self.broker.vhost("/")
        self.reactor = Reactor(loop, self.broker, read_buffer_bytes=65_536)
        self.server = Server(loop, self.reactor, connections_of(self.broker, settings), net)
        self.shovels = shovels_of(loop, self.broker, self.server, self.reactor.request_turn)
        self.federation = federation_of(loop, self.broker, self.server)
        self._has_shovels = has_shovels

    async def __aenter__(self) -> Self:
        self.server.listen()
        if self._has_shovels:
            self.shovels.begin()
            self.federation.begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.federation.stop()
        await self.shovels.stop()
        await self.server.stop()
        self.reactor.close()

    @property
    def uri(self) -> str:
        """Where it listens."""
        return f"amqp://guest:guest@127.0.0.1:{self.server.bound[0].port}/%2F"

    def declare(self, name: str, **arguments: object) -> None:
        """Declare a durable queue."""
        properties = QueueProperties(True, False, False, {})
        self.vhost.queues.declare(name, properties, None, self.reactor.now_ms())

    def publish(self, queue: str, *bodies: bytes, **properties: object) -> None:
        """Publish to a queue."""
        for body in bodies:
            run = (message(body, "", queue, **properties),)
            self.vhost.publisher.publish("", run, self.reactor.now_ms())
        self.reactor.request_turn()

    def bodies(self, name: str) -> list[bytes]:
        """Take all messages of a queue."""
        queue = self.vhost.queues.find(name)
        assert queue is not None
        taken = []
        while (got := queue.engine.get(self.reactor.now_ms(), no_ack=True)) is not None:
            taken.append(bytes(got[0].records[0].body))
        return taken

    def ready(self, name: str) -> int:
        """How many messages a queue has ready; 0 where there is no such queue."""
        queue = self.vhost.queues.find(name)
        return 0 if queue is None else queue.engine.ready_count

    def put_shovel(self, name: str = "s", vhost: str = "/", **value: object) -> None:
        """Define a shovel; ``_`` in a key stands for ``-``."""
        given = {key.replace("_", "-"): each for key, each in value.items()}
        self.broker.set_parameter(ParameterDefinition(vhost, "shovel", name, given))

    def state(self, name: str = "s") -> str:
        """Return how a shovel is; empty where there is none."""
        held = self.broker.shovels.get("/", name)
        return "" if held is None else held.state


async def until(is_so: Callable[[], bool]) -> None:
    """Let the loop go round until something is so; the test's own limit ends it otherwise."""
    while not is_so():  # noqa: ASYNC110 - many things of a node may bring it about
        await asyncio.sleep(0)
