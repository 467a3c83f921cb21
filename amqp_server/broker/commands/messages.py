"""The commands that publish a message, and that get some; by the functions that AMQP uses.

Source: RabbitMQ 3.10, rabbit_mgmt_wm_exchange_publish and rabbit_mgmt_wm_queue_get: each opens a
channel of its own as the user who asks, and settles what it got after the last get.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

from amqp_server.broker.access.rights import Permission, User
from amqp_server.broker.asking import getting as getting_later
from amqp_server.broker.asking import require_messages_here
from amqp_server.broker.broker import Broker
from amqp_server.broker.counts import ChannelCounts
from amqp_server.broker.errors import NodeLimitError, NotFoundError
from amqp_server.broker.messages.checked import checked
from amqp_server.broker.messages.delivery_header import with_delivery_header
from amqp_server.broker.messages.shown import shown_properties
from amqp_server.broker.messages.written import written_message
from amqp_server.broker.queue import NOBODY, Queue
from amqp_server.broker.rejecting import rejecting
from amqp_server.broker.request_rights import asker_of
from amqp_server.broker.requeueing import requeueing
from amqp_server.broker.steps import Steps, StepsJob, WaitingSteps
from amqp_server.broker.tracing.firehose import Firehose
from amqp_server.broker.tracing.traced import Actor
from amqp_server.broker.turn import Turn
from amqp_server.broker.vhost import Vhost
from exchanges.counters import ExchangeCounters
from persistence.record import NEEDS_LOOK, Record, memory_bytes
from queues.asked_port import GetAnswer
from queues.batch import Batch
from queues.commits import CommitPoint
from queues.kinds import Request
from queues.outcomes import PublishOutcome

CARBON_COPIES_MAX: Final = 1_024
"""Most keys that CC and BCC of a message may name."""

GOT_MAX: Final = 100_000
"""Most messages that one command gets, however many were asked for."""

GOT_BYTES_MAX: Final = 134_217_728
"""A command ends with the message that takes the payloads of its answer to this size (bytes)."""


_CONNECTION: Final = "<{}>"
"""The name of a connection in traces, for a user of a command, who has none."""


_OPERATOR_USER: Final = User("", "", tags=("impersonator",))
"""Who publishes for the operator: nobody, so that any user-id may stand in the message."""


class Published(NamedTuple):
    """What became of a message.

    Attributes:
        routed: whether it reached a queue.
        rejected: whether a queue refused it (basic.nack).
        safe_at: when it is safe; before, nobody may be told that it was published.
    """

    routed: bool
    rejected: bool
    safe_at: CommitPoint


class SettledBy(Enum):
    """What becomes of messages after a get; the value is RabbitMQ's word."""

    NO_ACK = "ack_requeue_false"
    REQUEUE = "ack_requeue_true"
    REJECT = "reject_requeue_false"
    REJECT_REQUEUE = "reject_requeue_true"


class Got(NamedTuple):
    """A message that was got.

    Attributes:
        payload: its body, up to where it is cut.
        payload_bytes: size of the whole body.
        message_count: ready messages that it left behind.
        properties: see ``broker.messages.shown``.
    """

    payload: bytes
    payload_bytes: int
    redelivered: bool
    exchange: str
    routing_key: str
    message_count: int
    properties: Mapping[str, object]


class MessageCommands:
    """The commands on messages; see ``broker.admin``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def publish(
        self,
        now_ms: int,
        vhost: str,
        exchange: str,
        *,
        username: str | None,
        routing_key: str,
        properties: Mapping[str, object],
        payload: bytes,
    ) -> Steps[Published]:
        """Publish a message as a user, who must have the right to; None is the operator.

        Raises:
            NotFoundError: no such vhost, user or exchange.
            AccessRefusedError: no right to write, or an internal exchange.
            InvalidMessageError, PreconditionFailedError, ReplyConsumerError: see
                ``broker.messages``.
            NodeLimitError: an alarm is on, which would block a connection.
        """
        broker, found = self._broker, self._broker.vhost(vhost)
        user = _OPERATOR_USER if username is None else broker.users.get(username)
        if user is None:
            raise NotFoundError(f"no such user '{username}'")
        record = written_message(exchange, routing_key, properties, payload)
        asker = asker_of(broker.users, username, found)
        asker.require(Permission.WRITE, "exchange", exchange)
        found.exchanges.check_may_publish(exchange)
        keys = [routing_key]
        if record.flags & NEEDS_LOOK:
            header, ttl_ms, copies, _ = checked(record, user, None, CARBON_COPIES_MAX)
            record = record._replace(header=header, ttl_ms=ttl_ms)
            keys += copies
        for key in keys:
            asker.require_topic(Permission.WRITE, exchange, key)
        if broker.alarms.is_on:
            raise NodeLimitError(broker.alarms.reason)
        broker.message_sizes.note(len(payload))
        publisher, run, counted = found.publisher, (record,), ExchangeCounters()
        if found.firehose.is_on:
            actor = Actor(_CONNECTION.format(broker.settings.node_name), 1, user.name)
            steps = found.firehose.publishing(exchange, run, keys, now_ms, actor, counted)
        elif len(keys) == 1:
            steps = publisher.publishing(exchange, run, now_ms, counted)
        else:
            steps = publisher.publishing_to_keys(exchange, keys, run, now_ms, counters=counted)
        try:
            outcome = yield from steps
        finally:
            found.router.counters_of(exchange).take_over(counted)
        broker.congestion.excuse()
        return _published(found, exchange, outcome, counted.more_copies_count)

    def get(
        self,
        now_ms: int,
        vhost: str,
        name: str,
        *,
        username: str | None,
        count: int,
        settled_by: SettledBy,
        truncate_bytes: int | None,
    ) -> WaitingSteps[tuple[Got, ...]]:
        """Get messages as a user, who must have the right to; settle them when all are got.

        There may be fewer than ``count``: no more are ready, all clients together hold too much,
        or the answer is large. If the command is given up, what it holds goes back to the queue.
        While nothing of the queue may be delivered, the first one is waited for.

        Args:
            now_ms: the time.
            vhost: of the queue.
            name: of the queue.
            username: who asks; None is the operator.
            count: how many; negative is all.
            settled_by: what becomes of them.
            truncate_bytes: where payloads are cut; None is nowhere.

        Raises:
            NotFoundError: no such vhost or queue, or nothing may be delivered in time.
            AccessRefusedError: no right to read.
            ResourceLockedError: the queue belongs to a connection.
            BrokerError: its kind has no basic.get.
            UnreadableError: another node leads it.
        """
        broker, found = self._broker, self._broker.vhost(vhost)
        asker_of(broker.users, username, found).require(Permission.READ, "queue", name)
        queue = found.queues.get(name, NOBODY)
        queue.check_granted(Request.GET)
        require_messages_here(queue)
        found.queues.refresh(queue, now_ms)
        actor = Actor(_CONNECTION.format(broker.settings.node_name), 1, username or "")
        getting = _Getting(broker, queue, settled_by, truncate_bytes, found.firehose, actor)
        is_through = False
        asked = queue.asked_for_messages
        try:
            if asked is not None and getting.may_go_on(count):
                first = yield from getting_later(queue, asked, now_ms)
                getting.take_asked(first)
            while getting.may_go_on(count) and getting.get(now_ms):
                yield None
            is_through = True
        finally:
            settling = getting.settling(requeue=not is_through)
            if not is_through:
                _carry_on(settling, broker.turn)
        found.totals.channels.add(getting.counts())
        yield from _to_the_end(settling, broker.turn)
        return tuple(getting.got)


def _published(vhost: Vhost, exchange: str, outcome: PublishOutcome, copies: int) -> Published:
    """Return what came of a publish, counted as that of a channel that was there for it alone."""
    is_routed, is_rejected = not outcome.unroutable, bool(outcome.rejected)
    if not is_routed:
        vhost.router.counters_of(exchange).return_count += 1
    counts = ChannelCounts(
        published=1,
        confirmed=not is_rejected,
        rejected=is_rejected,
        returns=not is_routed,
        copies=copies,
        with_confirm=1,
    )
    vhost.totals.channels.add(counts)
    return Published(is_routed, is_rejected, outcome.safe_at)


class _Getting:
    """Messages that a command gets from a queue, and holds until the last one."""

    def __init__(
        self,
        broker: Broker,
        queue: Queue,
        settled_by: SettledBy,
        truncate_bytes: int | None,
        firehose: Firehose,
        actor: Actor,
    ) -> None:
        self._turn = broker.turn
        self._delivered = broker.delivered
        self._queue = queue
        self._settled_by = settled_by
        self._truncate_bytes = truncate_bytes
        self._firehose = firehose
        self._actor = actor
        self._held: list[Batch] = []
        self._held_bytes = 0
        self._shown_bytes = 0
        self.got: list[Got] = []

    def may_go_on(self, count: int) -> bool:
        """Whether another one of ``count`` messages may be got; negative is all."""
        got_count = len(self.got)
        if self._queue.is_deleted or got_count >= (GOT_MAX if count < 0 else min(count, GOT_MAX)):
            return False
        is_held = bool(self._held) and not self._delivered.allows(self._held_bytes)
        return not is_held and self._shown_bytes < GOT_BYTES_MAX

    def get(self, now_ms: int) -> bool:
        """Get one message; return whether there was one."""
        no_ack = self._settled_by is SettledBy.NO_ACK
        taken = self._queue.engine.get(max(now_ms, self._turn.now_ms), no_ack=no_ack)
        if taken is None:
            return False
        self._take(*taken, no_ack=no_ack)
        return True

    def take_asked(self, answer: GetAnswer) -> None:
        """Take a message that was asked for, if there was one; that one is to be settled."""
        batch, ready_count = answer
        if batch is None:
            return
        no_ack = self._settled_by is SettledBy.NO_ACK
        self._take(batch, ready_count, no_ack=no_ack)
        if no_ack and not self._queue.is_deleted:
            self._queue.engine.settle(batch.positions, batch.body_bytes)

    def _take(self, batch: Batch, ready_count: int, *, no_ack: bool) -> None:
        if not no_ack:
            held_bytes = memory_bytes(batch.records)
            self._held.append(batch)
            self._held_bytes += held_bytes
            self._delivered.memory.used_bytes += held_bytes
        records = batch.records
        header = self._queue.kind.delivery_header
        if header is not None:
            records = with_delivery_header(header, batch, is_got=True)
        if self._firehose.is_on:
            name, redelivered = self._queue.name, batch.redelivered
            self._firehose.note_deliveries(self._actor, name, records, redelivered=redelivered)
        shown = self._shown(records[0], ready_count, redelivered=batch.redelivered)
        self._shown_bytes += len(shown.payload)
        self.got.append(shown)

    def _shown(self, record: Record, ready_count: int, *, redelivered: bool) -> Got:
        return Got(
            bytes(record.body[: self._truncate_bytes]),
            len(record.body),
            redelivered,
            record.exchange,
            record.routing_key,
            ready_count,
            shown_properties(record.header),
        )

    def counts(self) -> ChannelCounts:
        """Return what was got, as the counters of a channel that was there for it alone."""
        count, held_count = len(self.got), len(self._held)
        is_rejected = self._settled_by is SettledBy.REJECT
        return ChannelCounts(
            got=held_count,
            got_no_ack=count - held_count,
            got_empty=not count,
            redelivered=sum([one.redelivered for one in self.got]),
            requeued=0 if is_rejected else held_count,
            discarded=held_count if is_rejected else 0,
        )

    def settling(self, *, requeue: bool) -> Steps[None]:
        """Settle what is held; ``requeue`` gives all of it back, whatever was asked for."""
        held, self._held = self._held, []
        engine, turn = self._queue.engine, self._turn
        is_given_back = requeue or self._settled_by is not SettledBy.REJECT
        if held and not self._queue.is_deleted:
            if engine.must_drain_before(self) or is_given_back:
                turn.drain_now(engine, turn.now_ms)
            if is_given_back:
                yield from requeueing(engine, held, turn, turn.now_ms)
                turn.drain_now(engine, turn.now_ms)
            else:
                yield from rejecting(engine, held, turn)
        self._delivered.memory.used_bytes -= self._held_bytes
        self._held_bytes = 0
        if self._delivered.waiting:
            self._delivered.were_settled()


def _to_the_end(steps: Steps[None], turn: Turn) -> Steps[None]:
    """Do steps; if nobody waits for them any more, the turns to come do the rest."""
    is_through = False
    try:
        for _ in steps:
            yield
        is_through = True
    finally:
        if not is_through:
            _carry_on(steps, turn)


def _carry_on(steps: Steps[None], turn: Turn) -> None:
    turn.later(StepsJob(steps, turn))
