"""What a message of the event exchange says: routing keys and headers, for each kind of event.

The names are RabbitMQ's. Where RabbitMQ writes a term of Erlang as a text (arguments, addresses),
the value is a table or the plain text. The user who caused an event is added by who asks.

Source: RabbitMQ 3.10, rabbitmq_event_exchange, asked with every event.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol, TypeAlias, cast

from amqp_server.broker.access.rights import TopicPermissions, User, VhostPermissions
from amqp_server.broker.access.users import Users
from amqp_server.broker.broker import Broker
from amqp_server.broker.counts import ConnectionView
from amqp_server.broker.definitions.definition import (
    Definition,
    GlobalParameterDefinition,
    OperatorPolicyDefinition,
    ParameterDefinition,
    PolicyDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.definitions.item import DefinitionsError, typed_table
from amqp_server.broker.events import Event, EventKind
from amqp_server.broker.hidden_uris import with_hidden_uris
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.queue import Consumer
from amqp_server.wire.tables import Field, Table
from exchanges.bindings import Binding

Announced: TypeAlias = tuple[str, dict[str, Field]]
"""A routing key, and headers."""

ACTOR: Final = "user_who_performed_action"

NOBODYS: Final = frozenset(
    (
        EventKind.ALARM_CLEARED,
        EventKind.ALARM_SET,
        EventKind.CONNECTION_CLOSED,
        EventKind.LOGIN_ACCEPTED,
        EventKind.LOGIN_REFUSED,
    )
)
"""What nobody did, or what names its user otherwise."""


def announced(event: Event, broker: Broker) -> Iterator[Announced]:
    """Yield what an event is announced as, mostly one message; called as it happens."""
    make = _MAKERS.get(event.kind)
    if make is not None:
        yield event.kind.value, make(event, broker)
    elif event.kind is EventKind.DEFINITION_SAVED:
        yield from _saved(event.definition, broker.users)
    elif event.kind is EventKind.DEFINITION_FORGOTTEN:
        yield from _forgotten(event.definition)


# ── queues, exchanges, bindings, consumers ──


def _named(event: Event, _broker: Broker) -> dict[str, Field]:
    return {"name": _text(event.name), "vhost": _text(event.vhost)}


def _queue(event: Event, broker: Broker) -> dict[str, Field]:
    headers = _named(event, broker)
    queue = broker.vhost(event.vhost).queues.look_at(event.name)
    if queue is not None:
        properties = queue.properties
        headers |= {
            "durable": _truth(properties.durable),
            "auto_delete": _truth(properties.auto_delete),
            "exclusive": _truth(queue.owner is not None),
            "arguments": _table(properties.arguments),
        }
    return headers


def _exchange(event: Event, broker: Broker) -> dict[str, Field]:
    properties = broker.vhost(event.vhost).exchanges.properties_of(event.name)
    return _named(event, broker) | {
        "type": _text(properties.exchange_type),
        "durable": _truth(properties.durable),
        "auto_delete": _truth(properties.auto_delete),
        "internal": _truth(properties.internal),
        "arguments": _table(properties.arguments),
    }


def _binding(event: Event, _broker: Broker) -> dict[str, Field]:
    binding = cast("Binding", event.subject)
    return {
        "source_name": _text(binding.source),
        "source_kind": _text("exchange"),
        "destination_name": _text(binding.destination.name),
        "destination_kind": _text(binding.destination.kind.value),
        "routing_key": _text(binding.routing_key),
        "vhost": _text(event.vhost),
    }


def _consumer(event: Event, _broker: Broker) -> dict[str, Field]:
    consumer = cast("Consumer", event.subject)
    connection, channel, user = consumer.actor
    headers = {
        "consumer_tag": _text(consumer.consumer_tag),
        "queue": _text(event.name),
        "vhost": _text(event.vhost),
        "channel": _text(f"{connection} ({channel})"),
        ACTOR: _text(user),
    }
    if event.kind is EventKind.CONSUMER_CREATED:
        headers["ack_required"] = _truth(not consumer.no_ack)
    return headers


# ── connections, channels, logins ──


class _Session(Protocol):
    """The session of a connection, as events see it; ``connections.session`` has it."""

    claimed_username: str

    @property
    def connection_name(self) -> str:
        """The name of the connection."""

    @property
    def username(self) -> str:
        """The user who logged in; empty before."""

    def view(self) -> ConnectionView:
        """Return the state of the connection."""


def _connection_opened(event: Event, broker: Broker) -> dict[str, Field]:
    view = cast("_Session", event.subject).view()
    return {
        "name": _text(view.name),
        "pid": _text(view.name),
        "node": _text(broker.settings.node_name),
        "vhost": _text(view.vhost),
        "user": _text(view.username),
        ACTOR: _text(view.username),
        "protocol": _text(view.protocol),
        "auth_mechanism": _text(view.auth_mechanism),
        "type": _text("network"),
        "ssl": _truth(bool(view.tls_version)),
        **_ends(view),
        "timeout": Field("I", view.heartbeat_s),
        "frame_max": Field("I", view.frame_max_bytes),
        "channel_max": Field("I", view.channel_max),
        "connected_at": Field("l", broker.wall_ms(broker.turn.now_ms)),
        "client_properties": _table_of(view.client_properties),
    }


def _connection_closed(event: Event, broker: Broker) -> dict[str, Field]:
    name = _text(cast("_Session", event.subject).connection_name)
    return {"name": name, "pid": name, "node": _text(broker.settings.node_name)}


def _ends(view: ConnectionView) -> dict[str, Field]:
    return {
        "host": _text(view.host),
        "port": Field("I", view.port),
        "peer_host": _text(view.peer_host),
        "peer_port": Field("I", view.peer_port),
    }


def _channel(event: Event, _broker: Broker) -> dict[str, Field]:
    session, number = cast("tuple[_Session, int]", event.subject)
    name = _text(f"{session.connection_name} ({number})")
    user = _text(session.username)
    headers = {"pid": name, "name": name, ACTOR: user}
    if event.kind is EventKind.CHANNEL_CREATED:
        headers |= {
            "connection": _text(session.connection_name),
            "number": Field("I", number),
            "user": user,
            "vhost": _text(event.vhost),
        }
    return headers


def _login(event: Event, _broker: Broker) -> dict[str, Field]:
    session = cast("_Session", event.subject)
    view = session.view()
    return {
        "name": _text(session.claimed_username),
        "connection_name": _text(session.connection_name),
        "connection_type": _text("network"),
        "protocol": _text(view.protocol),
        "auth_mechanism": _text(event.name),
        "ssl": _truth(bool(view.tls_version)),
        **_ends(view),
    }


# ── the node ──


def _vhost(event: Event, _broker: Broker) -> dict[str, Field]:
    return {"name": _text(event.name)}


def _alarm(event: Event, broker: Broker) -> dict[str, Field]:
    return {"resource": _text(event.name), "node": _text(broker.settings.node_name)}


_MAKERS: Final[Mapping[EventKind, Callable[[Event, Broker], dict[str, Field]]]] = {
    EventKind.QUEUE_CREATED: _queue,
    EventKind.QUEUE_DELETED: _named,
    EventKind.EXCHANGE_CREATED: _exchange,
    EventKind.EXCHANGE_DELETED: _named,
    EventKind.BINDING_CREATED: _binding,
    EventKind.BINDING_DELETED: _binding,
    EventKind.CONSUMER_CREATED: _consumer,
    EventKind.CONSUMER_DELETED: _consumer,
    EventKind.CONNECTION_CREATED: _connection_opened,
    EventKind.CONNECTION_CLOSED: _connection_closed,
    EventKind.CHANNEL_CREATED: _channel,
    EventKind.CHANNEL_CLOSED: _channel,
    EventKind.LOGIN_ACCEPTED: _login,
    EventKind.LOGIN_REFUSED: _login,
    EventKind.VHOST_CREATED: _vhost,
    EventKind.VHOST_DELETED: _vhost,
    EventKind.ALARM_SET: _alarm,
    EventKind.ALARM_CLEARED: _alarm,
}


# ── definitions ──


def _saved(definition: Definition, users: Users) -> Iterator[Announced]:
    """Yield what a definition that is about to hold is announced as."""
    if isinstance(definition, User):
        yield from _user_saved(definition, users.get(definition.name))
    elif isinstance(definition, VhostPermissions):
        granted = {key: _text(getattr(definition, key)) for key in ("configure", "write", "read")}
        yield "permission.created", _of_user(definition) | granted
    elif isinstance(definition, TopicPermissions):
        granted = {key: _text(getattr(definition, key)) for key in ("exchange", "write", "read")}
        yield "topic.permission.created", _of_user(definition) | granted
    elif isinstance(definition, PolicyDefinition):
        yield "policy.set", _of_policy(definition.vhost, definition.policy)
    elif isinstance(definition, OperatorPolicyDefinition):
        # RabbitMQ, too, tells of both by one name, and of the end by another.
        yield "policy.set", _of_policy(definition.vhost, definition.policy)
    elif isinstance(definition, VhostLimitsDefinition):
        limits = {key: Field("l", number) for key, number in definition.limits.items()}
        named = {"name": _text("limits"), "vhost": _text(definition.vhost)}
        yield "parameter.set", _of_limits(definition) | {"value": Field("F", limits)}
        yield "vhost.limits.set", named | limits
    elif isinstance(definition, ParameterDefinition | GlobalParameterDefinition):
        value = _table_of({"value": with_hidden_uris(definition.value)}).value
        yield "parameter.set", _of_parameter(definition) | cast("dict[str, Field]", value)


def _forgotten(definition: Definition) -> Iterator[Announced]:
    """Yield what a definition that holds no more is announced as."""
    if isinstance(definition, User):
        yield "user.deleted", {"name": _text(definition.name)}
    elif isinstance(definition, VhostPermissions):
        yield "permission.deleted", _of_user(definition)
    elif isinstance(definition, TopicPermissions):
        headers = _of_user(definition) | {"exchange": _text(definition.exchange)}
        yield "topic.permission.deleted", headers
    elif isinstance(definition, PolicyDefinition | OperatorPolicyDefinition):
        is_plain = isinstance(definition, PolicyDefinition)
        key = "policy.cleared" if is_plain else "operator.policy.cleared"
        yield key, {"name": _text(definition.policy.name), "vhost": _text(definition.vhost)}
    elif isinstance(definition, VhostLimitsDefinition):
        yield "parameter.cleared", _of_limits(definition)
        yield (
            "vhost.limits.cleared",
            {"name": _text("limits"), "vhost": _text(definition.vhost)},
        )
    elif isinstance(definition, ParameterDefinition | GlobalParameterDefinition):
        yield "parameter.cleared", _of_parameter(definition)


def _user_saved(user: User, before: User | None) -> Iterator[Announced]:
    name = {"name": _text(user.name)}
    if before is None:
        yield "user.created", name
    elif before.password_hash != user.password_hash:
        key = "changed" if user.password_hash else "cleared"
        yield f"user.password.{key}", name
    if before is None or before.tags != user.tags:
        tags = Field("A", [_text(tag) for tag in user.tags])
        yield "user.tags.set", name | {"tags": tags}
    limits_before = {} if before is None else before.limits
    if limits_before != user.limits:
        about = {"name": _text("limits"), "username": _text(user.name)}
        if user.limits:
            limits = {key: Field("l", number) for key, number in user.limits.items()}
            yield "user.limits.set", about | limits
        else:
            yield "user.limits.cleared", about


def _of_user(held: VhostPermissions | TopicPermissions) -> dict[str, Field]:
    return {"user": _text(held.user), "vhost": _text(held.vhost)}


def _of_policy(vhost: str, policy: Policy) -> dict[str, Field]:
    return {
        "name": _text(policy.name),
        "vhost": _text(vhost),
        "pattern": _text(policy.pattern),
        "apply-to": _text(policy.apply_to),
        "priority": Field("l", policy.priority),
        "definition": _table_of(policy.definition),
    }


def _of_limits(held: VhostLimitsDefinition) -> dict[str, Field]:
    component = _text("vhost-limits")
    return {"name": _text("limits"), "component": component, "vhost": _text(held.vhost)}


def _of_parameter(held: ParameterDefinition | GlobalParameterDefinition) -> dict[str, Field]:
    if isinstance(held, GlobalParameterDefinition):
        return {"name": _text(held.name), "component": _text("global")}
    return {
        "name": _text(held.name),
        "component": _text(held.component),
        "vhost": _text(held.vhost),
    }


# ── values ──


def _text(text: str) -> Field:
    return Field("S", text.encode("utf-8", "surrogateescape"))


def _truth(truth: object) -> Field:
    return Field("t", bool(truth))


def _table(table: Table) -> Field:
    return Field("F", dict(table))


def _table_of(value: Mapping[str, object]) -> Field:
    """Return plain values as a table; nothing of them where a table cannot hold them."""
    try:
        return Field("F", dict(typed_table(value, "")))
    except DefinitionsError:
        return Field("F", {})
