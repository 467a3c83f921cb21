"""A socket whose owner writes all that it has, and listens meanwhile for one answer only."""

import select
import socket
import time
from typing import Final

from load_generator.wire import LoadError

SECONDS_MAX: Final = 60.0
"""An attack that takes longer is given up, with an error."""

LOOK_AGAIN_S: Final = 0.1
LOOK_AGAIN_MS: Final = 100
_READ_BYTES: Final = 1 << 20
_WRITE_BYTES: Final = 1 << 18


class TooLongError(LoadError):
    """The broker did not carry out an attack within ``SECONDS_MAX``."""


class Hasty:
    """What the attacking clients of all protocols have: a socket, and a rest of what was read.

    Attributes:
        socket: to the broker.
        marker: the octets of the only answer that is waited for.
    """

    socket: socket.socket
    marker: bytes
    _rest: bytes

    def write(self, octets: bytes) -> None:
        """Write all of it, reading meanwhile.

        Raises:
            TooLongError: the broker does not read it.
            LoadError: it closed the connection.
        """
        rest = memoryview(octets)
        deadline_s = time.monotonic() + SECONDS_MAX
        self.socket.settimeout(0)
        while rest:
            ready = self._ready(select.POLLIN | select.POLLOUT)
            if ready & ~select.POLLOUT:
                self._hear()
            if ready & select.POLLOUT:
                rest = rest[self.socket.send(rest[:_WRITE_BYTES]) :]
            if time.monotonic() > deadline_s:
                raise TooLongError(f"not all was taken in {SECONDS_MAX:.0f} s")

    def await_octets(self, octets: bytes) -> None:
        """Read until these octets come; raises as ``write``."""
        deadline_s = time.monotonic() + SECONDS_MAX
        self.socket.settimeout(0)
        while (at := self._rest.find(octets)) < 0:
            self._rest = self._rest[-len(octets) :]
            if not self._ready(select.POLLIN):
                if time.monotonic() > deadline_s:
                    raise TooLongError(f"not carried out in {SECONDS_MAX:.0f} s")
                continue
            self._hear()
        self._rest = self._rest[at + len(octets) :]

    def cut_off(self) -> None:
        """Close the socket without a word."""
        self.socket.close()

    def _ready(self, events: int) -> int:
        """Return which of these the socket is ready for; its number may be over 1,023."""
        poll = select.poll()
        poll.register(self.socket, events)
        return next((ready for _, ready in poll.poll(LOOK_AGAIN_MS)), 0)

    def _hear(self) -> None:
        octets = self.socket.recv(_READ_BYTES)
        if not octets:
            raise LoadError(f"closed by the broker; its last octets: {self._rest[-200:]!r}")
        self._rest += octets
        if len(self._rest) > _READ_BYTES and self._rest.find(self.marker) < 0:
            self._rest = self._rest[-len(self.marker) :]
