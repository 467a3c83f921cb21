"""Who leads streams with groups: the store, the engine, the core, and for how long."""

from typing import Any

import pytest

from amqp_server.broker.groups.guests import NEW_MS
from amqp_server.broker.groups.shared import Place
from amqp_server.broker.groups.single_active import Stream
from amqp_server.clustering.group_leaders import IDLE_MS, GroupLeaders
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer

STREAM = Stream("/", "s")
NONE = Stream("/", "none")


class Rig:
    """Node ``a``, which has the engine of the stream ``s``."""

    def __init__(self) -> None:
        self.node = Node()
        StreamPeer.open(self.node).create("s")
        queue = self.node.vhost.queues.look_at("s")
        assert queue is not None
        queue.stored_id = "/ s"
        self.leader: tuple[str, int, int] | None = ("a", 3, 9)
        self.delivers = True
        self.now_ms = 1_000
        known: Any = self
        self.leaders = GroupLeaders("a", known, self.node.broker, lambda: self.now_ms)

    def queue_id_of(self, vhost: str, name: str) -> str | None:
        return f"{vhost} {name}" if name != "none" else None

    def leader_of(self, queue_id: str) -> tuple[str, int, int] | None:
        assert queue_id
        return self.leader

    def may_deliver(self, queue_id: str) -> bool:
        assert queue_id
        return self.delivers

    def is_new(self) -> bool:
        return self.leaders.is_new(STREAM)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_the_store_says_who_leads(rig: Rig) -> None:
    assert rig.leaders.leader_of(STREAM) == Place("a", 3, "/ s")
    assert rig.leaders.leader_of(NONE) is None
    rig.leader = None
    assert rig.leaders.leader_of(STREAM) is None


def test_a_stream_that_had_the_name_before_is_led_by_nobody(rig: Rig) -> None:
    assert rig.leaders.leader_of(STREAM._replace(stored_id="/ s")) == Place("a", 3, "/ s")
    gone = STREAM._replace(stored_id="q0")
    assert rig.leaders.leader_of(gone) is None
    assert not rig.leaders.is_served(gone)
    assert not rig.leaders.is_new(gone)


def test_a_stream_is_served_by_its_engine(rig: Rig) -> None:
    assert rig.leaders.is_served(STREAM)
    for vhost, name in (("/", "none"), ("/", "other"), ("gone", "s")):
        assert not rig.leaders.is_served(Stream(vhost, name))


def test_who_may_deliver_nothing_for_a_while_leads_no_group(rig: Rig) -> None:
    rig.delivers = False
    assert rig.leaders.is_served(STREAM)
    rig.now_ms += IDLE_MS - 1
    assert rig.leaders.is_served(STREAM)
    rig.delivers = True
    assert rig.leaders.is_served(STREAM)
    rig.delivers = False
    assert rig.leaders.is_served(STREAM)
    rig.now_ms += IDLE_MS
    assert not rig.leaders.is_served(STREAM)


def test_who_may_deliver_nothing_makes_nobody_active(rig: Rig) -> None:
    rig.leader = ("a", 1, 9)
    assert not rig.is_new()
    rig.delivers = False
    assert rig.is_new(), "who knows the next leader may leave this one, and read on"
    rig.delivers = True
    assert not rig.is_new()


def test_a_leadership_is_new_for_a_while(rig: Rig) -> None:
    assert rig.is_new(), "so is the process"
    rig.now_ms += NEW_MS
    assert not rig.is_new()
    rig.leader = ("a", 4, 9)
    rig.leaders.changed(["/ s"])
    assert rig.is_new()
    rig.now_ms += NEW_MS
    # Another state of the same leadership is no other leadership.
    rig.leaders.changed(["/ s"])
    assert not rig.is_new()
    rig.leader = ("b", 5, 1)
    rig.leaders.changed(["/ s"])
    rig.leader = None
    assert not rig.is_new()
    assert not rig.leaders.is_new(NONE)


def test_the_first_leadership_waits_for_nobody(rig: Rig) -> None:
    rig.leader = ("a", 1, 9)
    rig.leaders.changed(["/ s"])
    assert not rig.is_new()
