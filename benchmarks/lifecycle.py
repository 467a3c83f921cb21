"""Windows without messages: new connections, new queues, and idle connections."""

import socket
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from benchmarks.brokers import Broker
from benchmarks.scenarios import Connects, Declares, IdleConnections
from benchmarks.window import Window, mib, us_each
from load_generator import wire
from load_generator.load import Topology
from load_generator.session import Endpoint, Session
from load_generator.topology import deleted_after
from load_generator.wire import LoadError

FRAME_MAX_BYTES: Final = 4_096
"""Values that every broker must accept."""
READ_BYTES: Final = 1 << 14
METHOD_AT: Final = 7
METHOD_ID: Final = struct.Struct(">HH")
GOODBYE: Final = struct.pack(">HBHH", 200, 0, 0, 0)

SETTLE_S: Final = 1.0
"""Time for a broker to clean up before its memory is read."""


def measure_connects(connects: Connects, broker: Broker, seconds: float) -> Window:
    """Open and close connections one after another, until the time or the count is reached.

    Raises:
        LoadError: the broker refused one.
        OSError: the broker does not answer.
    """
    open_and_close = _visit(broker.endpoint)
    open_and_close()
    count, cpu_s, own_s, begin_s = 0, broker.cpu_s(), time.process_time(), time.monotonic()
    while count < connects.connection_count_max and time.monotonic() - begin_s < seconds:
        open_and_close()
        count += 1
    return Window(
        operations_per_s=count / (time.monotonic() - begin_s),
        generator_cpu_us=us_each(own_s, time.process_time(), count),
        broker_cpu_us=us_each(cpu_s, broker.cpu_s(), count),
        broker_rss_mib=mib(broker.rss_bytes()),
    )


def _visit(endpoint: Endpoint) -> Callable[[], None]:
    """Return a function that opens a connection with a channel, and closes it.

    Client and broker take turns, so the client's own work is in every figure. To keep it small, all
    frames are rendered before, except with TLS.
    """
    if endpoint.tls is not None:

        def visit_by_session() -> None:
            with Session(endpoint):
                pass

        return visit_by_session
    address = (endpoint.host, endpoint.port)
    opening = wire.method(0, wire.CONNECTION_OPEN, wire.shortstr(endpoint.vhost) + b"\x00\x00")
    calls = (
        (wire.PROTOCOL_HEADER, wire.CONNECTION_START),
        (wire.start_ok(endpoint.username, endpoint.password), wire.CONNECTION_TUNE),
        (wire.tune_ok(1, FRAME_MAX_BYTES) + opening, wire.CONNECTION_OPEN_OK),
        (wire.method(1, wire.CHANNEL_OPEN, b"\x00"), wire.CHANNEL_OPEN_OK),
        (wire.method(0, wire.CONNECTION_CLOSE, GOODBYE), wire.CONNECTION_CLOSE_OK),
    )

    def visit() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.connect(address)
            for request, reply in calls:
                connection.send(request)
                if METHOD_ID.unpack_from(connection.recv(READ_BYTES), METHOD_AT) != reply:
                    raise LoadError(f"{endpoint.host}:{endpoint.port} did not answer as expected")

    return visit


def measure_declares(declares: Declares, broker: Broker, prefix: str, seconds: float) -> Window:
    """Declare and bind queues one by one, until the count or the time is reached.

    The queues are deleted after the clock was read; raises the same as ``measure_connects``.
    """
    names: list[str] = []
    topology = Topology(names, prefix, "direct")
    with deleted_after(broker.endpoint, topology), Session(broker.endpoint) as session:
        request = wire.exchange_declare(1, prefix, "direct")
        session.call(request, wire.EXCHANGE_DECLARE_OK)
        requests = [_declare_and_bind(f"{prefix}.{n}", prefix) for n in range(declares.queue_count)]
        cpu_s, own_s, begin_s = broker.cpu_s(), time.process_time(), time.monotonic()
        for name, declare, bind in requests:
            if time.monotonic() - begin_s >= seconds:
                break
            names.append(name)
            session.call(declare, wire.QUEUE_DECLARE_OK)
            session.call(bind, wire.QUEUE_BIND_OK)
        return Window(
            operations_per_s=len(names) / (time.monotonic() - begin_s),
            generator_cpu_us=us_each(own_s, time.process_time(), len(names)),
            broker_cpu_us=us_each(cpu_s, broker.cpu_s(), len(names)),
            broker_rss_mib=mib(broker.rss_bytes()),
        )


def _declare_and_bind(queue: str, exchange: str) -> tuple[str, bytes, bytes]:
    """Render the two requests before the clock starts; the queue's name comes first."""
    declare = wire.queue_declare(1, queue)
    return queue, declare, wire.queue_bind(1, queue, exchange, queue)


def measure_idle(idle: IdleConnections, broker: Broker) -> Window:
    """Open connections with one channel each, and read how much memory they took.

    Raises the same as ``measure_connects``.
    """
    # The very first connection loads code and tables that later ones share.
    with Session(broker.endpoint):
        time.sleep(SETTLE_S)
        before_bytes = broker.rss_bytes()
        with ExitStack() as sessions:
            for _ in range(idle.connection_count):
                sessions.enter_context(Session(broker.endpoint))
            time.sleep(SETTLE_S)
            after_bytes = broker.rss_bytes()
    taken_kib = (
        None
        if before_bytes is None or after_bytes is None
        else max(0, after_bytes - before_bytes) / 1_024 / idle.connection_count
    )
    return Window(connection_kib=taken_kib, broker_rss_mib=mib(after_bytes))
