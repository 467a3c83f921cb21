"""The front links of one node: to leaders, where it has clients; from fronts, where it leads.

There is one for each other node and direction. A newer one takes the place of an older one: that is
half open. The halves hear of the end of the older one before they hear of the newer one.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol, TypeAlias

from cluster.fronts.frames import ToFront, ToLeader
from cluster.fronts.links.allotment import Allotment
from cluster.fronts.links.connection import FrontLink
from cluster.fronts.links.encoding import Frame
from cluster.fronts.links.node_room import NodeRoom
from cluster.links.handshake import Handshake, Trust
from cluster.links.hello import Hello
from cluster.links.kinds import Purpose
from cluster.links.newest import NewestLinks
from cluster.links.settings import MIB, LinkSettings, Windows
from cluster.replication.publishers import Front

SayHello: TypeAlias = Callable[[str], Hello]
"""Returns what this node says now, with a fresh nonce: the node that is meant, or ''."""

FRONT_SETTINGS: Final = LinkSettings(
    windows=Windows(run_bytes_max=520 * MIB), waiting_frames_max=1_000_000
)
"""A message has 512 MiB at most, and its header comes on top. A front that dials again opens all of
its queues at once."""

NODE_BYTES_MAX: Final = 256 * MIB
"""Of the windows of all front links of a node together."""


class LeaderHalves(Protocol):
    """The leader halves of a node."""

    def front_opened(self, link: FrontLink, front: Front) -> None:
        """A node with clients is there; it has opened no queue yet."""

    def front_ended(self, link: FrontLink, front: Front) -> None:
        """It is gone: so are its consumers, and what they have goes back."""

    def from_front(self, link: FrontLink, frame: ToLeader, octets: int) -> None:
        """A frame came. ``link.taken(frame.queue, octets)`` follows, now or later."""

    def room_to_front(self, link: FrontLink, queue: str) -> None:
        """``link.is_shut(queue)`` said True, and does not any more."""


class FrontHalves(Protocol):
    """The front halves of a node."""

    def leader_opened(self, link: FrontLink, node: str) -> None:
        """A node that leads is there; no queue is open at it yet."""

    def leader_ended(self, link: FrontLink, node: str) -> None:
        """It is gone; what was not answered is open."""

    def from_leader(self, link: FrontLink, frame: ToFront, octets: int) -> None:
        """A frame came. ``link.taken(frame.queue, octets)`` follows, now or later."""

    def room_to_leader(self, link: FrontLink, queue: str) -> None:
        """``link.is_shut(queue)`` said True, and does not any more."""


class FrontTable:
    """The ``Owner`` of the front links of a node."""

    def __init__(
        self,
        fronts: FrontHalves,
        leaders: LeaderHalves,
        say_hello: SayHello,
        trust: Trust,
        settings: LinkSettings = FRONT_SETTINGS,
        *,
        node_bytes_max: int = NODE_BYTES_MAX,
    ) -> None:
        """Begin without a link.

        Args:
            fronts: the front halves of this node.
            leaders: its leader halves.
            say_hello: what it says of itself; purpose and windows are put in here.
            trust: what another node must show.
            settings: of its front links. ``catch_up_bytes`` is the window of a connection,
                ``stream_bytes`` that of a queue, ``held_bytes_max`` what waits for all other nodes.
            node_bytes_max: of the windows of all connections together.
        """
        self._fronts = fronts
        self._leaders = leaders
        self._say_hello = say_hello
        self._trust = trust
        self.settings = settings
        self._room = NodeRoom(settings.held_bytes_max)
        self._allotment = Allotment(settings.windows, node_bytes_max)
        self._promised: dict[FrontLink, Windows] = {}
        self._links: NewestLinks[FrontLink] = NewestLinks()

    def to_leader(self, node: str) -> FrontLink | None:
        """Return the link to a node that leads; None without one."""
        return self._links.dialed.get(node)

    def from_front(self, node: str) -> FrontLink | None:
        """Return the link of a node with clients; None without one."""
        return self._links.accepted.get(node)

    def is_open(self, node: str) -> bool:
        """Return whether there is a link to a node that leads."""
        return node in self._links.dialed

    def opened_count(self, node: str) -> int:
        """Return how many links to a node that leads have been open."""
        return self._links.dialed_counts[node]

    def make(self, meant: str, names: frozenset[str] | None, now_ms: int) -> FrontLink:
        """Return an end of a new connection.

        Args:
            meant: the node that is dialled; empty for a listener's end.
            names: in the other side's certificate; None without TLS.
            now_ms: the instant.
        """
        windows = self._allotment.promise()
        hello = replace(self._say_hello(meant), purpose=Purpose.FRONTS, windows=windows)
        is_dialer = bool(meant)
        handshake = Handshake(hello, self._trust, is_dialer=is_dialer, certificate_names=names)
        link = FrontLink(
            self,
            handshake,
            self.settings,
            windows,
            self._room,
            is_dialer=is_dialer,
            now_ms=now_ms,
        )
        self._promised[link] = windows
        return link

    def make_accepted(self, names: frozenset[str] | None, now_ms: int) -> FrontLink:
        """Return a listener's end; a ``MakeLink`` for ``cluster.links.doorway``."""
        return self.make("", names, now_ms)

    def close(self, reason: str) -> None:
        """End all of them."""
        for link in tuple(self._promised):
            link.close(reason)

    # ---- what connections say ----

    def opened(self, link: FrontLink, peer: Hello) -> None:
        """A newer connection takes the place of an older one."""
        if not self._links.take(link, peer.node):
            return
        if link.is_dialer:
            self._fronts.leader_opened(link, peer.node)
        else:
            self._leaders.front_opened(link, Front(peer.node, peer.incarnation))

    def arrived(self, link: FrontLink, frame: Frame, octets: int) -> None:
        """Hand a frame to the halves that it is for."""
        if link.is_dialer:
            self._fronts.from_leader(link, frame, octets)  # type: ignore[arg-type]
        else:
            self._leaders.from_front(link, frame, octets)  # type: ignore[arg-type]

    def room(self, link: FrontLink, queue: str) -> None:
        """A queue that was shut is open."""
        if link.is_dialer:
            self._fronts.room_to_leader(link, queue)
        else:
            self._leaders.room_to_front(link, queue)

    def closed(self, link: FrontLink, reason: str) -> None:
        """The halves hear of it once, and only of a connection that they know."""
        del reason
        windows = self._promised.pop(link, None)
        if windows is not None:
            self._allotment.give_back(windows)
        peer = link.peer
        if not self._links.drop(link) or peer is None:
            return
        if link.is_dialer:
            self._fronts.leader_ended(link, peer.node)
        else:
            self._leaders.front_ended(link, Front(peer.node, peer.incarnation))
