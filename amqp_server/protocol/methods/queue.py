"""The methods of class queue (AMQP 0-9-1 §1.7)."""

from typing import Final, NamedTuple

from pamqp import commands

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.arguments.declare import (
    QueueProperties,
    check_server_named,
    queue_kind,
    with_default_queue_type,
)
from amqp_server.broker.asking import counting, purging_elsewhere
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.names import (
    REPLY_TO_QUEUE,
    queue_text,
    strip_line_ends,
)
from amqp_server.broker.queue import Queue, purging
from amqp_server.broker.request_rights import check_bind, check_queue_declare
from amqp_server.broker.steps import Steps, WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.errors import LostReplyError
from amqp_server.protocol.methods.promised import promising
from amqp_server.protocol.promise import Promise
from amqp_server.wire.methods import Method, arguments_of
from exchanges.bindings import Destination, DestinationKind
from queues.kinds import Request

GENERATED_PREFIX: Final = "amq.gen"
_BIND_OK: Final = commands.Queue.BindOk()
_QUEUE: Final = DestinationKind.QUEUE


def declare(
    channel: Channel, method: commands.Queue.Declare, now_ms: int
) -> Method | WaitingSteps[Method | None] | None:
    """Create a queue, or check that the one that exists is equivalent.

    Raises:
        NotFoundError: passive, and no such queue (404).
        PreconditionFailedError: it exists with other properties, or a bad argument (406).
        ResourceLockedError: it exists and belongs to another connection (405).
        AccessRefusedError: no right, or a reserved name (403).

    Source: amqp0-9-1.xml queue.declare; an empty name asks for a fresh one.
    """
    name = strip_line_ends(method.queue)
    if name.startswith(REPLY_TO_QUEUE):
        return _declare_reply_name(channel, method, name)
    if method.passive:
        queue = _existing(channel, name)
        channel.session.open_vhost.queues.refresh(queue, now_ms)
        if queue.asked_elsewhere is not None:
            return declared_elsewhere(channel, method, queue, now_ms)
    elif channel.session.open_vhost.queues.is_leaving(name):
        return _declaring(channel, method, name, now_ms)
    else:
        queue = _create(channel, method, name, now_ms)
    return _declared(channel, method, queue)


def _declaring(
    channel: Channel, method: commands.Queue.Declare, name: str, now_ms: int
) -> Steps[Method | None]:
    """Declare once the earlier queue of this name is gone."""
    yield from channel.session.open_vhost.queues.finishing(name)
    return _declared(channel, method, _create(channel, method, name, now_ms))


def _declared(channel: Channel, method: commands.Queue.Declare, queue: Queue) -> Method | None:
    return declared(
        channel, method, queue.name, queue.engine.ready_count, queue.engine.consumer_count
    )


def declared_elsewhere(
    channel: Channel, method: commands.Queue.Declare, queue: Queue, now_ms: int
) -> WaitingSteps[Method | None]:
    """Return the answer to a declare of a queue that may be led on another node.

    Raises:
        NotFoundError: its leader does not answer (404).
    """
    counts = yield from counting(queue, now_ms)
    return declared(channel, method, queue.name, counts.ready_count, counts.consumer_count)


def declared(
    channel: Channel,
    method: commands.Queue.Declare,
    name: str,
    ready_count: int,
    consumer_count: int,
) -> Method | None:
    """Return the answer to a declare, if the client wants one."""
    channel.last_queue_name = name
    return None if method.nowait else _declare_ok(name, ready_count, consumer_count)


def bind(channel: Channel, method: commands.Queue.Bind, _now_ms: int) -> Method | None:
    """Bind a queue to an exchange.

    Raises:
        NotFoundError: one of them does not exist (404).
        ResourceLockedError: the queue belongs to another connection (405).
        AccessRefusedError: no right, the default exchange, or a direct reply-to name (403).
        PreconditionFailedError: the exchange's type refuses key or arguments (406).
    """
    ends = ends_of(channel, method)
    vhost = channel.session.open_vhost
    if vhost.exchanges.exists(ends.exchange):
        _existing(channel, ends.to.name)
    vhost.bind(ends.exchange, ends.to, ends.routing_key, arguments_of(method))
    return None if method.nowait else _BIND_OK


def unbind(channel: Channel, method: commands.Queue.Unbind, _now_ms: int) -> Steps[Method]:
    """Remove a binding; a missing binding, queue or exchange is no error.

    Raises:
        ResourceLockedError: the queue belongs to another connection (405).
        AccessRefusedError: no right, the default exchange, or a direct reply-to name (403).
    """
    ends = ends_of(channel, method)
    vhost = channel.session.open_vhost
    queue_name = ends.to.name
    binding = (ends.exchange, ends.to, ends.routing_key, arguments_of(method))
    # Only an existing binding can belong to another connection.
    if vhost.exchanges.is_bound(*binding) and not vhost.queues.is_leaving(queue_name):
        _existing(channel, queue_name)
        yield from vhost.exchanges.unbinding(*binding)
    return commands.Queue.UnbindOk()


def purge(
    channel: Channel, method: commands.Queue.Purge, now_ms: int
) -> WaitingSteps[Method | None]:
    """Drop all ready messages; if this takes long, also messages that arrive meanwhile.

    The answer waits until no restart brings one of them back, in the queue's durability class.

    Raises:
        NotFoundError: no such queue (404).
        ResourceLockedError: it belongs to another connection (405).
        AccessRefusedError: no right (403).
        BrokerError: its kind cannot be purged.
    """
    name = actual_queue_name(channel, method.queue)
    channel.session.require(Permission.READ, "queue", name)
    vhost, decisions = channel.session.open_vhost, channel.session.broker.decisions
    if decisions is not None and vhost.queues.find(name) is None:
        yield from decisions.looking_up(vhost.name, queues=(name,))
    queue = _existing(channel, name)
    queue.check_granted(Request.PURGE)
    channel.session.open_vhost.queues.refresh(queue, now_ms)
    asked = queue.asked_for_messages or queue.asked
    if asked is not None:
        count = yield from purging_elsewhere(queue, asked, now_ms)
        return None if method.nowait else commands.Queue.PurgeOk(count)
    count, safe_at = yield from purging(queue)
    if method.nowait:
        return None
    yield from promising(channel, Promise(safe_at), LostReplyError(), method.index)
    return commands.Queue.PurgeOk(count)


def delete(channel: Channel, method: commands.Queue.Delete, now_ms: int) -> Steps[Method | None]:
    """Delete a queue; one that does not exist is deleted already.

    Raises:
        PreconditionFailedError: ``if_unused`` or ``if_empty`` do not hold (406).
        NotSupportedError: a condition that the queue's kind does not have (540).
        ResourceLockedError: it belongs to another connection (405).
        AccessRefusedError: no right (403).
    """
    name = actual_queue_name(channel, method.queue)
    channel.session.require(Permission.CONFIGURE, "queue", name)
    queues = channel.session.open_vhost.queues
    count = yield from queues.deleting(
        name, channel.session, now_ms, if_unused=method.if_unused, if_empty=method.if_empty
    )
    return None if method.nowait else commands.Queue.DeleteOk(count)


def actual_queue_name(channel: Channel, name: str) -> str:
    """Return the queue of a method; an empty name is the last one declared on the channel.

    Raises:
        NotFoundError: the name is empty, and no queue was declared (404).
    """
    if name:
        return strip_line_ends(name)
    if channel.last_queue_name is None:
        raise NotFoundError("no previously declared queue")
    return channel.last_queue_name


def _create(channel: Channel, method: commands.Queue.Declare, name: str, now_ms: int) -> Queue:
    name, properties = asked_queue(channel, method, name)
    session = channel.session
    return session.open_vhost.queues.declare(
        name, properties, session, now_ms, may_be_reserved=not method.queue
    )


def asked_queue(
    channel: Channel, method: commands.Queue.Declare, name: str
) -> tuple[str, QueueProperties]:
    """Return name and properties of the queue that a declare asks for, after a check of rights.

    Args:
        channel: where it was asked.
        method: the declare; not a passive one.
        name: without line ends; empty asks for a fresh one.

    Raises:
        AccessRefusedError: no right (403).
        PreconditionFailedError: a type that may not be named by the server, or too many (406).
    """
    session = channel.session
    vhost = session.open_vhost
    # RabbitMQ, rabbit_channel: an exclusive queue ends with its connection and is not durable.
    durable = method.durable and not method.exclusive
    arguments = with_default_queue_type(
        arguments_of(method),
        vhost.default_queue_kind,
        durable=durable,
        exclusive=method.exclusive,
        auto_delete=method.auto_delete,
    )
    properties = QueueProperties(durable, method.exclusive, method.auto_delete, arguments)
    if not name:
        name = session.broker.generate_name(GENERATED_PREFIX)
        kind = queue_kind(name, vhost.name, arguments)
        check_server_named(name, vhost.name, kind)
    check_queue_declare(session, name, arguments)
    session.broker.check_room_for_queue(vhost, name)
    return name, properties


def _existing(channel: Channel, name: str) -> Queue:
    return channel.session.open_vhost.queues.get(name, channel.session)


class Ends(NamedTuple):
    """The ends of a binding, and its key."""

    to: Destination
    exchange: str
    routing_key: str


def ends_of(channel: Channel, method: commands.Queue.Bind | commands.Queue.Unbind) -> Ends:
    """Return the ends of a binding, after a check that the user may make it."""
    session = channel.session
    name = actual_queue_name(channel, method.queue)
    exchange = strip_line_ends(method.exchange)
    # If queue and key are empty, the key is the name of the last queue (queue.bind, rule 04).
    routing_key = method.routing_key
    if not method.queue and not routing_key:
        routing_key = name
    to = Destination(_QUEUE, name)
    check_bind(session, exchange, to, routing_key)
    return Ends(to, exchange, routing_key)


def _declare_reply_name(
    channel: Channel, method: commands.Queue.Declare, name: str
) -> Method | None:
    """Answer whether a direct reply-to consumer still exists (RabbitMQ: a liveness test).

    The bare name always exists, because programs use it to ask whether direct replies are
    supported. Nothing is declared, so flags and arguments are ignored, and no right is needed.
    """
    is_there = name == REPLY_TO_QUEUE or channel.session.open_vhost.reply_consumers.has(name)
    if not is_there:
        raise NotFoundError(f"no {queue_text(channel.session.vhost_name, name)}")
    channel.last_queue_name = name
    return None if method.nowait else _declare_ok(name, 0, 1)


def _declare_ok(name: str, message_count: int, consumer_count: int) -> Method:
    # pamqp's constructor refuses names that RabbitMQ allows.
    reply = commands.Queue.DeclareOk.__new__(commands.Queue.DeclareOk)
    reply.queue = name
    reply.message_count = message_count
    reply.consumer_count = consumer_count
    return reply
