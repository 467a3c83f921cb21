"""A listener's end of a link before the other side has said what the link is for.

All links of a node come in on the same sockets. The first envelope names the purpose, and then the
end for that purpose gets the input from its beginning. What is no hello, or names a purpose that
nobody here serves, goes to the end that is there from the start: it says what is wrong.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cluster.links.envelope import Octets, open_envelope
from cluster.links.errors import LinkError
from cluster.links.hello import HELLO_BYTES_MAX, Hello, purpose_of
from cluster.links.kinds import Kind, Purpose
from cluster.links.port import IsSpent, Link, MakeLink

_OTHER: Final = "the other node wants a link of another purpose"


class Doorway:
    """Fits ``cluster.links.port.Link``."""

    def __init__(
        self, makers: Mapping[Purpose, MakeLink], names: frozenset[str] | None, now_ms: int
    ) -> None:
        """Begin with the end for mirroring.

        Args:
            makers: of a listener's ends; one for mirroring is there.
            names: in the other side's certificate; None without TLS.
            now_ms: the instant.
        """
        self._makers = makers
        self._certificate_names = names
        self._link = makers[Purpose.MIRRORING](names, now_ms)
        self._is_chosen = False

    @property
    def wake(self) -> Callable[[], None]:
        """Called when there is output, or the connection is over."""
        return self._link.wake

    @wake.setter
    def wake(self, wake: Callable[[], None]) -> None:
        self._link.wake = wake

    @property
    def peer(self) -> Hello | None:
        """The other node; None before it is believed."""
        return self._link.peer

    @property
    def reason(self) -> str | None:
        """Why the connection is over; None while it is not."""
        return self._link.reason

    @property
    def is_misfit(self) -> bool:
        """Whether it is over because one side did not understand the other."""
        return self._link.is_misfit

    @property
    def has_answers(self) -> bool:
        """Whether output waits that needs no window."""
        return self._link.has_answers

    @property
    def may_say_more(self) -> bool:
        """Whether output may wait."""
        return self._link.may_say_more

    def receive(self, view: memoryview, now_ms: int, is_spent: IsSpent) -> int:
        """Choose by the first envelope, and work on the input."""
        if not self._is_chosen:
            self._choose(view, now_ms)
        return self._link.receive(view, now_ms, is_spent)

    def output(self, room_bytes: int, now_ms: int) -> list[Octets]:
        """Return what leaves now."""
        return self._link.output(room_bytes, now_ms)

    def tick(self, now_ms: int) -> None:
        """Do what is due by now."""
        self._link.tick(now_ms)

    def hear(self, *, can_be_heard: bool, now_ms: int) -> None:
        """Count silence, or not."""
        self._link.hear(can_be_heard=can_be_heard, now_ms=now_ms)

    def ended_by_peer(self) -> None:
        """The other side sends nothing any more."""
        self._link.ended_by_peer()

    def close(self, reason: str) -> None:
        """End it from this side."""
        self._link.close(reason)

    def lost(self, reason: str) -> None:
        """The socket is gone."""
        self._link.lost(reason)

    def _choose(self, view: memoryview, now_ms: int) -> None:
        try:
            envelope = open_envelope(view, 0, 0, HELLO_BYTES_MAX)
        except LinkError:
            self._is_chosen = True
            return
        if envelope is None:
            return
        self._is_chosen = True
        purpose = purpose_of(envelope.body) if envelope.kind == Kind.HELLO else None
        if purpose is None or purpose == Purpose.MIRRORING:
            return
        make = next((self._makers[each] for each in self._makers if each == purpose), None)
        if make is not None:
            other, self._link = self._link, make(self._certificate_names, now_ms)
            self._link.wake = other.wake
            other.wake = _nobody
            other.lost(_OTHER)


def _nobody() -> None:
    """Nobody waits for it any more."""


def make_doorway(makers: Mapping[Purpose, MakeLink]) -> MakeLink:
    """Return what makes a listener's ends of links of several purposes."""

    def make(names: frozenset[str] | None, now_ms: int) -> Link:
        return Doorway(makers, names, now_ms)

    return make
