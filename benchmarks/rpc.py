"""Request and reply over direct reply-to: a client that waits, and a server that answers.

Both block in their own system calls. They do not parse a frame that has the size of the last one.
So a round trip shows the time of the broker and of the operating system.
"""

import time
from collections.abc import Callable
from typing import Final

from benchmarks.flows import request_of
from benchmarks.scenarios import Rpc
from load_generator import wire
from load_generator.board import Board, Tally
from load_generator.counting import DeliveryCounter
from load_generator.load import Topology
from load_generator.session import Endpoint, Session, wait_in_kernel
from load_generator.wire import BrokerRefusalError

DIRECT_REPLY_TO: Final = "amq.rabbitmq.reply-to"
_POLL_S: Final = 0.1
_READ_BYTES: Final = 1 << 16
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
    head = reply = b""
    with Session(endpoint) as session:
        counter = _consume(session, topology.queues[0])
        send = session.socket.send
        ready()
        while not tally.board.is_draining:
            if not _receive(session, counter):
                continue
            if counter.header() != head:
                # A client has only one reply address, so this happens once.
                head = counter.header()
                reply = wire.publish("", reply_to(head), wire.properties(), body)
            send(reply)


def reply_to(content_header: bytes) -> str:
    """Return the reply-to of a content header with the properties that ``call`` sends.

    Raises:
        BrokerRefusalError: the broker added or removed properties.
    """
    expected = wire.properties(reply_to=DIRECT_REPLY_TO)[:2]
    if content_header[_FLAGS_AT : _FLAGS_AT + 2] != expected:
        raise BrokerRefusalError(f"property flags {content_header[_FLAGS_AT : _FLAGS_AT + 2]!r}")
    start = _REPLY_TO_AT + 1
    return content_header[start : start + content_header[_REPLY_TO_AT]].decode()


def call(
    rpc: Rpc, endpoint: Endpoint, topology: Topology, tally: Tally, ready: Callable[[], None]
) -> None:
    """Send requests, and wait for the reply of each, until the board says stop.

    Raises:
        BrokerRefusalError: anything but deliveries came.
        OSError: the connection broke.
    """
    request = request_of(rpc, topology, DIRECT_REPLY_TO)
    board, latencies = tally.board, tally.latencies
    with Session(endpoint) as session:
        counter = _consume(session, DIRECT_REPLY_TO)
        send, clock_ns = session.socket.send, time.monotonic_ns
        ready()
        count = 0
        while not _is_over(board):
            sent_ns = clock_ns()
            send(request)
            count += 1
            tally.set_published(count)
            while not _receive(session, counter):
                if _is_over(board):
                    return
            latencies.record(clock_ns(), (sent_ns,))
            tally.set_consumed(count)


def _is_over(board: Board) -> bool:
    return board.is_stopping


def _consume(session: Session, queue: str) -> DeliveryCounter:
    """Subscribe without acks, and let the socket wait in the kernel from now on."""
    session.call(wire.consume(1, queue, "c", no_ack=True), wire.BASIC_CONSUME_OK)
    wait_in_kernel(session.socket, _POLL_S)
    return DeliveryCounter(_READ_BYTES, has_counted_tags=queue != DIRECT_REPLY_TO)


def _receive(session: Session, counter: DeliveryCounter) -> int:
    """Return the number of deliveries that one read completes; 0 if nothing could be read.

    Raises:
        BrokerRefusalError: anything but deliveries came.
    """
    try:
        byte_count = session.socket.recv_into(counter.room())
    except BlockingIOError:
        return 0
    if not byte_count:
        raise BrokerRefusalError("the broker ended the connection")
    return counter.received(byte_count)
