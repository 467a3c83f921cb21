from dataclasses import replace

from cluster.metadata.records import StoredMember
from cluster.replication.state import LiveNode, QueueOptions, ReplicaId
from tests.support.cluster_views import KEYS, Told, stored


def test_a_queue_is_known_by_its_id_and_by_who_leads_it() -> None:
    told = Told()
    assert list(told.queue(stored("q1", "a", 5, 1)).queues) == ["q1"]
    assert told.view.queue_id_of("v", "jobs") == "q1"
    assert told.view.led_by("a") == ("q1",)
    told.queue(stored("q1", "b", 6, 2))
    assert told.view.led_by("a") == ()
    assert told.view.led_count("b") == 1


def test_a_queue_that_was_declared_again_is_another_one() -> None:
    told = Told()
    told.queue(stored("q1", "a", 5, 1))
    assert list(told.queue(stored("q2")).queues) == ["q1", "q2"]
    assert list(told.view.queues) == ["q2"]
    assert list(told.queue(None).queues) == ["q2"]
    assert told.view.queue_id_of("v", "jobs") is None
    assert told.view.led_by("") == ()


def test_names_are_in_order_and_replicas_are_counted() -> None:
    told = Told()
    told.queue(stored("q2"), "zeal")
    told.queue(stored("q1"), "jobs")
    assert list(told.view.names) == [("v", "jobs"), ("v", "zeal")]
    assert told.view.replicas_count("a") == 2
    fewer = replace(stored("q1"), options=QueueOptions(("b",), 1))
    told.queue(fewer)
    assert (told.view.replicas_count("a"), told.view.replicas_count("b")) == (1, 2)
    told.queue(stored("q3"))
    assert list(told.view.names) == [("v", "jobs"), ("v", "zeal")]
    told.queue(None)
    assert list(told.view.names) == [("v", "zeal")]
    assert (told.view.replicas_count("a"), told.view.replicas_count("d")) == (1, 0)


def test_what_was_read_is_newer_than_the_copy_and_the_copy_does_not_take_it_back() -> None:
    told = Told()
    told.queue(stored("q1", "a", 5, 1))
    assert told.view.note("q1", stored("q1", "b", 6, 2), 9)
    assert not told.view.note("q1", stored("q1", "a", 5, 1), 1)
    told.queue(stored("q1", "a", 5, 1))
    assert told.view.queues["q1"].stored.state.leader == "b"
    assert told.view.queues["q1"].revision == 9


def test_a_read_does_not_bring_back_a_queue_that_was_deleted() -> None:
    told = Told()
    assert not told.view.note("q1", stored("q1"), 9)
    assert told.view.queues == {}


def test_nodes_live_with_their_incarnation_and_disk() -> None:
    told = Told()
    assert list(told.live("a", 5).nodes) == ["a"]
    assert told.view.live_nodes() == {"a": LiveNode(5, ReplicaId("a", "disk a"))}
    assert dict(told.view.live["a"].record.addresses) == {"links": "a:1"}
    told.live("a", 0)
    assert not told.view.live
    assert not told.view.live_nodes()


def test_members_notes_and_the_controller_are_known() -> None:
    told = Told()
    told.member("a", StoredMember("disk a", 3, "rack 1"))
    assert told.view.members["a"].zone == "rack 1"
    told.member("a", None)
    assert told.view.members == {}
    assert list(told.gone("q1", "a").gone) == ["q1"]
    assert told.view.gone["q1"].note.nodes == ("a",)
    assert told.controller("b", 6).controller
    assert told.view.controller is not None
    assert told.view.controller.node == "b"
    told.controller("", 0)
    assert told.view.controller is None


def test_a_value_of_a_newer_version_is_left_alone_and_told() -> None:
    told = Told()
    told.queue(stored("q1", "a", 5, 1))
    key = KEYS.queue_state("v", "jobs")
    told.tell(key, b'{"v": 2}')
    assert told.view.queues == {}
    assert "version" in told.view.unreadable[key]
    told.queue(stored("q1", "a", 5, 1))
    assert told.view.unreadable == {}


def test_other_keys_say_nothing() -> None:
    told = Told()
    tidings = told.tell(KEYS.queue_definition("v", "jobs"), b"{}")
    assert (tidings.queues, tidings.nodes, tidings.gone, tidings.controller) == ({}, {}, {}, False)
    assert told.tell(b"/mq/other/live/a", b"") == tidings
