"""Windows of the scenarios with streams."""

import statistics
import struct
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

from benchmarks.brokers import Broker
from benchmarks.stream_scenarios import (
    ManyStreams,
    OfStreams,
    Replay,
    Seek,
    Stored,
    StreamFlow,
)
from benchmarks.window import Window, mib, window_of
from load_generator import readings, wire
from load_generator import topology as amqp
from load_generator.board import Board
from load_generator.crew import Crew, crew_at_work, tasks_of, worker_counts
from load_generator.load import Load, Settle, Streaming, Topology
from load_generator.publisher import LANES_MAX
from load_generator.readings import Figures
from load_generator.session import Endpoint
from load_generator.streams import commands
from load_generator.streams import topology as streams
from load_generator.streams.session import StreamSession
from load_generator.wire import LoadError

WARM_UP_S: Final = 0.7
WORKER_LIFETIME_S: Final = 600.0
FILL_TIMEOUT_S: Final = 120.0
PREFETCH_COUNT: Final = 5_000
ACK_EVERY: Final = 500
_CHECK_S: Final = 0.1
_CHECK_REPLAY_S: Final = 0.005
_ARGUMENTS: Final = {"x-queue-type": "stream"}


def measure_of_streams(scenario: OfStreams, broker: Broker, prefix: str, seconds: float) -> Window:
    """Run one window of ``seconds``.

    Raises:
        LoadError: the broker refused, or has no port for the stream protocol here.
        OSError: it does not answer.
    """
    match scenario:
        case StreamFlow():
            return _flow(scenario, broker, prefix, seconds)
        case Replay():
            return _replay(scenario, broker, prefix, seconds)
        case Stored():
            return _stored(scenario, broker, prefix)
        case Seek():
            return _seek(scenario, broker, prefix)
        case ManyStreams():
            return _many(scenario, broker, prefix, seconds)


def flow_load(flow: StreamFlow, stream: str) -> Load:
    """Return the load of a flow."""
    load = Load(
        publisher_keys=[[stream]],
        body=b"x" * flow.body_size_bytes,
        confirm_window=flow.confirm_window,
        backlog_max=flow.backlog_max,
    )
    streaming = Streaming(batch_count=flow.batch_count, sub_entry_count=flow.sub_entry_count)
    return _reading(load, [stream], streaming if flow.speaks_streams else None)


def _reading(load: Load, consumer_queues: Sequence[str], streaming: Streaming | None) -> Load:
    """Return a load with readers, over the stream protocol or, without ``streaming``, over AMQP."""
    if streaming is not None:
        return replace(load, consumer_queues=consumer_queues, streaming=streaming)
    return replace(
        load,
        properties=wire.properties(persistent=True),
        consumer_queues=consumer_queues,
        settle=Settle.MULTIPLE,
        ack_every=ACK_EVERY,
        prefetch_count=PREFETCH_COUNT,
    )


def replay_load(replay: Replay, stream: str) -> Load:
    """Return the load of a replay."""
    load = Load(body=b"x" * replay.body_size_bytes, offset="first")
    return _reading(
        load, [stream] * replay.reader_count, Streaming() if replay.speaks_streams else None
    )


def _flow(flow: StreamFlow, broker: Broker, prefix: str, seconds: float) -> Window:
    load, topology = flow_load(flow, prefix), topology_of([prefix])
    endpoint = broker.stream_port() if flow.speaks_streams else broker.endpoint
    declare = streams.declared if flow.speaks_streams else amqp.declared
    with declare(topology, endpoint):
        figures = _measured(load, endpoint, broker, seconds)
    return window_of(figures)


def topology_of(names: Sequence[str]) -> Topology:
    """Return streams of these names."""
    return Topology(names, queue_arguments=_ARGUMENTS, durable=True)


def _measured(load: Load, endpoint: Endpoint, broker: Broker, seconds: float) -> Figures:
    with _crew_of(load, endpoint, broker) as crew:
        crew.board.go()
        _watch(crew, WARM_UP_S)
        first = crew.reading()
        _watch(crew, seconds)
        last = crew.reading()
        crew.stop()
    if last.totals.nacked_count:
        raise LoadError(f"{last.totals.nacked_count} publishes were nacked")
    return readings.between(first, last)


def _crew_of(load: Load, endpoint: Endpoint, broker: Broker) -> AbstractContextManager[Crew]:
    publishing = max(1, -(-len(load.publisher_keys) // LANES_MAX))
    counts = worker_counts(load, process_count=publishing)
    board = Board(sum(counts), WORKER_LIFETIME_S)
    return crew_at_work(board, *tasks_of(load, endpoint, board, counts), broker.pid)


def _watch(crew: Crew, seconds: float) -> None:
    """Wait, unless a worker ends meanwhile."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        time.sleep(min(_CHECK_S, left_s))
        crew.check()


def fill(
    stream: str, broker: Broker, message_count: int, body: bytes, *, is_chunk_each: bool = False
) -> None:
    """Store messages over the stream protocol, and wait for all confirms, or for each.

    Raises:
        LoadError: the broker refused, or was too slow.
        OSError: it does not answer.
    """
    load = Load(
        publisher_keys=[[stream]],
        body=body,
        confirm_window=1 if is_chunk_each else 50_000,
        message_count_max=message_count,
        streaming=Streaming(batch_count=1 if is_chunk_each else 500),
    )
    with _crew_of(load, broker.stream_port(), broker) as crew:
        crew.board.go()
        deadline_s = time.monotonic() + FILL_TIMEOUT_S
        while crew.board.totals().confirmed_count < message_count:
            if time.monotonic() > deadline_s:
                raise LoadError(f"{message_count:,} messages are not stored yet")
            time.sleep(_CHECK_S)
            crew.check()
        crew.stop()


def _replay(replay: Replay, broker: Broker, prefix: str, seconds: float) -> Window:
    load = replay_load(replay, prefix)
    endpoint = broker.stream_port() if replay.speaks_streams else broker.endpoint
    with streams.declared(topology_of([prefix]), broker.stream_port()):
        chunk_each = replay.is_chunk_each
        fill(prefix, broker, replay.message_count, load.body, is_chunk_each=chunk_each)
        before_bytes = broker.rss_bytes() or 0
        total = replay.message_count * replay.reader_count
        with _crew_of(load, endpoint, broker) as crew:
            first = crew.reading()
            crew.board.go()
            end_s = time.monotonic() + seconds
            while time.monotonic() < end_s and crew.board.totals().consumed_count < total:
                time.sleep(_CHECK_REPLAY_S)
                crew.check()
            last = crew.reading()
            crew.stop()
    grown_mib = mib((last.broker_rss_bytes or 0) - before_bytes)
    return replace(window_of(readings.between(first, last)), grown_mib=grown_mib)


def _stored(stored: Stored, broker: Broker, prefix: str) -> Window:
    before_bytes = broker.rss_bytes()
    before_s, begin_s = broker.cpu_s(), time.monotonic()
    with streams.declared(topology_of([prefix]), broker.stream_port()):
        fill(prefix, broker, stored.message_count, b"x" * stored.body_size_bytes)
        elapsed_s, after_s = time.monotonic() - begin_s, broker.cpu_s()
        after_bytes = broker.rss_bytes()
    used_us = None if before_s is None or after_s is None else (after_s - before_s) * 1_000_000
    return Window(
        confirmed_per_s=stored.message_count / elapsed_s,
        broker_cpu_us=None if used_us is None else used_us / stored.message_count,
        broker_rss_mib=mib(after_bytes),
        grown_mib=mib((after_bytes or 0) - (before_bytes or 0)),
    )


def _seek(seek: Seek, broker: Broker, prefix: str) -> Window:
    with streams.declared(topology_of([prefix]), broker.stream_port()):
        half = seek.message_count // 2
        fill(prefix, broker, half, bytes(12))
        middle_s = time.time()
        time.sleep(_CHECK_S)
        fill(prefix, broker, seek.message_count - half, bytes(12))
        spans_us = sorted(
            _first_chunk_us(broker.stream_port(), prefix, f"@{middle_s}", half)
            for _ in range(seek.seek_count)
        )
    return Window(
        p50_us=statistics.median(spans_us),
        p99_us=spans_us[-1],
        broker_rss_mib=mib(broker.rss_bytes()),
    )


def _first_chunk_us(endpoint: Endpoint, stream: str, offset: str, least_offset: int) -> float:
    """Return the time from Subscribe until the first chunk has come, which must be the right one.

    Raises:
        LoadError: it begins at another offset.
    """
    with StreamSession(endpoint) as session:
        begin_ns = time.perf_counter_ns()
        session.socket.sendall(commands.subscribe(stream, offset, 1, ()))
        answer = session.read_answer(commands.SUBSCRIBE)
        if commands.code_of(answer) != commands.OK:
            raise commands.refusal(answer)
        chunk = session.read_frame()
        span_us = (time.perf_counter_ns() - begin_ns) / 1_000
    (first_offset,) = struct.unpack_from(">Q", chunk.body, 1 + 24)
    if chunk.key != commands.DELIVER or not first_offset <= least_offset < first_offset + 65_536:
        raise LoadError(f"a seek came to offset {first_offset}, not {least_offset}")
    return span_us


def _many(many: ManyStreams, broker: Broker, prefix: str, seconds: float) -> Window:
    names = [f"{prefix}.{number:04d}" for number in range(many.stream_count)]
    load = Load(
        publisher_keys=[[name] for name in names],
        body=bytes(12),
        rate_per_s=1,
        streaming=Streaming(batch_count=1),
    )
    before_bytes = broker.rss_bytes() or 0
    with streams.declared(topology_of(names), broker.stream_port()):
        figures = _measured(load, broker.stream_port(), broker, seconds)
        descriptor_count = broker.descriptor_count()
    window = window_of(figures)
    published_count = figures.counts.published_count
    used_s = None if figures.broker_cores is None else figures.broker_cores * figures.elapsed_s
    return replace(
        window,
        consumed_per_s=None,
        broker_cpu_us=used_s * 1e6 / published_count if used_s and published_count else None,
        stream_kib=((figures.broker_rss_bytes or 0) - before_bytes) / 1_024 / many.stream_count,
        descriptor_count=descriptor_count,
    )
