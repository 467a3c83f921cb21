"""All counters agree with what clients saw, and with each other.

The script is played through a whole broker; what each channel was sent is counted frame by frame.
"""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands

from amqp_server.broker.counts import ChannelCounts
from amqp_server.broker.steps import finish
from queues.counters import QueueCounts
from tests.support.frames import (
    METHOD,
    ack_frame,
    content_frames,
    frame,
    method_frame,
    property_list,
    publish_payload,
)
from tests.support.peer import Client, Node

PLAIN, CONFIRMING, IN_TX = 1, 2, 3
CHANNELS = (PLAIN, CONFIRMING, IN_TX)
KEYS = ("jobs", "short", "full", "nowhere", "a.b")
EXCHANGES = ("", "amq.fanout", "amq.topic", "by-headers", "first")
QUEUES: dict[str, dict[str, object]] = {
    "jobs": {"x-dead-letter-exchange": "dead"},
    "short": {"x-max-length": 3, "x-dead-letter-exchange": "dead"},
    "full": {"x-max-length": 4, "x-overflow": "reject-publish"},
    "brief": {"x-message-ttl": 0},
    "dead": {},
}
CLIENTS = st.integers(0, 1)
CHANNEL = st.sampled_from(CHANNELS)
QUEUE = st.sampled_from(sorted(QUEUES))
PUBLISH = st.tuples(
    st.just("publish"),
    CHANNEL,
    st.lists(
        st.tuples(st.sampled_from(EXCHANGES), st.sampled_from(KEYS), st.booleans(), st.booleans()),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 5),
)
CONSUME = st.tuples(st.just("consume"), CHANNEL, QUEUE, st.booleans())
GET = st.tuples(st.just("get"), CHANNEL, QUEUE, st.booleans())
SETTLE = st.tuples(
    st.just("settle"),
    CHANNEL,
    st.sampled_from(["ack", "ack", "nack", "reject"]),
    st.integers(0, 6),
    st.booleans(),
)
RECOVER = st.tuples(st.just("recover"), CHANNEL)
END_TX = st.tuples(st.just("end-tx"), st.booleans())
STEPS = st.lists(
    st.tuples(CLIENTS, st.one_of(PUBLISH, PUBLISH, CONSUME, GET, SETTLE, SETTLE, RECOVER, END_TX)),
    max_size=25,
)


@dataclass
class Seen:
    """What one channel sent and was sent.

    Attributes:
        tags: what is outstanding.
        held: tags that a transaction holds a settlement of, with what it is.
        pending: publishes that a transaction holds.
        no_ack: consumer tags of consumers without ack.
        gets_no_ack: for each get that was not answered, whether it was without ack.
    """

    tags: set[int] = field(default_factory=set)
    held: dict[int, str] = field(default_factory=dict)
    pending: int = 0
    no_ack: set[str] = field(default_factory=set)
    gets_no_ack: list[bool] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Play:
    def __init__(self) -> None:
        self.node = Node()
        self.clients = [self.node.open(), self.node.open()]
        self.seen = {(client, number): Seen() for client in (0, 1) for number in CHANNELS}
        first = self.clients[0]
        for name, kind in (("dead", "fanout"), ("by-headers", "headers"), ("first", "direct")):
            first.send(commands.Exchange.Declare, exchange=name, exchange_type=kind)
        for name, arguments in QUEUES.items():
            first.declare(name, arguments=arguments)
        binds: list[tuple[str, str, str, dict[str, object]]] = [
            ("dead", "dead", "", {}),
            ("amq.fanout", "jobs", "", {}),
            ("amq.fanout", "brief", "", {}),
            ("amq.topic", "short", "a.#", {}),
            ("amq.topic", "full", "*.b", {}),
            ("by-headers", "jobs", "", {"n": 1}),
        ]
        for exchange, queue, key, arguments in binds:
            first.send(
                commands.Queue.Bind,
                queue=queue,
                exchange=exchange,
                routing_key=key,
                arguments=arguments,
            )
        first.send(commands.Exchange.Bind, destination="amq.fanout", source="first")
        for client in self.clients:
            client.open_channel(CONFIRMING)
            client.open_channel(IN_TX)
            client.send(commands.Confirm.Select, CONFIRMING)
            client.send(commands.Tx.Select, IN_TX)
            client.receive()

    def step(self, at: int, step: tuple[object, ...]) -> None:
        kind, *rest = step
        client = self.clients[at]
        name = f"{kind}".replace("-", "_")
        getattr(self, name)(at, client, *rest)
        for index, one in enumerate(self.clients):
            self.look(index, one)

    def publish(
        self,
        at: int,
        client: Client,
        channel: int,
        kinds: list[tuple[str, str, bool, bool]],
        rounds: int,
    ) -> None:
        octets = b""
        for _ in range(rounds):
            for exchange, key, mandatory, has_header in kinds:
                properties = property_list(headers={"n": 1}) if has_header else property_list()
                payload = publish_payload(exchange, key, int(mandatory))
                octets += frame(METHOD, channel, payload)
                octets += content_frames(channel, b"body", properties)
        count = rounds * len(kinds)
        seen = self.seen[at, channel]
        if channel == IN_TX:
            seen.pending += count
        else:
            seen.counts["published"] += count
        client.send_bytes(octets)

    def consume(self, at: int, client: Client, channel: int, queue: str, no_ack: bool) -> None:
        seen = self.seen[at, channel]
        tag = f"{len(seen.no_ack)}-{queue}-{no_ack}"
        if len(seen.no_ack) > 3 or tag in seen.no_ack:
            return
        seen.no_ack.add(tag)
        client.send(commands.Basic.Consume, channel, queue=queue, consumer_tag=tag, no_ack=no_ack)

    def get(self, at: int, client: Client, channel: int, queue: str, no_ack: bool) -> None:
        self.seen[at, channel].gets_no_ack.append(no_ack)
        client.send(commands.Basic.Get, channel, queue=queue, no_ack=no_ack)

    def settle(
        self, at: int, client: Client, channel: int, how: str, pick: int, flag: bool
    ) -> None:
        seen = self.seen[at, channel]
        free = sorted(seen.tags - set(seen.held))
        if not free:
            return
        tag = free[pick % len(free)]
        multiple = flag and how != "reject"
        requeue = how != "ack" and pick % 2 == 0
        tags = [one for one in free if one <= tag] if multiple else [tag]
        outcome = "acked" if how == "ack" else "requeued" if requeue else "discarded"
        if channel == IN_TX:
            seen.held.update(dict.fromkeys(tags, outcome))
        else:
            seen.tags -= set(tags)
            seen.counts[outcome] += len(tags)
        if how == "ack":
            client.send_bytes(ack_frame(channel, tag, multiple=multiple))
        elif how == "nack":
            client.send(
                commands.Basic.Nack, channel, delivery_tag=tag, multiple=multiple, requeue=requeue
            )
        else:
            client.send(commands.Basic.Reject, channel, delivery_tag=tag, requeue=requeue)

    def recover(self, at: int, client: Client, channel: int) -> None:
        seen = self.seen[at, channel]
        given_back = seen.tags - set(seen.held)
        seen.tags -= given_back
        seen.counts["requeued"] += len(given_back)
        client.send_bytes(method_frame(channel, commands.Basic.Recover, requeue=True))

    def end_tx(self, at: int, client: Client, commits: bool) -> None:
        seen = self.seen[at, IN_TX]
        if commits:
            seen.counts["published"] += seen.pending
            seen.counts.update(Counter(seen.held.values()))
            seen.tags -= set(seen.held)
        seen.held, seen.pending = {}, 0
        client.send(commands.Tx.Commit if commits else commands.Tx.Rollback, IN_TX)

    def look(self, at: int, client: Client) -> None:
        """Count the methods that a client got."""
        for received in client.receive():
            seen = self.seen.get((at, received.channel))
            if seen is None or received.method is None:
                continue
            method, counts = received.method, seen.counts
            if isinstance(method, commands.Basic.Deliver):
                no_ack = f"{method.consumer_tag}".endswith("True")
                counts["delivered_no_ack" if no_ack else "delivered"] += 1
                counts["redelivered"] += method.redelivered
                if not no_ack:
                    seen.tags.add(method.delivery_tag or 0)
            elif isinstance(method, commands.Basic.GetOk):
                no_ack = seen.gets_no_ack.pop(0)
                counts["got_no_ack" if no_ack else "got"] += 1
                counts["redelivered"] += method.redelivered
                if not no_ack:
                    seen.tags.add(method.delivery_tag or 0)
            elif isinstance(method, commands.Basic.GetEmpty):
                seen.gets_no_ack.pop(0)
                counts["got_empty"] += 1
            elif isinstance(method, commands.Basic.Return):
                counts["returns"] += 1
            elif isinstance(method, commands.Basic.Nack):
                counts["rejected"] += 1

    def check(self) -> None:
        totals: Counter[str] = Counter()
        unroutable_count = 0
        for (at, number), seen in self.seen.items():
            session = self.clients[at].connection.session
            channel = session.channels.get(number)
            if channel is None:
                continue
            counts = channel.counts()
            for name in ("published", "returns", "delivered", "delivered_no_ack", "got"):
                assert getattr(counts, name) == seen.counts[name], name
            for name in ("got_no_ack", "got_empty", "redelivered", "acked", "requeued"):
                assert getattr(counts, name) == seen.counts[name], name
            assert counts.discarded == seen.counts["discarded"]
            assert counts.rejected == seen.counts["rejected"]
            assert counts.unacked == len(seen.tags)
            answered = counts.confirmed + counts.rejected
            assert answered == (counts.published if number == CONFIRMING else 0)
            assert counts.unconfirmed == 0
            assert counts.with_confirm == (counts.published if number == CONFIRMING else 0)
            assert counts.publishing == (1 if counts.published else 0)
            unroutable_count += counts.returns + counts.dropped
            # A commit to a full queue ends its channel, which is there until close-ok.
            left = counts.at_the_end() if channel.is_closing else counts
            totals.update(left._asdict())
        self.check_exchanges(totals, unroutable_count)
        summed = finish(self.node.broker.totals.channels.summing())
        assert summed == ChannelCounts(**{name: totals[name] for name in ChannelCounts._fields})

    def leave(self) -> None:
        """End everything, one after another; what was counted stays, and nothing falls."""
        totals = self.node.broker.totals
        queues = finish(totals.queues.summing())
        after = finish(totals.channels.summing())
        for client in self.clients:
            before = after
            client.connection.receive_eof(self.node.now_ms)
            self.node.end_turns()
            after = finish(totals.channels.summing())
            grown = after.minus(before)._replace(unacked=0, unconfirmed=0, publishing=0)
            assert min(grown) >= 0
            assert grown.acked == 0, "what goes back was not acked"
        assert (after.unacked, len(totals.channels), len(totals.traffic)) == (0, 0, 0)
        assert finish(totals.traffic.summing()).received_count > 0
        finish(self.node.broker.deleting_vhost("/", self.node.now_ms))
        left = finish(totals.queues.summing())
        grown_queues = left.minus(queues)
        assert left == left.at_the_end()
        assert grown_queues.acked == 0
        assert grown_queues.published >= 0
        assert grown_queues.requeued >= 0

    def check_exchanges(self, totals: Counter[str], unroutable_count: int) -> None:
        vhost = self.node.vhost
        queues = [vhost.queues.find(name) for name in QUEUES]
        of_queues = [queue.engine.counts() for queue in queues if queue is not None]
        router = vhost.router
        exchanges = {name: router.counters_of(name) for name in (*router.exchanges, "")}
        dead = exchanges["dead"]
        published = sum([one.all_published_count for one in exchanges.values()])
        assert published - dead.all_published_count == totals["published"]
        assert sum([one.unroutable_count for one in exchanges.values()]) == unroutable_count
        assert sum([one.return_count for one in exchanges.values()]) == totals["returns"]
        assert sum([one.dropped_count for one in exchanges.values()]) == totals["dropped"]
        routed = sum([one.routed_count for one in exchanges.values()])
        assert routed == total("published", of_queues) + total("refused", of_queues)
        assert dead.all_published_count == sum([sum(one.dead_lettered) for one in of_queues])
        for name in ("delivered", "delivered_no_ack", "got", "got_no_ack", "got_empty"):
            assert total(name, of_queues) == totals[name], name
        for name in ("redelivered", "acked", "requeued", "discarded"):
            assert total(name, of_queues) == totals[name], name
        assert total("unacked_count", of_queues) == totals["unacked"]
        for one in of_queues:
            settled = one.acked + one.requeued + one.discarded
            assert one.delivered + one.got - settled == one.unacked_count


def total(name: str, of_queues: list[QueueCounts]) -> int:
    return sum([getattr(one, name) for one in of_queues])


@given(STEPS)
def test_what_is_counted_is_what_clients_saw(steps: list[tuple[int, tuple[object, ...]]]) -> None:
    play = Play()
    for at, step in steps:
        play.step(at, step)
        play.check()
    play.leave()
