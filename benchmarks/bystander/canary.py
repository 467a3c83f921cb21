"""The other client: a process that publishes a message and waits for it, in a loop.

Over AMQP it publishes to itself, and waits for the delivery. Over the stream protocol it waits for
the confirm.
"""

import multiprocessing
import queue
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.streams import commands
from load_generator.streams.session import StreamSession
from load_generator.wire import LoadError

QUEUE: Final = "bystander.canary"
STREAM: Final = "bystander.canary.stream"
PAUSE_S: Final = 0.005
BEGIN_TIMEOUT_S: Final = 30.0
END_TIMEOUT_S: Final = 120.0
"""The longest wait for a round trip."""

_FRAMES_OF_DELIVERY: Final = 3
_MS_PER_S: Final = 1_000


class RoundTrips(NamedTuple):
    """What the round trips took, in ms.

    Attributes:
        trips_count: their number.
        p50_ms: the median.
        p99_ms: 99 of a hundred took no longer.
        worst_ms: the longest.
    """

    trips_count: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


class Canary:
    """Measures from its construction until ``stop``."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Begin in a process of its own; return after the first round trip."""
        spawn = multiprocessing.get_context("spawn")
        self._ours, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_sing, args=(endpoint, theirs), daemon=True)
        self._process.start()
        theirs.close()
        if not self._ours.poll(BEGIN_TIMEOUT_S):
            raise LoadError("the canary does not begin")
        self._ours.recv()

    def stop(self) -> RoundTrips:
        """End it and return what it measured.

        Raises:
            LoadError: it has no answer yet, or its connection failed.
        """
        self._ours.send("stop")
        try:
            if not self._ours.poll(END_TIMEOUT_S):
                raise LoadError(f"another client waited for over {END_TIMEOUT_S:.0f} s")
            answer = self._ours.recv()
        except (EOFError, queue.Empty) as error:
            raise LoadError("the canary is gone") from error
        finally:
            self._process.kill()
            self._process.join()
        if isinstance(answer, str):
            raise LoadError(f"another client was cut off: {answer}")
        return summary(answer)


def summary(taken_ms: list[float]) -> RoundTrips:
    """Return the figures of round trips; there must be one."""
    ordered = sorted(taken_ms)
    count = len(ordered)
    return RoundTrips(count, ordered[count // 2], ordered[count * 99 // 100], ordered[-1])


def _sing(endpoint: Endpoint, told: Connection) -> None:
    taken_ms: list[float] = []
    singer = _of_streams if endpoint.speaks_streams else _of_amqp
    try:
        with singer(endpoint) as round_trip:
            round_trip()
            told.send("singing")
            while not told.poll():
                begin_s = time.perf_counter()
                round_trip()
                taken_ms.append((time.perf_counter() - begin_s) * _MS_PER_S)
                time.sleep(PAUSE_S)
            told.send(taken_ms)
    except (OSError, LoadError) as error:
        told.send(f"{type(error).__name__}: {error}")


@contextmanager
def _of_amqp(endpoint: Endpoint) -> Iterator[Callable[[], None]]:
    """Return what makes one round trip over AMQP."""
    message = wire.publish("", QUEUE, wire.properties(), b"x")
    with Session(endpoint) as session:
        session.call(wire.queue_declare(1, QUEUE), wire.QUEUE_DECLARE_OK)
        session.call(wire.consume(1, QUEUE, "c", no_ack=True), wire.BASIC_CONSUME_OK)

        def round_trip() -> None:
            session.socket.sendall(message)
            for _ in range(_FRAMES_OF_DELIVERY):
                session.read_frame()

        yield round_trip


@contextmanager
def _of_streams(endpoint: Endpoint) -> Iterator[Callable[[], None]]:
    """Return what makes one round trip over the stream protocol."""
    body = bytes([0]) + struct.pack(">IQ", 1, 1) + commands.entry(commands.message(b"x"))
    message = commands.frame(commands.PUBLISH, body)
    with StreamSession(endpoint) as session:
        session.call(commands.CREATE, commands.string(STREAM) + commands.string_map({}))
        names = commands.string("") + commands.string(STREAM)
        session.call(commands.DECLARE_PUBLISHER, bytes([0]) + names)

        def round_trip() -> None:
            session.socket.sendall(message)
            received = session.read_frame()
            while received.key == commands.HEARTBEAT:
                received = session.read_frame()
            if received.key != commands.PUBLISH_CONFIRM:
                raise commands.refusal(received)

        yield round_trip
