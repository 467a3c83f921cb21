"""One AMQP connection over a blocking socket: set-up, step by step.

Every step waits for its reply, so that it is done before a clock starts. The measured loops take
``Session.socket`` and write their own bytes. A call costs one write and, most often, one read; the
kernel keeps the timeout, so nothing is polled.
"""

import socket
import struct
import time
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from load_generator import wire
from load_generator.tls import USUAL_TLS, TlsOptions, TlsSocket, wrapped
from load_generator.wire import BrokerRefusalError, Frame, LoadError, MethodId

TIMEOUT_S: Final = 30.0
"""If a broker sends nothing for this long, the run ends."""
GOODBYE_TIMEOUT_S: Final = 2.0
NOT_FOUND: Final = 404
_HEAD_BYTES: Final = 7
_SIZE: Final = struct.Struct(">I")
_SIZE_AT: Final = 3
_READ_BYTES: Final = 1 << 14


_OF_ALARMS: Final = (wire.CONNECTION_BLOCKED, wire.CONNECTION_UNBLOCKED)
_GOODBYE: Final = wire.method(0, wire.CONNECTION_CLOSE, struct.pack(">HBHH", 200, 0, 0, 0))


_PORTS: Final = {
    "amqp": 5672,
    "amqps": 5671,
    "rabbitmq-stream": 5552,
    "rabbitmq-stream+tls": 5551,
}


class Endpoint(NamedTuple):
    """The address of a broker, and the login.

    Attributes:
        host, port, username, password, vhost: the parts of the URI.
        tls: options for TLS; None is without.
        speaks_streams: the stream protocol, not AMQP.
    """

    host: str
    port: int
    username: str
    password: str
    vhost: str
    tls: TlsOptions | None = None
    speaks_streams: bool = False

    @classmethod
    def parse(cls, uri: str, tls: TlsOptions = USUAL_TLS) -> "Endpoint":
        """Read ``amqp://user:password@host:port/vhost``; a missing part is RabbitMQ's default.

        Args:
            uri: to read; ``amqps://`` is with TLS, ``rabbitmq-stream://`` and
                ``rabbitmq-stream+tls://`` speak the stream protocol.
            tls: options for it then.

        Raises:
            LoadError: another scheme, or no number for a port; or TLS options without TLS.
        """
        parts = urlsplit(uri)
        if parts.scheme not in _PORTS:
            raise LoadError(f"{uri} is not an amqp://, amqps:// or rabbitmq-stream:// URI")
        is_tls = parts.scheme in {"amqps", "rabbitmq-stream+tls"}
        if tls != USUAL_TLS and not is_tls:
            raise LoadError(f"{uri}: options for TLS go with an amqps:// URI")
        try:
            port = parts.port or _PORTS[parts.scheme]
        except ValueError as error:
            raise LoadError(f"{uri}: {error}") from error
        vhost = unquote(parts.path[1:]) or "/"
        username, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
        host = parts.hostname or "127.0.0.1"
        streams = parts.scheme.startswith("rabbitmq-stream")
        return cls(host, port, username, password, vhost, tls if is_tls else None, streams)


def connect(endpoint: Endpoint, timeout_s: float = TIMEOUT_S) -> socket.socket:
    """Return a socket to an endpoint that sends at once; its reader sets the timeout.

    Args:
        endpoint: where to.
        timeout_s: how long to wait until it is connected.

    Raises:
        OSError: there is no answer.
        LoadError: the TLS handshake failed.
    """
    address = (endpoint.host, endpoint.port)
    connection = socket.create_connection(address, timeout=timeout_s)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if endpoint.tls is None:
        return connection
    return wrapped(connection, endpoint.tls, endpoint.host)


def wait_in_kernel(connection: socket.socket, receive_s: float, send_s: float = TIMEOUT_S) -> None:
    """Let calls of a socket block in the kernel; they raise BlockingIOError after these times.

    Python's own timeout costs two system calls for each call: one waits, one does the work. TLS can
    use only that one, and its ``sendall`` has its own timeout.
    """
    if isinstance(connection, TlsSocket):
        connection.settimeout(receive_s)
        return
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(receive_s))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(send_s))


def _timeval(seconds: float) -> bytes:
    whole_s, part_s = divmod(seconds, 1)
    return struct.pack("ll", int(whole_s), int(part_s * 1_000_000))


class Session:
    """A connection with channel 1 open; its block ends with a close and close-ok.

    Attributes:
        is_blocked: ``connection.blocked`` came, and no ``connection.unblocked`` since.
    """

    def __init__(
        self, endpoint: Endpoint, *, hears_of_alarms: bool = False, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Connect, log in, open channel 1.

        Args:
            endpoint: the address, and the login.
            hears_of_alarms: ask the broker to send ``connection.blocked``.
            timeout_s: the longest silence, here and in ``call``.

        Raises:
            OSError: no connection, or silence for ``timeout_s``.
            BrokerRefusalError: the broker closed the connection.
        """
        self.socket = connect(endpoint, timeout_s)
        self._rest = b""
        self.is_blocked = False
        try:
            wait_in_kernel(self.socket, timeout_s, timeout_s)
            self._log_in(endpoint, hears_of_alarms=hears_of_alarms)
        except BaseException:
            self.socket.close()
            raise

    def _log_in(self, endpoint: Endpoint, *, hears_of_alarms: bool) -> None:
        self.call(wire.PROTOCOL_HEADER, wire.CONNECTION_START)
        response = wire.start_ok(
            endpoint.username, endpoint.password, hears_of_alarms=hears_of_alarms
        )
        tune = self.call(response, wire.CONNECTION_TUNE)
        channel_max, frame_max_bytes = struct.unpack_from(">HI", tune, 4)
        # 0 means no limit of the broker; our own limit then holds.
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
        """Return whether a queue exists; raises as ``call`` if the broker does not say."""
        self.socket.sendall(wire.queue_declare(1, queue, passive=True))
        received = self.read_frame()
        if wire.method_of(received) == wire.QUEUE_DECLARE_OK:
            return True
        if wire.reply_code(received) != NOT_FOUND or received.channel == 0:
            raise wire.refusal(received)
        self.socket.sendall(wire.method(1, wire.CHANNEL_CLOSE_OK))
        self._open_channel()
        return False

    def call(self, request: bytes, reply: MethodId) -> bytes:
        """Send ``request`` and return the payload of the frame that answers it.

        Raises:
            OSError: the connection is gone, or silent for TIMEOUT_S.
            BrokerRefusalError: another frame came.
        """
        self.socket.sendall(request)
        received = self.read_frame()
        while (called := wire.method_of(received)) in _OF_ALARMS:
            self.is_blocked = called == wire.CONNECTION_BLOCKED
            received = self.read_frame()
        if called != reply:
            raise wire.refusal(received)
        return received.payload

    def close(self) -> None:
        """Close the connection if the broker still answers, and then the socket."""
        try:
            wait_in_kernel(self.socket, GOODBYE_TIMEOUT_S, GOODBYE_TIMEOUT_S)
            self.socket.sendall(_GOODBYE)
            deadline_s = time.monotonic() + GOODBYE_TIMEOUT_S
            while time.monotonic() < deadline_s:
                if wire.method_of(self.read_frame()) == wire.CONNECTION_CLOSE_OK:
                    break
        except (OSError, BrokerRefusalError):
            # The run already has its figures, or the reason of its failure.
            pass
        finally:
            self.socket.close()

    def take_rest(self) -> bytes:
        """Return the bytes behind the last reply, for the next reader of the socket."""
        rest, self._rest = self._rest, b""
        return rest

    def read_frame(self) -> Frame:
        """Read one whole frame; the bytes behind it are kept."""
        while (stop := self._first_stop()) > len(self._rest):
            self._rest += self._read()
        frames, _stop = wire.split_frames(self._rest, 0, stop)
        self._rest = self._rest[stop:]
        return frames[0]

    def _first_stop(self) -> int:
        """Return the end of the first frame, or of its head as long as that is not whole."""
        if len(self._rest) < _HEAD_BYTES:
            return _HEAD_BYTES
        (size_bytes,) = _SIZE.unpack_from(self._rest, _SIZE_AT)
        if size_bytes > wire.FRAME_MAX_BYTES:
            head = self._rest[:_HEAD_BYTES]
            raise BrokerRefusalError(f"a frame of {size_bytes} bytes, or no AMQP: {head!r}")
        return _HEAD_BYTES + int(size_bytes) + 1

    def _read(self) -> bytes:
        try:
            octets = self.socket.recv(_READ_BYTES)
        except BlockingIOError as error:
            raise TimeoutError("the broker sent nothing for too long") from error
        if not octets:
            raise BrokerRefusalError("the broker ended the connection")
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
