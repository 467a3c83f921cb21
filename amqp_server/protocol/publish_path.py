"""The way of a publish: it is checked, held or enqueued, and answered to its publisher.

    publish ── checks ─┬─ in a transaction: held until tx.commit
                       └─ enqueue ── what could not be routed: basic.return
                                  └─ on a confirming channel: a number, and its ack or nack

Source: RabbitMQ, rabbit_channel, basic.publish; RabbitMQ, confirms.
"""

from collections.abc import Iterator

from amqp_server.broker.burst import enqueue_burst
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.publish_target import Targets, enqueue
from amqp_server.broker.steps import Steps, Suspended, WaitingSteps, advance
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.awaited_confirms import AwaitedConfirms
from amqp_server.protocol.confirms import ConfirmTracker
from amqp_server.protocol.counters import ChannelCounters
from amqp_server.protocol.counting import count_burst, count_unroutable
from amqp_server.protocol.publishing import Letter, Plan, PublishChecks, route_in
from amqp_server.protocol.returns import write_returns
from amqp_server.protocol.session import Session
from amqp_server.protocol.transaction import Transaction
from amqp_server.wire.constants import FRAME_OVERHEAD_BYTES
from amqp_server.wire.events import PublishBurst
from exchanges.counters import ExchangeCounters
from persistence.record import NEEDS_LOOK, Run, route_of
from queues.outcomes import ALL_SAFE, PublishOutcome


class PublishPath:
    """The publishes of a channel, from their checks to their confirms.

    Attributes:
        checks: the rules that a publish must follow.
        confirms: None until confirm.select.
        transaction: None until tx.select; never beside ``confirms``.
    """

    __slots__ = (
        "_awaited",
        "_channel_number",
        "_counters",
        "_firehose",
        "_is_over",
        "_outbox",
        "_payload_max_bytes",
        "_publisher",
        "_session",
        "_turn",
        "checks",
        "confirms",
        "transaction",
    )

    def __init__(
        self, session: Session, outbox: Outbox, channel_number: int, counters: ChannelCounters
    ) -> None:
        self.checks = PublishChecks(session, counters)
        self.confirms: ConfirmTracker | None = None
        self.transaction: Transaction | None = None
        self._outbox = outbox
        self._channel_number = channel_number
        self._counters = counters
        self._payload_max_bytes = session.frame_max_bytes - FRAME_OVERHEAD_BYTES
        self._publisher = session.open_vhost.publisher
        self._firehose = session.open_vhost.firehose
        self._session = session
        self._turn = session.broker.turn
        self._awaited: AwaitedConfirms | None = None
        self._is_over = False

    def publish(self, method: bytes, records: Run, flags: int, now_ms: int) -> None:
        """Publish a run.

        Args:
            method: payload of their basic.publish.
            records: at least one.
            flags: the union of the records' flags.
            now_ms: the time of this turn.

        Raises:
            NotSupportedError: ``immediate`` (540).
            AccessRefusedError: no right to write, or an internal exchange (403).
            NotFoundError: no such exchange (404).
            InvalidMessageError, PreconditionFailedError, ReplyConsumerError: a property that
                RabbitMQ refuses (406); the messages before it were published.
            FrameError: a name that is not UTF-8 (501).
            ModeError: the transaction holds too much (406).
            NodeLimitError: all transactions of the node hold too much (506).
            Suspended: it goes on in later turns.
        """
        checks = self.checks
        if checks.frame_may_hold_too_much:
            self._check_sizes(method, records, flags, now_ms)
        try:
            plan = checks.plan_of(method)
        except NotFoundError:
            self._publish_once_known(method, records, flags, now_ms)
            return
        if flags & NEEDS_LOOK:
            letters = checks.letters(plan, records)
            advance(self._publishing_each(letters, now_ms), self._turn.budget.is_spent)
        else:
            self._accept(plan, records, now_ms)

    def _publish_once_known(self, method: bytes, records: Run, flags: int, now_ms: int) -> None:
        """Publish to an exchange that another node of the cluster may have made meanwhile.

        Called while the error that it is not here is handled.
        """
        decisions = self._session.broker.decisions
        if decisions is None:
            raise  # noqa: PLE0704 - the error that is handled
        steps = self._publishing_once_known(decisions, method, records, flags, now_ms)
        advance(steps, self._turn.budget.is_spent)

    def _publishing_once_known(
        self, decisions: Decisions, method: bytes, records: Run, flags: int, now_ms: int
    ) -> WaitingSteps[None]:
        exchange = self.checks.exchange_of(method)
        yield from decisions.looking_up(self._session.vhost_name, exchanges=(exchange,))
        self.checks.plan_of(method)  # raises where the store has none of it either
        try:
            self.publish(method, records, flags, now_ms)
        except Suspended as suspended:
            yield from suspended.rest()

    def _check_sizes(self, method: bytes, records: Run, flags: int, now_ms: int) -> None:
        """Refuse the first body that is too large, after the messages before it were published."""
        index = self.checks.first_too_large(records)
        if index is None:
            return
        size_bytes = len(records[index].body)
        if index:
            try:
                self.publish(method, records[:index], flags, now_ms)
            except Suspended as suspended:
                raise Suspended(self._refusing(suspended.rest(), size_bytes)) from None
        self.checks.check_size(size_bytes)

    def _refusing(self, before: WaitingSteps[object], size_bytes: int) -> WaitingSteps[None]:
        yield from before
        self.checks.check_size(size_bytes)

    def _accept(self, plan: Plan, records: Run, now_ms: int) -> None:
        """Take messages that passed the checks; ``plan`` was found valid in this same call."""
        if self.transaction is not None:
            self.transaction.hold_letter(Letter(plan, records))
            return
        targets = plan.targets
        if targets is None:
            route = route_of(records)
            targets = self._publisher.find_targets(plan.exchange, route, plan.routing_key)
            if targets is None:
                advance(
                    self.publishing_letter(Letter(plan, records), now_ms),
                    self._turn.budget.is_spent,
                )
                return
            plan.targets = targets
        count = len(records)
        if len(targets) == 1:
            plan.published.count += count
            published = targets[0].publish(records, now_ms)
        else:
            self._counters.published_count += count
            plan.published.beside += count
            if targets:
                self._counters.copies_count += (len(targets) - 1) * count
            published = enqueue(targets, records, now_ms, plan.counters)
        if published is not ALL_SAFE:
            self._answer(plan, records, published)
        elif self.confirms is not None:
            first = self.confirms.publish(count)
            self.confirms.confirm(first, self.confirms.published)

    def _publishing_each(self, letters: Iterator[Letter], now_ms: int) -> Steps[None]:
        transaction = self.transaction
        for letter in letters:
            if transaction is None:
                yield from self.publishing_letter(letter, now_ms)
            elif self._is_over:
                return
            else:
                transaction.hold_letter(letter)
            yield

    def publish_burst(self, burst: PublishBurst, now_ms: int) -> bool:
        """Publish a burst, each queue's messages at once.

        Returns:
            False if the outcome of a message depends on those before it, or must be told to the
            publisher. Then nothing was done, and the burst must be published in order.
        """
        if self.transaction is not None:
            return False
        plans = self.checks.plans_of(burst)
        if plans is None:
            return False
        targets_of: list[Targets] = []
        is_spent = self._turn.budget.is_spent
        for plan, method in zip(plans, burst.methods, strict=True):
            targets = plan.targets
            if targets is None:
                if is_spent():
                    return False
                route = route_in(method)
                targets = self._publisher.find_targets(plan.exchange, route, plan.routing_key)
                plan.targets = targets
            if targets is None or (plan.mandatory and not targets):
                return False
            targets_of.append(targets)
        waiting = enqueue_burst(targets_of, burst.order, burst.records, now_ms)
        if waiting is None:
            return False
        count_burst(self._counters, plans, targets_of, burst.order)
        if self.confirms is not None:
            self._awaited_confirms(self.confirms).answer_burst(len(burst.order), waiting)
        return True

    def publishing_letter(self, letter: Letter, now_ms: int) -> Steps[PublishOutcome]:
        """Publish what may take several turns; there is no answer if the channel ends meanwhile."""
        plan, records, routing_keys = letter
        publisher = self._publisher
        self._counters.published_count += len(records)
        plan.published.beside += len(records)
        counted = ExchangeCounters()
        if self._firehose.is_on:
            actor = self._session.actor(self._channel_number)
            steps = self._firehose.publishing(
                plan.exchange, records, routing_keys, now_ms, actor, counted
            )
        elif routing_keys is None:
            steps = publisher.publishing(plan.exchange, records, now_ms, counted)
        else:
            steps = publisher.publishing_to_keys(
                plan.exchange, routing_keys, records, now_ms, counters=counted
            )
        try:
            published = yield from steps
        finally:
            # What went to queues was routed, though the channel may be gone before the others.
            plan.counters.take_over(counted)
            self._counters.copies_count += counted.more_copies_count
        if not self._is_over:
            self._answer(plan, records, published)
        return published

    def _answer(self, plan: Plan, records: Run, published: PublishOutcome) -> None:
        """Tell the publisher the outcome of a run, as far as the publisher asked for it."""
        if published.unroutable:
            count_unroutable(self._counters, plan, len(published.unroutable))
            if plan.mandatory:
                number, limit = self._channel_number, self._payload_max_bytes
                write_returns(self._outbox, number, records, published.unroutable, limit)
        if self.confirms is not None:
            self._awaited_confirms(self.confirms).answer(len(records), published)

    def _awaited_confirms(self, tracker: ConfirmTracker) -> AwaitedConfirms:
        if self._awaited is None:
            self._awaited = AwaitedConfirms(tracker, self._outbox, self._channel_number)
        return self._awaited

    def forget(self) -> None:
        """Answer and hold nothing any more, because the channel is over."""
        self._is_over = True
        if self._awaited is not None:
            self._awaited.forget()
        if self.transaction is not None:
            self.transaction.let_go()
            self.transaction = None
        self.checks.end()
