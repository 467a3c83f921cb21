"""What of a cluster needs a hand, and what to do."""

import pytest

from management.attention.cluster import MAINTENANCE_MS, SHORT_MS, UNCLEAN_MS, ClusterWatch
from management.attention.concern import Concern
from tests.support.desk import Desk
from tests.support.fake_cluster import FakeCluster

A, B, C = "rabbit@a", "rabbit@b", "rabbit@c"


class Look:
    """A watch, and the cluster that it looks at."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.cluster = FakeCluster(A, B, C)
        self.desk.node.broker.cluster = self.cluster
        self.watch = ClusterWatch()

    def __call__(self, now_ms: int) -> dict[str, Concern]:
        """Return the concerns by name and rule."""
        found = self.watch.concerns(self.desk.views, now_ms)
        return {f"{each.name} {each.rule}": each for each in found if each is not None}


@pytest.fixture
def look() -> Look:
    return Look()


def test_a_single_node_and_a_cluster_that_is_well_need_nothing(look: Look) -> None:
    look.cluster.put("q", A, B, C)
    assert look(0) == look(SHORT_MS) == {}
    look.desk.node.broker.cluster = None
    assert look(2 * SHORT_MS) == {}


def test_a_node_that_is_gone_is_told_at_once_and_its_queues_later(look: Look) -> None:
    look.cluster.put("q", A, B, C)
    look.cluster.stop(C, gone_ms=7_000)
    found = look(100_000)
    assert list(found) == [f"{C} node_gone"]
    gone = found[f"{C} node_gone"]
    assert (gone.severity, gone.amount, gone.since_ms) == ("bad", "7 s", 93_000)
    assert gone.text == "is gone: start it, or forget it if it will not come back"
    assert list(look(100_000 + SHORT_MS - 1)) == [f"{C} node_gone"]
    short = look(100_000 + SHORT_MS)["q at_min_isr"]
    assert (short.severity, short.since_ms) == ("warn", 100_000)
    assert short.amount == "2 of 3 in sync"
    assert f"start {C}, or add a replica" in short.text
    look.cluster.start(C)
    assert look(200_000) == {}
    look.cluster.stop(C)
    assert "q at_min_isr" not in look(300_000), "it is another time"


def test_a_queue_that_stops_is_told_at_once(look: Look) -> None:
    look.cluster.put("held", A, B, C)
    look.cluster.put("lost", B, C)
    look.cluster.stop(B)
    look.cluster.stop(C)
    found = look(0)
    held, lost = found["held below_min_isr"], found["lost no_leader"]
    assert (held.severity, lost.severity) == ("bad", "bad")
    assert f"start {B}, {C}" in held.text
    assert f"start {B}, {C}, or promote another replica and accept the loss" in lost.text


def test_of_what_waits_behind_an_exchange_the_exchange_is_named(look: Look) -> None:
    shown = "(waits for exchange 'late')"
    look.cluster.put(shown, B, C)
    look.cluster.change(shown, exchange="late", is_clean=False)
    look.cluster.stop(B)
    look.cluster.stop(C)
    found = look(0)
    lost, promoted = found["late no_leader"], found["late promoted"]
    assert (lost.kind, promoted.kind) == ("exchange", "exchange")
    assert lost.text.startswith("delays messages in a queue that has no leader")
    assert lost.text.endswith(f"commands name it {shown}")


def test_a_queue_whose_members_run_needs_no_loss_accepted(look: Look) -> None:
    look.cluster.put("q", A, B, C)
    look.cluster.change("q", leader="")
    found = look(0)["q no_leader"]
    assert "one is elected as soon as the metadata store answers" in found.text
    assert "loss" not in found.text


def test_a_mirror_that_catches_up_needs_no_node(look: Look) -> None:
    look.cluster.put("q", A, B, C, min_isr=1)
    replicas = look.cluster.mirrored["/", "q"].replicas
    behind = (*replicas[:2], replicas[2]._replace(is_member=False))
    look.cluster.change("q", replicas=behind)
    look(0)
    found = look(SHORT_MS)["q under_replicated"]
    assert "wait until its mirrors caught up" in found.text


def test_the_store_the_lease_and_a_freeze(look: Look) -> None:
    look.cluster.whole = look.cluster.whole._replace(store_heard_ms=12_000)
    away = look(50_000)[f"{A} store_away"]
    assert (away.severity, away.amount, away.since_ms) == ("bad", "12 s", 38_000)
    look.cluster.whole = look.cluster.whole._replace(store_heard_ms=None, frozen="it went back")
    found = look(50_000)
    assert found[f"{A} store_away"].amount == "never heard"
    assert "because it went back" in found[f"{A} frozen"].text


def test_a_link_to_a_node_that_runs(look: Look) -> None:
    look.cluster.peers[B] = look.cluster.peers[B]._replace(is_connected=False, lag=1_234)
    found = look(0)
    assert found[f"{A} no_link {B}"].amount == "1,234 records behind"
    look.cluster.stop(B)
    assert list(look(0)) == [f"{B} node_gone"]


def test_a_drained_node_may_be_stopped_for_some_time(look: Look) -> None:
    look.cluster.drain(B)
    look.cluster.stop(B, gone_ms=MAINTENANCE_MS - 1)
    assert look(MAINTENANCE_MS) == {}
    look.cluster.stop(B, gone_ms=MAINTENANCE_MS)
    assert look(MAINTENANCE_MS)[f"{B} node_stopped"].severity == "warn"


def test_a_promotion_with_loss_is_told_for_a_day(look: Look) -> None:
    look.cluster.put("q", A, B)
    look.cluster.change("q", is_clean=False, epoch=9)
    found = look(1_000)["q promoted"]
    assert (found.severity, found.amount) == ("warn", "epoch 9")
    assert "q promoted" in look(UNCLEAN_MS)
    assert look(1_000 + UNCLEAN_MS) == {}


def test_a_queue_of_which_no_member_has_all_stands_still_until_somebody_decides(look: Look) -> None:
    look.cluster.put("{q}", A, B, C)
    a, b, c = look.cluster.mirrored["/", "{q}"].replicas
    replaced = b._replace(is_online=False, is_replaced=True)
    away = c._replace(is_member=False, is_online=False)
    look.cluster.change("{q}", replicas=(a, replaced, away))
    held = look(0)["{q} below_min_isr"]
    assert f"until {B} is filled, which runs with another disk" in held.text
    assert f"haremq queues promote {{q}} {A} says whether {A} is damaged" in held.text
    damaged = a._replace(is_damaged=True)
    look.cluster.change("{q}", replicas=(damaged, replaced, away))
    still = look(0)["{q} below_min_isr"]
    assert still.severity == "bad"
    assert still.text == (
        f"stands still, as {A} leads it and cannot read all that it has, and {B} runs with another"
        f" disk than the member had: start {C}, which may have it, or accept the loss of what"
        f" cannot be read (haremq queues promote {{q}} {A})"
    )
    look.cluster.change("{q}", replicas=(damaged, replaced), min_isr=1)
    look(0)
    still = look(SHORT_MS)["{q} at_min_isr"]
    assert (still.severity, "start" in still.text) == ("bad", False)
    look.cluster.change("{q}", replicas=(damaged,))
    assert look(SHORT_MS) == {}, "alone it goes on"
