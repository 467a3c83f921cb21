"""What the sans-IO connection of any protocol is to the transport that drives it.

Another protocol is a class that fits ``Connection``, and a row of ``amqp_server.protocols``.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from amqp_server.connections.peer import Peer


class Intake(Protocol):
    """What a connection was given and has not used up."""

    @property
    def rest(self) -> bytes:
        """What must come again in front of the next bytes; mostly nothing."""

    def take_rest(self, max_bytes: int) -> bytes:
        """Return ``rest`` and forget it; empty when over the limit."""


class Life(Protocol):
    """Where a connection is in its life."""

    @property
    def is_open(self) -> bool:
        """Whether it is known who this is, and that they may be here."""

    @property
    def is_closed(self) -> bool:
        """Whether the TCP connection is to be closed, once what is buffered has been sent."""

    @property
    def due_ms(self) -> int | None:
        """What ``next_deadline_ms`` returned last; None when that may have come nearer since."""


class Reading(Protocol):
    """Whether a connection is to be read."""

    @property
    def is_wanted(self) -> bool:
        """False while it must not get more input: an alarm, or what came before waits."""

    @property
    def is_blocked(self) -> bool:
        """Whether it is an alarm."""


class Connection(Protocol):
    """A sans-IO connection of one peer, as its transport drives it.

    Bytes and the time go in, bytes and deadlines come out. A peer's fault never raises out of it.
    ``protocol.connection`` implements it for AMQP.
    """

    @property
    def life(self) -> Life:
        """Where it is in its life."""

    @property
    def reading(self) -> Reading:
        """Whether it is to be read."""

    @property
    def intake(self) -> Intake:
        """What is left over of earlier reads."""

    def receive_data(self, data: bytes | memoryview, now_ms: int) -> None:
        """Take what was read; the memory is only valid during the call. Never raises."""

    @property
    def is_waited_for(self) -> bool:
        """Whether it holds messages, or is to get some, that others could have."""

    def receive_eof(self, now_ms: int) -> None:
        """Learn that nothing more will come; called at most once, even after ``is_closed``.

        It may take turns until ``is_closed``: what came before is carried out first.
        """

    def lose(self, now_ms: int) -> None:
        """Learn that the socket is gone; called once, as the last of all."""

    def data_to_send(self) -> list[bytes | memoryview]:
        """Return what is to be written, in order, and forget it."""

    def pause_deliveries(self) -> None:
        """Deliver nothing, the peer does not take what was sent."""

    def resume_deliveries(self) -> None:
        """Deliver again."""

    def next_deadline_ms(self) -> int | None:
        """Return when ``on_deadline`` is due next (instant); None is never."""

    def on_deadline(self, now_ms: int) -> None:
        """Do what is due: send a heartbeat, close on a missed one or on a slow handshake."""

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Begin to close, and tell the peer that we do and why, as far as the protocol can."""


OnOutput: TypeAlias = Callable[[], None]
"""What a connection calls when it has output, is to be read or not, or closed, or, without any of
these, a ``next_deadline_ms`` that came nearer."""

MakeConnection: TypeAlias = Callable[[Peer, OnOutput, int], Connection]
"""Makes the sans-IO connection of a peer that has come, at a time (monotonic, ms)."""
