"""The content of a broker after a part of a document, to look up references."""

from typing import Final

from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.limits import check_node_vhost
from amqp_server.broker.names import DEFAULT_EXCHANGE, PREDECLARED
from queues.kinds import KINDS, QueueKind

ALREADY_THERE: Final = ""
"""Why something is passed over without a line."""

_PREDECLARED_TYPES: Final = {name: kind for name, kind, _ in PREDECLARED}


class Place:
    """The content of a broker after the items asked about so far have been applied.

    Args:
        broker: where to; it is not changed.
    """

    def __init__(self, broker: BrokerTarget) -> None:
        self._settings = broker.settings
        self._users = {user.name for user in broker.users.list()}
        self._vhosts = {vhost.name: vhost for vhost in broker.vhosts()}
        self._default_kinds: dict[str, QueueKind | None] = {
            name: vhost.default_queue_kind for name, vhost in self._vhosts.items()
        }
        self._exchange_types: dict[tuple[str, str], str] = {}
        self._queues: set[tuple[str, str]] = set()

    def add_user(self, name: str) -> None:
        """Have a user."""
        self._users.add(name)

    def add_vhost(self, name: str, default_kind: QueueKind | None) -> None:
        """Have a vhost; None leaves the default type of its queues as it is.

        Raises:
            PreconditionFailedError: the node has as many as it may.
        """
        if name not in self._default_kinds:
            check_node_vhost(self._settings.vhosts_max, name, len(self._default_kinds))
        node_kind = KINDS[self._settings.default_queue_type]
        held = self._default_kinds.get(name, node_kind)
        self._default_kinds[name] = held if default_kind is None else default_kind

    def add_exchange(self, vhost: str, name: str, exchange_type: str) -> None:
        """Have an exchange."""
        self._exchange_types[vhost, name] = exchange_type

    def add_queue(self, vhost: str, name: str) -> None:
        """Have a queue."""
        self._queues.add((vhost, name))

    def missing_user(self, name: str) -> str | None:
        """Say that there is no such user; None if there is."""
        return None if name in self._users else f".user: no such user '{name}'"

    def missing_vhost(self, name: str) -> str | None:
        """Say that there is no such vhost; None if there is."""
        return None if name in self._default_kinds else f".vhost: no such vhost '{name}'"

    def default_queue_kind(self, vhost: str) -> QueueKind | None:
        """Return the default type of queues in a vhost that is there."""
        return self._default_kinds[vhost]

    def exchange_type(self, vhost: str, name: str) -> str | None:
        """Return the type of an exchange that is or will be there; None if none will."""
        if name == DEFAULT_EXCHANGE:
            return "direct"
        held = self._vhosts.get(vhost)
        if held is not None and held.exchanges.exists(name):
            return held.exchanges.get(name).type
        return self._exchange_types.get((vhost, name)) or _PREDECLARED_TYPES.get(name)

    def has_queue(self, vhost: str, name: str) -> bool:
        """Whether a queue is or will be there."""
        held = self._vhosts.get(vhost)
        is_there = held is not None and held.queues.find(name) is not None
        return is_there or (vhost, name) in self._queues
