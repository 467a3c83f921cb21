"""The cost of declares and new routing keys in the broker: ``python -m benchmarks.declare_path``.

A broker and one client are in this process: bytes in, bytes out, no socket. The processor time is
measured. The frames of the client are rendered before the clock starts. It prints figures, and
judges none.

    declare + bind   one method in each read, from a client that waits for each answer, with 0,
                     10,000 and 50,000 queues that exist already: the cost stays level
    new keys         publishes to 1,000 topic bindings, each with another routing key, many in a
                     read; beside them as many with one key
"""

import time
from collections.abc import Sequence
from typing import Final

from amqp_server.broker.access.rights import new_user
from amqp_server.broker.access.users import Users
from amqp_server.broker.broker import Broker
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.turn import Turn
from amqp_server.connections.peer import Peer
from amqp_server.protocol.connection import Connection
from amqp_server.protocol.settings import ProtocolSettings
from load_generator import wire
from persistence.kernels import build_name

PAIRS: Final = 5_000
"""Queues declared and bound per figure."""

QUEUES_BEFORE: Final = (0, 10_000, 50_000)
EXCHANGE: Final = "bench"
BINDING_COUNT: Final = 1_000
KEY_COUNT: Final = 100_000
PUBLISHES_PER_READ: Final = 100
ROUNDS: Final = 3
"""Rounds of a figure; the best one is printed."""

NOW_MS: Final = 1_000_000
DELIVERIES_PER_QUEUE_MAX: Final = 4_096


class Client:
    """A connection with channel 1 open, and the broker behind it."""

    def __init__(self) -> None:
        users = Users()
        self.broker = Broker(BrokerSettings(), users, Turn(DELIVERIES_PER_QUEUE_MAX), bytes)
        self.broker.add_vhost("/")
        users.put(new_user("guest", "guest", bytes))
        users.set_permissions("guest", "/", ".*", ".*", ".*")
        peer = Peer("127.0.0.1", 50_000, "127.0.0.1", 5672, is_loopback=True)
        self._connection = Connection(self.broker, ProtocolSettings(), peer, _ignore, NOW_MS)
        self.send(wire.PROTOCOL_HEADER)
        self.send(wire.start_ok("guest", "guest"))
        self.send(wire.tune_ok(9, wire.FRAME_MAX_BYTES))
        self.send(wire.method(0, wire.CONNECTION_OPEN, wire.shortstr("/") + b"\0\0"))
        self.send(wire.method(1, wire.CHANNEL_OPEN, b"\0"))
        self.send(wire.exchange_declare(1, EXCHANGE, "topic"))

    def send(self, octets: bytes) -> None:
        """Give the broker one read, and take its answers."""
        self._connection.receive_data(octets, NOW_MS)
        self.broker.end_turn(NOW_MS)
        self._connection.data_to_send()

    def seconds_of(self, reads: Sequence[bytes]) -> float:
        """Return the processor time of some reads, in seconds."""
        started = time.process_time()
        for read in reads:
            self.send(read)
        return time.process_time() - started


def main() -> None:
    """Measure and print all figures."""
    print(f"{build_name()} build, processor time")
    for count in QUEUES_BEFORE:
        best = min(declare_us(count, kind) for kind in ("direct",) for _ in range(ROUNDS))
        print(f"  declare + bind beside {count:6,} queues   {best:7.1f} us")
    for name, key_count in (("one key", 1), ("new keys", KEY_COUNT)):
        best = min(publish_us(key_count) for _ in range(ROUNDS))
        print(f"  publish to a topic, {name:8s}         {best:7.1f} us")


def declare_us(queue_count: int, kind: str) -> float:
    """Return the us for declaring and binding one queue beside this number of queues."""
    client = Client()
    client.send(wire.exchange_declare(1, kind, kind))
    for read in _pairs(0, queue_count, kind):
        client.send(read)
    reads = _pairs(queue_count, PAIRS, kind)
    return client.seconds_of(reads) / PAIRS * 1e6


def _pairs(first: int, count: int, exchange: str) -> list[bytes]:
    reads: list[bytes] = []
    for number in range(first, first + count):
        name = f"queue.{number}"
        reads.append(wire.queue_declare(1, name, durable=True))
        reads.append(wire.queue_bind(1, name, exchange, f"key.{number}"))
    return reads


def publish_us(key_count: int) -> float:
    """Return the us for one message to a queue, with this number of routing keys in turn."""
    client = Client()
    client.send(wire.queue_declare(1, "q"))
    for number in range(BINDING_COUNT):
        client.send(wire.queue_bind(1, "q", EXCHANGE, f"site.{number:03d}.*"))
    client.send(wire.consume(1, "q", "c", no_ack=True))
    content = wire.properties()
    publishes = [
        wire.publish(
            EXCHANGE, f"site.{number % BINDING_COUNT:03d}.{number:06d}", content, b"x" * 12
        )
        for number in range(key_count)
    ]
    publishes *= KEY_COUNT // key_count
    reads = [
        b"".join(publishes[first : first + PUBLISHES_PER_READ])
        for first in range(0, KEY_COUNT, PUBLISHES_PER_READ)
    ]
    return client.seconds_of(reads) / KEY_COUNT * 1e6


def _ignore() -> None:
    """Output is taken after every read."""


if __name__ == "__main__":
    main()
