"""A new queue of the cluster is on the nodes that its policy asks for, or on this one alone."""

from collections.abc import Mapping

from amqp_server.broker.clustered.waiting import waiting_queue
from amqp_server.broker.definitions.definition import QueueDefinition
from amqp_server.clustering.placing import Placing
from amqp_server.wire.tables import Table
from cluster.metadata.records import StoredMember
from cluster.placement.asking import ReplicaRules
from cluster.placement.nodes import DRAINING
from queues.kinds import QueueKind
from tests.support.cluster_views import Told, stored
from tests.support.frames import table

TWO: Mapping[str, object] = {"ha-mode": "exactly", "ha-params": 2}


class Rig:
    """Three nodes that live, and a policy."""

    def __init__(self, policy: Mapping[str, object] = TWO) -> None:
        self.told = Told()
        self.policy = policy
        self.asked: list[tuple[str, str, str]] = []
        for incarnation, name in enumerate("abc", start=1):
            self.told.member(name, StoredMember(f"old {name}", 1, zone=f"zone {name}"))
            self.told.live(name, incarnation)
        self.place = Placing("b", self.told.view, ReplicaRules(3), self._policy_of)

    def _policy_of(self, vhost: str, name: str, kind: QueueKind) -> Mapping[str, object]:
        self.asked.append((vhost, name, kind.name))
        return self.policy


def queue(arguments: Table | None = None, *, durable: bool = True) -> QueueDefinition:
    return QueueDefinition("jobs", "v", durable, False, arguments or {})


def test_a_durable_queue_has_the_replicas_of_its_policy_and_is_led_here() -> None:
    rig = Rig()
    state = rig.place(queue(), "q1")
    assert state is not None
    assert rig.asked == [("v", "jobs", "classic")]
    assert state.queue_id == "q1"
    assert (state.state.leader, state.state.incarnation, state.state.epoch) == ("b", 2, 1)
    assert len(state.options.replicas) == 2
    assert {each.node for each in state.state.in_sync_set} == set(state.options.replicas)


def test_a_priority_queue_has_its_lanes_at_each_replica() -> None:
    rig = Rig()
    for arguments, top in ({}, None), ({"x-max-priority": 9}, 9), ({"x-max-priority": 0}, None):
        state = rig.place(queue(table(arguments)), "q1")
        assert state is not None
        assert state.max_priority == top


def test_without_a_policy_it_has_one_replica() -> None:
    state = Rig({}).place(queue(), "q1")
    assert state is not None
    assert state.options.replicas == ("b",)


def test_a_quorum_queue_has_as_many_as_it_asks_for_without_a_policy() -> None:
    arguments = {"x-queue-type": "quorum", "x-quorum-initial-group-size": 2}
    state = Rig({}).place(queue(table(arguments)), "q1")
    assert state is not None
    assert len(state.options.replicas) == 2
    whole = Rig({}).place(queue(table({"x-queue-type": "quorum"})), "q2")
    assert whole is not None
    assert set(whole.options.replicas) == set("abc")


def test_no_policy_is_about_what_waits_for_an_exchange() -> None:
    rig = Rig({"target-group-size": 1})
    state = rig.place(waiting_queue("v", "jobs", "q1", durable=True), "q1")
    assert state is not None
    assert set(state.options.replicas) == set("abc")
    assert rig.asked == []


def test_a_transient_queue_is_on_this_node_alone() -> None:
    rig = Rig()
    assert rig.place(queue(durable=False), "q1") is None
    assert rig.asked == []


def test_a_stream_asks_for_its_number_of_replicas() -> None:
    arguments = {"x-queue-type": "stream", "x-initial-cluster-size": 2}
    state = Rig({}).place(queue(table(arguments)), "q1")
    assert state is not None
    assert len(state.options.replicas) == 2


def test_members_are_shown_with_what_they_lead_and_hold() -> None:
    rig = Rig()
    rig.told.queue(stored("one", "a", 1, 1), "one")
    rig.told.queue(stored("two", "a", 1, 1), "two")
    found = {node.name: node for node in rig.place.standings()}
    assert [found[name].leaders_count for name in "abc"] == [2, 0, 0]
    assert [found[name].replicas_count for name in "abc"] == [2, 2, 2]
    assert found["c"].zone == "zone c"


def test_a_node_that_lives_has_the_disk_with_which_it_lives() -> None:
    rig = Rig()
    rig.told.live("c")
    rig.told.member("a", StoredMember("old a", 1, state=DRAINING))
    found = {node.name: node for node in rig.place.standings()}
    assert (found["b"].disk, found["b"].incarnation) == ("disk b", 2)
    assert (found["c"].disk, found["c"].is_live) == ("old c", False)
    assert found["a"].state == DRAINING
