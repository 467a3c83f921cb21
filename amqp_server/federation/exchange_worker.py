"""A link of an exchange: the upstream has its bindings, and what they match comes here."""

import asyncio
from typing import Any

from pamqp import commands

from amqp_server.broker.federation.links import Link
from amqp_server.federation.headers import LinkHeaders
from amqp_server.federation.mirrored import MirroredBindings
from amqp_server.federation.relay import Relay
from amqp_server.federation.upstream_exchange import (
    UpstreamExchange,
    delete_resources,
    queue_name,
)
from amqp_server.federation.worker import Connected, LinkWorker, Surroundings
from amqp_server.shovels.connection import OutwardConnection
from amqp_server.shovels.errors import RemoteError
from amqp_server.shovels.requests import Consume
from exchanges.bindings import Binding

_UNKNOWN_TYPE = "unknown exchange type"


class ExchangeWorker(LinkWorker):
    """Takes what the bindings of an exchange match at its upstream."""

    def __init__(self, link: Link, around: Surroundings) -> None:
        super().__init__(link, around)
        self._bindings = MirroredBindings()
        self._has_learned = False
        self._has_type = True
        self._has_changed = asyncio.Event()

    def bound(self, binding: Binding) -> None:
        """Note a new binding of the exchange."""
        self._bindings.add(binding)
        self._has_changed.set()

    def unbound(self, binding: Binding) -> None:
        """Note that a binding of the exchange is gone."""
        self._bindings.remove(binding)
        self._has_changed.set()

    async def serve(self, ends: Connected) -> None:
        """Declare, consume, and mirror bindings as they come and go."""
        link, vhost = self.link, self.around.broker.vhost(self.link.vhost)
        if not self._has_learned:
            for _ in self._bindings.learning(vhost.router, link.name):
                await asyncio.sleep(0)
            self._has_learned = True
        if not vhost.exchanges.exists(link.name):
            raise RemoteError("the exchange is gone")
        cluster, upstream = self.around.cluster(), ends.upstream
        there = UpstreamExchange(link, upstream, ends.vhost, cluster, has_type=self._has_type)
        try:
            await there.declare(vhost.exchanges.properties_of(link.name))
        except RemoteError as error:
            if self._has_type and _UNKNOWN_TYPE in str(error):
                self._has_type = False  # the next connection declares a fanout
            raise
        headers = LinkHeaders(link, ends.uri, ends.cluster, cluster)
        relay = Relay(
            upstream,
            ends.here,
            link.upstream.settling_mode,
            target=lambda message: (link.name, message.routing_key),
            header=lambda message: headers.of(message, ends.vhost),
            must_arrive=False,
            on_taken=self.taken,
        )
        await relay.begin()
        await self._consume(upstream, there.queue)
        self._bindings.begin_again()
        place = there.place(ends.cluster)
        await there.mirror(self._bindings, place)
        await there.forget_old()
        self.running(ends)
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            await there.mirror(self._bindings, place)

    async def _consume(self, upstream: OutwardConnection, queue: str) -> None:
        settings = self.link.upstream
        qos = commands.Basic.Qos(prefetch_count=settings.prefetch)
        await upstream.call(commands.Basic.QosOk, qos)
        arguments: Any = {}
        consume = Consume(
            queue=queue, no_ack=settings.settling_mode == "no-ack", arguments=arguments
        )
        await upstream.call(commands.Basic.ConsumeOk, consume)

    async def clean_up(self, upstream: OutwardConnection, vhost: str) -> None:
        """Delete queue and exchange at the upstream."""
        await delete_resources(upstream, queue_name(self.link, vhost, self.around.cluster()))
