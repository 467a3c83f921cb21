"""A link of a queue: messages come from its upstream while consumers here have nothing else to do.

Source: RabbitMQ 3.10, rabbit_federation_queue and rabbit_federation_queue_link: when a link runs,
priority and tag of its consumer.
"""

import asyncio
from itertools import islice
from typing import Any, Final

from pamqp import commands

from amqp_server.broker.federation.links import Link
from amqp_server.broker.queue import Queue
from amqp_server.federation.headers import LinkHeaders
from amqp_server.federation.relay import Relay
from amqp_server.federation.worker import Connected, LinkWorker, Surroundings
from amqp_server.shovels.connection import OutwardConnection
from amqp_server.shovels.errors import RemoteError
from amqp_server.shovels.requests import Consume, QueueDeclare
from amqp_server.wire.tables import Field

PRIORITY: Final = -1
"""Of the consumer at the upstream: its own consumers come first."""

CONSUMERS_LOOKED_AT: Final = 64


class QueueWorker(LinkWorker):
    """Takes messages of a queue at its upstream."""

    def __init__(self, link: Link, around: Surroundings) -> None:
        super().__init__(link, around)
        self._is_wanting = False
        self._has_changed = asyncio.Event()

    def look(self) -> None:
        """Look whether consumers here could take messages; call it every now and then."""
        vhost = self.link.vhost
        broker = self.around.broker
        queue = broker.vhost(vhost).queues.find(self.link.name) if broker.has_vhost(vhost) else None
        is_wanting = queue is not None and is_wanting_messages(queue)
        if is_wanting != self._is_wanting:
            self._is_wanting = is_wanting
            self._has_changed.set()

    async def serve(self, ends: Connected) -> None:
        """Declare the queue there, and consume from it while messages are wanted here."""
        link, upstream = self.link, ends.upstream
        queue = self.around.broker.vhost(link.vhost).queues.find(link.name)
        if queue is None:
            raise RemoteError("the queue is gone")
        await self._declare(upstream, queue)
        headers = LinkHeaders(link, ends.uri, ends.cluster, self.around.cluster())
        relay = Relay(
            upstream,
            ends.here,
            link.upstream.settling_mode,
            target=lambda _message: ("", link.name),
            header=lambda message: headers.of(message, ends.vhost),
            must_arrive=True,
            on_taken=self.taken,
        )
        await relay.begin()
        qos = commands.Basic.Qos(prefetch_count=link.upstream.prefetch)
        await upstream.call(commands.Basic.QosOk, qos)
        self.look()
        self.running(ends)
        is_consuming = False
        while True:
            self._has_changed.clear()
            is_wanting = self._is_wanting
            if is_wanting and not is_consuming:
                await upstream.call(commands.Basic.ConsumeOk, self._consume())
            elif is_consuming and not is_wanting:
                cancel = commands.Basic.Cancel(consumer_tag=link.consumer_tag)
                await upstream.call(commands.Basic.CancelOk, cancel)
            is_consuming = is_wanting
            await self._has_changed.wait()

    def _consume(self) -> Consume:
        arguments: Any = {"x-priority": Field("l", PRIORITY)}
        return Consume(
            queue=self.link.upstream_name,
            consumer_tag=self.link.consumer_tag,
            no_ack=self.link.upstream.settling_mode == "no-ack",
            arguments=arguments,
        )

    async def _declare(self, upstream: OutwardConnection, queue: Queue) -> None:
        """Declare the queue there as it is here, unless it is there."""
        if await upstream.is_there(self.link.upstream_name) is None:
            properties = queue.properties
            arguments: Any = dict(properties.arguments)
            declare = QueueDeclare(
                queue=self.link.upstream_name,
                durable=properties.durable,
                auto_delete=properties.auto_delete,
                arguments=arguments,
            )
            await upstream.call(commands.Queue.DeclareOk, declare)


def is_wanting_messages(queue: Queue) -> bool:
    """Whether a queue is empty, and a consumer that is no link of another broker has credit."""
    if queue.is_deleted or queue.engine.ready_count:
        return False
    some = islice(queue.consumers, CONSUMERS_LOOKED_AT)
    return any(consumer.priority >= 0 and consumer.credit() > 0 for consumer in some)
