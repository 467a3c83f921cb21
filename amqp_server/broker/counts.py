"""The views that connections and channels give of themselves."""

from collections.abc import Mapping, Sequence
from operator import add, sub
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from queues.batch import Batch


class ChannelCounts(NamedTuple):
    """Counters of a channel, which grow from 0, and its present state.

    Attributes:
        unacked: deliveries that are not settled.
        unconfirmed: publishes that still wait for their confirm; 0 without confirms.
        published: messages that were published; in a transaction as it is committed.
        confirmed, rejected: published messages that are safe, and those that a queue refused;
            counted only with confirms.
        returns, dropped: messages that reached no queue: mandatory ones, and others.
        delivered, delivered_no_ack: messages that consumers got: with, and without ack. Direct
            replies are without.
        got, got_no_ack, got_empty: the same for gets; gets that found nothing.
        redelivered: messages delivered or got that may have been delivered before.
        acked: deliveries that were acked.
        requeued, discarded: deliveries that were given back, and those rejected for good.
        copies: what published messages add that went to several queues: one less than these.
        with_confirm: published messages that ask for a confirm.
        publishing: 1 for a channel that has published; of a sum how many such channels there are.
    """

    unacked: int = 0
    unconfirmed: int = 0
    published: int = 0
    confirmed: int = 0
    rejected: int = 0
    returns: int = 0
    dropped: int = 0
    delivered: int = 0
    delivered_no_ack: int = 0
    got: int = 0
    got_no_ack: int = 0
    got_empty: int = 0
    redelivered: int = 0
    acked: int = 0
    requeued: int = 0
    discarded: int = 0
    copies: int = 0
    with_confirm: int = 0
    publishing: int = 0

    @property
    def routed(self) -> int:
        """Published messages that reached queues: once for each queue."""
        return self.published - self.returns - self.dropped + self.copies

    def plus(self, other: "ChannelCounts") -> "ChannelCounts":
        """Return the sum, number by number."""
        return ChannelCounts(*map(add, self, other))

    def minus(self, other: "ChannelCounts") -> "ChannelCounts":
        """Return the difference, number by number."""
        return ChannelCounts(*map(sub, self, other))

    def at_the_end(self) -> "ChannelCounts":
        """Return what is left when the channel is gone: what is unacked goes back."""
        if not (self.unacked or self.unconfirmed or self.publishing):
            return self
        requeued = self.requeued + self.unacked
        return self._replace(unacked=0, unconfirmed=0, publishing=0, requeued=requeued)


class TrafficCounts(NamedTuple):
    """Counters of connections; see ``connections.traffic``."""

    received_bytes: int = 0
    received_count: int = 0
    sent_bytes: int = 0
    sent_count: int = 0

    def plus(self, other: "TrafficCounts") -> "TrafficCounts":
        """Return the sum, number by number."""
        return TrafficCounts(*map(add, self, other))

    def minus(self, other: "TrafficCounts") -> "TrafficCounts":
        """Return the difference, number by number."""
        return TrafficCounts(*map(sub, self, other))

    def at_the_end(self) -> "TrafficCounts":
        """Return the same: all of them are counters."""
        return self


class DuplicateCounts(NamedTuple):
    """Counters of what exchanges that deduplicate have seen before."""

    duplicates: int = 0

    def plus(self, other: "DuplicateCounts") -> "DuplicateCounts":
        """Return the sum."""
        return DuplicateCounts(self.duplicates + other.duplicates)

    def minus(self, other: "DuplicateCounts") -> "DuplicateCounts":
        """Return the difference."""
        return DuplicateCounts(self.duplicates - other.duplicates)

    def at_the_end(self) -> "DuplicateCounts":
        """Return the same: it is a counter."""
        return self


class ConsumerView(NamedTuple):
    """A consumer.

    Attributes:
        queue_name, vhost: the queue that it consumes from.
        connection_number, channel_number: of its channel; the first is from ``ConnectionView``.
        prefetch: deliveries that it may hold; 0 is without limit.
        unacked: deliveries that it holds.
        timeout_ms: how long it may hold a delivery; None is without an end.
        arguments: of basic.consume, as plain values.
        is_active: whether it gets messages; where only one does, the others wait.
        activity: RabbitMQ's word for that: ``up``, ``single_active``, ``waiting``; ``blocked``
            where its prefetch is used up.
        offset: of the message of a stream that it reads next; None where ``lag`` is.
        lag: messages of a stream that it has still to get; those of a gap count too. None where
            it has no place: in other queues, and while it waits for its turn in a group.
    """

    consumer_tag: str
    queue_name: str
    vhost: str
    connection_number: int
    channel_number: int
    no_ack: bool
    exclusive: bool
    priority: int
    prefetch: int
    unacked: int
    timeout_ms: int | None
    arguments: Mapping[str, object]
    is_active: bool
    activity: str
    lag: int | None
    offset: int | None = None


class HeldMessages(NamedTuple):
    """Messages that a channel holds unacked, of one delivery.

    Attributes:
        first_tag: delivery tag of the first; each following one is one higher.
        consumer_tags: of the consumers that got them in turn; empty where basic.get did.
        batch: the messages.
        delivered_at_ms: when (instant).
    """

    first_tag: int
    queue_name: str
    vhost: str
    consumer_tags: Sequence[str]
    batch: Batch
    delivered_at_ms: int


class ChannelView(NamedTuple):
    """A channel.

    Attributes:
        connection_number, number: of its connection in the node, and of it on its connection.
        confirms, is_transactional: its mode.
        prefetch: of later consumers; 0 is without limit.
        shared_prefetch: of all its consumers together; 0 is without limit.
        uncommitted: publishes that its transaction holds.
        unsettled: deliveries whose settlement its transaction holds.
    """

    connection_number: int
    number: int
    vhost: str
    username: str
    confirms: bool
    is_transactional: bool
    prefetch: int
    shared_prefetch: int
    consumer_count: int
    uncommitted: int
    unsettled: int
    counts: ChannelCounts


_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


class ConnectionView(NamedTuple):
    """A connection.

    Attributes:
        number: never another connection's of this start of the node; 0 before the broker gave one.
        opened_at_ms: when it was opened (instant).
        name: both its ends; two may have the same.
        protocol: ``AMQP 0-9-1``.
        host, port, peer_host, peer_port: our end, and the client's.
        tls_version, tls_cipher, certificate_subject, certificate_issuer, certificate_validity:
            None without.
        client_properties: the client's own properties, as plain values.
        channel_max, frame_max_bytes, heartbeat_s: as negotiated; 0 is without limit, or off.
        received_bytes, received_count, sent_bytes, sent_count: see ``connections.traffic``.
        auth_mechanism: by which the user logged in.
        state: RabbitMQ's word for it, such as ``running``, ``blocked`` or ``flow``.
        unsent_bytes: output that waits for the client.
    """

    name: str
    vhost: str
    username: str
    protocol: str
    host: str
    port: int
    peer_host: str
    peer_port: int
    tls_version: str | None
    tls_cipher: str | None
    certificate_subject: str | None
    certificate_issuer: str | None
    certificate_validity: str | None
    heartbeat_s: int
    channels_open: int
    received_bytes: int
    received_count: int
    sent_bytes: int
    sent_count: int
    client_properties: Mapping[str, object] = _NOTHING
    channel_max: int = 0
    frame_max_bytes: int = 0
    number: int = 0
    opened_at_ms: int = 0
    auth_mechanism: str = ""
    state: str = ""
    unsent_bytes: int = 0


class PublishesView(NamedTuple):
    """What a channel published to an exchange.

    Attributes:
        connection_number, channel_number: of the channel.
        vhost, exchange: where it published; the exchange may be gone.
        published: messages, as far as is known: counts of exchanges that are little used may begin
            anew.
    """

    connection_number: int
    channel_number: int
    vhost: str
    exchange: str
    published: int


class OpenChannel(Protocol):
    """The port through which views and commands see a channel; ``protocol`` implements it.

    Attributes:
        is_closing: it is over, and has no view any more.
    """

    is_closing: bool

    def counts(self) -> ChannelCounts:
        """Return the state and the counters of the channel."""

    def view(self, connection_number: int) -> ChannelView:
        """Return the state of the channel."""

    def consumer_views(
        self, connection_number: int, after: str | None, max_count: int
    ) -> Sequence[ConsumerView]:
        """Return some of its consumers, with tags behind one, in the order of their tags."""

    def publishes_views(self, connection_number: int) -> Sequence[PublishesView]:
        """Return what it published to which exchange; to those that it uses most."""

    def end_consumer(self, consumer_tag: str, now_ms: int) -> bool:
        """End a consumer and tell its client; return whether there was one."""

    def held(self, first_tag: int, max_count: int) -> Sequence[HeldMessages]:
        """Return some of its unacked messages, from a delivery tag on."""
