"""Super streams: an exchange, its partitions, and a binding from it to each, with its place.

    exchange "orders", direct, x-super-stream: true
      ── "0", x-stream-partition-order 0 ──▶ stream "orders-0"
      ── "1", x-stream-partition-order 1 ──▶ stream "orders-1"

Clients choose the partition of a message by themselves; messages do not pass the exchange.

Source: RabbitMQ, rabbit_stream_manager, super streams.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.arguments.stream_texts import stream_properties
from amqp_server.broker.broker import Broker
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.definitions.definition import BindingDefinition
from amqp_server.broker.errors import (
    BrokerError,
    NameTakenError,
    NotFoundError,
    PreconditionFailedError,
)
from amqp_server.broker.request_rights import Asker
from amqp_server.broker.steps import Steps, StepsJob, WaitingSteps
from amqp_server.broker.vhost import Vhost
from amqp_server.wire.tables import Field
from exchanges.bindings import Destination, DestinationKind
from exchanges.super_stream import ORDER, number_of

PARTITIONS_MAX: Final = 1_000
SUPER_STREAM: Final = "x-super-stream"
_RESERVED: Final = "amq."
_STEP_BINDINGS: Final = 256


class SuperStream(NamedTuple):
    """A super stream to be made.

    Attributes:
        name: of the exchange.
        partitions: names of its streams.
        keys: of the bindings to them.
        arguments: of each stream; see ``broker.arguments.stream_texts``.
    """

    name: str
    partitions: Sequence[str]
    keys: Sequence[str]
    arguments: Mapping[str, str]


def partitions_of(vhost: Vhost, name: str) -> Steps[list[str]]:
    """Return the streams that an exchange is bound to, in the order of their numbers.

    It is mostly a direct exchange, and may be one of the type ``x-super-stream``. A partition
    without a number comes first. An exchange may have any number of other bindings.

    Raises:
        NotFoundError: there is no such exchange.
    """
    if not name or not vhost.exchanges.exists(name):
        raise NotFoundError(f"no exchange '{name}' in vhost '{vhost.name}'")
    numbered = []
    for index, binding in enumerate(vhost.router.bindings.of_source(name), start=1):
        if binding.destination.kind is DestinationKind.QUEUE:
            queue = vhost.queues.find(binding.destination.name)
            if queue is not None and queue.is_stream:
                numbered.append((number_of(binding) or 0, queue.name))
        if not index % _STEP_BINDINGS:
            yield
    numbered.sort(key=itemgetter(0))
    return list(dict.fromkeys(name for _, name in numbered))


def creating(
    broker: Broker, vhost: Vhost, wanted: SuperStream, asker: Asker, owner: object, now_ms: int
) -> WaitingSteps[None]:
    """Create a super stream: all of it, or nothing; in a cluster the store decides which.

    Raises:
        UndecidedError: the store does not answer; nothing will be there.
        AccessRefusedError: the asker lacks a right.
        NameTakenError: something of it exists.
        PreconditionFailedError: its names, keys or arguments make no sense, or a limit is reached.
    """
    _check(wanted)
    yield from _check_rights(asker, wanted)
    properties = stream_properties(wanted.arguments)
    if broker.decisions is not None:
        yield from _deciding(broker, broker.decisions, vhost, wanted, properties)
        return
    taken = [vhost.queues.find(name) is not None for name in wanted.partitions]
    if vhost.exchanges.exists(wanted.name) or any(taken):
        raise NameTakenError(f"a name of the super stream '{wanted.name}' is taken")
    yield from vhost.exchanges.finishing(wanted.name)
    for name in wanted.partitions:
        yield from vhost.queues.finishing(name)
    made: list[str] = []
    try:
        vhost.exchanges.declare(wanted.name, _exchange_properties())
        for order, (name, key) in enumerate(zip(wanted.partitions, wanted.keys, strict=True)):
            broker.check_room_for_queue(vhost, name)
            vhost.queues.declare(name, properties, owner, now_ms)
            made.append(name)
            place = {ORDER: Field("l", order)}
            vhost.bind(wanted.name, Destination(DestinationKind.QUEUE, name), key, place)
            yield None
    except BrokerError:
        yield from removing(vhost, wanted.name, made, owner, now_ms)
        raise


def _deciding(
    broker: Broker,
    decisions: Decisions,
    vhost: Vhost,
    wanted: SuperStream,
    properties: QueueProperties,
) -> WaitingSteps[None]:
    bindings = []
    for order, (name, key) in enumerate(zip(wanted.partitions, wanted.keys, strict=True)):
        queue = vhost.queues.find(name)
        if queue is not None and not queue.stored_id:
            # An exclusive one, which the store does not know of.
            raise NameTakenError(f"a name of the super stream '{wanted.name}' is taken")
        broker.check_room_for_queue(vhost, name, order)
        place = {ORDER: Field("l", order)}
        bindings.append(BindingDefinition(wanted.name, vhost.name, name, "queue", key, place))
        yield None
    turn = broker.turn
    yield from decisions.creating_super_stream(
        _exchange_properties(),
        bindings,
        properties,
        lambda steps: turn.later(StepsJob(steps, turn)),
    )


def removing(
    vhost: Vhost, name: str, partitions: Sequence[str], owner: object, now_ms: int
) -> Steps[None]:
    """Remove an exchange, and streams that it leads to."""
    for partition in partitions:
        yield from vhost.queues.deleting(partition, owner, now_ms, if_unused=False, if_empty=False)
    yield from vhost.exchanges.deleting(name, if_unused=False)


def _check(wanted: SuperStream) -> None:
    names = [wanted.name, *wanted.partitions]
    is_right = (
        0 < len(wanted.partitions) <= PARTITIONS_MAX
        and len(wanted.partitions) == len(wanted.keys)
        and len(set(wanted.partitions)) == len(wanted.partitions)
        and len(set(wanted.keys)) == len(wanted.keys)
        and all(name and not name.startswith(_RESERVED) for name in names)
    )
    if not is_right:
        raise PreconditionFailedError("a super stream has different partitions, and a key for each")


def _check_rights(asker: Asker, wanted: SuperStream) -> Steps[None]:
    asker.require(Permission.CONFIGURE, "exchange", wanted.name)
    asker.require(Permission.READ, "exchange", wanted.name)
    for name in wanted.partitions:
        asker.require(Permission.CONFIGURE, "queue", name)
        asker.require(Permission.WRITE, "queue", name)
        yield


def _exchange_properties() -> ExchangeProperties:
    return ExchangeProperties(
        "direct",
        durable=True,
        auto_delete=False,
        internal=False,
        arguments={SUPER_STREAM: Field("t", value=True)},
    )
