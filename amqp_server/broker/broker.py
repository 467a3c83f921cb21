"""The broker of one node: vhosts, users, alarms, the turn, and the connections to be told."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from amqp_server.broker.alarms import Alarms
from amqp_server.broker.commits import Commits, NothingToCommit
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.limits import check_node_vhost
from amqp_server.broker.names import generated_name
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.turn import Turn
from amqp_server.broker.users import Users
from amqp_server.broker.vhost import Vhost
from queues.options import QueueKind

SHUTDOWN_REASON: Final = "broker forced connection closure with reason 'shutdown'"


class OpenConnection(Protocol):
    """A connection, as the broker knows it."""

    @property
    def vhost_name(self) -> str:
        """The vhost it opened."""

    @property
    def username(self) -> str:
        """Who logged in."""

    @property
    def channels_open(self) -> int:
        """How many channels it has."""

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Close it with 320 CONNECTION_FORCED and this reason."""


class Broker:
    """One node's state; sans-IO.

    Attributes:
        settings: the broker section.
        users: accounts and permissions.
        alarms: what runs low.
        turn: what is left to do before a turn ends.
        commits: says when what was written is safe.
        end_turn, next_deadline_ms, tick: the turn's, for the loop.
        parameters, global_parameters: of components this version does not have: kept and shown;
            by (vhost, component, name), and by name.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        users: Users,
        turn: Turn,
        random_bytes: Callable[[int], bytes],
        epoch_offset_ms: int = 0,
        commits: Commits | None = None,
    ) -> None:
        """Make a broker without vhosts.

        Args:
            settings: the broker section.
            users: accounts, to be filled by whoever loads definitions.
            turn: this loop's.
            random_bytes: unpredictable bytes, for generated names.
            epoch_offset_ms: what to add to ``now_ms`` to get ms since 1970.
            commits: says when what was written is safe; None where nothing is.
        """
        self.settings = settings
        self.users = users
        self.alarms = Alarms()
        self.turn = turn
        self.commits: Commits = NothingToCommit() if commits is None else commits
        self.end_turn = turn.end
        self.next_deadline_ms = turn.next_deadline_ms
        self.tick = turn.tick
        self.parameters: dict[tuple[str, str, str], object] = {}
        self.global_parameters: dict[str, object] = {}
        self._random_bytes = random_bytes
        self._epoch_offset_ms = epoch_offset_ms
        self._vhosts: dict[str, Vhost] = {}
        self._connections: dict[OpenConnection, tuple[str, str]] = {}
        self._connections_count: dict[tuple[str | None, str | None], int] = {}

    # ── vhosts ──

    def add_vhost(self, name: str) -> Vhost:
        """Create a vhost, or return the one of that name.

        Raises:
            PreconditionFailedError: the node has as many vhosts as it may.
        """
        vhost = self._vhosts.get(name)
        if vhost is None:
            check_node_vhost(self.settings.vhosts_max, name, len(self._vhosts))
            timeout_ms = self.settings.consumer_timeout_ms or None
            vhost = self._vhosts[name] = Vhost(name, self.turn, self.wall_s, timeout_ms)
            kind = QueueKind(self.settings.default_queue_type)
            vhost.default_queue_kind = None if kind is QueueKind.CLASSIC else kind
        return vhost

    def vhost(self, name: str) -> Vhost:
        """Return a vhost.

        Raises:
            NotFoundError: there is none of this name.
        """
        vhost = self._vhosts.get(name)
        if vhost is None:
            raise NotFoundError(f"vhost {name} not found")
        return vhost

    def vhosts(self) -> Iterator[Vhost]:
        """Return all vhosts."""
        return iter(tuple(self._vhosts.values()))

    def delete_vhost(self, name: str, now_ms: int) -> None:
        """Delete a vhost with all in it; its connections are closed.

        Raises:
            NotFoundError: there is none of this name.
        """
        vhost = self.vhost(name)
        del self._vhosts[name]
        for connection in self.connections():
            if connection.vhost_name == name:
                connection.shut_down(f"vhost '{name}' is deleted", now_ms)
        for queue in vhost.queues:
            vhost.queues.remove(queue)
        self.users.forget_vhost(name)
        for key in [key for key in self.parameters if key[0] == name]:
            del self.parameters[key]

    def delete_user(self, name: str, now_ms: int) -> bool:
        """Delete a user; its connections are closed. Return whether there was one."""
        found = self.users.delete(name)
        for connection in self.connections():
            if connection.username == name:
                connection.shut_down(f"user '{name}' is deleted", now_ms)
        return found

    # ── connections ──

    def connection_opened(self, connection: OpenConnection) -> None:
        """Count a connection that opened its vhost."""
        if connection not in self._connections:
            held_by = (connection.username, connection.vhost_name)
            self._connections[connection] = held_by
            self._count_connection(*held_by, 1)

    def connection_closed(self, connection: OpenConnection) -> None:
        """Count it no more; doing so twice is doing it once."""
        held_by = self._connections.pop(connection, None)
        if held_by is not None:
            self._count_connection(*held_by, -1)

    def _count_connection(self, username: str, vhost: str, change: int) -> None:
        """Keep every number that ``count_connections`` gives; one that is 0 is not kept."""
        counts = self._connections_count
        for key in ((None, None), (username, None), (None, vhost), (username, vhost)):
            count = counts.get(key, 0) + change
            if count:
                counts[key] = count
            else:
                del counts[key]

    def connections(self) -> Iterator[OpenConnection]:
        """Return all open connections."""
        return iter(tuple(self._connections))

    def count_connections(self, *, username: str | None = None, vhost: str | None = None) -> int:
        """Return how many connections are open, of one user or to one vhost (None is any)."""
        return self._connections_count.get((username, vhost), 0)

    def count_channels(self, username: str) -> int:
        """Return how many channels a user has open, over all connections."""
        found = (held for held in self._connections if held.username == username)
        return sum(connection.channels_open for connection in found)

    def count_queues(self) -> int:
        """Return how many queues there are in all vhosts."""
        return sum(len(vhost.queues) for vhost in self._vhosts.values())

    def shut_down(self, now_ms: int) -> None:
        """Ask every connection to close; no publish is lost that was confirmed."""
        for connection in self.connections():
            connection.shut_down(SHUTDOWN_REASON, now_ms)

    # ── small services ──

    def wall_s(self, now_ms: int) -> int:
        """Return the time of day, in seconds since 1970."""
        return (now_ms + self._epoch_offset_ms) // 1000

    def generate_name(self, prefix: str) -> str:
        """Return a fresh name such as ``amq.gen-`` and 22 characters."""
        return generated_name(prefix, self._random_bytes)
