"""The requests that ``benchmarks.against`` sends: each case prepares rounds of units.

Its docstring says what each case is.
"""

import struct
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple, TypeAlias

from load_generator import wire
from load_generator.session import Endpoint, Session

BODY: Final = b"x" * 12
EXCHANGE: Final = "against"
BINDING_COUNT: Final = 1_000
KEYS_PER_WRITE: Final = 100
SPREAD_OVER: Final = 50
SPREAD_PER_WRITE: Final = 1_000
BURST: Final = 200
FRAMES_OF_DELIVERY: Final = 3
PLAIN: Final = wire.properties()
QUEUE_UNBIND: Final = wire.MethodId(50, 50)
QUEUE_UNBIND_OK: Final = wire.MethodId(50, 51)
QUEUE_PURGE_OK: Final = wire.MethodId(50, 31)
PURGE: Final = wire.method(1, wire.MethodId(50, 30), b"\0\0" + wire.shortstr("burst") + b"\0")
DELIVERY_TAG_AT: Final = 4

Work: TypeAlias = Callable[[], None]
Round: TypeAlias = Callable[[int, int], Work]
"""Prepares a round: the number of its first unit and the count of its units; returns the work."""


class Case(NamedTuple):
    """What is measured.

    Attributes:
        prepare: declares what all rounds need, and returns what prepares each.
        unit_count: units of one round; a tenth of it under valgrind.
    """

    prepare: Callable[["Client"], Round]
    unit_count: int


class Client:
    """A publisher and a consumer of one node."""

    def __init__(self, endpoint: Endpoint, stack: ExitStack) -> None:
        self.endpoint = endpoint
        self.publisher = stack.enter_context(Session(endpoint))
        self.consumer = stack.enter_context(Session(endpoint))
        self.confirmed_count = 0

    def declare(self, queue: str, *, durable: bool = False) -> None:
        """Declare a queue."""
        request = wire.queue_declare(1, queue, durable=durable)
        self.publisher.call(request, wire.QUEUE_DECLARE_OK)

    def exchange(self, name: str, kind: str) -> None:
        """Declare an exchange."""
        self.publisher.call(wire.exchange_declare(1, name, kind), wire.EXCHANGE_DECLARE_OK)

    def bind(self, queue: str, exchange: str, key: str) -> None:
        """Bind a queue."""
        self.publisher.call(wire.queue_bind(1, queue, exchange, key), wire.QUEUE_BIND_OK)

    def consume(self, queue: str) -> None:
        """Consume from a queue without acks."""
        request = wire.consume(1, queue, queue, no_ack=True)
        self.consumer.call(request, wire.BASIC_CONSUME_OK)

    def calls(self, requests: Sequence[bytes], reply: wire.MethodId) -> Callable[[], None]:
        """Return a function that sends requests one by one, and waits for each reply."""

        def work() -> None:
            for request in requests:
                self.publisher.call(request, reply)

        return work

    def await_confirms(self, count: int) -> None:
        """Read confirms until so many more messages are confirmed."""
        awaited = self.confirmed_count + count
        while self.confirmed_count < awaited:
            received = self.publisher.read_frame()
            if wire.method_of(received) != wire.BASIC_ACK:
                raise wire.refusal(received)
            (self.confirmed_count,) = struct.unpack_from(">Q", received.payload, DELIVERY_TAG_AT)

    def deliveries(self, writes: Sequence[bytes], per_write: int) -> Callable[[], None]:
        """Return a function that sends writes one by one, and waits for the deliveries of each."""

        def work() -> None:
            for write in writes:
                self.publisher.socket.sendall(write)
                for _ in range(FRAMES_OF_DELIVERY * per_write):
                    self.consumer.read_frame()

        return work


def declares(client: Client) -> Round:
    """Declare queues."""

    def prepared(first: int, count: int) -> Work:
        requests = [wire.queue_declare(1, f"declare.{first + n}") for n in range(count)]
        return client.calls(requests, wire.QUEUE_DECLARE_OK)

    return prepared


def binds(client: Client) -> Round:
    """Bind one queue by many keys."""
    client.exchange(EXCHANGE, "direct")
    client.declare("bound")

    def prepared(first: int, count: int) -> Work:
        keys = (f"key.{first + n}" for n in range(count))
        requests = [wire.queue_bind(1, "bound", EXCHANGE, key) for key in keys]
        return client.calls(requests, wire.QUEUE_BIND_OK)

    return prepared


def unbinds(client: Client) -> Round:
    """Remove the bindings of one queue."""
    client.exchange(EXCHANGE, "direct")
    client.declare("unbound")

    def prepared(first: int, count: int) -> Work:
        keys = [f"key.{first + n}" for n in range(count)]
        for key in keys:
            client.bind("unbound", EXCHANGE, key)
        return client.calls([_unbind("unbound", key) for key in keys], QUEUE_UNBIND_OK)

    return prepared


def _unbind(queue: str, key: str) -> bytes:
    names = wire.shortstr(queue) + wire.shortstr(EXCHANGE) + wire.shortstr(key)
    return wire.method(1, QUEUE_UNBIND, b"\0\0" + names + wire.table({}))


def deletes(client: Client) -> Round:
    """Delete queues that have a binding."""
    client.exchange(EXCHANGE, "direct")

    def prepared(first: int, count: int) -> Work:
        queues = [f"delete.{first + n}" for n in range(count)]
        for queue in queues:
            client.declare(queue)
            client.bind(queue, EXCHANGE, queue)
        requests = [wire.queue_delete(1, queue) for queue in queues]
        return client.calls(requests, wire.QUEUE_DELETE_OK)

    return prepared


def durables(client: Client) -> Round:
    """Declare and delete durable queues."""

    def prepared(first: int, count: int) -> Work:
        queues = [f"durable.{first + n}" for n in range(count)]
        declare = [wire.queue_declare(1, queue, durable=True) for queue in queues]
        delete = [wire.queue_delete(1, queue) for queue in queues]
        declaring = client.calls(declare, wire.QUEUE_DECLARE_OK)
        deleting = client.calls(delete, wire.QUEUE_DELETE_OK)

        def work() -> None:
            declaring()
            deleting()

        return work

    return prepared


def connects(client: Client) -> Round:
    """Open and close connections."""

    def prepared(_first: int, count: int) -> Work:
        def work() -> None:
            for _ in range(count):
                Session(client.endpoint).close()

        return work

    return prepared


def lone(client: Client) -> Round:
    """Publish messages one by one."""
    client.declare("lone")
    client.consume("lone")
    message = wire.publish("", "lone", wire.properties(), BODY)

    def prepared(_first: int, count: int) -> Work:
        return client.deliveries([message] * count, 1)

    return prepared


def new_keys(client: Client) -> Round:
    """Publish each message with another routing key."""
    exchange = f"{EXCHANGE}.topic"
    client.exchange(exchange, "topic")
    client.declare("keys")
    for number in range(BINDING_COUNT):
        client.bind("keys", exchange, f"{number}.#")
    client.consume("keys")

    def prepared(first: int, count: int) -> Work:
        writes = [
            b"".join(
                wire.publish(exchange, f"{number % BINDING_COUNT}.{number}", PLAIN, BODY)
                for number in range(begin, begin + KEYS_PER_WRITE)
            )
            for begin in range(first, first + count, KEYS_PER_WRITE)
        ]
        return client.deliveries(writes, KEYS_PER_WRITE)

    return prepared


def spread(client: Client) -> Round:
    """Publish to many queues in turn."""
    exchange = f"{EXCHANGE}.spread"
    client.exchange(exchange, "direct")
    queues = [f"spread.{number}" for number in range(SPREAD_OVER)]
    for queue in queues:
        client.declare(queue)
        client.bind(queue, exchange, queue)
        client.consume(queue)
    pass_over_all = b"".join(wire.publish(exchange, queue, PLAIN, BODY) for queue in queues)
    write = pass_over_all * (SPREAD_PER_WRITE // SPREAD_OVER)

    def prepared(_first: int, count: int) -> Work:
        return client.deliveries([write] * (count // SPREAD_PER_WRITE), SPREAD_PER_WRITE)

    return prepared


def bursts(client: Client) -> Round:
    """Publish persistent messages, many in a write, and wait for their confirms."""
    client.declare("burst", durable=True)
    client.publisher.call(wire.method(1, wire.CONFIRM_SELECT, b"\0"), wire.CONFIRM_SELECT_OK)
    write = wire.publish("", "burst", wire.properties(persistent=True), BODY) * BURST

    def prepared(_first: int, count: int) -> Work:
        def work() -> None:
            for _ in range(count // BURST):
                client.publisher.socket.sendall(write)
                client.await_confirms(BURST)
            client.publisher.call(PURGE, QUEUE_PURGE_OK)

        return work

    return prepared


CASES: Final = {
    "declare": Case(declares, 2_000),
    "bind": Case(binds, 2_000),
    "unbind": Case(unbinds, 2_000),
    "delete": Case(deletes, 2_000),
    "durable": Case(durables, 1_000),
    "connect": Case(connects, 500),
    "auto-ack": Case(lone, 4_000),
    "new-key": Case(new_keys, 20_000),
    "spread": Case(spread, 100_000),
    "burst": Case(bursts, 40_000),
}
