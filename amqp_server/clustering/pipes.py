"""Joins the halves of queues to the links of their node, and both to the turns of its loop.

    front halves ─ LeaderPipe ─▶ link ┄┄▶ link ─▶ FrontLink ─▶ leader halves
                 ◀── receive ──       ◀┄┄      ◀─ FrontPipe ─

What comes over a link is worked off beside the turns. So a turn is asked for behind it: there
queues deliver, what was appended becomes a commit group, and the core says what mirrors get.
"""

from collections.abc import Callable
from functools import partial

from amqp_server.broker.turn import Turn
from amqp_server.clustering.queues import MirroredQueues
from cluster.fronts.frames import ToFront, ToLeader
from cluster.fronts.leader_half import FrontOpenings
from cluster.fronts.links.connection import FrontLink
from cluster.fronts.links.dialing import FrontDialing
from cluster.fronts.links.encoding import Frame
from cluster.fronts.links.table import FrontTable
from cluster.fronts.remote_way import LeaderPipe
from cluster.replication.publishers import Front


class LinkPipe:
    """A link as the halves at this end of it see it."""

    __slots__ = ("_link",)

    def __init__(self, link: FrontLink) -> None:
        self._link = link

    def put(self, frame: Frame) -> None:
        """Let a frame leave."""
        self._link.put(frame)

    def fail(self, reason: str) -> None:
        """End the connection."""
        self._link.close(reason)

    def is_shut(self, queue: str) -> bool:
        """Return whether there is no room for more of a queue now."""
        return self._link.is_shut(queue)


class LeadersPipe(LinkPipe):
    """A link to a node that leads, where it is noted that this turn goes on there."""

    __slots__ = ("_note_far_work",)

    def __init__(self, link: FrontLink, note_far_work: Callable[[], None]) -> None:
        super().__init__(link)
        self._note_far_work = note_far_work

    def put(self, frame: Frame) -> None:
        """Let a frame leave."""
        self._note_far_work()
        self._link.put(frame)


class Pipes:
    """The ``FrontHalves`` and ``LeaderHalves`` of a table of front links.

    Args:
        queues: of this node.
        turn: the broker's.
        now_ms: the loop's clock.
        wake: asks for a turn where none runs.
        note_far_work: is told that something of this turn goes on to a leader.

    Attributes:
        table, dialing: the links; set before the first one is there.
    """

    table: FrontTable
    dialing: FrontDialing

    def __init__(
        self,
        queues: MirroredQueues,
        turn: Turn,
        now_ms: Callable[[], int],
        wake: Callable[[], None],
        note_far_work: Callable[[], None],
    ) -> None:
        self._note_far_work = note_far_work
        self._queues = queues
        self._turn = turn
        self._now_ms = now_ms
        self._wake = wake
        self._to_leaders: dict[str, tuple[FrontLink, LinkPipe]] = {}
        self._from_fronts: dict[FrontLink, FrontOpenings] = {}

    def pipe_to(self, node: str) -> LeaderPipe | None:
        """Return the link to a node; without one it is dialled."""
        self.dialing.reach(node)
        known = self._to_leaders.get(node)
        return None if known is None else known[1]

    # -- front halves: see ``cluster.fronts.links.table.FrontHalves`` ------------------------------

    def leader_opened(self, link: FrontLink, node: str) -> None:
        """A node that leads is there."""
        pipe = LeadersPipe(link, self._note_far_work)
        self._to_leaders[node] = link, pipe
        self._queues.pipe_opened(node, pipe)

    def leader_ended(self, link: FrontLink, node: str) -> None:
        """It is gone."""
        known = self._to_leaders.get(node)
        if known is not None and known[0] is link:
            del self._to_leaders[node]
            self._queues.pipe_ended(known[1])

    def from_leader(self, link: FrontLink, frame: ToFront, octets: int) -> None:
        """A frame came."""
        peer = link.peer
        known = None if peer is None else self._to_leaders.get(peer.node)
        front = self._queues.front_of(frame.queue)
        if front is not None and known is not None and known[0] is link:
            front.receive(frame, known[1], self._begin())
        link.taken(frame.queue, octets)
        self._wake()

    def room_to_leader(self, link: FrontLink, queue: str) -> None:
        """There is room for more of a queue."""
        front = self._queues.front_of(queue)
        peer = link.peer
        known = None if peer is None else self._to_leaders.get(peer.node)
        if front is not None and known is not None and known[0] is link:
            front.room(known[1])
            self._wake()

    # -- leader halves: see ``cluster.fronts.links.table.LeaderHalves`` ----------------------------

    def front_opened(self, link: FrontLink, front: Front) -> None:
        """A node with clients is there."""
        self._from_fronts[link] = FrontOpenings(self._queues.led, front, LinkPipe(link))

    def front_ended(self, link: FrontLink, front: Front) -> None:
        """It is gone: what its clients have goes back."""
        del front
        halves = self._from_fronts.pop(link, None)
        if halves is not None:
            halves.ended(self._begin())
            self._wake()

    def from_front(self, link: FrontLink, frame: ToLeader, octets: int) -> None:
        """A frame came."""
        halves = self._from_fronts.get(link)
        if halves is not None:
            # What takes many turns is taken at its end: until then its octets fill the window.
            halves.receive(frame, self._begin(), partial(link.taken, frame.queue, octets))
        self._wake()

    def room_to_front(self, link: FrontLink, queue: str) -> None:
        """There is room for more of a queue."""
        halves = self._from_fronts.get(link)
        if halves is not None:
            halves.room(queue)
            self._wake()

    def _begin(self) -> int:
        """Set the time of the turns to now, and return it."""
        self._turn.now_ms = now_ms = self._now_ms()
        return now_ms
