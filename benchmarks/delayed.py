"""Messages that wait: ``python -m benchmarks.delayed --count 1000000 --size 128``.

Publishes messages with delays by chance to an ``x-delayed-message`` exchange, kills the broker
while all of them wait, and takes them as they come. It prints the CPU time, the memory, how late
the messages were, and the worst round trip of another client meanwhile. With ``--at-once`` all are
due in the same moment.
"""

import argparse
import multiprocessing
import random
import struct
import sys
import time
from collections.abc import Sequence
from multiprocessing.sharedctypes import Synchronized
from typing import Final

from pamqp import commands

from benchmarks.brokers import HAREMQ, Broker
from benchmarks.killable import Killable, killable
from benchmarks.scenarios import Durability
from benchmarks.window import mib
from conformance.address import Address
from conformance.client import Channel, Connection
from load_generator.session import Endpoint

EXCHANGE: Final = "benchmark.delayed"
QUEUE: Final = "benchmark.delayed.out"
WRITE_BYTES: Final = 1 << 18
UNCONFIRMED_MAX: Final = 20_000
_PERSISTENT_WITH_HEADERS: Final = 0x3000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delayed", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=128, help="bytes of a body; 128")
    parser.add_argument("--first", type=float, default=180.0, help="s until the first is due")
    parser.add_argument("--spread", type=float, default=60.0, help="s between first and last")
    parser.add_argument("--at-once", action="store_true", help="all are due in the same moment")
    options = parser.parse_args(arguments)
    with killable(HAREMQ, Durability.FSYNC) as own:
        own.start()
        begin_s = time.time()
        due_from_s = begin_s + options.first
        spread_s = 0.0 if options.at_once else options.spread
        _fill(own.broker(), options.count, options.size, due_from_s, spread_s)
        left_s = due_from_s - time.time()
        _tell("all wait", f"{left_s:.0f} s before the first is due")
        own.kill()
        _tell("restart", f"{own.start():.2f} s until the log-in after a kill")
        broker = own.broker()
        _tell("memory", f"{mib(broker.rss_bytes() or 0):,.0f} MiB after it")
        _take(own, options.count, due_from_s, spread_s)
    return 0


def _open(endpoint: Endpoint) -> Connection:
    uri = f"amqp://{endpoint.username}:{endpoint.password}@{endpoint.host}:{endpoint.port}/%2F"
    return Connection(Address.of(uri), 600.0).open()


def _fill(broker: Broker, count: int, size: int, due_from_s: float, spread_s: float) -> None:
    connection = _open(broker.endpoint)
    channel = connection.channel(1)
    channel.call(
        commands.Exchange.Declare,
        exchange=EXCHANGE,
        exchange_type="x-delayed-message",
        durable=True,
        arguments={"x-delayed-type": "direct"},
    )
    channel.declare(QUEUE, durable=True)
    channel.call(commands.Queue.Bind, queue=QUEUE, exchange=EXCHANGE, routing_key="k")
    channel.call(commands.Confirm.Select)
    rss_bytes, cpu_s = broker.rss_bytes() or 0, broker.cpu_s() or 0.0
    chance = random.Random(1)
    peak_bytes, octets, sent_count, confirmed_count = 0, bytearray(), 0, 0
    for number in range(1, count + 1):
        due_s = due_from_s + chance.random() * spread_s
        delay_ms = max(round((due_s - time.time()) * 1000), 1)
        octets += _publish(delay_ms, struct.pack(">dI", due_s, number).ljust(size, b"."))
        if len(octets) > WRITE_BYTES or number == count:
            connection.send_bytes(bytes(octets))
            octets, sent_count = bytearray(), number
            while confirmed_count < (count if number == count else sent_count - UNCONFIRMED_MAX):
                confirmed_count = channel.expect(commands.Basic.Ack).delivery_tag or 0
            peak_bytes = max(peak_bytes, broker.rss_bytes() or 0)
    _tell("fill", f"{((broker.cpu_s() or 0.0) - cpu_s) / count * 1e6:.1f} us of CPU each")
    _tell("memory", f"+{mib(peak_bytes - rss_bytes):,.0f} MiB at most, {count:,} x {size} B")
    connection.close()


def _publish(delay_ms: int, body: bytes) -> bytes:
    name = EXCHANGE.encode()
    method = b"\x00\x3c\x00\x28\x00\x00" + bytes((len(name),)) + name + b"\x01k\x00"
    entry = b"\x07x-delayl" + struct.pack(">q", delay_ms)
    table = struct.pack(">I", len(entry)) + entry
    header = struct.pack(">HHQH", 60, 0, len(body), _PERSISTENT_WITH_HEADERS) + table + b"\x02"
    frames = ((1, method), (2, header), (3, body))
    return b"".join(
        [struct.pack(">BHI", kind, 1, len(octets)) + octets + b"\xce" for kind, octets in frames]
    )


def _take(own: Killable, count: int, due_from_s: float, spread_s: float) -> None:
    """Take all of them, and tell how late they were."""
    broker = own.broker()
    worst_s = multiprocessing.Value("d", 0.0)
    other = multiprocessing.Process(target=_ask, args=(broker.endpoint, worst_s), daemon=True)
    cpu_s, peak_bytes = broker.cpu_s() or 0.0, 0
    channel = _open(broker.endpoint).channel(1)
    channel.consume(QUEUE, no_ack=True)
    other.start()
    late_s: list[float] = []
    is_in_order, last_s, seen = True, 0.0, set[int]()
    while len(seen) < count:
        due_s, number = struct.unpack_from(">dI", channel.next_event().body)
        late_s.append(time.time() - due_s)
        is_in_order = is_in_order and due_s >= last_s - 0.002
        last_s = due_s
        seen.add(number)
        if not len(late_s) % 10_000:
            peak_bytes = max(peak_bytes, broker.rss_bytes() or 0)
    end_s = time.time()
    late_s.sort()
    _tell("came", f"{len(late_s):,}, {len(late_s) - count} twice, in order: {is_in_order}")
    _tell("late", f"p50 {late_s[count // 2]:.3f} s, p99 {late_s[count * 99 // 100]:.3f} s")
    _tell("early", f"{-min(late_s[0], 0.0):.3f} s at most")
    _tell("last", f"{end_s - due_from_s - spread_s:.1f} s after it was due")
    _tell("out", f"{((broker.cpu_s() or 0.0) - cpu_s) / count * 1e6:.1f} us of CPU each")
    _tell("memory", f"{mib(peak_bytes):,.0f} MiB at most")
    other.terminate()
    _tell("another", f"waited {worst_s.value * 1000:.0f} ms at most for an answer")


def _ask(endpoint: Endpoint, worst_s: "Synchronized[float]") -> None:
    """Ask for an answer again and again, and note the longest wait."""
    channel: Channel = _open(endpoint).channel(1)
    while True:
        begin_s = time.monotonic()
        channel.sync()
        worst_s.value = max(worst_s.value, time.monotonic() - begin_s)
        time.sleep(0.01)


def _tell(what: str, figure: str) -> None:
    print(f"  {what:10} {figure}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
