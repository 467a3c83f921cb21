"""Frames of a link reach the half that they are for, and their octets leave the window."""

from types import SimpleNamespace
from typing import cast

from amqp_server.broker.turn import Turn
from amqp_server.clustering.pipes import Pipes
from amqp_server.clustering.queues import MirroredQueues
from cluster.fronts.frames import Confirmed, NotServing, Open
from cluster.fronts.leader_half import LedQueues
from cluster.fronts.links.connection import FrontLink
from cluster.fronts.links.dialing import FrontDialing
from cluster.replication.publishers import Front

X = Front("x", 7)


class Link:
    def __init__(self, node: str) -> None:
        self.peer = SimpleNamespace(node=node)
        self.said: list[object] = []
        self.took: list[tuple[str, int]] = []

    def put(self, frame: object) -> None:
        self.said.append(frame)

    def taken(self, queue: str, octets: int) -> None:
        self.took.append((queue, octets))


class Rig:
    """Pipes over queues that note what they hear; they know the queue ``q``."""

    def __init__(self) -> None:
        self.led = LedQueues()
        self.opened: list[str] = []
        self.ended: list[object] = []
        self.received: list[tuple[object, object, int]] = []
        self.rooms: list[object] = []
        self.reached: list[str] = []
        self.wakes: list[None] = []
        self.turn = Turn(10)
        queues = cast("MirroredQueues", self)
        self.far: list[None] = []
        self.pipes = Pipes(
            queues,
            self.turn,
            lambda: 55,
            lambda: self.wakes.append(None),
            lambda: self.far.append(None),
        )
        self.pipes.dialing = cast("FrontDialing", SimpleNamespace(reach=self.reached.append))

    def front_of(self, queue: str) -> object:
        front = SimpleNamespace(receive=lambda *heard: self.received.append(heard))
        front.room = self.rooms.append
        return front if queue == "q" else None

    def pipe_opened(self, node: str, _pipe: object) -> None:
        self.opened.append(node)

    def pipe_ended(self, pipe: object) -> None:
        self.ended.append(pipe)

    def link(self, node: str = "b") -> tuple[Link, FrontLink]:
        link = Link(node)
        return link, cast("FrontLink", link)


def test_a_node_without_a_link_is_dialled() -> None:
    rig = Rig()
    assert rig.pipes.pipe_to("b") is None
    assert rig.reached == ["b"]
    rig.pipes.leader_opened(rig.link()[1], "b")
    assert rig.opened == ["b"]
    assert rig.pipes.pipe_to("b") is not None


def test_a_frame_of_a_leader_reaches_its_front_half_and_is_taken() -> None:
    rig = Rig()
    noted, link = rig.link()
    rig.pipes.leader_opened(link, "b")
    rig.pipes.from_leader(link, Confirmed("q", 3), 40)
    rig.pipes.from_leader(link, Confirmed("gone", 3), 41)
    assert rig.received == [(Confirmed("q", 3), rig.pipes.pipe_to("b"), 55)]
    assert noted.took == [("q", 40), ("gone", 41)]
    assert rig.turn.now_ms == 55
    assert rig.wakes


def test_what_an_older_link_says_is_taken_and_not_heard() -> None:
    rig = Rig()
    noted, older = rig.link()
    rig.pipes.leader_opened(older, "b")
    rig.pipes.leader_opened(rig.link()[1], "b")
    rig.pipes.from_leader(older, Confirmed("q", 3), 40)
    rig.pipes.room_to_leader(older, "q")
    rig.pipes.leader_ended(older, "b")
    assert (rig.received, rig.rooms, rig.ended) == ([], [], [])
    assert noted.took == [("q", 40)]
    assert rig.pipes.pipe_to("b") is not None


def test_the_end_of_a_link_ends_its_pipe() -> None:
    rig = Rig()
    _, link = rig.link()
    rig.pipes.leader_opened(link, "b")
    pipe = rig.pipes.pipe_to("b")
    rig.pipes.room_to_leader(link, "q")
    rig.pipes.leader_ended(link, "b")
    assert rig.rooms == rig.ended == [pipe]
    assert rig.pipes.pipe_to("b") is None


def test_a_frame_of_a_front_is_answered_over_its_link_until_that_ends() -> None:
    rig = Rig()
    noted, link = rig.link("x")
    rig.pipes.front_opened(link, X)
    rig.pipes.from_front(link, Open("q", 2, 1), 30)
    assert noted.said == [NotServing("q", 0, 1)]
    assert noted.took == [("q", 30)]
    rig.pipes.front_ended(link, X)
    rig.pipes.from_front(link, Open("q", 2, 2), 30)
    assert len(noted.said) == 1


def test_what_goes_to_a_leader_is_far_work_and_what_goes_to_a_front_is_not() -> None:
    rig = Rig()
    link, as_link = rig.link()
    rig.pipes.leader_opened(as_link, "b")
    pipe = rig.pipes.pipe_to("b")
    assert pipe is not None
    pipe.put(Open("q", 1, 1))
    assert (len(link.said), len(rig.far)) == (1, 1)
    front, as_front = rig.link("c")
    rig.pipes.front_opened(as_front, X)
    rig.pipes.from_front(as_front, Open("nobody leads this", 1, 1), 0)
    assert front.said, "it is told so"
    assert len(rig.far) == 1
