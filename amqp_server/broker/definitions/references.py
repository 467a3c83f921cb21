"""Whether what a document refers to is there: in the broker, or earlier in the document.

What refers to nothing is left out with a line; what is there in every vhost (the default exchange,
its bindings, the ``amq.`` exchanges) is nothing to do. What remains can be applied from the
first to the last without a surprise.

Source: RabbitMQ, definitions import: an entity that exists stays as it is.
"""

from dataclasses import replace
from typing import Final

from amqp_server.broker.access.users import TopicPermissions, User, VhostPermissions
from amqp_server.broker.arguments.declare import validate_queue, with_default_queue_type
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    Document,
    ExchangeDefinition,
    GlobalParameterDefinition,
    QueueDefinition,
    VhostDefinition,
)
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.limits import check_node_vhost
from amqp_server.broker.names import (
    DEFAULT_EXCHANGE,
    PREDECLARED,
    RESERVED_PREFIX,
    exchange_text,
    queue_text,
)
from amqp_server.wire.tables import matched_table
from exchanges.errors import ExchangeError
from exchanges.kinds import make_kind
from queues.options import QueueKind

_PREDECLARED_TYPES: Final = {name: kind for name, kind, _ in PREDECLARED}
_ALREADY_THERE: Final = ""
"""Why something is passed over without a line."""


def with_references(document: Document, broker: BrokerTarget) -> Document:
    """Return what of a document can be applied to a broker; nothing is changed."""
    place = _Place(broker)
    placed = []
    left_out = list(document.left_out)
    for item in document.placed:
        try:
            missing = place.missing(item.definition)
        except (BrokerError, ExchangeError) as error:
            missing = f": {error}"
        if missing is None:
            placed.append(item)
        elif missing != _ALREADY_THERE:
            left_out.append(f"{item.path}{missing}")
    return replace(document, placed=tuple(placed), left_out=tuple(left_out))


class _Place:
    """What is in a broker once what was asked about so far has been applied."""

    def __init__(self, broker: BrokerTarget) -> None:
        self._broker = broker
        self._users = {user.name for user in broker.users.list()}
        self._vhosts = {vhost.name: vhost for vhost in broker.vhosts()}
        self._default_kinds: dict[str, QueueKind | None] = {
            name: vhost.default_queue_kind for name, vhost in self._vhosts.items()
        }
        self._exchange_types: dict[tuple[str, str], str] = {}
        self._queues: set[tuple[str, str]] = set()

    def missing(self, definition: Definition) -> str | None:
        """Return what to write behind the path of a definition that cannot be; None if it can.

        Raises:
            BrokerError, ExchangeError: it cannot be, for this reason.
        """
        match definition:
            case User(name):
                self._users.add(name)
                return None
            case GlobalParameterDefinition():
                return None
            case VhostDefinition(name, default_queue_type=kind):
                if name not in self._default_kinds:
                    limit = self._broker.settings.vhosts_max
                    check_node_vhost(limit, name, len(self._default_kinds))
                node_kind = QueueKind(self._broker.settings.default_queue_type)
                held = self._default_kinds.get(name, node_kind)
                self._default_kinds[name] = held if kind is None else kind
                return None
            case _:
                return self._missing_in_vhost(definition)

    def _missing_in_vhost(self, definition: Definition) -> str | None:
        assert not isinstance(definition, User | VhostDefinition | GlobalParameterDefinition)
        if isinstance(definition, VhostPermissions | TopicPermissions) and (
            definition.user not in self._users
        ):
            return f".user: no such user '{definition.user}'"
        if definition.vhost not in self._default_kinds:
            return f".vhost: no such vhost '{definition.vhost}'"
        match definition:
            case ExchangeDefinition():
                return self._missing_of_exchange(definition)
            case QueueDefinition():
                self._check_queue(definition)
            case BindingDefinition():
                return self._missing_of_binding(definition)
            case _:
                pass
        return None

    def _missing_of_exchange(self, exchange: ExchangeDefinition) -> str | None:
        if self._exchange_type(exchange.vhost, exchange.name) is not None:
            return _ALREADY_THERE
        if exchange.name.startswith(RESERVED_PREFIX):
            return f".name: '{exchange.name}' has the reserved prefix '{RESERVED_PREFIX}'"
        self._exchange_types[exchange.vhost, exchange.name] = exchange.exchange_type
        return None

    def _check_queue(self, queue: QueueDefinition) -> None:
        arguments = with_default_queue_type(
            queue.arguments,
            self._default_kinds[queue.vhost],
            durable=queue.durable,
            exclusive=False,
            auto_delete=queue.auto_delete,
        )
        if not self._has_queue(queue.vhost, queue.name):
            validate_queue(
                queue.name,
                queue.vhost,
                arguments,
                durable=queue.durable,
                exclusive=False,
                auto_delete=queue.auto_delete,
            )
        self._queues.add((queue.vhost, queue.name))

    def _missing_of_binding(self, binding: BindingDefinition) -> str | None:
        vhost, name = binding.vhost, binding.destination
        kind = self._exchange_type(vhost, binding.source)
        if kind is None:
            return f": no {exchange_text(vhost, binding.source)}"
        if binding.destination_type == "queue" and not self._has_queue(vhost, name):
            return f": no {queue_text(vhost, name)}"
        if binding.destination_type == "exchange" and self._exchange_type(vhost, name) is None:
            return f": no {exchange_text(vhost, name)}"
        if DEFAULT_EXCHANGE in {binding.source, name}:
            by_name = binding.destination_type == "queue" and binding.routing_key == name
            return _ALREADY_THERE if by_name else ": the default exchange binds by name alone"
        make_kind(kind).validate(binding.routing_key, matched_table(binding.arguments))
        return None

    def _exchange_type(self, vhost: str, name: str) -> str | None:
        """Return the type of an exchange that is or will be there; None if none will."""
        if name == DEFAULT_EXCHANGE:
            return "direct"
        held = self._vhosts.get(vhost)
        if held is not None and held.exchanges.exists(name):
            return held.exchanges.get(name).type
        return self._exchange_types.get((vhost, name)) or _PREDECLARED_TYPES.get(name)

    def _has_queue(self, vhost: str, name: str) -> bool:
        held = self._vhosts.get(vhost)
        is_there = held is not None and held.queues.find(name) is not None
        return is_there or (vhost, name) in self._queues
