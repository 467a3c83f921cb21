from dataclasses import replace

from cluster.node.queue_views import Availability, view_of, waiting_count
from cluster.replication.core import ReplicationCore
from cluster.replication.identity import DiskIdentity
from tests.support.cluster_views import Told, stored
from tests.support.replicating import Replicating

CORE = ReplicationCore("x", DiskIdentity("0", 1))


def test_a_queue_runs_while_its_leader_lives() -> None:
    told = Told()
    told.live("b", 5)
    told.queue(stored("q", "b", 5, 3, isr="bc"))
    view = view_of("q", told.view, CORE)
    assert view is not None
    assert (view.vhost, view.name, view.leader, view.epoch) == ("v", "jobs", "b", 3)
    assert (view.replicas, view.in_sync_set, view.min_isr) == (("a", "b", "c"), ("b", "c"), 2)
    assert view.availability is Availability.RUNNING
    assert view.is_under_replicated
    assert view.is_at_min_isr
    assert view.lags == ()
    assert not view.has_lost


def test_without_its_leader_it_waits_for_an_election_or_for_a_member() -> None:
    told = Told()
    told.queue(replace(stored("q", "b", 5, 3, isr="bc"), clean=False))
    offline = view_of("q", told.view, CORE)
    told.live("c", 9)
    electing = view_of("q", told.view, CORE)
    assert offline is not None
    assert electing is not None
    assert offline.availability is Availability.OFFLINE
    assert electing.availability is Availability.ELECTING
    assert offline.has_lost
    assert view_of("other", told.view, CORE) is None


def test_its_leader_knows_how_far_each_mirror_is_behind() -> None:
    nodes = Replicating()
    nodes.serve()
    told = Told()
    told.queue(stored("q", "a", 5, 3))
    nodes.append("a")
    nodes.append("a")
    view = view_of("q", told.view, nodes.cores["a"])
    assert view is not None
    assert view.lags == (("b", 2), ("c", 2))
    assert waiting_count("b", nodes.cores["a"]) == 2
    nodes.settle()
    assert waiting_count("b", nodes.cores["a"]) == 0
    assert waiting_count("a", nodes.cores["a"]) == 0
    nodes.settle()
    view = view_of("q", told.view, nodes.cores["a"])
    assert view is not None
    assert view.lags == (("b", 0), ("c", 0))
