"""Super streams: an exchange, its partitions, and a binding from it to each, with its place.

    exchange "orders", direct, x-super-stream: true
      ── "0", x-stream-partition-order 0 ──▶ stream "orders-0"
      ── "1", x-stream-partition-order 1 ──▶ stream "orders-1"

Clients choose the partition of a message by themselves; messages do not pass the exchange.

Source: RabbitMQ, rabbit_stream_manager, super streams.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Final, NamedTuple

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.errors import AccessRefusedError, BrokerError
from amqp_server.broker.names import strip_line_ends
from amqp_server.broker.steps import Steps
from amqp_server.broker.vhost import Vhost
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.fields import Fields, strings
from amqp_server.stream_protocol.keys import Code
from amqp_server.stream_protocol.session import StreamSession
from amqp_server.stream_protocol.streams import stream_properties
from amqp_server.wire.tables import Field
from exchanges.bindings import Destination, DestinationKind
from exchanges.super_stream import ORDER, number_of

PARTITIONS_MAX: Final = 1_000
SUPER_STREAM: Final = "x-super-stream"
_RESERVED: Final = "amq."
_STEP_BINDINGS: Final = 256


class _Request(NamedTuple):
    name: str
    partitions: list[str]
    keys: list[str]
    arguments: Mapping[str, str]


def partitions_of(vhost: Vhost, name: str) -> Steps[list[str]]:
    """Return the streams that an exchange is bound to, in the order of their numbers.

    It is mostly a direct exchange, and may be one of the type ``x-super-stream``. A partition
    without a number comes first. An exchange may have any number of other bindings.

    Raises:
        RefusedError: there is no such exchange.
    """
    if not name or not vhost.exchanges.exists(name):
        raise RefusedError(Code.STREAM_DOES_NOT_EXIST)
    numbered = []
    for index, binding in enumerate(vhost.router.bindings.of_source(name), start=1):
        if binding.destination.kind is DestinationKind.QUEUE:
            queue = vhost.queues.find(binding.destination.name)
            if queue is not None and queue.stream is not None:
                numbered.append((number_of(binding) or 0, queue.name))
        if not index % _STEP_BINDINGS:
            yield
    numbered.sort(key=itemgetter(0))
    return list(dict.fromkeys(name for _, name in numbered))


def partitions(session: StreamSession, fields: Fields, _now_ms: int) -> Steps[bytes]:
    """Tell the partitions of a super stream, in their order; see Partitions."""
    name = fields.string()
    fields.end()
    names = yield from partitions_of(session.open_vhost, name)
    return strings(names)


def route(session: StreamSession, fields: Fields, _now_ms: int) -> Steps[bytes]:
    """Tell where the super stream's exchange leads with a routing key; see Route."""
    routing_key, name = fields.string(), fields.string()
    fields.end()
    vhost = session.open_vhost
    if not name or not vhost.exchanges.exists(name):
        raise RefusedError(Code.STREAM_DOES_NOT_EXIST)
    routing = yield from vhost.router.walk(name, (routing_key,), None)
    queues = [vhost.queues.find(queue_name) for queue_name in routing.queue_names]
    return strings([queue.name for queue in queues if queue is not None and queue.stream])


def create(session: StreamSession, fields: Fields, now_ms: int) -> Steps[bytes]:
    """Create a super stream, all of it or nothing; see CreateSuperStream."""
    wanted = yield from _request(fields)
    _check(wanted)
    yield from _check_rights(session, wanted)
    vhost = session.open_vhost
    taken = [vhost.queues.find(name) is not None for name in wanted.partitions]
    if vhost.exchanges.exists(wanted.name) or any(taken):
        raise RefusedError(Code.STREAM_ALREADY_EXISTS)
    yield from vhost.exchanges.finishing(wanted.name)
    for name in wanted.partitions:
        yield from vhost.queues.finishing(name)
    properties = stream_properties(wanted.arguments)
    made: list[str] = []
    try:
        vhost.exchanges.declare(wanted.name, _exchange_properties())
        for order, (name, key) in enumerate(zip(wanted.partitions, wanted.keys, strict=True)):
            vhost.queues.declare(name, properties, session, now_ms)
            made.append(name)
            place = {ORDER: Field("l", order)}
            vhost.bind(wanted.name, Destination(DestinationKind.QUEUE, name), key, place)
            yield
    except BrokerError as error:
        yield from _removing(session, wanted.name, made, now_ms)
        raise RefusedError(Code.PRECONDITION_FAILED) from error
    return b""


def delete(session: StreamSession, fields: Fields, now_ms: int) -> Steps[bytes]:
    """Delete a super stream with its partitions; see DeleteSuperStream."""
    name = fields.string()
    fields.end()
    _require_exchange(session, Permission.CONFIGURE, name)
    names = yield from partitions_of(session.open_vhost, name)
    for partition in names:
        session.require_stream(Permission.CONFIGURE, partition)
        yield
    yield from _removing(session, name, names, now_ms)
    return b""


def _request(fields: Fields) -> Steps[_Request]:
    name = strip_line_ends(fields.string())
    partitions = yield from fields.strings_in_steps()
    keys = yield from fields.strings_in_steps()
    arguments = yield from fields.map_in_steps()
    fields.end()
    if max(len(partitions), len(keys)) > PARTITIONS_MAX:
        raise RefusedError(Code.PRECONDITION_FAILED)
    stripped = [strip_line_ends(partition) for partition in partitions]
    return _Request(name, stripped, [strip_line_ends(key) for key in keys], arguments)


def _check(wanted: _Request) -> None:
    names = [wanted.name, *wanted.partitions]
    is_right = (
        wanted.partitions
        and len(wanted.partitions) == len(wanted.keys)
        and len(set(wanted.partitions)) == len(wanted.partitions)
        and len(set(wanted.keys)) == len(wanted.keys)
        and all(name and not name.startswith(_RESERVED) for name in names)
    )
    if not is_right:
        raise RefusedError(Code.PRECONDITION_FAILED)


def _check_rights(session: StreamSession, wanted: _Request) -> Steps[None]:
    _require_exchange(session, Permission.CONFIGURE, wanted.name)
    _require_exchange(session, Permission.READ, wanted.name)
    for name in wanted.partitions:
        session.require_stream(Permission.CONFIGURE, name)
        session.require_stream(Permission.WRITE, name)
        yield


def _require_exchange(session: StreamSession, permission: Permission, name: str) -> None:
    try:
        session.require(permission, "exchange", name)
    except AccessRefusedError as error:
        raise RefusedError(Code.ACCESS_REFUSED) from error


def _exchange_properties() -> ExchangeProperties:
    return ExchangeProperties(
        "direct",
        durable=True,
        auto_delete=False,
        internal=False,
        arguments={SUPER_STREAM: Field("t", value=True)},
    )


def _removing(session: StreamSession, name: str, names: list[str], now_ms: int) -> Steps[None]:
    vhost = session.open_vhost
    for partition in names:
        yield from vhost.queues.deleting(
            partition, session, now_ms, if_unused=False, if_empty=False
        )
    yield from vhost.exchanges.deleting(name, if_unused=False)
