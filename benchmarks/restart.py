"""Restarts: a broker is filled, killed by SIGKILL, started again, and timed until it serves.

    0 ─────────────────────────── serving_s ──────────────── first_message_s
    the process is started        a passive declare has      a consumer has a message
                                  the exact count

Every window has its own broker and data. The brokers take turns, so that other work on the machine
affects all of them. If the queues are empty, a message is published after the restart, with the key
of the queue that was declared last. So its binding must exist again.
"""

import time
from collections.abc import Sequence
from typing import Final

from benchmarks import long_queue
from benchmarks.brokers import Broker, durability_of
from benchmarks.killable import Killable, killable
from benchmarks.report import Result
from benchmarks.scenarios import Durability, Restart
from benchmarks.stream_restart import restart_streams
from benchmarks.stream_scenarios import RestartStreams
from benchmarks.window import Window, mib
from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.wire import LoadError

EXCHANGE: Final = "benchmark.restart"
COUNT_PATIENCE_S: Final = 60.0
"""After a broker accepts connections, it has this long until its count is right."""

_DECLARES_PER_WRITE: Final = 100
_POLL_S: Final = 0.01


def compare_restarts(
    scenario: Restart | RestartStreams,
    names: Sequence[str],
    durability: Durability,
    window_count: int,
) -> Result:
    """Restart each broker a number of times, in turn.

    Args:
        scenario: the queues and messages that a restart must find.
        names: of the brokers.
        durability: of HareMQ's persistent messages.
        window_count: restarts of each.
    """
    of_streams = isinstance(scenario, RestartStreams)
    if not scenario.message_count:
        durability = Durability.FSYNC  # Definitions have no other class.
    windows: dict[str, list[Window]] = {name: [] for name in names}
    classes = {name: durability_of(name, durability) for name in names}
    errors: dict[str, str] = {}
    for _ in range(window_count):
        for name in names:
            if name in errors:
                continue
            try:
                with killable(name, durability, speaks_streams=of_streams) as own:
                    windows[name].append(
                        restart_streams(scenario, own)
                        if isinstance(scenario, RestartStreams)
                        else _measure(scenario, own)
                    )
            except (LoadError, OSError) as error:
                errors[name] = str(error)
    return Result(scenario, windows, errors, classes)


def _measure(scenario: Restart, own: Killable) -> Window:
    own.start()
    running = own.broker()
    queues = fill(scenario, running)
    own.kill()
    begin_s = time.monotonic()
    own.start()
    endpoint = running.endpoint
    _await_count(endpoint, queues[-1], scenario.message_count)
    serving_s = time.monotonic() - begin_s
    if not scenario.message_count:
        _publish(endpoint, queues[-1])
    long_queue.await_message(endpoint, queues[-1])
    first_message_s = time.monotonic() - begin_s
    broker = own.broker()
    _check_queues(endpoint, queues)
    return Window(
        serving_s=serving_s,
        first_message_s=first_message_s,
        broker_rss_mib=mib(broker.rss_bytes()),
    )


def fill(scenario: Restart, broker: Broker) -> Sequence[str]:
    """Declare the queues, and publish the messages; return the queues' names.

    The last of the queues has the messages.

    Raises:
        LoadError: the broker refused.
        OSError: it does not answer.
    """
    if scenario.message_count:
        size = long_queue.Size(scenario.message_count, scenario.body_size_bytes)
        long_queue.fill(broker, size)
        return [long_queue.QUEUE]
    queues = [f"{EXCHANGE}.{number}" for number in range(scenario.queue_count)]
    with Session(broker.endpoint) as session:
        exchange = wire.exchange_declare(1, EXCHANGE, "direct", durable=True)
        session.call(exchange, wire.EXCHANGE_DECLARE_OK)
        for start in range(0, len(queues), _DECLARES_PER_WRITE):
            _declare(session, queues[start : start + _DECLARES_PER_WRITE])
    return queues


def _declare(session: Session, queues: Sequence[str]) -> None:
    """Declare and bind queues in one write, so that they share the syncs of the disk."""
    requests = b"".join(
        [
            wire.queue_declare(1, queue, durable=True) + wire.queue_bind(1, queue, EXCHANGE, queue)
            for queue in queues
        ]
    )
    for _ in queues:
        session.call(requests, wire.QUEUE_DECLARE_OK)
        session.call(b"", wire.QUEUE_BIND_OK)
        requests = b""


def _publish(endpoint: Endpoint, key: str) -> None:
    with Session(endpoint) as session:
        session.socket.sendall(wire.publish(EXCHANGE, key, wire.properties(), b"x"))


def _await_count(endpoint: Endpoint, queue: str, message_count: int) -> None:
    deadline_s = time.monotonic() + COUNT_PATIENCE_S
    while (count := long_queue.ready_count(endpoint, queue)) != message_count:
        if time.monotonic() > deadline_s:
            raise LoadError(f"{count:,} messages are ready, not {message_count:,}")
        time.sleep(_POLL_S)


def _check_queues(endpoint: Endpoint, queues: Sequence[str]) -> None:
    with Session(endpoint) as session:
        missing = [queue for queue in queues if not session.has_queue(queue)]
    if missing:
        raise LoadError(f"{len(missing):,} queues are gone, as {missing[0]}")
