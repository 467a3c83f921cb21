"""The port through which a transport drives the sans-IO connection of any protocol.

Another protocol is a class that fits ``Connection``, and a row of ``amqp_server.protocols``.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from amqp_server.connections.peer import Peer


class Intake(Protocol):
    """The input that a connection has not used up."""

    @property
    def rest(self) -> bytes:
        """The bytes to put in front of the next ones; mostly empty."""

    def take_rest(self, max_bytes: int) -> bytes:
        """Return ``rest`` and forget it; empty when over the limit."""


class Life(Protocol):
    """The state of a connection."""

    @property
    def is_open(self) -> bool:
        """Whether the user is known and has been let in."""

    @property
    def is_closed(self) -> bool:
        """Whether the TCP connection must be closed after buffered output was sent."""

    @property
    def due_ms(self) -> int | None:
        """The last ``next_deadline_ms``; None when the deadline may have come nearer since."""


class Reading(Protocol):
    """The reading of a connection."""

    @property
    def is_wanted(self) -> bool:
        """False while it must not get more input: because of an alarm, or earlier input waits."""

    @property
    def is_blocked(self) -> bool:
        """Whether an alarm is the reason."""


class Connection(Protocol):
    """A sans-IO connection of one peer, as its transport drives it.

    Bytes and the time go in, bytes and deadlines come out. It never raises for an error of a peer.
    ``protocol.connection`` implements it for AMQP.
    """

    @property
    def life(self) -> Life:
        """Its state."""

    @property
    def reading(self) -> Reading:
        """Its reading."""

    @property
    def intake(self) -> Intake:
        """The rest of earlier reads."""

    def receive_data(self, data: bytes | memoryview, now_ms: int) -> None:
        """Take the bytes of a read; the memory is only valid during the call. Never raises."""

    @property
    def is_waited_for(self) -> bool:
        """Whether it holds or waits for messages that other clients could have."""

    def receive_eof(self, now_ms: int) -> None:
        """Note that nothing more will come; called at most once, even after ``is_closed``.

        It may take turns until ``is_closed``, because earlier input is carried out first.
        """

    def lose(self, now_ms: int) -> None:
        """Note that the socket is gone; this is called once, as the last call."""

    def data_to_send(self) -> list[bytes | memoryview]:
        """Return the output in order, and forget it."""

    def pause_deliveries(self) -> None:
        """Deliver nothing, because the peer does not take earlier output."""

    def resume_deliveries(self) -> None:
        """Deliver again."""

    def next_deadline_ms(self) -> int | None:
        """Return when ``on_deadline`` is due next (instant); None is never."""

    def on_deadline(self, now_ms: int) -> None:
        """Do what is due: send a heartbeat, close on a missed one or on a slow handshake."""

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Begin to close, and tell the peer this and the reason, if the protocol can."""


OnOutput: TypeAlias = Callable[[], None]
"""A connection calls this when it has output, when reading begins or stops, and when it must be
closed. It also calls this when only its ``next_deadline_ms`` came nearer."""

MakeConnection: TypeAlias = Callable[[Peer, OnOutput, int], Connection]
"""Makes the sans-IO connection of a new peer; takes the time (monotonic, ms)."""
