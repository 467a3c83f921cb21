"""The cost of a turn after one small read: ``python -m benchmarks.turn_of_one [case ...]``.

A broker runs in this process, without a loop and sockets: bytes are put into the reactor's receive
buffer, and its output is dropped. It prints the CPU time of a turn, and judges none.

    publish         12 bytes, to a queue without a consumer
    auto-ack        the same, delivered to a consumer on another connection that needs no ack
    confirm         the same as ``publish``, confirmed
    confirm-deliver the same as ``auto-ack``, confirmed
    ack             one ack of one delivery
    ack-multiple    one ack of the 100 deliveries before it, which were one batch
    get             basic.get without ack, from a queue that has messages
    rpc             a request to a queue and the direct reply to it: two turns
    keys            a routing key never seen before, through a topic exchange; 100 in a read, and
                    the figure is for one of them
    keys-hashed     the same, through a consistent hash exchange to four queues
    spread          50 routing keys in turn, through a direct exchange to a queue each, delivered to
                    a consumer of each that needs no ack; 1000 in a read, the figure is for one
    spread-confirm  the same, confirmed
    connect         a connection that opens a channel, closes, and is gone: six reads, one log-in
    beside-binder   a key that 729 topic patterns match, while another client binds to the exchange
                    and unbinds: three turns
"""

import asyncio
import gc
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count, product
from typing import Final, NamedTuple, cast

from pamqp import base, body, commands, frame, header

from amqp_server.broker.access.rights import new_user
from amqp_server.broker.access.users import Users
from amqp_server.broker.broker import Broker
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.turn import Turn
from amqp_server.connections.peer import Peer
from amqp_server.net.reactor import Reactor
from amqp_server.net.transport import Transport
from amqp_server.protocol.connection import Connection
from amqp_server.protocol.settings import ProtocolSettings

ROUNDS: Final = 7
"""Rounds of every case; the smallest figure is printed."""

TURNS: Final = 4_000
KEYS_PER_READ: Final = 100
ACKED_TOGETHER: Final = 100
SPREAD_OVER: Final = 50
SPREAD_PER_READ: Final = 1_000
BODY: Final = b"x" * 12
PEER: Final = Peer("127.0.0.1", 50_000, "127.0.0.1", 5672, is_loopback=True)
PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"
HIGH_BYTES: Final = 1 << 24


class Load(NamedTuple):
    """Reads to measure.

    Attributes:
        feed: takes one read.
        reads: the bytes of each turn, in order.
        written: the last output of all connections.
        units_per_read: messages, or other units of the figure.
    """

    feed: Callable[[bytes], None]
    reads: list[bytes]
    written: deque[bytes]
    units_per_read: int = 1


class Sink:
    """An asyncio transport that drops its output."""

    def __init__(self, written: deque[bytes]) -> None:
        self.write = written.append
        self.writelines = written.extend

    def get_extra_info(self, _name: str) -> None:
        """Return None, because there is neither TLS nor a socket."""

    def set_write_buffer_limits(self, *, high: int, low: int) -> None:
        """Do nothing, because no output waits."""

    def is_closing(self) -> bool:
        """Return False, because no peer leaves."""
        return False

    def write_eof(self) -> None:
        """Do nothing; the peer ends the connection next."""

    def close(self) -> None:
        """Do nothing; ``connection_lost`` comes next."""


class StillLoop:
    """An asyncio loop that runs nothing by itself."""

    def __init__(self) -> None:
        self._ready: list[Callable[[], None]] = []

    def call_soon(self, work: Callable[[], None]) -> None:
        """Keep a call until the read is over."""
        self._ready.append(work)

    def run_ready(self) -> None:
        """Run the calls of a read, such as a turn that waited for other reads."""
        if self._ready:
            ready, self._ready = self._ready, []
            for work in ready:
                work()

    def call_later(self, _delay_s: float, _work: Callable[[], None]) -> "StillLoop":
        """Return an object that can be cancelled."""
        return self

    def cancel(self) -> None:
        """Do nothing, because no timer runs."""


class Client:
    """One connection with channel 1 open."""

    def __init__(self, node: "Node") -> None:
        self._run_ready = node.loop.run_ready
        self._written = node.written
        self._shell = shell(node)
        self.feed(PROTOCOL_HEADER)
        self.call(commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest", "en_US"), 0)
        self.call(commands.Connection.TuneOk(2047, 131_072, 0), 0)
        self.call(commands.Connection.Open("/"), 0)
        self.call(commands.Channel.Open())

    def feed(self, octets: bytes) -> None:
        """Pass bytes in one read; a whole turn follows."""
        size = len(octets)
        self._shell.get_buffer(-1)[:size] = octets
        self._shell.buffer_updated(size)
        self._run_ready()

    def call(self, method: base.Frame, channel: int = 1) -> None:
        """Send a method; the broker must not answer with a close."""
        self.feed(frame.marshal(method, channel))
        replies = b"".join(self._written)
        for kind in (commands.Connection.Close, commands.Channel.Close):
            assert kind.index.to_bytes(4, "big") not in replies, f"{method.name} was refused"


class Node:
    """A broker and its reactor, on a loop that runs only when told to."""

    def __init__(self) -> None:
        self.loop = StillLoop()
        self.written: deque[bytes] = deque(maxlen=8)
        users = Users(())
        users.put(new_user("guest", "guest", os.urandom, ()))
        users.set_permissions("guest", "/", ".*", ".*", ".*")
        self._broker = Broker(BrokerSettings(), users, Turn(4_096), os.urandom)
        self._broker.add_vhost("/")
        self.reactor = Reactor(
            cast("asyncio.AbstractEventLoop", self.loop),
            self._broker,
            read_buffer_bytes=1 << 18,
        )

    def make_connection(self, peer: Peer, on_output: Callable[[], None], now_ms: int) -> Connection:
        """Make a connection's sans-IO side."""
        return Connection(self._broker, ProtocolSettings(), peer, on_output, now_ms)

    def client(self, *, queue: str = "", confirms: bool = False, consumes: str = "") -> Client:
        """Return a client that has declared a queue, asked for confirms, or consumes."""
        client = Client(self)
        if queue:
            client.call(commands.Queue.Declare(queue=queue))
        if confirms:
            client.call(commands.Confirm.Select())
        if consumes:
            client.call(commands.Basic.Consume(queue="one", no_ack=consumes == "auto"))
        return client


def shell(node: Node) -> Transport:
    """Return a connection that was just accepted."""
    accepted = Transport(
        node.reactor,
        node.make_connection,
        lambda _: PEER,
        lambda _: None,
        lambda _: None,
        write_high_watermark_bytes=HIGH_BYTES,
    )
    accepted.connection_made(cast("asyncio.BaseTransport", Sink(node.written)))
    return accepted


def publish(exchange: str = "", routing_key: str = "one", reply_to: str | None = None) -> bytes:
    """Return the frames of one message."""
    properties = commands.Basic.Properties(reply_to=reply_to)
    method = commands.Basic.Publish(exchange=exchange, routing_key=routing_key)
    parts = (method, header.ContentHeader(0, len(BODY), properties), body.ContentBody(BODY))
    return b"".join(frame.marshal(part, 1) for part in parts)


def publishing(*, confirms: bool, consumes: str) -> Load:
    """Publish to a queue, with or without a consumer."""
    node = Node()
    client = node.client(queue="one", confirms=confirms)
    if consumes:
        node.client(consumes=consumes)
    return Load(client.feed, [publish()] * TURNS, node.written)


def acking() -> Load:
    """Ack deliveries one by one, each a batch of its own."""
    node = Node()
    publisher = node.client(queue="one")
    consumer = node.client(consumes="acking")
    for _ in range(TURNS):
        publisher.feed(publish())
    acks = [frame.marshal(commands.Basic.Ack(tag), 1) for tag in range(1, TURNS + 1)]
    return Load(consumer.feed, acks, node.written)


def acking_many() -> Load:
    """Ack batches of deliveries, each with one multiple ack."""
    node = Node()
    publisher = node.client(queue="one")
    consumer = node.client(consumes="acking")
    for _ in range(TURNS):
        publisher.feed(publish() * ACKED_TOGETHER)
    tags = range(ACKED_TOGETHER, ACKED_TOGETHER * TURNS + 1, ACKED_TOGETHER)
    acks = [frame.marshal(commands.Basic.Ack(tag, multiple=True), 1) for tag in tags]
    return Load(consumer.feed, acks, node.written)


def getting() -> Load:
    """Get messages one by one."""
    node = Node()
    client = node.client(queue="one")
    client.feed(publish() * TURNS)
    read = frame.marshal(commands.Basic.Get(queue="one", no_ack=True), 1)
    return Load(client.feed, [read] * TURNS, node.written)


def calling() -> Load:
    """Send a request, and the reply to it."""
    node = Node()
    server = node.client(queue="one", consumes="auto")
    client = node.client()
    client.call(commands.Basic.Consume(queue="amq.rabbitmq.reply-to", no_ack=True))
    request = publish(reply_to="amq.rabbitmq.reply-to")
    client.feed(request)
    found = node.written[-1]
    start = found.index(b"amq.rabbitmq.reply-to.")
    name = found[start : start + found[start - 1]].decode()
    reply = publish(routing_key=name)

    def feed(octets: bytes) -> None:
        client.feed(octets)
        server.feed(reply)

    return Load(feed, [request] * TURNS, node.written)


def keyed(exchange_type: str, queues: Sequence[str], binding_keys: Sequence[str]) -> Load:
    """Publish each message with another key."""
    node = Node()
    client = node.client(queue="one")
    client.call(commands.Exchange.Declare(exchange="keys", exchange_type=exchange_type))
    for queue in queues:
        client.call(commands.Queue.Declare(queue=queue))
        for key in binding_keys:
            client.call(commands.Queue.Bind(queue=queue, exchange="keys", routing_key=key))
    node.client(consumes="auto")
    numbers = count()

    def read() -> bytes:
        keys = (f"{number % 1_000}.{number}" for number in (next(numbers) for _ in range(100)))
        return b"".join(publish("keys", key) for key in keys)

    reads = [read() for _ in range(TURNS // KEYS_PER_READ)]
    return Load(client.feed, reads, node.written, KEYS_PER_READ)


def spread(*, confirms: bool) -> Load:
    """Publish to many queues in turn, each with its own key."""
    node = Node()
    client, consumer = node.client(confirms=confirms), node.client()
    client.call(commands.Exchange.Declare(exchange="by key", exchange_type="direct"))
    keys = [f"key {number}" for number in range(SPREAD_OVER)]
    for key in keys:
        client.call(commands.Queue.Declare(queue=key))
        client.call(commands.Queue.Bind(queue=key, exchange="by key", routing_key=key))
        consumer.call(commands.Basic.Consume(queue=key, consumer_tag=key, no_ack=True))
    read = b"".join(publish("by key", key) for key in keys) * (SPREAD_PER_READ // SPREAD_OVER)
    return Load(
        client.feed, [read] * (10 * TURNS // SPREAD_PER_READ), node.written, SPREAD_PER_READ
    )


def connecting() -> Load:
    """Open and close connections; a read has all bytes of a client, and each piece is a turn."""
    node = Node()
    opening = frame.marshal(commands.Connection.TuneOk(2047, 131_072, 0), 0)
    pieces = (
        PROTOCOL_HEADER,
        frame.marshal(commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest", "en_US"), 0),
        opening + frame.marshal(commands.Connection.Open("/"), 0),
        frame.marshal(commands.Channel.Open(), 1),
        frame.marshal(commands.Connection.Close(200, "", 0, 0), 0),
    )

    def feed(_octets: bytes) -> None:
        accepted = shell(node)
        for piece in pieces:
            size = len(piece)
            accepted.get_buffer(-1)[:size] = piece
            accepted.buffer_updated(size)
            node.loop.run_ready()
        accepted.eof_received()
        accepted.connection_lost(None)

    return Load(feed, [b""] * (TURNS // 4), node.written)


def beside_binder() -> Load:
    """Publish under one key, while other keys are bound to the same exchange and unbound."""
    node = Node()
    client, binder = node.client(queue="one"), node.client()
    client.call(commands.Exchange.Declare(exchange="topics", exchange_type="topic"))
    for words in product("a*#", repeat=6):
        key = ".".join(words)
        client.call(commands.Queue.Bind(queue="one", exchange="topics", routing_key=key))
    node.client(consumes="auto")
    bind = frame.marshal(commands.Queue.Bind(0, "one", "topics", "b.#"), 1)
    unbind = frame.marshal(commands.Queue.Unbind(0, "one", "topics", "b.#"), 1)

    def feed(octets: bytes) -> None:
        binder.feed(bind)
        binder.feed(unbind)
        client.feed(octets)

    return Load(feed, [publish("topics", "a.a.a.a.a.a")] * (TURNS // 4), node.written)


CASES: Final[dict[str, Callable[[], Load]]] = {
    "publish": lambda: publishing(confirms=False, consumes=""),
    "auto-ack": lambda: publishing(confirms=False, consumes="auto"),
    "confirm": lambda: publishing(confirms=True, consumes=""),
    "confirm-deliver": lambda: publishing(confirms=True, consumes="auto"),
    "ack": acking,
    "ack-multiple": acking_many,
    "get": getting,
    "rpc": calling,
    "keys": lambda: keyed("topic", ["one"], [f"{number}.#" for number in range(1_000)]),
    "keys-hashed": lambda: keyed("x-consistent-hash", ["one", "two", "three", "four"], ["1"]),
    "spread": lambda: spread(confirms=False),
    "spread-confirm": lambda: spread(confirms=True),
    "connect": connecting,
    "beside-binder": beside_binder,
}


def measure(make: Callable[[], Load]) -> Iterator[float]:
    """Yield the CPU time of one unit, in us, for each round."""
    for _ in range(ROUNDS):
        feed, reads, _, units_per_read = make()
        gc.collect()
        gc.disable()
        start = time.process_time()
        for octets in reads:
            feed(octets)
        spent_s = time.process_time() - start
        gc.enable()
        yield spent_s * 1e6 / len(reads) / units_per_read


def main(names: list[str]) -> None:
    """Measure and print the cases of these names; all of them if there are none."""
    for name in names or CASES:
        print(f"{name:16} {min(measure(CASES[name])):7.2f} us", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
