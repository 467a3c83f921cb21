"""The view of a channel: reading it changes nothing and looks at no message."""

from collections.abc import Sequence
from heapq import nlargest, nsmallest
from itertools import islice
from operator import itemgetter
from typing import Final

from amqp_server.broker.counts import (
    ChannelCounts,
    ChannelView,
    ConsumerView,
    HeldMessages,
    PublishesView,
)
from amqp_server.protocol.consumer import Consumer
from amqp_server.protocol.counters import ChannelCounters
from amqp_server.protocol.counting import Tags, counts_of
from amqp_server.protocol.dealt import Dealt
from amqp_server.protocol.holders import Owner
from amqp_server.protocol.lane import Lane
from amqp_server.protocol.publish_path import PublishPath
from amqp_server.protocol.session import Session
from amqp_server.protocol.unacked import Held
from amqp_server.wire.tables import plain
from queues.ports import QueueState

PUBLISHES_MAX: Final = 32
"""Exchanges that a channel tells what it published to."""


class ShownChannel:
    """A ``broker.counts.OpenChannel``; its attributes are those of ``Channel``.

    A channel that ``is_closing`` has nothing to show any more.
    """

    number: int
    session: Session
    lane: Lane
    consumers: dict[str, Consumer]
    consumer_prefetch: int
    publishing: PublishPath
    is_closing: bool
    counters: ChannelCounters

    @property
    def tags(self) -> Tags:
        """Its delivery tags."""
        return self.lane.unacked

    def counts(self) -> ChannelCounts:
        """Return the state and the counters of the channel."""
        return counts_of(self.counters, self.tags, self.publishing.confirms)

    def view(self, connection_number: int) -> ChannelView:
        """Return the state of the channel, of the connection of this number."""
        transaction = self.publishing.transaction
        return ChannelView(
            connection_number=connection_number,
            number=self.number,
            vhost=self.session.vhost_name,
            username=self.session.username,
            confirms=self.publishing.confirms is not None,
            is_transactional=transaction is not None,
            prefetch=self.consumer_prefetch,
            shared_prefetch=self.lane.shared_prefetch.limit,
            consumer_count=len(self.consumers),
            uncommitted=0 if transaction is None else len(transaction.letters),
            unsettled=0 if transaction is None else len(transaction.held_tags),
            counts=self.counts(),
        )

    def consumer_views(
        self, connection_number: int, after: str | None, max_count: int
    ) -> Sequence[ConsumerView]:
        """Return some of its consumers, in the order of their tags.

        Args:
            connection_number: of its connection.
            after: only consumers with tags behind this one; None starts with the first one.
            max_count: most consumers to return.
        """
        consumers = self.consumers
        behind = [tag for tag in consumers if after is None or tag > after]
        return [
            _consumer_view(consumers[tag], connection_number, self.number)
            for tag in nsmallest(max_count, behind)
        ]

    def publishes_views(self, connection_number: int) -> Sequence[PublishesView]:
        """Return what it published to which exchange; to those that it uses most."""
        counts = self.counters.published_by_name()
        vhost = self.session.vhost_name
        return [
            PublishesView(connection_number, self.number, vhost, exchange, count)
            for exchange, count in nlargest(PUBLISHES_MAX, counts.items(), key=itemgetter(1))
        ]

    def held(self, first_tag: int, max_count: int) -> Sequence[HeldMessages]:
        """Return some of its unacked messages, from a delivery tag on.

        Args:
            first_tag: the first delivery tag.
            max_count: most deliveries to return; each has one message or more.
        """
        return [_held(each) for each in islice(self.lane.unacked.held(first_tag), max_count)]


def _held(each: Held[Owner]) -> HeldMessages:
    first_tag, owner, batch, delivered_at_ms = each
    tags: list[str] = []
    if isinstance(owner, Dealt):
        tags = [one.consumer_tag for one in owner.in_turn(batch.positions)]
    elif isinstance(owner, Consumer):
        tags = [owner.consumer_tag]
    queue = owner.queue
    return HeldMessages(first_tag, queue.name, queue.vhost_name, tags, batch, delivered_at_ms)


def _consumer_view(consumer: Consumer, connection_number: int, channel_number: int) -> ConsumerView:
    queue = consumer.queue
    state = QueueState() if queue.is_deleted else queue.engine.state()
    active, reads_for_group = state.active_consumer, state.reads_for_group(consumer)
    is_active = reads_for_group is not False and (active is None or active is consumer)
    activity = "waiting"
    if is_active:
        idle = "up" if active is None and reads_for_group is None else "single_active"
        activity = idle if consumer.has_own_room() else "blocked"
    position = state.position_of(consumer)
    return ConsumerView(
        consumer.consumer_tag,
        queue.name,
        queue.vhost_name,
        connection_number,
        channel_number,
        consumer.no_ack,
        consumer.exclusive,
        consumer.priority,
        consumer.prefetch.limit,
        consumer.prefetch.used,
        consumer.timeout_ms,
        {key: plain(field) for key, field in consumer.given_arguments.items()},
        is_active,
        activity,
        None if position is None else position.lag,
        None if position is None else position.offset,
    )
