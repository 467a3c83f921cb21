"""One AMQP connection over a blocking socket: set-up, and a reader of single frames.

Everything here waits for its reply, so that each step is known to be done before a clock
starts. The measured loops take ``Session.socket`` and write bytes of their own.
"""

import socket
import struct
import time
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from amqp_server.perf import wire
from amqp_server.perf.wire import BrokerRefusalError, Frame, LoadError, MethodId

TIMEOUT_S: Final = 30.0
"""A broker that says nothing for this long ends the run."""
GOODBYE_TIMEOUT_S: Final = 2.0
NOT_FOUND: Final = 404
_HEAD_BYTES: Final = 7
_READ_BYTES: Final = 1 << 16


class Endpoint(NamedTuple):
    """Where a broker listens, and as whom."""

    host: str
    port: int
    username: str
    password: str
    vhost: str

    @classmethod
    def parse(cls, uri: str) -> "Endpoint":
        """Read ``amqp://user:password@host:port/vhost``; what is absent is RabbitMQ's default.

        Raises:
            LoadError: another scheme, or no number for a port.
        """
        parts = urlsplit(uri)
        if parts.scheme == "amqps":
            raise LoadError(f"{uri}: TLS is not spoken here; use a listener without")
        if parts.scheme != "amqp":
            raise LoadError(f"{uri} is not an amqp:// URI")
        try:
            port = parts.port or 5672
        except ValueError as error:
            raise LoadError(f"{uri}: {error}") from error
        vhost = unquote(parts.path[1:]) or "/"
        username, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
        return cls(parts.hostname or "127.0.0.1", port, username, password, vhost)


def connect(endpoint: Endpoint) -> socket.socket:
    """Return a socket to an endpoint that sends at once and waits TIMEOUT_S at most."""
    address = (endpoint.host, endpoint.port)
    connection = socket.create_connection(address, timeout=TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Session:
    """A connection with channel 1 open; closes the polite way when its block ends."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Connect, log in, open channel 1.

        Raises:
            OSError: no connection, or silence for TIMEOUT_S.
            BrokerRefusalError: the broker closed instead.
        """
        self.socket = connect(endpoint)
        try:
            self._log_in(endpoint)
        except BaseException:
            self.socket.close()
            raise

    def _log_in(self, endpoint: Endpoint) -> None:
        self.call(wire.PROTOCOL_HEADER, wire.CONNECTION_START)
        response = wire.start_ok(endpoint.username, endpoint.password)
        tune = self.call(response, wire.CONNECTION_TUNE)
        channel_max, frame_max_bytes = struct.unpack_from(">HI", tune, 4)
        # 0 is no limit, to the broker; to us it is our own.
        self.frame_max_bytes = min(frame_max_bytes or wire.FRAME_MAX_BYTES, wire.FRAME_MAX_BYTES)
        opening = wire.shortstr(endpoint.vhost) + b"\x00\x00"
        self.call(
            wire.tune_ok(channel_max, self.frame_max_bytes)
            + wire.method(0, wire.CONNECTION_OPEN, opening),
            wire.CONNECTION_OPEN_OK,
        )
        self._open_channel()

    def _open_channel(self) -> None:
        self.call(wire.method(1, wire.CHANNEL_OPEN, b"\x00"), wire.CHANNEL_OPEN_OK)

    def has_queue(self, queue: str) -> bool:
        """Return whether a queue exists; raises as ``call`` if that cannot be told."""
        self.socket.sendall(wire.queue_declare(1, queue, passive=True))
        received = self._read_frame()
        if wire.method_of(received) == wire.QUEUE_DECLARE_OK:
            return True
        if wire.reply_code(received) != NOT_FOUND or received.channel == 0:
            raise wire.refusal(received)
        self.socket.sendall(wire.method(1, wire.CHANNEL_CLOSE_OK))
        self._open_channel()
        return False

    def call(self, request: bytes, reply: MethodId) -> bytes:
        """Send ``request`` and return the payload of the one frame that answers it.

        Raises:
            OSError: the connection is gone, or silent for TIMEOUT_S.
            BrokerRefusalError: another frame came.
        """
        self.socket.sendall(request)
        received = self._read_frame()
        if wire.method_of(received) != reply:
            raise wire.refusal(received)
        return received.payload

    def close(self) -> None:
        """Close the socket, saying goodbye first if the broker still listens."""
        try:
            self.socket.settimeout(GOODBYE_TIMEOUT_S)
            goodbye = struct.pack(">HBHH", 200, 0, 0, 0)
            self.socket.sendall(wire.method(0, wire.CONNECTION_CLOSE, goodbye))
            deadline_s = time.monotonic() + GOODBYE_TIMEOUT_S
            while time.monotonic() < deadline_s:
                if wire.method_of(self._read_frame()) == wire.CONNECTION_CLOSE_OK:
                    break
        except (OSError, BrokerRefusalError):
            # The run has its figures already, or has failed for a reason told elsewhere.
            pass
        finally:
            self.socket.close()

    def _read_frame(self) -> Frame:
        """Read exactly one frame, so that nothing is taken from whoever reads next."""
        head = self._read_exactly(_HEAD_BYTES)
        (size_bytes,) = struct.unpack_from(">I", head, 3)
        if size_bytes > wire.FRAME_MAX_BYTES:
            raise BrokerRefusalError(f"a frame of {size_bytes} bytes, or no AMQP: {head!r}")
        frames, _stop = wire.split_frames(
            head + self._read_exactly(size_bytes + 1), 0, _HEAD_BYTES + size_bytes + 1
        )
        return frames[0]

    def _read_exactly(self, byte_count: int) -> bytes:
        octets = b""
        while len(octets) < byte_count:
            piece = self.socket.recv(byte_count - len(octets))
            if not piece:
                raise BrokerRefusalError("the broker ended the connection")
            octets += piece
        return octets

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class FrameReader:
    """Reads whatever frames one system call brings; for loads that look at each message."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._rest = b""

    def read(self) -> list[Frame]:
        """Wait for bytes and return the frames that are complete; it may be none.

        Raises:
            OSError: the socket's timeout passed (TimeoutError), or the connection is gone.
            BrokerRefusalError: the broker ended the connection.
        """
        octets = self._socket.recv(_READ_BYTES)
        if not octets:
            raise BrokerRefusalError("the broker ended the connection")
        octets = self._rest + octets
        frames, stop = wire.split_frames(octets, 0, len(octets))
        self._rest = octets[stop:]
        return frames
