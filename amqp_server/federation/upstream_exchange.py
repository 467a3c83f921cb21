"""What a federated exchange has at its upstream: an exchange and a queue of our own.

    exchange there ── mirrored bindings ──▶ federation: x -> us A ──▶ queue federation: x -> us

The exchange in the middle has two names, A and B, which are used in turn. A new connection makes
the one, binds it, and deletes the other with whatever bindings had grown old. So no message is
missed in between, and no binding stays that nobody here has.

Source: RabbitMQ 3.10, rabbit_federation_exchange_link: names, types and arguments.
"""

from typing import Any, Final

from pamqp import commands

from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.federation.links import Link
from amqp_server.broker.names import NAME_BYTES_MAX
from amqp_server.federation.matching import INTERNAL_PURPOSE
from amqp_server.federation.mirrored import MirroredBindings, Place
from amqp_server.shovels.connection import OutwardConnection
from amqp_server.shovels.errors import RemoteError
from amqp_server.shovels.requests import (
    ExchangeBind,
    ExchangeDeclare,
    ExchangeDelete,
    ExchangeUnbind,
    QueueBind,
    QueueDeclare,
    QueueDelete,
)
from amqp_server.wire.tables import Field, Table, longstr
from exchanges.federation_upstream import DOWNSTREAM_NAME, DOWNSTREAM_VHOST, MAX_HOPS, TYPE

SLICE: Final = 64
"""Bindings that the upstream is asked for before its answer is awaited."""


def queue_name(link: Link, upstream_vhost: str, our_cluster: str) -> str:
    """Return the name of the queue of a link.

    Raises:
        RemoteError: it would be longer than a name may be, together with what the exchange adds.
    """
    there, here = link.upstream_name, link.name
    if link.vhost != upstream_vhost:
        suffix = f":{link.vhost}:{here}"
    else:
        suffix = "" if here == there else f":{here}"
    name = f"federation: {there} -> {our_cluster}{suffix}"
    if len(name.encode("utf-8", "surrogateescape")) > NAME_BYTES_MAX - len(" A"):
        raise RemoteError("the name of the queue at the upstream would be too long")
    return name


class UpstreamExchange:
    """The resources of one link, over one connection.

    Args:
        link: of an exchange.
        client: connected to the upstream.
        upstream_vhost: that the connection is in.
        our_cluster: our name.
        has_type: whether the upstream knows the type ``x-federation-upstream``; else it is a
            fanout, and what must not go on is dropped here.
    """

    def __init__(
        self,
        link: Link,
        client: OutwardConnection,
        upstream_vhost: str,
        our_cluster: str,
        *,
        has_type: bool,
    ) -> None:
        self._link = link
        self._client = client
        self._vhost = upstream_vhost
        self._cluster = our_cluster
        self._has_type = has_type
        self.queue = queue_name(link, upstream_vhost, our_cluster)
        self._suffix = ""
        self._old: str | None = None

    async def declare(self, properties: ExchangeProperties) -> None:
        """Declare the exchange there, unless it is there; a queue; and one of our two exchanges.

        Args:
            properties: those of the exchange here.
        """
        client, link = self._client, self._link
        if not await client.has_exchange(link.upstream_name):
            await client.call(
                commands.Exchange.DeclareOk,
                ExchangeDeclare(
                    exchange=link.upstream_name,
                    exchange_type=properties.exchange_type,
                    durable=properties.durable,
                    auto_delete=properties.auto_delete,
                    internal=properties.internal,
                    arguments=_given(properties.arguments),
                ),
            )
        declare_queue = QueueDeclare(
            queue=self.queue, durable=True, arguments=_given(self._queue_arguments())
        )
        await client.call(commands.Queue.DeclareOk, declare_queue)
        has_a = await client.has_exchange(f"{self.queue} A")
        has_b = await client.has_exchange(f"{self.queue} B")
        # Of two the first may lack bindings, so it gets them all, and the second goes after that.
        self._suffix = "B" if has_a and not has_b else "A"
        if has_a or has_b:
            self._old = f"{self.queue} {'A' if self._suffix == 'B' else 'B'}"
        await client.call(commands.Exchange.DeclareOk, self._declaration())
        bind = QueueBind(queue=self.queue, exchange=self._exchange, routing_key="", arguments={})
        await client.call(commands.Queue.BindOk, bind)

    @property
    def _exchange(self) -> str:
        return f"{self.queue} {self._suffix}"

    def place(self, upstream_cluster: str) -> Place:
        """Return who mirrors the bindings, and where to."""
        return Place(
            self._cluster,
            self._link.vhost,
            f"{self._link.name} {self._suffix}",
            upstream_cluster,
            self._vhost,
            self._link.upstream.max_hops,
        )

    async def mirror(self, bindings: MirroredBindings, place: Place) -> None:
        """Bind and unbind until the upstream has what is here; in slices."""
        client = self._client
        while bindings.is_changed:
            changes = bindings.changes(place, SLICE)
            for is_wanted, key, arguments in changes[:-1]:
                client.write(self._change(is_wanted, key, arguments, nowait=True))
            for is_wanted, key, arguments in changes[-1:]:
                reply = commands.Exchange.BindOk if is_wanted else commands.Exchange.UnbindOk
                await client.call(reply, self._change(is_wanted, key, arguments, nowait=False))

    def _change(
        self,
        is_wanted: bool,  # noqa: FBT001 - as the bindings say it
        key: str,
        arguments: Table,
        *,
        nowait: bool,
    ) -> ExchangeBind | ExchangeUnbind:
        kind = ExchangeBind if is_wanted else ExchangeUnbind
        return kind(
            destination=self._exchange,
            source=self._link.upstream_name,
            routing_key=key,
            nowait=nowait,
            arguments=_given(arguments),
        )

    async def forget_old(self) -> None:
        """Delete the other one of our two exchanges, if it was there."""
        if self._old is not None:
            await self._client.call(commands.Exchange.DeleteOk, ExchangeDelete(exchange=self._old))
            self._old = None

    def _queue_arguments(self) -> Table:
        upstream = self._link.upstream
        arguments: dict[str, Field] = {INTERNAL_PURPOSE: longstr("federation")}
        if upstream.expires_ms is not None:
            arguments["x-expires"] = Field("l", upstream.expires_ms)
        if upstream.message_ttl_ms is not None:
            arguments["x-message-ttl"] = Field("l", upstream.message_ttl_ms)
        if upstream.ha_policy is not None:
            arguments["x-ha-policy"] = longstr(upstream.ha_policy)
        if upstream.queue_type is not None:
            arguments["x-queue-type"] = longstr(upstream.queue_type)
        return arguments

    def _declaration(self) -> ExchangeDeclare:
        purpose = {INTERNAL_PURPOSE: longstr("federation")}
        arguments: Table = {
            **purpose,
            MAX_HOPS: Field("l", self._link.upstream.max_hops),
            DOWNSTREAM_NAME: longstr(self._cluster),
            DOWNSTREAM_VHOST: longstr(self._link.vhost),
        }
        return ExchangeDeclare(
            exchange=self._exchange,
            exchange_type=TYPE if self._has_type else "fanout",
            durable=True,
            auto_delete=True,
            internal=True,
            arguments=_given(arguments if self._has_type else purpose),
        )


async def delete_resources(client: OutwardConnection, queue: str) -> None:
    """Delete the queue of a link that is gone; the exchange, which is bound to it only, follows."""
    await client.call(commands.Queue.DeleteOk, QueueDelete(queue=queue))


def _given(table: Table) -> Any:  # noqa: ANN401 - typed fields, which the codec takes
    return dict(table)
