"""A broker's end of one connection: what it will say is said in advance, what it heard is kept."""

import socket
import struct

from load_generator import wire
from load_generator.session import Endpoint

CHANNEL_MAX = 2_047
TIMEOUT_S = 5


class ScriptedBroker:
    """Answers connections one after another; each reads its script as fast as it likes."""

    endpoint = Endpoint("broker", 5672, "guest", "guest", "/")

    def __init__(self) -> None:
        self.frame_max_bytes = wire.FRAME_MAX_BYTES
        self.ends_after_script = False
        self._scripts: list[bytes] = []
        self._ends: list[tuple[socket.socket, socket.socket]] = []

    def log_in(self, *replies: bytes) -> None:
        """Say what the next connection hears: the log-in, then these."""
        tune = struct.pack(">HIH", CHANNEL_MAX, self.frame_max_bytes, 60)
        self.say(
            wire.method(0, wire.CONNECTION_START, bytes(20)),
            wire.method(0, wire.CONNECTION_TUNE, tune),
            wire.method(0, wire.CONNECTION_OPEN_OK, b"\x00"),
            wire.method(1, wire.CHANNEL_OPEN_OK, bytes(4)),
            *replies,
        )

    def say(self, *replies: bytes) -> None:
        """Say what the next connection hears, and nothing else."""
        self._scripts.append(b"".join(replies))

    def connect(self, _endpoint: Endpoint, _timeout_s: float = 0.0) -> socket.socket:
        """Stand in for ``session.connect``."""
        ours, theirs = socket.socketpair()
        self._ends.append((ours, theirs))
        ours.sendall(self._scripts.pop(0))
        if self.ends_after_script:
            ours.shutdown(socket.SHUT_WR)
        theirs.settimeout(TIMEOUT_S)
        return theirs

    def tell(self, octets: bytes, connection_index: int = 0) -> None:
        """Say something more over a connection."""
        self._ends[connection_index][0].sendall(octets)

    def hang_up(self, connection_index: int = 0) -> None:
        """Say nothing more over a connection."""
        self._ends[connection_index][0].shutdown(socket.SHUT_WR)

    def heard(self, connection_index: int = 0) -> list[wire.Frame]:
        """Return the frames that a connection has sent."""
        octets = self.read(connection_index).removeprefix(wire.PROTOCOL_HEADER)
        return wire.split_frames(octets, 0, len(octets))[0]

    def read(self, connection_index: int = 0) -> bytes:
        """Return the octets that a connection has sent, whole frames or not."""
        ours = self._ends[connection_index][0]
        ours.setblocking(False)
        octets = b""
        try:
            while piece := ours.recv(1 << 16):
                octets += piece
        except BlockingIOError:
            pass
        return octets

    def methods_heard(self, connection_index: int = 0) -> list[wire.MethodId]:
        """Return the methods that a connection has called."""
        called = [wire.method_of(received) for received in self.heard(connection_index)]
        return [method for method in called if method is not None]

    def end(self) -> None:
        """Close every end."""
        for ours, theirs in self._ends:
            ours.close()
            theirs.close()
