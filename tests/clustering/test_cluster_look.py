"""What a node says of its cluster, from a view that is filled by hand."""

from dataclasses import replace

import pytest

from amqp_server.broker.cluster import (
    HARMED_SHOWN_MAX,
    ClusterNode,
    Harm,
    HarmedQueue,
    LinkView,
    ListenerAddress,
    ReplicaView,
)
from amqp_server.broker.steps import Steps
from amqp_server.clustering.cluster_look import LOOKS_PER_STEP, ClusterLook
from cluster.definitions.waiting_queues import waiting_queue_name
from cluster.metadata.records import StoredMember
from tests.support.cluster_views import stored
from tests.support.looked_cluster import LookedNode, looked


@pytest.fixture
def cluster() -> tuple[LookedNode, ClusterLook]:
    """Nodes a, b and c, of which a looks and c is gone."""
    node, look = looked("a")
    for at, name in enumerate("abc"):
        node.told.member(name, StoredMember(f"disk {name}", 1, f"zone {name}"))
        if name != "c":
            node.told.live(name, 5 + at)
    return node, look


def test_the_whole_names_who_elects_and_how_old_it_all_is(
    cluster: tuple[LookedNode, ClusterLook],
) -> None:
    node, look = cluster
    node.told.controller("b", 6)
    view = look.view()
    assert (view.node, view.controller) == ("a", "b")
    assert view.store == "etcd http://127.0.0.1:2379"
    assert (view.store_heard_ms, view.lease_left_ms) == (500, 2_000)
    assert (view.frozen, view.elections_count, view.incarnation) == ("", 2, 17)
    assert (view.feature_level, view.feature_level_next) == (1, 1)
    node.time_ms, node.frozen_because = 9_000, "the store went back"
    assert look.view().lease_left_ms == 0
    assert look.view().frozen == "the store went back"
    node.lease_ends_at_ms = None
    assert look.view().lease_left_ms is None


def test_members_say_where_they_are_what_they_lead_and_since_when_they_are_gone(
    cluster: tuple[LookedNode, ClusterLook],
) -> None:
    node, look = cluster
    node.told.queue(stored("q1", "b", 6, 3))
    look.nodes_changed(("a", "b", "c"))
    node.time_ms += 700
    first, second, gone = look.nodes()
    assert first == ClusterNode("a", True, "active", "a:1", "zone a", "", 1, 0, 1)
    assert (second.leaders_count, second.replicas_count) == (1, 1)
    assert gone == ClusterNode("c", False, "active", "", "zone c", "", 0, 0, 1, 700)
    node.told.live("c", 9)
    look.nodes_changed(("c",))
    assert look.nodes()[2].gone_ms is None
    node.told.live("c")
    look.nodes_changed(("c",))
    node.time_ms += 1
    assert look.nodes()[2].gone_ms == 1


def test_clients_reach_a_node_where_it_says(cluster: tuple[LookedNode, ClusterLook]) -> None:
    node, look = cluster
    node.told.live("b", 6, stream="[fd00::2]:5552", **{"stream-tls": "b.example:5551"})
    plain = look.listener_of("b", "stream", is_tls=False)
    assert plain == ListenerAddress("fd00::2", 5552)
    assert look.listener_of("b", "stream", is_tls=True) == ListenerAddress("b.example", 5551)
    # One that does not say, as a node of an earlier release; one that says nothing; one that is
    # gone, or that nobody heard of.
    assert look.listener_of("a", "stream", is_tls=False) is None
    node.told.live("a", 7, stream="b.example:0")
    for name in ("a", "c", "unheard-of"):
        assert look.listener_of(name, "stream", is_tls=False) is None


def test_links_are_to_the_other_members(cluster: tuple[LookedNode, ClusterLook]) -> None:
    node, look = cluster
    node.heard["b"] = 1_400
    assert look.links() == (LinkView("b", True, 1, 100), LinkView("c", False, 1, None))


def test_a_queue_has_its_replicas_in_the_order_of_the_store(
    cluster: tuple[LookedNode, ClusterLook],
) -> None:
    node, look = cluster
    node.told.queue(stored("q1", "a", 5, 3, isr="ac"))
    node.led.add("q1")
    view = look.queue("v", "jobs")
    assert view is not None
    assert (view.leader, view.epoch, view.min_isr, view.kind) == ("a", 3, 2, "classic")
    assert view.replicas == (
        ReplicaView("a", True, True, 0),
        ReplicaView("b", False, True),
        ReplicaView("c", True, False),
    )
    assert view.is_held
    assert view.is_under_replicated
    assert not view.is_offline
    assert look.queue("v", "others") is None


def test_a_leader_that_was_started_again_leads_nothing_yet(
    cluster: tuple[LookedNode, ClusterLook],
) -> None:
    node, look = cluster
    node.told.queue(stored("q1", "b", 6, 3))
    node.told.live("b", 20)
    view = look.queue("v", "jobs")
    assert view is not None
    assert (view.leader, view.is_offline) == ("", True)


def test_a_leader_that_is_gone_is_named_and_leads_nothing(
    cluster: tuple[LookedNode, ClusterLook],
) -> None:
    node, look = cluster
    node.told.queue(stored("q1", "c", 4, 3))
    view = look.queue("v", "jobs")
    assert view is not None
    assert (view.leader, view.is_offline) == ("c", True)


def test_another_disk_of_a_member_is_not_online(cluster: tuple[LookedNode, ClusterLook]) -> None:
    node, look = cluster
    node.told.queue(stored("q1", "a", 5, 3))
    node.told.live("b", 21, "another disk")
    view = look.queue("v", "jobs")
    assert view is not None
    assert view.replicas[1] == ReplicaView("b", True, False, is_replaced=True)


def test_a_node_says_that_its_own_replica_is_damaged(
    cluster: tuple[LookedNode, ClusterLook],
) -> None:
    node, look = cluster
    node.told.queue(stored("q1", "a", 5, 3))
    node.core.set_damaged("q1", is_damaged=True)
    view = look.queue("v", "jobs")
    assert view is not None
    assert [each.is_damaged for each in view.replicas] == [True, False, False]


def test_queues_come_in_pages(cluster: tuple[LookedNode, ClusterLook]) -> None:
    node, look = cluster
    for number in (3, 1, 2):
        node.told.queue(stored(f"q{number}", "a", 5, 3), f"jobs{number}")
    page = look.queues(None, 2)
    assert [each.name for each in page.items] == ["jobs1", "jobs2"]
    last = look.queues(page.cursor, 2)
    assert ([each.name for each in last.items], last.cursor) == (["jobs3"], None)


def test_what_waits_behind_an_exchange_is_listed_as_it_is_shown(
    cluster: tuple[LookedNode, ClusterLook],
) -> None:
    node, look = cluster
    name = waiting_queue_name("x", "q1")
    node.told.queue(stored("q1", "a", 5, 3, isr="a"), name)
    node.told.queue(stored("q2", "a", 5, 3), "jobs")
    listed = [(each.name, each.exchange) for each in look.queues().items]
    assert listed == [("jobs", ""), ("(waits for exchange 'x')", "x")]
    assert look.leader_of("v", name) == "a"
    assert look.kind_of("v", name) == "quorum"
    harm, _ = _worked_off(look.harmed_without("a"))
    assert {each.name for each in harm.queues} == {"(waits for exchange 'x')", "jobs"}


def test_what_waits_behind_an_exchange_is_found_by_the_name_that_is_shown(
    cluster: tuple[LookedNode, ClusterLook],
) -> None:
    node, look = cluster
    shown = "(waits for exchange 'x')"
    for at, exchange in enumerate(("w", "x.", "x", "x..", "y")):
        of = waiting_queue_name(exchange, f"n-{at}")
        node.told.queue(stored(f"q{at}", "b" if exchange == "x" else "a", 5, 3), of)
    found = look.queue("v", shown)
    assert found is not None
    assert (found.name, found.exchange) == (shown, "x")
    assert look.leader_of("v", shown) == "b"
    assert look.queue("other", shown) is None
    assert look.queue("v", "(waits for exchange 'none')") is None
    assert look.leader_of("v", "(waits for exchange 'none')") == "a"
    node.told.queue(stored("q9", "a", 5, 3), shown)
    assert look.leader_of("v", shown) == "a", "a queue may have that name"


def test_queues_that_need_a_node_are_found_in_steps(
    cluster: tuple[LookedNode, ClusterLook],
) -> None:
    node, look = cluster
    node.told.queue(stored("q0", "a", 5, 3, isr="a"), "a only")
    for number in range(LOOKS_PER_STEP + 50):
        node.told.queue(stored(f"q{number + 1}", "a", 5, 3), f"jobs{number:03}")
    harm, steps_count = _worked_off(look.harmed_without("a"))
    assert steps_count == 1
    assert harm.counts == {"classic": LOOKS_PER_STEP + 51}
    assert len(harm.queues) == HARMED_SHOWN_MAX
    assert harm.queues[0] == HarmedQueue("v", "a only", "classic", True, 0, 2)
    assert harm.queues[1] == HarmedQueue("v", "jobs000", "classic", False, 1, 2)
    alone = stored("q0", "a", 5, 3, isr="a")
    alone = replace(alone, options=replace(alone.options, replicas=("a",), min_isr=1))
    for number in range(HARMED_SHOWN_MAX + 1):
        node.told.queue(replace(alone, queue_id=f"s{number}"), f"alone{number}")
    harm, _ = _worked_off(look.harmed_without("a"))
    assert harm.counts == {"classic": LOOKS_PER_STEP + 51 + HARMED_SHOWN_MAX + 1}
    for is_alone in (True, False):
        shown = [each for each in harm.queues if each.is_alone == is_alone]
        assert len(shown) == HARMED_SHOWN_MAX
    node.told.live("c", 9)
    assert _worked_off(look.harmed_without("c"))[0] == Harm({}, ())


def _worked_off(steps: Steps[Harm]) -> tuple[Harm, int]:
    """Return what steps come to, and how often others had a turn."""
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, count
        count += 1


def test_who_has_the_messages_of_a_queue() -> None:
    node, looks = looked()
    node.told.live("b", 10)
    node.told.queue(stored("q1", "b", 10, 1))
    assert looks.leader_of("v", "jobs") == "b"
    node.told.live("b", 0)
    assert looks.leader_of("v", "jobs") == ""
    assert looks.leader_of("v", "not mirrored") == "a"
