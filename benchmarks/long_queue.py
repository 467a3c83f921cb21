"""A long durable queue: ``python -m benchmarks.long_queue --count 1000000 --size 128``.

Fills one durable queue with persistent, confirmed messages without a consumer, and drains it. With
``--restart`` it kills the broker between the two and starts it again. It prints the rates, the
memory of the messages, and the octets written to the disk for each. After a kill it prints the
seconds until a login worked and until a consumer had its first message.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.brokers import Broker
from benchmarks.disk import disk_written_bytes
from benchmarks.killable import Killable, measure_each
from benchmarks.scenarios import Durability
from benchmarks.window import each, mib
from load_generator import wire
from load_generator.load import Load, Settle, Topology
from load_generator.run import Interrupts, Plan, run
from load_generator.session import Endpoint, Session
from load_generator.wire import LoadError

QUEUE: Final = "benchmark.long"
SECONDS_MAX: Final = 3_600.0
CONFIRM_WINDOW: Final = 20_000
PREFETCH_COUNT: Final = 2_000
ACK_EVERY: Final = 500
_COUNT_AT: Final = 5


class Size(NamedTuple):
    """The number of messages, and the size of their bodies."""

    message_count: int
    body_bytes: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the brokers one after another; return 1 if one could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_queue", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=128, help="bytes of a body; 128")
    parser.add_argument("--class", dest="durability", choices=("fsync", "os"), default="fsync")
    parser.add_argument("--brokers", default="haremq,rabbitmq")
    parser.add_argument("--restart", action="store_true", help="kill it when the queue is full")
    options = parser.parse_args(arguments)
    size = Size(options.count, options.size)
    return measure_each(
        options.brokers.split(","),
        Durability(options.durability),
        lambda own: _measure(own, size, with_restart=options.restart),
    )


def _measure(own: Killable, size: Size, *, with_restart: bool) -> None:
    broker = own.broker()
    print(f"{broker.name} class={broker.durability} {size.message_count:,} x {size.body_bytes} B")
    _tell_fill(broker, size)
    if with_restart:
        own.kill()
        tell("restart", f"{own.start():.2f} s until the log-in")
        broker = own.broker()
        tell("first message", f"{await_message(broker.endpoint):.3f} s after that")
    found_count = ready_count(broker.endpoint)
    if found_count != size.message_count:
        raise LoadError(f"{found_count:,} messages are ready, not {size.message_count:,}")
    drain(broker, size)


def _tell_fill(broker: Broker, size: Size) -> None:
    rss_bytes, wrote_bytes = broker.rss_bytes(), disk_written_bytes()
    elapsed_s = fill(broker, size)
    tell("fill", f"{size.message_count / elapsed_s:,.0f} confirmed/s")
    grown = mib((broker.rss_bytes() or 0) - (rss_bytes or 0))
    tell("memory", f"+{grown:,.0f} MiB" if grown is not None else "-")
    written = each(wrote_bytes, disk_written_bytes(), size.message_count)
    tell("written", f"{written or 0:,.0f} B each")


def fill(broker: Broker, size: Size) -> float:
    """Declare QUEUE, and publish the messages; return the seconds until all were confirmed.

    Raises:
        LoadError: the broker refused.
        OSError: it does not answer.
    """
    topology = Topology([QUEUE], durable=True)
    load = Load(
        publisher_keys=[[QUEUE]],
        properties=wire.properties(persistent=True),
        body=b"x" * size.body_bytes,
        confirm_window=CONFIRM_WINDOW,
        message_count_max=size.message_count,
    )
    return _run(Plan(broker.endpoint, topology, load, persistent=True), size.message_count)


def drain(broker: Broker, size: Size) -> None:
    """Consume all of QUEUE, and print the rate.

    Raises:
        LoadError: the broker refused, or kept some.
        OSError: it does not answer.
    """
    load = Load(
        consumer_queues=[QUEUE],
        settle=Settle.MULTIPLE,
        ack_every=ACK_EVERY,
        prefetch_count=PREFETCH_COUNT,
        body=b"x" * size.body_bytes,
    )
    plan = Plan(broker.endpoint, Topology([QUEUE], durable=True, is_shared=True), load)
    tell("drain", f"{size.message_count / _run(plan, size.message_count):,.0f} consumed/s")
    left_count = ready_count(broker.endpoint)
    if left_count:
        raise LoadError(f"{left_count:,} messages are left after the drain")


def _run(plan: Plan, count: int) -> float:
    """Run until this number of messages was confirmed or consumed; return the seconds."""
    bounded = Plan(
        plan.endpoint,
        plan.topology,
        plan.load,
        seconds=SECONDS_MAX,
        message_count=count,
        persistent=plan.persistent,
        keep=True,
    )
    outcome = run(bounded, lambda _: None, Interrupts())
    return outcome.figures.elapsed_s


def ready_count(endpoint: Endpoint, queue: str = QUEUE) -> int:
    """Return the number of a queue's ready messages, from a passive declare.

    Raises:
        LoadError: there is no such queue.
        OSError: the broker does not answer.
    """
    with Session(endpoint) as session:
        payload = session.call(wire.queue_declare(1, queue, passive=True), wire.QUEUE_DECLARE_OK)
    at = _COUNT_AT + payload[4]
    return int.from_bytes(payload[at : at + 4], "big")


def await_message(endpoint: Endpoint, queue: str = QUEUE) -> float:
    """Return the seconds until a new consumer has a message; its messages are then requeued.

    Raises:
        LoadError: the broker ended the connection.
        OSError: no message came.
    """
    begin_s = time.monotonic()
    with Session(endpoint) as session:
        # These are more deliveries than come in the read with the consume-ok.
        session.call(wire.qos(1, PREFETCH_COUNT), wire.BASIC_QOS_OK)
        session.call(wire.consume(1, queue, "", no_ack=False), wire.BASIC_CONSUME_OK)
        if not session.take_rest() and not session.socket.recv(1):
            raise LoadError("the broker ended the connection")
        return time.monotonic() - begin_s


def tell(what: str, figure: str) -> None:
    """Print one figure."""
    print(f"  {what:14} {figure}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
