from cluster.metadata.records import StoredMember
from cluster.node.elections import Elections
from cluster.replication.inputs import Elect
from cluster.replication.rules import Rules
from tests.support.cluster_views import OPTIONS, Told, stored


def never() -> bool:
    return False


class Electing:
    """Nodes a, b and c, of which a has the seat."""

    def __init__(self) -> None:
        self.told = Told()
        for at, name in enumerate("abc"):
            self.told.live(name, 5 + at)
        self.elections = Elections(self.told.view, Rules())

    def queue(
        self, queue_id: str, leader: str = "", incarnation: int = 0, isr: str = "abc"
    ) -> None:
        self.told.queue(stored(queue_id, leader, incarnation, 1, isr), queue_id)
        self.elections.note_queue(queue_id)

    def node(self, name: str, incarnation: int) -> None:
        self.told.live(name, incarnation)
        self.elections.note_node(name)

    def take(self, looks_max: int = 100) -> list[Elect]:
        return self.elections.take(looks_max, never)


def test_a_new_queue_gets_a_leader_and_one_whose_leader_lives_does_not() -> None:
    electing = Electing()
    electing.queue("q1")
    electing.queue("q2", "b", 6)
    (elect,) = electing.take()
    assert (elect.queue, elect.candidate, elect.options) == ("q1", "a", OPTIONS)
    assert elect.revision == electing.told.view.queues["q1"].revision


def test_a_node_that_drains_is_elected_only_where_nobody_else_can_be() -> None:
    electing = Electing()
    electing.told.member("a", StoredMember("disk a", 1, state="draining"))
    electing.queue("q1")
    electing.queue("q2", isr="a")
    assert [each.candidate for each in electing.take()] == ["b", "a"]


def test_another_incarnation_of_the_leader_is_not_the_leader() -> None:
    electing = Electing()
    electing.queue("q1", "b", 6)
    assert electing.take() == []
    electing.node("b", 9)
    (elect,) = electing.take()
    assert elect.live["b"].incarnation == 9


def test_queues_of_a_node_that_is_gone_are_spread_over_the_others() -> None:
    electing = Electing()
    for number in range(6):
        electing.queue(f"q{number}", "a", 5)
    electing.take()
    electing.node("a", 0)
    chosen = [elect.candidate for elect in electing.take()]
    assert sorted(map(str, chosen)) == ["b"] * 3 + ["c"] * 3


def test_only_a_member_of_the_in_sync_set_is_elected_and_else_the_queue_waits_for_one() -> None:
    electing = Electing()
    electing.queue("q1", "a", 5, isr="ab")
    electing.node("b", 0)
    electing.node("a", 0)
    assert electing.take() == []
    assert list(electing.elections.offline) == ["q1"]
    electing.node("c", 12)
    assert electing.take() == []
    electing.node("b", 13)
    assert [elect.candidate for elect in electing.take()] == ["b"]


def test_an_election_is_under_way_once_and_is_looked_at_again_when_it_has_ended() -> None:
    electing = Electing()
    electing.queue("q1")
    assert len(electing.take()) == 1
    electing.elections.note_queue("q1")
    assert electing.take() == []
    electing.elections.ended("q1")
    assert len(electing.take()) == 1
    electing.queue("q1", "a", 5)
    electing.elections.ended("q1")
    assert electing.take() == []
    assert electing.elections.under_way == {}


def test_a_queue_that_is_gone_gets_no_leader() -> None:
    electing = Electing()
    electing.queue("q1")
    electing.told.gone("q1", "a")
    assert electing.take() == []


def test_who_takes_the_seat_looks_at_every_queue_in_pieces() -> None:
    electing = Electing()
    for number in range(10):
        electing.queue(f"q{number}")
    electing.elections.end()
    assert electing.elections.due_count == 0
    electing.elections.begin()
    assert len(electing.take(4)) == 4
    assert len(electing.elections.take(100, lambda: True)) == 1
    assert len(electing.take()) == 5
