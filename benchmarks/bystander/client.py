"""The attacking client: it writes all that it has, and waits for only one answer."""

import time
from typing import Final

from benchmarks.bystander.hasty import LOOK_AGAIN_S, SECONDS_MAX, Hasty, TooLongError
from benchmarks.long_queue import ready_count
from load_generator import wire
from load_generator.session import Endpoint, Session

MARKER: Final = "bystander.marker"
MARKER_DECLARED: Final = b"\x00\x32\x00\x0b" + wire.shortstr(MARKER)


class Worst(Hasty, Session):
    """A connection with channel 1 open that does not wait for answers."""

    marker = MARKER_DECLARED

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
