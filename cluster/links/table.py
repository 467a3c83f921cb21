"""The links of one node: one connection for each other node and direction, joined to the core.

What the core asks for on a connection must not leave on the next one (R4, R5). So its frames are
routed before the core hears of a connection that ended or opened, and they go to the connections of
that moment.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from cluster.links.connection import LinkConnection
from cluster.links.hello import Hello
from cluster.links.newest import NewestLinks
from cluster.links.windows import Lane
from cluster.replication.frames import LeaderFrame, MirrorFrame
from cluster.replication.inputs import (
    FrameFromLeader,
    FrameFromMirror,
    Input,
    LeaderConnected,
    LeaderDisconnected,
    MirrorConnected,
    MirrorDisconnected,
)
from cluster.replication.ready import Ready

Step: TypeAlias = Callable[[Input], None]
"""Hands an input to the core, does what its ``Ready`` says, and calls ``LinkTable.route``."""

AfterWriting: TypeAlias = Callable[[Callable[[], None]], None]
"""Calls what it is handed when all that the core asked for so far is in the WAL."""

NOTES_WAIT_FROM: Final = 64
"""Where so many frames wait, notes wait too: the bound of a link's frames is for others."""


class LinkTable:
    """An ``Owner`` of connections."""

    def __init__(self, step: Step, after_writing: AfterWriting) -> None:
        """Begin without a link; ``step`` is the only way into the core."""
        self._step = step
        self._after_writing = after_writing
        self._links: NewestLinks[LinkConnection] = NewestLinks()
        self._to_mirrors, self._from_leaders = self._links.dialed, self._links.accepted
        self._is_routing = False
        self._ended: list[Input] = []
        self._told_revision = 0
        self._seen: dict[str, int] = {}
        self.on_seen: Callable[[], None] = _nobody
        """Called when another node has more definitions; see ``have_seen``."""

    def to_mirror(self, node: str) -> LinkConnection | None:
        """Return the connection on which this node leads; None without one."""
        return self._to_mirrors.get(node)

    def from_leader(self, node: str) -> LinkConnection | None:
        """Return the connection on which this node mirrors; None without one."""
        return self._from_leaders.get(node)

    def route(self, ready: Ready) -> None:
        """Let frames leave on the connections of now; without one they are of no use any more."""
        self._is_routing = True
        for mirror, frame in ready.to_mirrors:
            link = self._to_mirrors.get(mirror)
            if link is not None:
                link.put(frame)
        for leader, answer in ready.to_leaders:
            link = self._from_leaders.get(leader)
            if link is not None:
                link.put(answer)
        self._is_routing = False
        while self._ended:
            self._step(self._ended.pop(0))

    def takes_catch_up(self, mirror: str) -> bool:
        """Return whether more may be read for what a mirror lacks; without a link all is lost."""
        link = self._to_mirrors.get(mirror)
        return link is None or link.takes_catch_up

    def takes_notes(self, mirror: str) -> bool:
        """Return whether a note may be put on the link to a mirror: little else waits there."""
        link = self._to_mirrors.get(mirror)
        return link is not None and link.waiting_count < NOTES_WAIT_FROM

    def tell_seen(self, revision: int) -> None:
        """Tell the other nodes that this one has all definitions up to a revision."""
        self._told_revision = revision
        for link in self._from_leaders.values():
            link.put_seen(revision)

    def have_seen(self, revision: int, nodes: Iterable[str]) -> bool:
        """Return whether these nodes have said that they have all definitions up to there."""
        return all(self._seen.get(node, 0) >= revision for node in nodes)

    def close(self, reason: str) -> None:
        """End all of them."""
        for link in (*self._to_mirrors.values(), *self._from_leaders.values()):
            link.close(reason)

    # ---- what connections say ----

    def opened(self, link: LinkConnection, peer: Hello) -> None:
        """A newer connection takes the place of an older one; that one is half open."""
        if not self._links.take(link, peer.node):
            return
        if not link.is_dialer and self._told_revision:
            link.put_seen(self._told_revision)
        connected = MirrorConnected(peer.node) if link.is_dialer else LeaderConnected(peer.node)
        self._step(connected)

    def arrived(
        self, link: LinkConnection, frame: LeaderFrame | MirrorFrame, lane: Lane, octets: int
    ) -> None:
        """Hand a frame to the core, in the order of the connection."""
        peer = link.peer
        assert peer is not None, "no frame comes before the handshake"
        if isinstance(frame, LeaderFrame):
            self._step(FrameFromLeader(peer.node, frame))
        else:
            self._step(FrameFromMirror(peer.node, frame))
        if octets:
            self._after_writing(lambda: link.worked_off(lane, octets))

    def seen(self, link: LinkConnection, revision: int) -> None:
        """Another node has more definitions."""
        peer = link.peer
        if peer is not None and self._to_mirrors.get(peer.node) is link:
            self._seen[peer.node] = max(revision, self._seen.get(peer.node, 0))
            self.on_seen()

    def closed(self, link: LinkConnection, reason: str) -> None:
        """The core hears of it once, and only of the connection that it knows."""
        del reason
        peer = link.peer
        if not self._links.drop(link) or peer is None:
            return
        if link.is_dialer:
            self._seen.pop(peer.node, None)
        gone = MirrorDisconnected(peer.node) if link.is_dialer else LeaderDisconnected(peer.node)
        if self._is_routing:
            # What it makes the core say must not overtake what is being routed.
            self._ended.append(gone)
        else:
            self._step(gone)


def _nobody() -> None:
    """Nobody waits for what other nodes have."""
