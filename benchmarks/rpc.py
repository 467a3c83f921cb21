"""Request and reply over direct reply-to: a client that waits, and a server that answers."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from amqp_server.perf import wire
from amqp_server.perf.board import Tally
from amqp_server.perf.load import Topology
from amqp_server.perf.session import Endpoint, FrameReader, Session
from amqp_server.perf.wire import BrokerRefusalError
from benchmarks.flows import request_of
from benchmarks.scenarios import Rpc

DIRECT_REPLY_TO: Final = "amq.rabbitmq.reply-to"
_POLL_S: Final = 0.1
_FLAGS_AT: Final = 12
_REPLY_TO_AT: Final = 15


def serve(
    rpc: Rpc, endpoint: Endpoint, topology: Topology, tally: Tally, ready: Callable[[], None]
) -> None:
    """Answer every request until the board says drain.

    Raises:
        BrokerRefusalError: anything but deliveries came.
        OSError: the connection broke.
    """
    body = b"y" * rpc.body_size_bytes
    replies: dict[bytes, bytes] = {}
    with Session(endpoint) as session:
        request = wire.consume(1, topology.queues[0], "c", no_ack=True)
        session.call(request, wire.BASIC_CONSUME_OK)
        ready()
        for received in _frames(session, lambda: tally.board.is_draining):
            if received.kind != wire.FRAME_HEADER:
                continue
            head = received.payload
            if head not in replies:
                # One client has one reply address, so this holds one entry.
                replies = {head: wire.publish("", reply_to(head), wire.properties(), body)}
            session.socket.sendall(replies[head])


def reply_to(content_header: bytes) -> str:
    """Return the reply-to of a content header whose properties are those ``call`` sends.

    Raises:
        BrokerRefusalError: the broker changed which properties there are.
    """
    expected = wire.properties(reply_to=DIRECT_REPLY_TO)[:2]
    if content_header[_FLAGS_AT : _FLAGS_AT + 2] != expected:
        raise BrokerRefusalError(f"property flags {content_header[_FLAGS_AT : _FLAGS_AT + 2]!r}")
    start = _REPLY_TO_AT + 1
    return content_header[start : start + content_header[_REPLY_TO_AT]].decode()


def call(
    rpc: Rpc, endpoint: Endpoint, topology: Topology, tally: Tally, ready: Callable[[], None]
) -> None:
    """Send a request, wait for its reply, and again until the board says stop.

    Raises:
        BrokerRefusalError: anything but deliveries came.
        OSError: the connection broke.
    """
    request = request_of(rpc, topology, DIRECT_REPLY_TO)
    board = tally.board
    with Session(endpoint) as session:
        consume = wire.consume(1, DIRECT_REPLY_TO, "c", no_ack=True)
        session.call(consume, wire.BASIC_CONSUME_OK)
        ready()
        replies = _frames(session, lambda: board.is_stopping)
        count = 0
        while not board.is_stopping:
            sent_ns = time.monotonic_ns()
            session.socket.sendall(request)
            tally.set_published(count + 1)
            if not any(received.kind == wire.FRAME_BODY for received in replies):
                break
            count += 1
            tally.set_consumed(count)
            tally.latencies.record(time.monotonic_ns(), [sent_ns])


def _frames(session: Session, is_over: Callable[[], bool]) -> Iterator[wire.Frame]:
    """Yield frames of deliveries as they come, looking at ``is_over`` while none does."""
    reader = FrameReader(session.socket)
    session.socket.settimeout(_POLL_S)
    while not is_over():
        try:
            frames = reader.read()
        except TimeoutError:
            continue
        for received in frames:
            if received.kind == wire.FRAME_METHOD and (
                wire.method_of(received) != wire.BASIC_DELIVER
            ):
                raise wire.refusal(received)
            yield received
