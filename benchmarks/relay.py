"""A broker that only copies, to show the cost of generator and kernel: ``--brokers relay``.

It answers the methods that set up a load of one queue from a table. It passes every publish to the
consumer on another connection: the messages of a read go on in one write, with the frame of
basic.publish replaced by that of basic.deliver. It has no queue, and looks at no name and no
property. So it makes only the system calls that a broker on one core must make.

It is an upper limit for loads in which these calls are most of the work: one message at a time, or
large messages. It is none for many small messages, because it walks frames in Python.
"""

import argparse
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn, TypeAlias

from load_generator import wire
from load_generator.session import wait_in_kernel
from load_generator.wire import MethodId

LINKS_MAX: Final = 64
"""Most connections at a time; another one is accepted when one ends."""
_BUFFER_BYTES: Final = 1 << 18
_PIECES_MAX: Final = 1_024
"""Most pieces of one system call (IOV_MAX)."""
_STALL_S: Final = 5.0
_HEAD: Final = struct.Struct(">BHI")
_METHOD_ID: Final = struct.Struct(">HH")
_BODY_SIZE: Final = struct.Struct(">Q")
_BODY_SIZE_AT: Final = wire.FRAME_HEAD_BYTES + 4
_TAG: Final = struct.Struct(">Q")
_DELIVER_SIZE_BYTES: Final = 4 + 2 + 8 + 1 + 1 + 2
_DELIVER_HEAD: Final = (
    _HEAD.pack(wire.FRAME_METHOD, 1, _DELIVER_SIZE_BYTES)
    + _METHOD_ID.pack(*wire.BASIC_DELIVER)
    + wire.shortstr("c")
)
_DELIVER_TAIL: Final = b"\x00" + wire.shortstr("") + wire.shortstr("q") + bytes((wire.FRAME_END,))

Pieces: TypeAlias = list[bytes | memoryview]
"""The pieces of one write, in order."""

_START: Final = wire.method(
    0,
    wire.CONNECTION_START,
    b"\x00\x09" + wire.table({}) + wire.longstr(b"PLAIN") + wire.longstr(b"en_US"),
)
_TUNE: Final = wire.method(
    0, wire.CONNECTION_TUNE, struct.pack(">HIH", 2_047, wire.FRAME_MAX_BYTES, 0)
)
_ANSWERS: Final[Mapping[MethodId, bytes]] = {
    wire.CONNECTION_START_OK: _TUNE,
    wire.CONNECTION_TUNE_OK: b"",
    wire.CONNECTION_OPEN: wire.method(0, wire.CONNECTION_OPEN_OK, b"\x00"),
    wire.CONNECTION_CLOSE: wire.method(0, wire.CONNECTION_CLOSE_OK),
    wire.CHANNEL_OPEN: wire.method(1, wire.CHANNEL_OPEN_OK, bytes(4)),
    wire.QUEUE_DECLARE: wire.method(1, wire.QUEUE_DECLARE_OK, wire.shortstr("q") + bytes(8)),
    wire.QUEUE_DELETE: wire.method(1, wire.QUEUE_DELETE_OK, bytes(4)),
    wire.CONFIRM_SELECT: wire.method(1, wire.CONFIRM_SELECT_OK),
    wire.BASIC_CONSUME: wire.method(1, wire.BASIC_CONSUME_OK, wire.shortstr("c")),
}


def deliver_frame(tag: int) -> bytes:
    """Render basic.deliver of channel 1, without its content."""
    return _DELIVER_HEAD + _TAG.pack(tag) + _DELIVER_TAIL


class UnspokenError(Exception):
    """A client sent a method that only a broker can answer."""


class Link:
    """Turns the bytes of one client into answers for itself and deliveries for another client.

    Attributes:
        is_consumer: it has subscribed.
        delivered_count: the last delivery tag that was given to it.
    """

    def __init__(self) -> None:
        self.is_consumer = False
        self.delivered_count = 0
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._held_at = 0
        self._held_stop = 0
        self._is_greeted = False
        self._passing_bytes = 0
        self._body_left_bytes = 0
        self._published_count = 0
        self._confirmed_count = 0
        self._is_confirming = False

    def room(self) -> memoryview:
        """Return the memory for the next read; pieces that were passed on before are lost.

        Raises:
            UnspokenError: a method larger than the buffer.
        """
        held_bytes = self._held_stop - self._held_at
        self._buffer[:held_bytes] = self._buffer[self._held_at : self._held_stop]
        self._held_at, self._held_stop = 0, held_bytes
        if held_bytes == _BUFFER_BYTES:
            raise UnspokenError("a method larger than what is read at a time")
        return self._view[held_bytes:]

    def received(self, byte_count: int, target: "Link | None") -> tuple[bytes, Pieces]:
        """Handle the bytes of a read into ``room``.

        Args:
            byte_count: their number.
            target: the consumer; None drops messages.

        Returns:
            The answer, and the pieces to send to ``target``; these are valid until ``room``.

        Raises:
            UnspokenError: a method that no load of one queue needs.
        """
        answers: list[bytes] = []
        pieces: Pieces = []
        position, end = 0, self._held_stop + byte_count
        while position < end:
            if self._passing_bytes:
                position = self._pass_on(position, end, pieces)
                continue
            stop = self._part_stop(position, end)
            if stop is None:
                break
            if not self._is_greeted:
                self._is_greeted = True
                answers.append(_START)
            elif self._buffer[position] == wire.FRAME_METHOD:
                called_at = position + wire.FRAME_HEAD_BYTES
                called = MethodId(*_METHOD_ID.unpack_from(self._buffer, called_at))
                if called != wire.BASIC_PUBLISH:
                    answers.append(self._answer(called))
                elif target:
                    target.delivered_count += 1
                    pieces.append(deliver_frame(target.delivered_count))
            position = stop
        self._held_at, self._held_stop = position, end
        return b"".join([*answers, self._confirm()]), pieces if target else []

    def _part_stop(self, start: int, end: int) -> int | None:
        """Return the end of the protocol header or frame at ``start``; None if it is not whole.

        A content frame counts as whole when its size is known, and is passed on from ``start``.
        """
        if end - start < wire.FRAME_OVERHEAD_BYTES:
            return None
        if not self._is_greeted:
            return start + len(wire.PROTOCOL_HEADER)
        kind, _channel, size_bytes = _HEAD.unpack_from(self._buffer, start)
        frame_bytes = int(size_bytes) + wire.FRAME_OVERHEAD_BYTES
        if kind == wire.FRAME_BODY:
            self._body_left_bytes -= size_bytes
        elif start + frame_bytes > end:
            return None
        elif kind == wire.FRAME_HEADER:
            (left_bytes,) = _BODY_SIZE.unpack_from(self._buffer, start + _BODY_SIZE_AT)
            self._body_left_bytes = left_bytes
        else:
            return start + frame_bytes
        self._passing_bytes = frame_bytes
        return start

    def _pass_on(self, start: int, end: int, pieces: Pieces) -> int:
        """Pass on the present part of a content frame; return its end."""
        stop = min(end, start + self._passing_bytes)
        pieces.append(self._view[start:stop])
        self._passing_bytes -= stop - start
        if not self._passing_bytes and not self._body_left_bytes:
            self._published_count += 1
        return stop

    def _answer(self, called: MethodId) -> bytes:
        if called not in _ANSWERS:
            raise UnspokenError(f"the relay does not speak {called}")
        self.is_consumer |= called == wire.BASIC_CONSUME
        self._is_confirming |= called == wire.CONFIRM_SELECT
        return _ANSWERS[called]

    def _confirm(self) -> bytes:
        """Confirm the messages that became whole in this read, with one ack."""
        count = self._published_count - self._confirmed_count
        if not self._is_confirming or not count:
            return b""
        self._confirmed_count = self._published_count
        return wire.ack(self._published_count, multiple=count > 1)


def serve(port: int) -> NoReturn:
    """Relay between the clients of a port on 127.0.0.1, until a signal ends the process."""
    with selectors.DefaultSelector() as selector, socket.create_server(("127.0.0.1", port)) as door:
        selector.register(door, selectors.EVENT_READ)
        links: dict[socket.socket, Link] = {}
        while True:
            for key, _events in selector.select():
                if key.fileobj is door:
                    _accept(door, links, selector)
                    continue
                client, link = key.data
                try:
                    is_open = _relay(client, link, links)
                except (OSError, UnspokenError) as error:
                    print(f"relay: {error}", file=sys.stderr)
                    is_open = False
                if not is_open:
                    del links[client]
                    selector.unregister(client)
                    client.close()


def _accept(
    door: socket.socket, links: dict[socket.socket, Link], selector: selectors.BaseSelector
) -> None:
    client, _address = door.accept()
    if len(links) == LINKS_MAX:
        client.close()
        return
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wait_in_kernel(client, _STALL_S, _STALL_S)
    link = links[client] = Link()
    selector.register(client, selectors.EVENT_READ, (client, link))


def _relay(client: socket.socket, link: Link, links: Mapping[socket.socket, Link]) -> bool:
    """Read once, and write the answers and deliveries; return whether the client is still there."""
    byte_count = client.recv_into(link.room())
    if not byte_count:
        return False
    consumers = (pair for pair in links.items() if pair[1].is_consumer and pair[1] is not link)
    taker, target = next(consumers, (None, None))
    answer, pieces = link.received(byte_count, target)
    if answer:
        client.sendall(answer)
    if taker is not None and pieces:
        _send_all(taker, pieces)
    return True


def _send_all(taker: socket.socket, pieces: Sequence[bytes | memoryview]) -> None:
    while pieces:
        batch, pieces = pieces[:_PIECES_MAX], pieces[_PIECES_MAX:]
        sent_bytes = taker.sendmsg(batch)
        if sent_bytes < sum(map(len, batch)):
            taker.sendall(memoryview(b"".join(batch))[sent_bytes:])


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a port until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relay", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on the loopback")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve(parser.parse_args(arguments).port)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
