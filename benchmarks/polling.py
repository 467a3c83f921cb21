"""Management beside messages: ``python -m benchmarks.polling --queues 10000``.

Starts a HareMQ with its HTTP API and declares queues. It prints what pages and lists of them take,
and then, in turn without and with tools that poll, the rate of a publisher with a consumer and the
round trips of another client.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Final, NamedTuple

from benchmarks.brokers import HAREMQ, Broker, free_port
from benchmarks.bystander.canary import Canary, RoundTrips
from benchmarks.killable import killable
from benchmarks.scenarios import Durability
from benchmarks.window import mib
from load_generator import wire
from load_generator.session import Endpoint, Session

HTTP_PORT_OFFSET: Final = 10_000
POLL_S: Final = 5.0
LOOKS: Final = 11
"""How often a page is asked for; the median counts."""

PAGES: Final = (
    "queues?page=1&page_size=100",
    "queues?page=1&page_size=100&sort=messages&sort_reverse=true",
    "queues?page=1&page_size=100&name=99",
    "queues?columns=name,messages",
    "queues",
    "overview",
)
POLLED: Final = (
    "overview",
    "nodes",
    "queues?page=1&page_size=100&sort=messages&sort_reverse=true",
    "queues",
    "exchanges",
    "connections",
    "channels",
)
"""What a page of the web UI and a monitoring tool ask for, together."""


class Window(NamedTuple):
    """One window: messages a second, and the round trips of another client."""

    per_s: float
    trips: RoundTrips


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.polling", description=__doc__)
    parser.add_argument("--queues", type=int, default=10_000)
    parser.add_argument("--windows", type=int, default=3, help="of each kind")
    parser.add_argument("--seconds", type=float, default=12.0, help="of a window")
    parser.add_argument("--rate", type=float, default=0.0, help="messages a second; 0 is no limit")
    options = parser.parse_args(arguments)
    port = free_port() + HTTP_PORT_OFFSET  # Killable takes the one of AMQP.
    settings = f"management: {{listeners: [{{port: {port}}}], metrics_listeners: []}}\n"
    with killable(HAREMQ, Durability.FSYNC, settings=settings) as own:
        own.start()
        broker = own.broker()
        _declare(broker.endpoint, options.queues)
        time.sleep(2 * POLL_S)  # The node looks at its queues as often, and knows them then.
        print("| GET | ms | KiB |\n| --- | --: | --: |")
        for page in PAGES:
            taken_ms, size_bytes = _look(port, page)
            print(f"| {page} | {taken_ms:.1f} | {size_bytes / 1024:,.0f} |", flush=True)
        print(f"\nCPU time of the node for a round of all: {_round_ms(port, broker):.0f} ms")
        print(f"\nmemory of the node: {mib(broker.rss_bytes() or 0):,.0f} MiB\n")
        print("| | messages/s | p50 ms | p99 ms | worst ms |\n| --- | --: | --: | --: | --: |")
        for _ in range(options.windows):
            _tell("alone", _window(broker.endpoint, options.seconds, options.rate))
            with _polling(port):
                polled = _window(broker.endpoint, options.seconds, options.rate)
            _tell(f"polled every {POLL_S:.0f} s", polled)
    return 0


def _tell(name: str, window: Window) -> None:
    trips = window.trips
    figures = " | ".join(f"{each:.1f}" for each in (trips.p50_ms, trips.p99_ms, trips.worst_ms))
    print(f"| {name} | {window.per_s:,.0f} | {figures} |", flush=True)


def _declare(endpoint: Endpoint, count: int) -> None:
    with Session(endpoint) as session:
        for number in range(count):
            declare = wire.queue_declare(1, f"polled.{number:05}")
            session.call(declare, wire.QUEUE_DECLARE_OK)


def _get(port: int, path: str) -> int:
    """Ask for something of the HTTP API; return its size in bytes."""
    login = f"Basic {b64encode(b'guest:guest').decode()}"
    url = f"http://127.0.0.1:{port}/api/{path}"
    request = urllib.request.Request(url, headers={"Authorization": login})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return len(answer.read())


def _look(port: int, path: str) -> tuple[float, int]:
    taken_ms, size_bytes = [], 0
    for _ in range(LOOKS):
        begin_s = time.perf_counter()
        size_bytes = _get(port, path)
        taken_ms.append((time.perf_counter() - begin_s) * 1_000)
    return median(taken_ms), size_bytes


def _round_ms(port: int, broker: Broker) -> float:
    """Return the CPU time that the node takes for one round of all that is polled."""
    before_s = broker.cpu_s() or 0.0
    for _ in range(LOOKS):
        for path in POLLED:
            _get(port, path)
    return ((broker.cpu_s() or 0.0) - before_s) / LOOKS * 1_000


def _window(endpoint: Endpoint, seconds: float, rate: float) -> Window:
    """Load the broker for some seconds."""
    uri = f"amqp://guest:guest@{endpoint.host}:{endpoint.port}/%2F"
    options = ["--uri", uri, "--time", f"{seconds}", "--rate", f"{rate}", "--json", "-", "--quiet"]
    command = [sys.executable, "-m", "amqp_server", "perf", *options]
    canary = Canary(endpoint)
    ran = subprocess.run(command, capture_output=True, check=True, text=True)
    return Window(json.loads(ran.stdout)["per_second"]["consumed"], canary.stop())


@contextmanager
def _polling(port: int) -> Iterator[None]:
    """Have another process ask for everything that is polled, again and again."""
    poller = multiprocessing.get_context("spawn").Process(target=_poll, args=(port,), daemon=True)
    poller.start()
    try:
        yield
    finally:
        poller.kill()
        poller.join()


def _poll(port: int) -> None:
    while True:
        begin_s = time.monotonic()
        for path in POLLED:
            _get(port, path)
        time.sleep(max(0.0, begin_s + POLL_S - time.monotonic()))


if __name__ == "__main__":
    sys.exit(main())
