"""One connection of the stream protocol over a blocking socket: set-up, step by step.

Like ``load_generator.session``, of which it takes the endpoint and the socket.
"""

import struct
from types import TracebackType
from typing import Final, Self

from load_generator import session as sockets
from load_generator.session import GOODBYE_TIMEOUT_S, TIMEOUT_S, Endpoint, wait_in_kernel
from load_generator.streams import commands
from load_generator.streams.commands import HEAD, RESPONSE, Frame
from load_generator.wire import BrokerRefusalError

_READ_BYTES: Final = 1 << 16
_GOODBYE: Final = commands.request(commands.CLOSE, struct.pack(">H", 1) + commands.string("OK"))


class StreamSession:
    """A connection that has entered its vhost; its block ends with a close and its answer."""

    def __init__(self, endpoint: Endpoint, timeout_s: float = TIMEOUT_S) -> None:
        """Connect and log in.

        Args:
            endpoint: where to.
            timeout_s: the longest silence until then.

        Raises:
            OSError: no connection, or silence for so long.
            BrokerRefusalError: the broker refused.
        """
        self.socket = sockets.connect(endpoint, timeout_s)
        self._rest = b""
        try:
            wait_in_kernel(self.socket, timeout_s)
            self._log_in(endpoint)
        except BaseException:
            self.socket.close()
            raise

    def _log_in(self, endpoint: Endpoint) -> None:
        self.call(commands.PEER_PROPERTIES, commands.string_map({"product": "haremq perf"}))
        self.call(commands.SASL_HANDSHAKE)
        response = f"\0{endpoint.username}\0{endpoint.password}".encode()
        self.call(
            commands.SASL_AUTHENTICATE, commands.string("PLAIN") + commands.octet_string(response)
        )
        tune = self.read_frame()
        if tune.key != commands.TUNE:
            raise commands.refusal(tune)
        (frame_max_bytes,) = struct.unpack_from(">I", tune.body)
        ours = commands.FRAME_MAX_BYTES
        self.frame_max_bytes = min(frame_max_bytes or ours, ours)
        # No heartbeats: a worker reads and writes all the time, or the run is over.
        self.socket.sendall(
            commands.frame(commands.TUNE, struct.pack(">II", self.frame_max_bytes, 0))
        )
        self.call(commands.OPEN, commands.string(endpoint.vhost))

    def call(self, key: int, body: bytes = b"") -> bytes:
        """Send a request, and return what follows the code of its answer.

        Raises:
            OSError: the connection is gone, or silent for TIMEOUT_S.
            BrokerRefusalError: another code, or another command.
        """
        received = self.ask(key, body)
        if commands.code_of(received) != commands.OK:
            raise commands.refusal(received)
        return received.body[6:]

    def ask(self, key: int, body: bytes = b"") -> Frame:
        """Send a request, and return its answer, whatever its code; raises as ``call``."""
        self.socket.sendall(commands.request(key, body))
        return self.read_answer(key)

    def read_answer(self, key: int) -> Frame:
        """Return the answer to a request that was sent; raises as ``call``."""
        received = self.read_frame()
        while received.key == commands.HEARTBEAT:
            received = self.read_frame()
        if received.key != key | RESPONSE:
            raise commands.refusal(received)
        return received

    def has_stream(self, stream: str) -> bool:
        """Return whether a stream exists; raises as ``call``."""
        answer = self.ask(commands.METADATA, commands.strings([stream])).body
        # Metadata has no code of its own. Brokers come first, then a code for each stream.
        (broker_count,) = struct.unpack_from(">I", answer, 4)
        at = 8
        for _ in range(broker_count):
            (host_bytes,) = struct.unpack_from(">H", answer, at + 2)
            at += 8 + host_bytes
        (name_bytes,) = struct.unpack_from(">H", answer, at + 4)
        (code,) = struct.unpack_from(">H", answer, at + 6 + name_bytes)
        return bool(code == commands.OK)

    def take_rest(self) -> bytes:
        """Return the octets behind the last answer, for the next reader of the socket."""
        rest, self._rest = self._rest, b""
        return rest

    def read_frame(self) -> Frame:
        """Read one whole frame; the octets behind it are kept."""
        while not self.has_frame():
            self._rest += self._read()
        stop = self._first_stop()
        _, key, _ = HEAD.unpack_from(self._rest)
        body, self._rest = self._rest[HEAD.size : stop], self._rest[stop:]
        return Frame(key, body)

    def has_frame(self) -> bool:
        """Return whether a whole frame has come that was not read; raises BrokerRefusalError."""
        return len(self._rest) >= HEAD.size and len(self._rest) >= self._first_stop()

    def _first_stop(self) -> int:
        size_bytes, _, _ = HEAD.unpack_from(self._rest)
        if not commands.SIZE_BYTES <= size_bytes <= commands.FRAME_MAX_BYTES:
            raise BrokerRefusalError(f"no stream protocol: {self._rest[: HEAD.size]!r}")
        return int(size_bytes) + commands.SIZE_BYTES

    def _read(self) -> bytes:
        try:
            octets = self.socket.recv(_READ_BYTES)
        except BlockingIOError as error:
            raise TimeoutError("the broker sent nothing for too long") from error
        if not octets:
            raise BrokerRefusalError("the broker ended the connection")
        return octets

    def close(self) -> None:
        """Close the connection if the broker still answers, and then the socket."""
        try:
            self.socket.settimeout(None)
            wait_in_kernel(self.socket, GOODBYE_TIMEOUT_S, GOODBYE_TIMEOUT_S)
            self.socket.sendall(_GOODBYE)
            self.socket.shutdown(1)
        except OSError:
            # The run already has its figures, or the reason of its failure.
            pass
        finally:
            self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
