"""The rights that requests on queues, exchanges and bindings need, whoever makes them.

Source: RabbitMQ, access-control and rabbit_channel: which right, and in which order.
"""

from typing import Final, Protocol

from amqp_server.broker.access.rights import Permission, ResourceKind
from amqp_server.broker.access.users import Users
from amqp_server.broker.arguments.rules import ALTERNATE_EXCHANGE
from amqp_server.broker.errors import AccessRefusedError
from amqp_server.broker.names import REPLY_TO_QUEUE, check_not_default_exchange
from amqp_server.broker.vhost import Vhost
from amqp_server.wire.tables import Table, plain
from exchanges.bindings import Destination, DestinationKind

_DEAD_LETTER_EXCHANGE: Final = "x-dead-letter-exchange"

# A member of an enum costs a search at each declare and each bind.
_CONFIGURE: Final = Permission.CONFIGURE
_READ: Final = Permission.READ
_WRITE: Final = Permission.WRITE
_EXCHANGE: Final = DestinationKind.EXCHANGE


class Asker(Protocol):
    """Who makes a request in a vhost; a session is one."""

    def require(self, permission: Permission, kind: ResourceKind, name: str) -> None:
        """Check that the asker may do this.

        Raises:
            AccessRefusedError: the asker may not (403).
        """

    def require_topic(self, permission: Permission, exchange: str, routing_key: str) -> None:
        """Check that the asker may use this routing key, if the exchange is a topic exchange.

        Raises:
            AccessRefusedError: the asker may not (403).
        """


class VhostUser:
    """An ``Asker``: a user in a vhost."""

    def __init__(self, users: Users, username: str, vhost: Vhost) -> None:
        self._users = users
        self._username = username
        self._vhost = vhost

    def require(self, permission: Permission, kind: ResourceKind, name: str) -> None:
        """Check that the user may do this; see the port."""
        self._users.require(self._username, self._vhost.name, permission, kind, name)

    def require_topic(self, permission: Permission, exchange: str, routing_key: str) -> None:
        """Check that the user may use this routing key; see the port."""
        users, username, vhost = self._users, self._username, self._vhost
        if not users.restricts_topics(username, vhost.name):
            return
        found = vhost.router.exchanges.get(exchange)
        if found is not None and found.type == "topic":
            users.require_topic(username, vhost.name, permission, exchange, routing_key)


class _Operator:
    """An ``Asker`` who may do everything."""

    def require(self, permission: Permission, kind: ResourceKind, name: str) -> None:
        """Allow it."""

    def require_topic(self, permission: Permission, exchange: str, routing_key: str) -> None:
        """Allow it."""


OPERATOR: Final[Asker] = _Operator()
"""Who stands above all rights."""


def asker_of(users: Users, username: str | None, vhost: Vhost) -> Asker:
    """Return who makes the request of a command: a user in a vhost; None is the operator."""
    return OPERATOR if username is None else VhostUser(users, username, vhost)


def check_queue_declare(asker: Asker, name: str, arguments: Table) -> None:
    """Check the rights to declare a queue: dead-lettering reads from it and writes to an exchange.

    Raises:
        AccessRefusedError: one is missing (403).
    """
    asker.require(_CONFIGURE, "queue", name)
    field = arguments.get(_DEAD_LETTER_EXCHANGE)
    if field is not None and field.kind == "S":
        asker.require(_READ, "queue", name)
        asker.require(_WRITE, "exchange", str(plain(field)))


def check_exchange_declare(asker: Asker, name: str, arguments: Table) -> None:
    """Check the rights to declare an exchange; an alternate exchange is written to.

    Raises:
        AccessRefusedError: one is missing (403).
    """
    asker.require(_CONFIGURE, "exchange", name)
    alternate = arguments.get(ALTERNATE_EXCHANGE)
    if alternate is not None and alternate.kind == "S":
        asker.require(_READ, "exchange", name)
        asker.require(_WRITE, "exchange", str(plain(alternate)))


def check_bind(asker: Asker, source: str, to: Destination, routing_key: str) -> None:
    """Check the rights to bind, or to unbind, and that the ends may be bound at all.

    Raises:
        AccessRefusedError: a right is missing, or an end is the default exchange or a direct
            reply-to name (403).
    """
    kind: ResourceKind = "queue"
    if to.kind is _EXCHANGE:
        kind = "exchange"
        check_not_default_exchange(to.name)
    check_not_default_exchange(source)
    if kind == "queue" and to.name.startswith(REPLY_TO_QUEUE):
        text = "cannot bind or unbind to a volatile (direct reply-to) queue"
        raise AccessRefusedError(text)
    asker.require(_WRITE, kind, to.name)
    asker.require(_READ, "exchange", source)
    asker.require_topic(_READ, source, routing_key)
