"""A restart with many durable queues: ``python -m benchmarks.many_queues --count 10000``.

Declares durable queues, binds each to one durable exchange, kills the broker, and measures how long
it takes until it can be logged in to again. Every queue must be there then.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Final

from amqp_server.perf import wire
from amqp_server.perf.session import Endpoint, Session
from amqp_server.perf.wire import LoadError
from benchmarks.brokers import HAREMQ, RABBITMQ
from benchmarks.killable import Killable, killable
from benchmarks.scenarios import Durability
from benchmarks.window import mib

EXCHANGE: Final = "benchmark.many"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the brokers one after another; 1 where one could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_queues", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--brokers", default="haremq,rabbitmq")
    options = parser.parse_args(arguments)
    for name in (HAREMQ, RABBITMQ):
        if name.lower() not in options.brokers.split(","):
            continue
        try:
            with killable(name, Durability.FSYNC) as own:
                own.start()
                _measure(own, options.count)
        except (LoadError, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    return 0


def _measure(own: Killable, count: int) -> None:
    broker = own.broker()
    names = [f"benchmark.many.{number}" for number in range(count)]
    print(f"{broker.name} {count:,} durable queues, bound")
    begin_s = time.monotonic()
    _declare(broker.endpoint, names)
    per_s = count / (time.monotonic() - begin_s)
    print(f"  declare  {per_s:,.0f} declared and bound/s", flush=True)
    own.kill()
    print(f"  restart  {own.start():.2f} s until the log-in", flush=True)
    broker = own.broker()
    print(f"  memory   {mib(broker.rss_bytes()) or 0:,.0f} MiB", flush=True)
    with Session(broker.endpoint) as session:
        missing = [name for name in names if not session.has_queue(name)]
    if missing:
        raise LoadError(f"{len(missing):,} queues are gone, as {missing[0]}")


def _declare(endpoint: Endpoint, names: Sequence[str]) -> None:
    with Session(endpoint) as session:
        exchange = wire.exchange_declare(1, EXCHANGE, "direct", durable=True)
        session.call(exchange, wire.EXCHANGE_DECLARE_OK)
        for name in names:
            session.call(wire.queue_declare(1, name, durable=True), wire.QUEUE_DECLARE_OK)
            session.call(wire.queue_bind(1, name, EXCHANGE, name), wire.QUEUE_BIND_OK)


if __name__ == "__main__":
    sys.exit(main())
