"""How a channel looks to who asks: nothing of it is changed, and no message is looked at."""

from collections.abc import Sequence
from heapq import nsmallest

from amqp_server.broker.counts import ChannelCounts, ChannelView, ConsumerView
from amqp_server.protocol.consumer import Consumer
from amqp_server.protocol.counters import ChannelCounters
from amqp_server.protocol.counting import Tags, counts_of
from amqp_server.protocol.lane import Lane
from amqp_server.protocol.publish_path import PublishPath
from amqp_server.protocol.session import Session


class ShownChannel:
    """A ``broker.counts.OpenChannel``: what ``Channel`` has to show, whose attributes these are.

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
        """Return how the channel is, and what happened on it."""
        return counts_of(self.counters, self.tags, self.publishing.confirms)

    def view(self, connection_number: int) -> ChannelView:
        """Return how the channel is, of the connection of this number."""
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
            unsettled=0 if transaction is None else len(transaction.settlements),
            counts=self.counts(),
        )

    def consumer_views(
        self, connection_number: int, after: str | None, max_count: int
    ) -> Sequence[ConsumerView]:
        """Return so many of its consumers at most, by their tags.

        Args:
            connection_number: of its connection.
            after: those with tags behind this one; None is from the first one on.
            max_count: how many.
        """
        consumers = self.consumers
        behind = [tag for tag in consumers if after is None or tag > after]
        return [
            ConsumerView(
                tag,
                consumer.queue.name,
                consumer.queue.vhost_name,
                connection_number,
                self.number,
                consumer.no_ack,
                consumer.exclusive,
                consumer.priority,
                consumer.prefetch.limit,
                consumer.prefetch.used,
            )
            for tag in nsmallest(max_count, behind)
            for consumer in (consumers[tag],)
        ]
