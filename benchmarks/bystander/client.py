"""The attacking client: it writes all that it has, and waits for only one answer."""

import select
import time
from typing import Final

from benchmarks.long_queue import ready_count
from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.wire import LoadError

SECONDS_MAX: Final = 60.0
"""An attack that takes longer is given up, with an error."""

LOOK_AGAIN_S: Final = 0.1
_READ_BYTES: Final = 1 << 20
_WRITE_BYTES: Final = 1 << 18
MARKER: Final = "bystander.marker"
MARKER_DECLARED: Final = b"\x00\x32\x00\x0b" + wire.shortstr(MARKER)


class TooLongError(LoadError):
    """The broker did not carry out an attack within ``SECONDS_MAX``."""


class Worst(Session):
    """A connection with channel 1 open that does not wait for answers."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Connect, and declare the queue whose declare-ok ends a ``push``."""
        super().__init__(endpoint)
        self.call(wire.queue_declare(1, MARKER), wire.QUEUE_DECLARE_OK)

    def push(self, octets: bytes) -> None:
        """Write, and return when the broker has carried out all of it.

        Raises:
            TooLongError: it has not within ``SECONDS_MAX``.
            LoadError: it closed the connection or the channel.
        """
        self.write(octets + wire.queue_declare(1, MARKER))
        self.await_octets(MARKER_DECLARED)

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
            readable, writable, _ = select.select([self.socket], [self.socket], [], LOOK_AGAIN_S)
            if readable:
                self._hear()
            if writable:
                rest = rest[self.socket.send(rest[:_WRITE_BYTES]) :]
            if time.monotonic() > deadline_s:
                raise TooLongError(f"not all was taken in {SECONDS_MAX:.0f} s")

    def await_octets(self, octets: bytes) -> None:
        """Read until these octets come; raises as ``push``."""
        deadline_s = time.monotonic() + SECONDS_MAX
        self.socket.settimeout(0)
        while (at := self._rest.find(octets)) < 0:
            self._rest = self._rest[-len(octets) :]
            if not select.select([self.socket], [], [], LOOK_AGAIN_S)[0]:
                if time.monotonic() > deadline_s:
                    raise TooLongError(f"not carried out in {SECONDS_MAX:.0f} s")
                continue
            self._hear()
        self._rest = self._rest[at + len(octets) :]

    def _hear(self) -> None:
        octets = self.socket.recv(_READ_BYTES)
        if not octets:
            raise LoadError(f"closed by the broker; its last octets: {self._rest[-200:]!r}")
        self._rest += octets
        if len(self._rest) > _READ_BYTES and self._rest.find(MARKER_DECLARED) < 0:
            self._rest = self._rest[-len(MARKER_DECLARED) :]


def await_count(endpoint: Endpoint, queue: str, count: int, meanwhile: Worst | None = None) -> None:
    """Return when a queue has this number of ready messages.

    Args:
        endpoint: of the broker.
        queue: its name.
        count: of messages.
        meanwhile: a client whose deliveries are read meanwhile; None is none.

    Raises:
        TooLongError: it has not within ``SECONDS_MAX``.
    """
    deadline_s = time.monotonic() + SECONDS_MAX
    while ready_count(endpoint, queue) != count:
        if time.monotonic() > deadline_s:
            raise TooLongError(f"{queue} has not {count:,} messages after {SECONDS_MAX:.0f} s")
        if meanwhile is None:
            time.sleep(LOOK_AGAIN_S)
        else:
            meanwhile.push(b"")
