"""The broker of one node: vhosts, users, alarms, the turn, and the connections to be told."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple, Protocol

from amqp_server.broker.access.login_attempts import LoginAttempts
from amqp_server.broker.access.login_delays import LoginDelays
from amqp_server.broker.access.users import Users
from amqp_server.broker.alarms import Alarms
from amqp_server.broker.backing import IN_MEMORY, Backing
from amqp_server.broker.cluster import Cluster
from amqp_server.broker.congestion import Congestion
from amqp_server.broker.counts import TrafficCounts
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.delivered import Delivered
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.events import EventKind, Events
from amqp_server.broker.federation.links import Links
from amqp_server.broker.jobs.jobs import Jobs
from amqp_server.broker.limits import check_node_queue, check_node_vhost
from amqp_server.broker.names import EVENT_EXCHANGE, generated_name, reply_token
from amqp_server.broker.node_budget import NO_NODE_LIMITS, NodeLimits, budgets_of
from amqp_server.broker.numbered import NumberedConnections, Viewable
from amqp_server.broker.plan_memory import PlanMemory
from amqp_server.broker.protocol_counts import new_protocol_counters
from amqp_server.broker.reply_consumers import UnreadReplies
from amqp_server.broker.resources import LookAtLag, LookAtResources
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.shovels.states import ShovelStates
from amqp_server.broker.steps import Steps, finish, finish_or_later
from amqp_server.broker.tally import Counted, Totals, new_totals
from amqp_server.broker.telling_journal import TellingJournal
from amqp_server.broker.turn import Turn
from amqp_server.broker.vhost import Vhost
from amqp_server.broker.waiting_memory import WaitingMemory
from amqp_server.wire.framing import MessageSizes
from queues.kinds import DEFAULT_KIND, KINDS

SHUTDOWN_REASON: Final = "broker forced connection closure with reason 'shutdown'"


class OpenConnection(Viewable, Protocol):
    """A connection, as the broker knows it."""

    @property
    def vhost_name(self) -> str:
        """The vhost it opened."""

    @property
    def username(self) -> str:
        """The user who logged in."""

    @property
    def connection_name(self) -> str:
        """RabbitMQ's name of it; two may have the same."""

    @property
    def channels_open(self) -> int:
        """How many channels it has."""

    @property
    def traffic(self) -> Counted[TrafficCounts]:
        """The counters of its traffic."""

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Close it with 320 CONNECTION_FORCED and this reason."""


class _HeldBy(NamedTuple):
    """Who opened a connection, where, and the sums that it is a part of."""

    username: str
    vhost: str
    totals: Totals


class Broker:
    """One node's state; sans-IO.

    Attributes:
        settings: the broker section.
        users: accounts and permissions.
        logins: how long wrong passwords wait for their answer.
        events: what comes and goes.
        totals: the sums of what queues, channels and connections count.
        look_at_resources: what the node has of the machine; None where nobody measures it.
        look_at_lag: how late its loop is; None where nobody measures it.
        numbered: the open connections by number, for views.
        alarms: the resources that run low.
        plans: counts the publishes that channels remember.
        delivered: counts deliveries that are not settled.
        unfinished, uncommitted: count messages half received, and what open transactions hold.
        waiting_memory: counts what clients sent behind, and with, channels that wait.
        consumer_arguments: counts the arguments of AMQP's consumers.
        unread_replies: counts direct replies that clients have not read.
        congestion: whether publishers wait until earlier publishes are worked off.
        jobs: long work of users of management.
        turn: the work that is left before a turn ends.
        end_turn, next_deadline_ms, on_deadline, woken_by: the turn's, for the loop.
        decisions: changes definitions of a cluster; None is a node by itself.
        journal: makes definitions survive; the answer to a change waits for its ``safe_at``.
        random_bytes: unpredictable octets, for names and salts.
        shovels, federation, cluster: how these are; no cluster is None.
        parameters, global_parameters: of components this version does not have: kept and shown;
            by (vhost, component, name), and by name. Changed by ``set_parameter`` and its like.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        users: Users,
        turn: Turn,
        random_bytes: Callable[[int], bytes],
        epoch_offset_ms: int = 0,
        *,
        backing: Backing = IN_MEMORY,
        limits: NodeLimits = NO_NODE_LIMITS,
    ) -> None:
        """Make a broker without vhosts.

        Args:
            settings: the broker section.
            users: accounts; loading definitions fills them.
            turn: this loop's.
            random_bytes: unpredictable bytes, for generated names and random exchanges.
            epoch_offset_ms: what to add to ``now_ms`` to get ms since 1970.
            backing: keeps definitions and messages.
            limits: of what all clients together may hold.
        """
        self.settings = settings
        self.users = users
        self.logins = LoginDelays(settings.refused_login_delay_max_ms)
        self.login_attempts = LoginAttempts()
        self.events, self.totals = Events(), new_totals()
        self.protocols = new_protocol_counters()
        self.message_sizes = MessageSizes()
        self.look_at_resources: LookAtResources | None = None
        self.look_at_lag: LookAtLag | None = None
        self.alarms = Alarms(self.events, partial(finish_or_later, turn=turn))
        self.jobs, self.congestion = Jobs(), Congestion()
        self.unread_replies = UnreadReplies()
        self.plans = PlanMemory()
        self.delivered = Delivered(turn, limits.unacked_bytes)
        self.waiting_memory = WaitingMemory(limits.waiting_bytes)
        self.unfinished, self.uncommitted, self.consumer_arguments = budgets_of(turn, limits)
        self.turn = turn
        self.journal = TellingJournal(backing.journal, self.events)
        backing = replace(backing, journal=self.journal)
        users.heard_by(self.journal)
        self._backing, self.decisions = backing, backing.decisions
        self.begin_turn = turn.budget.begin
        self.woken_by = turn.woken_by
        self.end_turn = turn.end
        self.next_deadline_ms = turn.next_deadline_ms
        self.on_deadline = turn.on_deadline
        self.parameters: dict[tuple[str, str, str], object] = {}
        self.global_parameters: dict[str, object] = {}
        self.random_bytes = random_bytes
        self._epoch_offset_ms = epoch_offset_ms
        self._vhosts: dict[str, Vhost] = {}
        self._leaving: dict[str, Steps[None]] = {}
        self._connections: dict[OpenConnection, _HeldBy] = {}
        self.numbered = NumberedConnections()
        self.shovels, self.federation = ShovelStates(), Links()
        self.cluster: Cluster | None = None
        self._connections_count: dict[tuple[str | None, str | None], int] = {}

    # ── vhosts ──

    def add_vhost(self, name: str, *, is_restored: bool = False) -> Vhost:
        """Create a vhost, or return the one of that name.

        Args:
            name: any text.
            is_restored: it existed before a restart, so a limit that was lowered since does not
                hold.

        Raises:
            PreconditionFailedError: the node has the allowed number of vhosts, or the name is too
                long.
        """
        leaving = self._leaving.get(name)
        if leaving is not None:
            finish(leaving)
        vhost = self._vhosts.get(name)
        if vhost is None:
            if not is_restored:
                check_node_vhost(self.settings.vhosts_max, name, len(self._vhosts))
            self.journal.save(VhostDefinition(name))
            vhost = self._vhosts[name] = Vhost(
                name,
                self.turn,
                self.wall_s,
                self.settings.consumer_timeout_ms or None,
                self._backing,
                congestion=self.congestion,
                events=self.events,
                totals=self.totals,
                random_bytes=self.random_bytes,
                node_name=self.settings.node_name,
                is_short=partial(getattr, self.alarms, "is_on"),
            )
            if name == self.settings.event_exchange_vhost:
                vhost.exchanges.add_predeclared(EVENT_EXCHANGE, "topic", internal=True)
            self.events.note(EventKind.VHOST_CREATED, name, name)
            kind = KINDS[self.settings.default_queue_type]
            vhost.default_queue_kind = None if kind is DEFAULT_KIND else kind
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

    def has_vhost(self, name: str) -> bool:
        """Whether there is a vhost of this name."""
        return name in self._vhosts

    def vhosts(self) -> Iterator[Vhost]:
        """Return all vhosts."""
        return iter(tuple(self._vhosts.values()))

    def deleting_vhost(self, name: str, now_ms: int) -> Steps[None]:
        """Delete a vhost with everything in it; its connections are closed.

        It is gone from the first step on, and its name can be used again after the last.

        Raises:
            NotFoundError: there is none of this name.
        """
        vhost = self.vhost(name)
        del self._vhosts[name]
        self._leaving[name] = steps = self._leaving_steps(vhost, now_ms)
        self.events.note(EventKind.VHOST_DELETED, name, name)
        for _ in steps:  # another client may go on with it in between
            yield

    def _leaving_steps(self, vhost: Vhost, now_ms: int) -> Steps[None]:
        name = vhost.name
        for connection in self.connections():
            if connection.vhost_name == name:
                connection.shut_down(f"vhost '{name}' is deleted", now_ms)
                yield
        yield from vhost.forgetting_all()
        self.users.forget_vhost(name)
        for key in [key for key in self.parameters if key[0] == name]:
            self.clear_parameter(*key)
        # This comes last. If a crash keeps a part, nothing is left without its vhost.
        self.journal.forget(vhost.definition)
        del self._leaving[name]

    def deleting_user(self, name: str, now_ms: int) -> Steps[bool]:
        """Delete a user; its connections are closed. Return whether there was one.

        From the first step on the user has no rights and cannot log in.
        """
        found = self.users.delete(name)
        for connection in self.connections():
            if connection.username == name:
                connection.shut_down(f"user '{name}' is deleted", now_ms)
                yield
        return found

    # ── parameters ──

    def set_parameter(self, parameter: ParameterDefinition) -> None:
        """Create a parameter, or replace the one of that vhost, component and name.

        Raises:
            NotFoundError: no such vhost.
            PreconditionFailedError: it is too large to be stored.
        """
        self.vhost(parameter.vhost)
        key = (parameter.vhost, parameter.component, parameter.name)
        if key not in self.parameters or self.parameters[key] != parameter.value:
            self.journal.save(parameter)
        self.parameters[key] = parameter.value

    def clear_parameter(self, vhost: str, component: str, name: str) -> bool:
        """Delete a parameter; return whether there was one."""
        key = (vhost, component, name)
        if key not in self.parameters:
            return False
        self.journal.forget(ParameterDefinition(*key, self.parameters.pop(key)))
        return True

    def set_global_parameter(self, parameter: GlobalParameterDefinition) -> None:
        """Create a parameter of the cluster, or replace the one of that name.

        Raises:
            PreconditionFailedError: it is too large to be stored.
        """
        held = self.global_parameters
        if parameter.name not in held or held[parameter.name] != parameter.value:
            self.journal.save(parameter)
        held[parameter.name] = parameter.value

    def clear_global_parameter(self, name: str) -> bool:
        """Delete a parameter of the cluster; return whether there was one."""
        if name not in self.global_parameters:
            return False
        self.journal.forget(GlobalParameterDefinition(name, self.global_parameters.pop(name)))
        return True

    # ── connections ──

    def connection_opened(self, connection: OpenConnection) -> None:
        """Count a connection that opened its vhost."""
        if connection not in self._connections:
            name = connection.vhost_name
            totals = self._vhosts[name].totals if name in self._vhosts else self.totals
            held_by = _HeldBy(connection.username, name, totals)
            self._connections[connection] = held_by
            totals.traffic.open(connection.traffic)
            self.numbered.add(connection, self.turn.now_ms)
            self.events.note(EventKind.CONNECTION_CREATED, name, "", connection)
            self._count_connection(held_by, 1)

    def connection_closed(self, connection: OpenConnection) -> None:
        """Stop counting it; a second call has no effect."""
        held_by = self._connections.pop(connection, None)
        if held_by is not None:
            self.numbered.remove(connection)
            held_by.totals.traffic.close(connection.traffic)
            self.events.note(EventKind.CONNECTION_CLOSED, held_by.vhost, "", connection)
            self._count_connection(held_by, -1)

    def _count_connection(self, held_by: "_HeldBy", change: int) -> None:
        """Keep every number that ``count_connections`` gives; one that is 0 is not kept."""
        counts = self._connections_count
        username, vhost, _ = held_by
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
        return sum(held.channels_open for held in self._connections if held.username == username)

    def count_queues(self) -> int:
        """Return how many queues there are in all vhosts."""
        return sum(len(vhost.queues) for vhost in self._vhosts.values())

    def check_room_for_queue(self, vhost: Vhost, name: str, beside_count: int = 0) -> None:
        """Check that a vhost may have one more queue, and so many beside it, if this one is new.

        Raises:
            PreconditionFailedError: the vhost's limit or that of the node is reached (406).
        """
        queues_max, limits = self.settings.queues_max, vhost.limits
        if (limits or queues_max) and vhost.queues.find(name) is None:
            limits.check_queue(vhost.name, name, len(vhost.queues) + beside_count)
            if queues_max:
                check_node_queue(queues_max, name, self.count_queues() + beside_count)

    def shut_down(self, now_ms: int) -> None:
        """Ask every connection to close; no confirmed publish is lost."""
        for connection in self.connections():
            connection.shut_down(SHUTDOWN_REASON, now_ms)

    # ── small services ──

    def wall_s(self, now_ms: int) -> int:
        """Return the time of day, in seconds since 1970."""
        return self.wall_ms(now_ms) // 1000

    def wall_ms(self, now_ms: int) -> int:
        """Return the time of day, in ms since 1970."""
        return now_ms + self._epoch_offset_ms

    def generate_name(self, prefix: str) -> str:
        """Return a fresh name such as ``amq.gen-`` and 22 characters."""
        return generated_name(prefix, self.random_bytes)

    def generate_reply_token(self) -> str:
        """Return a fresh, unguessable token for direct replies."""
        return reply_token(self.random_bytes)
