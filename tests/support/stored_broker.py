"""A broker whose definitions are taken down, what of it a restart must bring back, and steps."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, TypeAlias

from amqp_server.broker.access.rights import User
from amqp_server.broker.access.users import Users
from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.backing import Backing
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.definitions.journal import ChangeLog, StoredJournal
from amqp_server.broker.definitions.records import Key
from amqp_server.broker.definitions.restore import Restored, Stored, read_stored, restore
from amqp_server.broker.definitions.table import TABLE, DefinitionTable
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.queue import LogFactory, memory_log
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.steps import finish
from amqp_server.broker.turn import Turn
from amqp_server.broker.vhost import Vhost
from exchanges.bindings import Destination, DestinationKind
from persistence.definitions_format import apply_changes, decode_key, split_changes
from queues.kinds import QUORUM, QueueKind
from tests.support.frames import table

NOW_MS = 5_000


class FakeChangeLog:
    """A ``ChangeLog`` and what it comes to.

    Args:
        is_committed: all of it is safe at once; otherwise nothing ever is.
    """

    is_one_log = True

    def __init__(self, *, is_committed: bool = True) -> None:
        self._is_committed = is_committed
        self._values: dict[bytes, bytes] = {}
        self.last_lsn = 0

    def append_definition(self, change: bytes) -> int:
        apply_changes(self._values, split_changes(change))
        self.last_lsn += 1
        return self.last_lsn

    @property
    def committed_lsn(self) -> int:
        return self.last_lsn if self._is_committed else 0

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        call()

    def items(self) -> dict[Key, bytes]:
        return {decode_key(key): value for key, value in self._values.items()}


class StoredBroker:
    """A broker that comes back with what is stored."""

    def __init__(
        self,
        changes: ChangeLog,
        items: Iterable[tuple[Key, bytes]] = (),
        settings: BrokerSettings | None = None,
        make_log: LogFactory = memory_log,
        table: DefinitionTable = TABLE,
    ) -> None:
        self.journal = StoredJournal(changes, table)
        self.broker = Broker(
            settings if settings is not None else BrokerSettings(),
            Users((), self.journal),
            Turn(100),
            bytes,
            backing=Backing(journal=self.journal, make_log=make_log),
        )
        self.stored: Stored = read_stored(items, table)
        self.restored: Restored = restore(self.broker, self.journal, self.stored, NOW_MS, table)

    def vhost(self, name: str = "/") -> Vhost:
        return self.broker.vhost(name)

    def end(self) -> None:
        """Carry out what queues asked for."""
        while self.broker.end_turn(NOW_MS):
            pass

    # -- steps: each is one change by a client or an operator --

    def add_vhost(self, name: str = "/") -> None:
        self.broker.add_vhost(name)

    def describe(self, name: str, text: str, kind: QueueKind | None = None) -> None:
        self.broker.add_vhost(name).describe(VhostDefinition(name, text, (text,), kind))

    def queue(
        self,
        name: str,
        vhost: str = "/",
        *,
        durable: bool = True,
        exclusive: bool = False,
        auto_delete: bool = False,
        arguments: Mapping[str, object] | None = None,
    ) -> None:
        properties = QueueProperties(durable, exclusive, auto_delete, table(arguments or {}))
        self.vhost(vhost).queues.declare(name, properties, self, NOW_MS)

    def delete_queue(self, name: str, vhost: str = "/") -> None:
        finish(
            self.vhost(vhost).queues.deleting(name, self, NOW_MS, if_unused=False, if_empty=False)
        )

    def exchange(
        self,
        name: str,
        kind: str = "direct",
        vhost: str = "/",
        *,
        durable: bool = True,
        auto_delete: bool = False,
        internal: bool = False,
        arguments: Mapping[str, object] | None = None,
    ) -> None:
        properties = ExchangeProperties(
            kind, durable, auto_delete, internal, table(arguments or {})
        )
        self.vhost(vhost).exchanges.declare(name, properties)

    def delete_exchange(self, name: str, vhost: str = "/") -> None:
        finish(self.vhost(vhost).exchanges.deleting(name, if_unused=False))

    def bind(
        self,
        source: str,
        kind: str,
        to: str,
        key: str = "",
        arguments: Mapping[str, object] | None = None,
        vhost: str = "/",
    ) -> None:
        destination = Destination(DestinationKind(kind), to)
        self.vhost(vhost).bind(source, destination, key, table(arguments or {}))

    def unbind(
        self,
        source: str,
        kind: str,
        to: str,
        key: str = "",
        arguments: Mapping[str, object] | None = None,
        vhost: str = "/",
    ) -> None:
        destination = Destination(DestinationKind(kind), to)
        finish(
            self.vhost(vhost).exchanges.unbinding(source, destination, key, table(arguments or {}))
        )

    def policy(self, name: str, operator: bool, length: int, vhost: str = "/") -> None:
        policy = Policy(name, "^q", {"max-length": length}, length, "queues")
        self.vhost(vhost).set_policy(policy, operator=operator)
        finish(self.vhost(vhost).applying_policies(NOW_MS))

    def clear_policy(self, name: str, *, operator: bool = False) -> None:
        self.vhost().clear_policy(name, operator=operator)
        finish(self.vhost().applying_policies(NOW_MS))

    def user(self, name: str, tag: str = "") -> None:
        self.broker.users.put(User(name, tag, tags=(tag,), limits={"max-channels": 3}))

    def parameter(self, component: str, value: object, vhost: str = "/") -> None:
        self.broker.set_parameter(ParameterDefinition(vhost, component, "name", value))

    def global_parameter(self, name: str, value: object) -> None:
        self.broker.set_global_parameter(GlobalParameterDefinition(name, value))


def surviving(broker: Broker) -> dict[str, object]:
    """Return all that a restart must bring back, in a form that compares; ids of queues too."""
    users = broker.users
    return {
        "users": list(users.list()),
        "permissions": list(users.permissions()),
        "topic permissions": list(users.topic_permissions()),
        "parameters": dict(broker.parameters),
        "global parameters": dict(broker.global_parameters),
        "vhosts": {vhost.name: _surviving_in(vhost) for vhost in broker.vhosts()},
    }


def _surviving_in(vhost: Vhost) -> dict[str, object]:
    exchanges = {
        name: vhost.exchanges.properties_of(name)
        for name in vhost.router.exchanges
        if vhost.exchanges.properties_of(name).durable
    }
    queues = {queue.name: queue for queue in vhost.queues if queue.owner is None}
    durable = {name: queue for name, queue in queues.items() if queue.properties.durable}
    ends = {DestinationKind.QUEUE: set(durable), DestinationKind.EXCHANGE: set(exchanges)}
    policies = vhost.policies
    return {
        "definition": vhost.definition,
        "default type": vhost.default_queue_kind,
        "limits": vhost.limits.as_dict(),
        "policies": (policies.list(), policies.list(operator=True)),
        "exchanges": exchanges,
        "alternates": {name: vhost.router.exchanges[name].alternate_exchange for name in exchanges},
        "queues": {
            name: (queue.queue_id, queue.kind, queue.properties, queue.engine.options)
            for name, queue in durable.items()
        },
        "bindings": {
            (binding, str(binding.arguments))
            for binding in vhost.router.bindings
            if binding.source in exchanges
            and binding.destination.name in ends[binding.destination.kind]
        },
    }


Step: TypeAlias = Callable[[StoredBroker], object]


SETUP: Final[list[Step]] = [
    lambda node: node.add_vhost("/"),
    lambda node: node.describe("other", "text"),
    lambda node: node.user("u", "a"),
    lambda node: node.exchange("e"),
    lambda node: node.exchange("f", "topic", auto_delete=True),
    lambda node: node.queue("q1"),
    lambda node: node.queue("q2", auto_delete=True),
    lambda node: node.queue("q3", exclusive=True),
]
"""So that most steps find what they need."""


def take(node: StoredBroker, step: Step) -> bool:
    """Take a step; return whether the broker allowed it."""
    try:
        step(node)
    except BrokerError:
        return False
    return True


def steps() -> list[Step]:
    """Return changes of every kind, whose names meet: what one makes another needs or deletes."""
    made: list[Step] = [
        lambda node: node.add_vhost("/"),
        lambda node: node.describe("other", "text"),
        lambda node: node.describe("/", "text", QUORUM),
        lambda node: finish(node.broker.deleting_vhost("other", NOW_MS)),
        lambda node: finish(node.broker.deleting_vhost("/", NOW_MS)),
        lambda node: node.user("u", "a"),
        lambda node: node.user("u", "b"),
        lambda node: finish(node.broker.deleting_user("u", NOW_MS)),
        lambda node: node.broker.users.set_permissions("u", "/", "a", "b", ".*"),
        lambda node: node.broker.users.set_permissions("u", "other", "", "", ""),
        lambda node: node.broker.users.clear_permissions("u", "/"),
        lambda node: node.broker.users.set_topic_permissions("u", "/", "amq.topic", "a", "b"),
        lambda node: node.broker.users.set_topic_permissions("u", "/", "e", "a", "b"),
        lambda node: node.broker.users.clear_topic_permissions("u", "/"),
        lambda node: node.parameter("shovel", {"uri": ["caf\u00e9 \udcff", None, 1.5]}),
        lambda node: node.parameter("shovel", 2, "other"),
        lambda node: node.broker.clear_parameter("/", "shovel", "name"),
        lambda node: node.global_parameter("cluster_name", "rabbit@shop"),
        lambda node: node.broker.clear_global_parameter("cluster_name"),
        lambda node: node.vhost().set_limits({"max-queues": 10, "max-connections": -1}),
        lambda node: node.vhost().clear_limit("max-queues"),
        lambda node: node.vhost().set_limits({}),
        lambda node: node.clear_policy("p"),
        lambda node: node.clear_policy("p", operator=True),
        lambda node: node.end(),
    ]
    made += [
        partial(StoredBroker.policy, name="p", operator=operator, length=length)
        for operator in (False, True)
        for length in (5, 6)
    ]
    return made + _topology_steps()


def _topology_steps() -> list[Step]:
    arguments = {"x-max-length": 9, "x-dead-letter-exchange": "caf\u00e9"}
    made: list[Step] = [
        lambda node: node.queue("q1", arguments=arguments),
        lambda node: node.queue("q1", "other"),
        lambda node: node.queue("q2"),
        lambda node: node.queue("q2", auto_delete=True),
        lambda node: node.queue("quorum", arguments={"x-queue-type": "quorum"}),
        lambda node: node.queue("q3", durable=False),
        lambda node: node.queue("q3", exclusive=True),
        lambda node: node.vhost().queues.release(node),
        lambda node: node.queue("expiring", arguments={"x-expires": 1000}),
        lambda node: node.broker.on_deadline(NOW_MS + 2_000),
        lambda node: node.exchange("e", arguments={"alternate-exchange": "f"}),
        lambda node: node.exchange("e", durable=False),
        lambda node: node.exchange("f", "topic", auto_delete=True),
        lambda node: node.exchange("f", "topic", auto_delete=True, internal=True),
        lambda node: node.exchange("f", "headers", "other"),
        lambda node: node.bind("f", "queue", "q1", "k", {"x": 1}, "other"),
    ]
    made += [partial(StoredBroker.delete_queue, name=name) for name in ("q1", "q2", "q3", "quorum")]
    made += [partial(StoredBroker.delete_exchange, name=name) for name in ("e", "f")]
    ends = [("queue", "q1"), ("queue", "q3"), ("queue", "q2"), ("exchange", "e"), ("exchange", "f")]
    made += [
        partial(step, source=source, kind=kind, to=to, key="key", arguments=arguments)
        for step in (StoredBroker.bind, StoredBroker.unbind)
        for source in ("e", "f", "amq.topic")
        for kind, to in ends
        for arguments in ({}, {"x": 1})
    ]
    return made
