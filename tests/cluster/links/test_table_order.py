"""What the core hears of connections, and when."""

from dataclasses import replace

from cluster.links.connection import LinkConnection
from cluster.links.table import LinkTable
from cluster.replication.inputs import (
    FrameFromLeader,
    Input,
    LeaderConnected,
    LeaderDisconnected,
    MirrorConnected,
    MirrorDisconnected,
)
from cluster.replication.ready import Ready
from tests.support.linked_pair import SMALL, LinkedPair, fence, hello, run


class Told:
    """A core that notes its inputs, and how many frames waited on each link then."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.waiting: list[int] = []
        self.links: list[LinkConnection] = []
        self.table = LinkTable(self.step, lambda work: work())

    def step(self, happened: Input) -> None:
        self.inputs.append(happened)
        self.waiting.append(sum(link.waiting_count for link in self.links))

    def owns(self, link: LinkConnection, peer: str) -> LinkConnection:
        link._owner = self.table
        self.links.append(link)
        self.table.opened(link, hello(peer))
        return link


def test_an_end_in_the_middle_of_routing_is_told_behind_it() -> None:
    told = Told()
    few = replace(SMALL, waiting_frames_max=1)
    to_b = told.owns(LinkedPair(few).opened().a, "b")
    to_c = told.owns(LinkedPair(hellos=(hello("a", "c"), hello("c"))).opened().a, "c")
    told.links = [to_c]
    ready = Ready(to_mirrors=[("b", fence("q")), ("b", fence("r")), ("b", fence("s"))])
    ready.to_mirrors += [("c", fence("q")), ("c", fence("r"))]
    told.table.route(ready)
    assert to_b.reason == "1 frames wait, the other node is too slow"
    assert told.inputs == [MirrorConnected("b"), MirrorConnected("c"), MirrorDisconnected("b")]
    assert told.waiting[-1] == to_c.waiting_count == 2
    assert told.table.to_mirror("b") is None


def test_the_older_connection_ends_before_the_newer_begins() -> None:
    told = Told()
    older = told.owns(LinkedPair().opened().b, "a")
    newer = told.owns(LinkedPair().opened().b, "a")
    assert told.inputs == [LeaderConnected("a"), LeaderDisconnected("a"), LeaderConnected("a")]
    assert older.reason == "a newer connection takes its place"
    assert told.table.from_leader("a") is newer
    # It says nothing of the newer one.
    told.table.closed(older, "again")
    assert told.table.from_leader("a") is newer
    newer.lost("gone")
    assert told.inputs[-1] == LeaderDisconnected("a")
    assert told.table.from_leader("a") is None


def test_frames_for_a_node_without_a_link_are_of_no_use_any_more() -> None:
    told = Told()
    told.table.route(Ready(to_mirrors=[("b", fence("q"))]))
    link = told.owns(LinkedPair().opened().a, "b")
    assert link.waiting_count == 0


def test_frames_come_in_order_and_with_their_node() -> None:
    told = Told()
    pair = LinkedPair().opened()
    told.owns(pair.b, "a")
    pair.a.put(fence("q"))
    pair.a.put(run("r", 1))
    pair.carry()
    assert told.inputs == [
        LeaderConnected("a"),
        FrameFromLeader("a", fence("q")),
        FrameFromLeader("a", run("r", 1)),
    ]
