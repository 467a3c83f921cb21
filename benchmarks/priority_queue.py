"""A long priority queue: ``python -m benchmarks.priority_queue --count 300000 --priorities 255``.

Fills one durable queue with persistent messages of random priorities, more than it keeps in memory,
and drains it with one consumer. It prints both rates, and the broker's CPU time for each message.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from typing import Final

from benchmarks.brokers import Broker
from benchmarks.killable import measure_each
from benchmarks.long_queue import QUEUE, Size, drain, ready_count, tell
from benchmarks.scenarios import Durability
from benchmarks.window import us_each
from load_generator import wire
from load_generator.session import Endpoint, Session

SEED: Final = 1
RUN_MESSAGES: Final = 1_000
"""Messages published in one write."""
LOOK_AGAIN_S: Final = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the brokers one after another; return 1 if one could not be measured."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.priority_queue", description=__doc__
    )
    parser.add_argument("--count", type=int, default=300_000, help="rounded up to thousands")
    parser.add_argument("--size", type=int, default=128, help="bytes of a body; 128")
    parser.add_argument("--priorities", type=int, default=9, help="x-max-priority; 9")
    parser.add_argument("--class", dest="durability", choices=("fsync", "os"), default="fsync")
    parser.add_argument("--brokers", default="haremq,rabbitmq")
    options = parser.parse_args(arguments)
    runs_count = -(-options.count // RUN_MESSAGES)
    size = Size(runs_count * RUN_MESSAGES, options.size)
    return measure_each(
        options.brokers.split(","),
        Durability(options.durability),
        lambda own: _measure(own.broker(), size, runs_count, options.priorities),
    )


def _measure(broker: Broker, size: Size, runs_count: int, priorities: int) -> None:
    print(
        f"{broker.name} class={broker.durability} {size.message_count:,} x {size.body_bytes} B"
        f" of {priorities} priorities"
    )
    begin_s = time.monotonic()
    _fill(broker.endpoint, size, runs_count, priorities)
    tell("fill", f"{size.message_count / (time.monotonic() - begin_s):,.0f} published/s")
    cpu_s = broker.cpu_s()
    drain(broker, size)
    each_us = us_each(cpu_s, broker.cpu_s(), size.message_count)
    tell("broker", f"{each_us:.2f} us each" if each_us is not None else "-")


def _fill(endpoint: Endpoint, size: Size, runs_count: int, priorities: int) -> None:
    """Declare the queue and publish messages of random priorities; return when all are ready."""
    arguments = {"x-max-priority": priorities}
    body = b"x" * size.body_bytes
    messages = [
        wire.publish("", QUEUE, wire.properties(persistent=True, priority=priority), body)
        for priority in range(priorities + 1)
    ]
    chance = random.Random(SEED)
    with Session(endpoint) as session:
        declare = wire.queue_declare(1, QUEUE, arguments, durable=True)
        session.call(declare, wire.QUEUE_DECLARE_OK)
        for _ in range(runs_count):
            session.socket.sendall(b"".join(chance.choices(messages, k=RUN_MESSAGES)))
        # A channel keeps the order, so the last publish is in the queue before this is answered.
        session.call(wire.queue_declare(1, QUEUE, passive=True), wire.QUEUE_DECLARE_OK)
    while ready_count(endpoint) < size.message_count:
        time.sleep(LOOK_AGAIN_S)


if __name__ == "__main__":
    sys.exit(main())
