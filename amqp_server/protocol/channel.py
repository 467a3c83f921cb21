"""One channel: content, deliveries, settlements, confirms and transactions of one lane.

Each method of AMQP is a function in ``methods``. This module has the state that they share.

Source: AMQP 0-9-1 §1.5, §1.8, §1.9; RabbitMQ, rabbit_channel.
"""

from functools import partial
from typing import Protocol

from amqp_server.broker.events import EventKind
from amqp_server.broker.node_budget import Holding
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import Steps, advance, finish
from amqp_server.broker.turn import Drainable
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.assembly import Assembly
from amqp_server.protocol.cancel_notices import CancelNotices
from amqp_server.protocol.consumer import Consumer
from amqp_server.protocol.counters import ChannelCounters
from amqp_server.protocol.errors import ModeError
from amqp_server.protocol.holders import PIECE_MAX, Owner
from amqp_server.protocol.lane import Lane, Starved
from amqp_server.protocol.promise import NOTHING_PROMISED, Promise, hold
from amqp_server.protocol.publish_path import PublishPath
from amqp_server.protocol.reply_receiver import ReplyReceiver
from amqp_server.protocol.session import Session
from amqp_server.protocol.settling import AT_ONCE_MAX, Settling
from amqp_server.protocol.shown_channel import ShownChannel
from amqp_server.protocol.transaction import Settlement, Transaction, by_tag
from amqp_server.protocol.unacked import Unacked
from amqp_server.wire.constants import FRAME_OVERHEAD_BYTES
from amqp_server.wire.methods import Method, encode_method


class ReplyLost(Protocol):
    """Replaces a held reply by an error if its promise fails; the channels' table does this."""

    def __call__(self, channel: "Channel", error: Exception, index: int) -> None:
        """Take the reply back, and answer this method with an error."""


class Channel(ShownChannel):
    """State of one open channel.

    Attributes:
        number: on its connection, from 1.
        session: the session that it belongs to.
        outbox: where everything for the client goes.
        lane: the way out for the deliveries of its consumers.
        unacked: the outstanding delivery tags.
        consumers: by tag.
        cancel_notices: tells the client of those that have ended without it.
        reply_receiver: the direct reply-to consumer; None without.
        consumer_prefetch: window of consumers that start from now on; 0 is unlimited.
        last_queue_name: the queue that an empty name means; None before any declare.
        publishing: its publishes, with its confirms or its transaction.
        unfinished, arguments: the node's counts of content in parts, of consumers' arguments.
        is_closing: we sent channel.close: everything is discarded until close-ok.
        turn: the broker's, which knows the time.
        counters: numbers of the events on it.
    """

    def __init__(
        self,
        number: int,
        session: Session,
        outbox: Outbox,
        starved: Starved,
        reply_lost: ReplyLost,
    ) -> None:
        self.number = number
        self.session = session
        self.outbox = outbox
        self._starved = starved
        self._reply_lost = reply_lost
        self.payload_max_bytes = session.frame_max_bytes - FRAME_OVERHEAD_BYTES
        self._delivered = session.broker.delivered
        self.unacked: Unacked[Owner] = Unacked(self._delivered.memory)
        self.turn = session.broker.turn
        self.counters = ChannelCounters()
        self.lane = self._new_lane()
        self._settling = Settling(self.unacked, self.lane)
        self.consumers: dict[str, Consumer] = {}
        self.cancel_notices = CancelNotices(number, session, outbox)
        self.reply_receiver: ReplyReceiver | None = None
        self.consumer_prefetch = 0
        self.last_queue_name: str | None = None
        self.is_closing = False
        self._shortest_timeout_ms: int | None = None
        self.assembly = Assembly(session.settings.max_message_size_bytes)
        self.unfinished = Holding(session.broker.unfinished, session, number)
        self.arguments = Holding(session.broker.consumer_arguments, session, number)
        self.publishing = PublishPath(session, outbox, number, self.counters)

    def _new_lane(self) -> Lane:
        return Lane(
            self.number,
            self.outbox,
            self._starved,
            self.unacked,
            unacked_max=self.session.settings.unacked_per_channel_max,
            payload_max_bytes=self.payload_max_bytes,
            turn=self.turn,
            delivered=self._delivered,
            counters=self.counters,
        )

    def write(self, method: Method) -> None:
        """Send a method."""
        self.outbox.write(encode_method(self.number, method))

    def hold_replies(self, promise: Promise, error: Exception, index: int) -> None:
        """Send nothing more and carry nothing out until the promise of the next reply is kept.

        In a cluster its channel alone waits (``methods.promised``).

        Args:
            promise: of the next reply.
            error: the answer instead if it is broken.
            index: of the method that is answered.
        """
        hold(self.outbox, promise, partial(self._reply_lost, self, error, index))

    # ── settling ──

    def ack(self, first_tag: int, last_tag: int, now_ms: int, *, multiple: bool) -> None:
        """Carry out an ack as ``settle`` does; this is faster for the usual ack."""
        if (
            self.publishing.transaction is not None
            or not last_tag
            or (
                self.unacked.count > AT_ONCE_MAX
                and self._settling.is_long(first_tag, last_tag, multiple=multiple)
            )
        ):
            self.settle(Settlement(first_tag, last_tag, multiple, requeue=None), now_ms)
        elif multiple:
            self._settling.settle_up_to(last_tag, now_ms)
        else:
            self._settling.settle_each(first_tag, last_tag, now_ms)

    def settle(self, settlement: Settlement, now_ms: int) -> None:
        """Carry out an ack, nack or reject, or hold it for the commit.

        Raises:
            UnknownDeliveryTagError: a tag that is not outstanding (406).
            Suspended: it goes on in later turns.
        """
        if settlement.multiple and not settlement.last_tag:
            finish(self.getting_due())  # deliveries that are due now are included
        if self.publishing.transaction is not None:
            advance(self._holding(settlement), self.turn.budget.is_spent)
        elif self._settling.is_long(*settlement[:2], multiple=settlement.multiple):
            advance(self._settling.settling(settlement), self.turn.budget.is_spent)
        else:
            self._settling.settle(settlement, now_ms)

    def _holding(self, settlement: Settlement) -> Steps[None]:
        """Hold a settlement for the commit, as long as the channel is there."""
        transaction = self._open_transaction()
        for _ in transaction.holding(settlement, self.unacked):
            yield
            if self.is_closing:
                return

    def recover(self, answer: Method | None = None) -> None:
        """Give back everything outstanding, except tags whose settlement a transaction holds.

        Args:
            answer: sent before anybody gets the requeued messages; None sends no answer.

        Raises:
            Suspended: it goes on in later turns.
        """
        transaction = self.publishing.transaction
        finish(self.getting_due())
        if answer is not None:
            self.write(answer)
        if transaction is None or not transaction.held_tags:
            advance(self._settling.giving_back_all(), self.turn.budget.is_spent)
            return
        held = transaction.held_tags
        if self.unacked.count > len(held):
            tags = self.unacked.outstanding(transaction.held_up_to + 1, self.unacked.next_tag)
            tags_left = (tag for tag in tags if tag not in held)
            advance(self._settling.giving_back_each(tags_left), self.turn.budget.is_spent)

    def share_prefetch(self, limit: int, now_ms: int) -> None:
        """Set how many deliveries all consumers together may have outstanding; 0 is no limit."""
        prefetch = self.lane.shared_prefetch
        if limit != prefetch.limit:
            finish(self.getting_due())
            prefetch.limit = limit
            self.lane.reopen(now_ms)

    # ── transactions ──

    def tx_select(self) -> None:
        """Hold publishes and settlements back until tx.commit from now on.

        Raises:
            ModeError: the channel confirms publishes (406).
        """
        if self.publishing.confirms is not None:
            raise ModeError("cannot switch from confirm to tx mode")
        if self.publishing.transaction is None:
            session = self.session
            holding = Holding(session.broker.uncommitted, session, self.number)
            self.publishing.transaction = Transaction(session.settings.tx_bytes_max, holding)

    def tx_commit(self, now_ms: int) -> Steps[Promise]:
        """Carry out what the transaction holds: publishes, then settlements, as RabbitMQ does.

        A crash may keep only a part. This order then keeps the publishes of every kept ack.

        Returns:
            What tx.commit-ok promises.

        Raises:
            ModeError: not a tx channel (406).
        """
        with self._open_transaction().taken() as (letters, settlements):
            promise = NOTHING_PROMISED
            for letter in letters:
                published = yield from self.publishing.publishing_letter(letter, now_ms)
                promise = promise.and_of(published)
                yield
            for together in by_tag(settlements):
                if self.is_closing:
                    break  # the unacked messages went back to their queues
                if together:
                    yield from self._settling.settling_together(together)
                yield
            return promise

    def tx_rollback(self) -> None:
        """Forget what the transaction holds; acked messages stay unacked.

        Raises:
            ModeError: not a tx channel (406).
        """
        self._open_transaction().let_go()

    def _open_transaction(self) -> Transaction:
        if self.publishing.transaction is None:
            raise ModeError("channel is not transactional")
        return self.publishing.transaction

    # ── consumers ──

    def add_consumer(self, consumer: Consumer) -> None:
        """Note a consumer that its queue has accepted."""
        self.consumers[consumer.consumer_tag] = consumer
        self.note_timeout(consumer.timeout_ms)
        consumer.queue.consumers[consumer] = None
        self._note(EventKind.CONSUMER_CREATED, consumer)

    def _note(self, kind: EventKind, consumer: Consumer) -> None:
        queue = consumer.queue
        self.session.broker.events.note(kind, queue.vhost_name, queue.name, consumer)

    def add_reply_receiver(self, receiver: ReplyReceiver) -> None:
        """Note the consumer of direct replies: requests may name it from now on."""
        self.reply_receiver = receiver
        self.publishing.checks.reply_name = receiver.name

    def lane_for(self, queue: Queue) -> Lane:
        """Return the lane for consumers of a queue: some kinds ignore a shared prefetch."""
        if queue.kind.heeds_shared_prefetch:
            return self.lane
        if self._settling.unshared_lane is None:
            self._settling.unshared_lane = self._new_lane()
        return self._settling.unshared_lane

    def cancel_consumer(self, consumer_tag: str, now_ms: int) -> None:
        """End a consumer; its unacked messages stay with the channel. Unknown tags are ignored."""
        receiver = self.reply_receiver
        if receiver is not None and receiver.consumer_tag == consumer_tag:
            self.session.open_vhost.forget_reply_consumer(receiver.name)
            self.reply_receiver = self.publishing.checks.reply_name = None
            return
        self._cancel(consumer_tag, now_ms)

    def _cancel(self, consumer_tag: str, now_ms: int) -> bool:
        consumer = self.consumers.pop(consumer_tag, None)
        if consumer is None or consumer.is_cancelled:
            return False
        self.turn.drain_now(consumer.queue.engine, now_ms)
        self._drop_consumer(consumer)
        return True

    def _drop_consumer(self, consumer: Consumer) -> None:
        if consumer.is_cancelled:
            return
        queue, lane = consumer.queue, consumer.lane
        consumer.end()
        del queue.consumers[consumer]
        self._note(EventKind.CONSUMER_DELETED, consumer)
        self._delivered.forget(consumer)
        queue.engine.cancel(consumer, self.turn.now_ms)
        if not queue.engine.serves(lane):
            lane.forget(queue)

    def end_consumer(self, consumer_tag: str, now_ms: int) -> bool:
        """End a consumer and tell its client; return whether there was one."""
        if not self._cancel(consumer_tag, now_ms):
            return False
        self._tell_cancelled(consumer_tag)
        return True

    def consumer_lost(self, consumer: Consumer) -> None:
        """Tell the client that a consumer of it has ended."""
        consumer.lane.forget(consumer.queue)
        self._delivered.forget(consumer)
        if self.consumers.pop(consumer.consumer_tag, None) is not None:
            self._tell_cancelled(consumer.consumer_tag)

    def _tell_cancelled(self, consumer_tag: str) -> None:
        if not self.is_closing:
            self.cancel_notices.tell(consumer_tag)

    def stop(self, now_ms: int) -> None:
        """Take nothing more and answer nothing: the first step of the end."""
        self.is_closing = True
        self.assembly.drop()
        self.unfinished.let_go()
        self.arguments.let_go()
        self.publishing.forget()
        if self.reply_receiver is not None:
            self.cancel_consumer(self.reply_receiver.consumer_tag, now_ms)

    def getting_due(self) -> Steps[None]:
        """Deliver the messages that are already due to its consumers."""
        turn = self.turn
        if turn.dirty_count > len(self.consumers):
            due: list[Drainable] = [one.queue.engine for one in self.consumers.values()]
        else:
            due = turn.dirty()
        for queue in due:
            if turn.drain_now(queue, turn.now_ms):
                yield

    def shut(self) -> None:
        """Stop all deliveries; what the channel has counted by now is final."""
        for lane in self._lanes():
            lane.shut()
        self.session.open_vhost.totals.channels.close(self)

    def giving_back(self) -> Steps[list[Queue]]:
        """Cancel the consumers and requeue the unacked messages: the last step of the end.

        Returns:
            Queues that had consumers of it, and that the store deletes where these were the last.
        """
        consumers, self.consumers = self.consumers, {}
        of_queue: dict[Queue, list[Consumer]] = {}
        left: list[Queue] = []
        for count, consumer in enumerate(consumers.values(), start=1):
            queue = consumer.queue
            if queue.is_ended_by_store and queue not in of_queue:
                left.append(queue)
            of_queue.setdefault(queue, []).append(consumer)
            if not count % PIECE_MAX:
                yield
        consumers.clear()
        yield from self._settling.releasing(of_queue, self._drop_consumer)
        for lane in self._lanes():
            lane.close()
        return left

    def _lanes(self) -> list[Lane]:
        unshared = self._settling.unshared_lane
        return [self.lane] if unshared is None else [self.lane, unshared]

    def note_timeout(self, timeout_ms: int | None) -> None:
        """Note how long deliveries of an owner may be unacked; None is for ever."""
        shortest_ms = self._shortest_timeout_ms
        if timeout_ms is not None and (shortest_ms is None or timeout_ms < shortest_ms):
            self._shortest_timeout_ms = timeout_ms

    def oldest_overdue_ms(self, now_ms: int) -> int | None:
        """Return the timeout of a delivery that is unacked for longer; None if none is.

        The search ends at the first delivery that is younger than the shortest timeout.

        Source: RabbitMQ, consumers, delivery acknowledgement timeout.
        """
        if self._shortest_timeout_ms is None:
            return None
        for owner, delivered_at_ms in self.unacked.oldest(now_ms - self._shortest_timeout_ms):
            if owner.timeout_ms is not None and now_ms - delivered_at_ms >= owner.timeout_ms:
                return owner.timeout_ms
        return None
