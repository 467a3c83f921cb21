"""What a socket needs of a link, of whatever purpose."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from cluster.links.envelope import Octets
from cluster.links.hello import Hello

IsSpent: TypeAlias = Callable[[], bool]
"""Returns whether the time of this slice is over."""


class Link(Protocol):
    """One end of a connection between nodes, without its socket.

    Attributes:
        wake: called when there is output, or the connection is over; the socket's side sets it.
    """

    wake: Callable[[], None]

    @property
    def peer(self) -> Hello | None:
        """The other node; None before it is believed."""

    @property
    def reason(self) -> str | None:
        """Why the connection is over; None while it is not."""

    @property
    def is_misfit(self) -> bool:
        """Whether it is over because one side did not understand the other, and will not soon."""

    @property
    def has_answers(self) -> bool:
        """Whether output waits that needs no window."""

    @property
    def may_say_more(self) -> bool:
        """Whether there may be output, also for windows without room; False: there is none."""

    def receive(self, view: memoryview, now_ms: int, is_spent: IsSpent) -> int:
        """Work on the whole envelopes of the input; return how many octets are done with."""

    def output(self, room_bytes: int, now_ms: int) -> list[Octets]:
        """Return what leaves now, in order: about ``room_bytes``."""

    def tick(self, now_ms: int) -> None:
        """Do what is due by now; called several times in each ``heartbeat_ms``."""

    def hear(self, *, can_be_heard: bool, now_ms: int) -> None:
        """Count silence, or not: while the socket is not read, silence says nothing."""

    def ended_by_peer(self) -> None:
        """The other side sends nothing any more."""

    def close(self, reason: str) -> None:
        """End it from this side; the other node is told why if the socket still takes it."""

    def lost(self, reason: str) -> None:
        """The socket is gone."""


MakeLink: TypeAlias = Callable[[frozenset[str] | None, int], Link]
"""Returns a new link: the names in the other side's certificate (None without TLS), now."""
