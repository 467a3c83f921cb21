"""One vhost: its exchanges, queues and bindings, joined for publishing and dead-lettering."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from amqp_server.broker.backing import IN_MEMORY, Backing
from amqp_server.broker.congestion import Congestion
from amqp_server.broker.definitions.definition import (
    VhostDefinition,
    VhostLimitsDefinition,
    policy_definition,
)
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.events import Events
from amqp_server.broker.exchange_table import ExchangeTable
from amqp_server.broker.keepers.table import Keepers
from amqp_server.broker.limits import VHOST_LIMITS, VhostLimits, validated
from amqp_server.broker.moves.mover import Mover
from amqp_server.broker.names import queue_text
from amqp_server.broker.policies.table import Policy, PolicyTable
from amqp_server.broker.publish import Publisher
from amqp_server.broker.publish_target import PublishTarget
from amqp_server.broker.queue_table import QueueTable
from amqp_server.broker.reply_consumers import ReplyConsumers
from amqp_server.broker.steps import Steps, finish, finish_or_later
from amqp_server.broker.tally import Totals, new_totals
from amqp_server.broker.tapping.taps import Taps
from amqp_server.broker.tracing.firehose import Firehose
from amqp_server.broker.tracing.traced import TRACE_EXCHANGE, Place
from amqp_server.broker.turn import Turn
from amqp_server.wire.tables import Table
from exchanges.bindings import Destination, DestinationKind
from exchanges.random_choice import RandomBytes
from exchanges.routing import Router
from queues.kinds import QueueKind

_EXCHANGE: Final = DestinationKind.EXCHANGE  # a member of an enum costs a search at each bind


class _Lookup:
    """The questions that the parts of a vhost ask each other; empty when the vhost is gone.

    They ask this object and not the vhost. Clearing it is enough to break all reference cycles.
    """

    __slots__ = ("_policies", "_reply_consumers", "keepers", "queues", "taps")

    def __init__(self, policies: PolicyTable, reply_consumers: ReplyConsumers) -> None:
        self._policies = policies
        self._reply_consumers = reply_consumers
        self.queues: QueueTable | None = None
        self.keepers: Keepers | None = None
        self.taps: Taps | None = None

    def has_queue(self, name: str) -> bool:
        has_it = self.queues is not None and self.queues.find(name) is not None
        return has_it or self._reply_consumers.has(name)

    def target_of(self, name: str) -> PublishTarget | None:
        queue = self.queues.find(name) if self.queues is not None else None
        if queue is not None:
            return queue.engine if self.taps is None else self.taps.target(name, queue.engine)
        keeper = self.keepers.find(name) if self.keepers is not None else None
        return keeper if keeper is not None else self._reply_consumers.find(name)

    def is_stored_queue(self, name: str) -> bool:
        return self.queues is not None and self.queues.is_stored(name)

    def queue_policy(self, name: str, kind: QueueKind) -> Mapping[str, object]:
        return self._policies.effective("queue", kind.name, name)

    def exchange_policy(self, name: str) -> Mapping[str, object]:
        return self._policies.effective("exchange", None, name)


class Vhost:
    """Everything of one vhost that has a name.

    Attributes:
        name: of the vhost, any text.
        exchanges: declare, delete and bind exchanges.
        queues: declare, find and delete queues.
        publisher: routes and enqueues.
        policies: ordinary and operator policies; changed by ``set_policy`` and ``clear_policy``,
            after which ``applying_policies`` is called.
        limits: max-connections and max-queues; changed by ``set_limits``.
        reply_consumers: the receivers of direct replies.
        keepers: what stands behind exchanges and keeps messages.
        firehose: traces of publishes and deliveries; ``switching_tracing`` turns it on and off.
        totals: the sums of what its queues, channels and connections count.
        definition: what is stored of the vhost itself; changed by ``describe``.
        default_queue_kind: of queues declared without a type; None leaves it to the node.
    """

    def __init__(
        self,
        name: str,
        turn: Turn,
        wall_s: Callable[[int], int],
        default_consumer_timeout_ms: int | None,
        backing: Backing = IN_MEMORY,
        *,
        congestion: Congestion | None = None,
        events: Events | None = None,
        totals: Totals | None = None,
        random_bytes: RandomBytes = bytes,
        node_name: str = "",
        is_short: Callable[[], bool] = lambda: False,
    ) -> None:
        """Make a vhost with the predeclared exchanges.

        Args:
            name: any text.
            turn: the broker's.
            wall_s: the time of day in seconds at a ``now_ms``.
            default_consumer_timeout_ms: for queues without a value of their own; None is never.
            backing: keeps definitions and messages; the broker's.
            congestion: the broker's; hears of what publishes brought about.
            events: the broker's; None tells nobody.
            totals: the node's; None is nobody's.
            random_bytes: the chance of random exchanges; the default always chooses the same.
            node_name: of the node, for traces.
            is_short: whether an alarm is on, so that nothing is traced.
        """
        self.name, self._turn, self._journal = name, turn, backing.journal
        self.totals = new_totals(totals)
        self.definition = VhostDefinition(name)
        self.policies, self.limits = PolicyTable(), VhostLimits()
        self.reply_consumers = ReplyConsumers()
        self.default_queue_kind: QueueKind | None = None
        self._lookup = lookup = _Lookup(self.policies, self.reply_consumers)
        self.router = router = Router(lookup.has_queue)
        events, congestion = events or Events(), congestion or Congestion()
        self.publisher = publisher = Publisher(router, lookup.target_of)
        lookup.taps = publisher.taps
        self.keepers = lookup.keepers = Keepers(
            name, router, turn, publisher, backing, self.totals.duplicates, congestion=congestion
        )
        self.exchanges = ExchangeTable(
            name,
            self.router,
            lookup.exchange_policy,
            lookup.is_stored_queue,
            backing.journal,
            events,
            random_bytes=random_bytes,
            keepers=self.keepers,
            is_shared=backing.decisions is not None,
        )
        self.firehose = self._new_firehose(Place(name, node_name), is_short, congestion)
        mover = Mover(turn, self.publisher, self.exchanges.exists, wall_s, congestion)
        self.queues = lookup.queues = self._queue_table(
            mover, default_consumer_timeout_ms, backing, events
        )

    def _new_firehose(
        self, place: Place, is_short: Callable[[], bool], congestion: Congestion
    ) -> Firehose:
        has_readers = partial(self.router.has_bindings_from, TRACE_EXCHANGE)
        return Firehose(place, self.publisher, self._turn, has_readers, is_short, congestion)

    def _queue_table(
        self, mover: Mover, default_timeout_ms: int | None, backing: Backing, events: Events
    ) -> QueueTable:
        return QueueTable(
            self.name,
            self._turn,
            self._lookup.queue_policy,
            self.router.note_queue,
            mover,
            default_timeout_ms,
            forgetting=self.exchanges.forgetting_queue,
            backing=backing,
            events=events,
            tallies=self.totals.queues,
        )

    @property
    def description(self) -> str:
        """Shown to people, no more."""
        return self.definition.description

    @property
    def tags(self) -> tuple[str, ...]:
        """Shown to people, no more."""
        return self.definition.tags

    def describe(self, definition: VhostDefinition) -> None:
        """Take over description, tags and, where it names them, default queue type and the rest.

        Tracing is not stored: it is off after a restart, as in RabbitMQ.

        Raises:
            PreconditionFailedError: it is too large to be stored.
        """
        if definition.tracing is not None:
            switching = self.switching_tracing(is_on=definition.tracing)
            finish_or_later(switching, self._turn)
            definition = replace(definition, tracing=None)
        if definition.default_queue_type is None:
            definition = replace(definition, default_queue_type=self.definition.default_queue_type)
        if definition.protected is None:
            definition = replace(definition, protected=self.definition.protected)
        if definition != self.definition:
            self._journal.save(definition)
        self.definition = definition
        if definition.default_queue_type is not None:
            self.default_queue_kind = definition.default_queue_type

    def switching_tracing(self, *, is_on: bool) -> Steps[None]:
        """Turn the firehose on or off: for publishes at once, then for one queue after another."""
        if self.firehose.is_on == is_on:
            return
        self.firehose.is_on = is_on
        self.publisher.set_traced(is_traced=is_on)
        self.router.note_all()
        for queue in self.queues:
            for consumer in tuple(queue.consumers):
                consumer.look_at_tracing()
            yield

    def set_policy(
        self, policy: Policy, *, operator: bool = False, is_imported: bool = False
    ) -> None:
        """Create a policy, or replace the one of that name.

        Raises:
            PreconditionFailedError: it is invalid, see ``PolicyTable``, or too large.
        """
        if self.policies.get(policy.name, operator=operator) != policy:
            self.policies.check(policy, operator=operator, is_imported=is_imported)
            self._journal.save(policy_definition(self.name, policy, operator=operator))
        self.policies.set(policy, operator=operator, is_imported=is_imported)

    def clear_policy(self, name: str, *, operator: bool = False) -> bool:
        """Delete a policy; return whether there was one."""
        policy = self.policies.get(name, operator=operator)
        if policy is None:
            return False
        self._journal.forget(policy_definition(self.name, policy, operator=operator))
        return self.policies.clear(name, operator=operator)

    def set_limits(self, limits: Mapping[str, object]) -> None:
        """Put these limits in place of all that held; none lifts them all.

        Raises:
            PreconditionFailedError: a key that is no vhost limit, or a value that is no integer.
        """
        numbers = validated(limits, VHOST_LIMITS, "limits")
        held = self.limits.as_dict()
        if numbers and numbers != held:
            self._journal.save(VhostLimitsDefinition(self.name, numbers))
        elif held and not numbers:
            self._journal.forget(VhostLimitsDefinition(self.name, held))
        self.limits.replace(numbers)

    def clear_limit(self, name: str) -> bool:
        """Lift one limit; return whether it stood."""
        held = self.limits.as_dict()
        if held.pop(name, None) is None:
            return False
        self.set_limits(held)
        return True

    def forgetting_all(self) -> Steps[None]:
        """Delete every queue, and forget everything stored; the vhost is about to go."""
        yield from self.queues.removing_all()
        yield from self.exchanges.forgetting_all()
        for operator in (False, True):
            for policy in self.policies.list(operator=operator):
                self._journal.forget(policy_definition(self.name, policy, operator=operator))
        if self.limits.as_dict():
            self._journal.forget(VhostLimitsDefinition(self.name, self.limits.as_dict()))
        self.keepers.close_all()
        self._lookup.queues = self._lookup.keepers = self._lookup.taps = None

    def bind(self, source: str, destination: Destination, routing_key: str, table: Table) -> None:
        """Bind a queue or an exchange to an exchange; what is bound already stays so.

        Raises:
            NotFoundError: one of them does not exist; the source is named first (404).
            PreconditionFailedError: the source's type refuses key or arguments (406).
        """
        self.exchanges.get(source)
        if destination.kind is _EXCHANGE:
            self.exchanges.get(destination.name)
        elif self.queues.find(destination.name) is None:
            raise NotFoundError(f"no {queue_text(self.name, destination.name)}")
        is_new = self.exchanges.bind(source, destination, routing_key, table)
        if is_new and self.keepers.remembers(source):
            finish(self.keepers.replaying(source, destination, self._turn.now_ms))

    def forget_reply_consumer(self, name: str) -> None:
        """Direct replies under this name go nowhere from now on."""
        self.reply_consumers.remove(name)
        self.router.note_queue(name)

    def applying_policies(self, now_ms: int) -> Steps[None]:
        """Re-apply policies to everything they may match, one after another.

        A thing that is declared meanwhile gets the policies of that time. Each of the others gets
        those that hold when it is reached.
        """
        yield from self.exchanges.applying_policies()
        yield from self.queues.applying_policies(now_ms)
