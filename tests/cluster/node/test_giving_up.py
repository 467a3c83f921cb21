"""A leader that reaches the store and too few replicas gives its queues up, and only then."""

import pytest

from cluster.node import giving_up
from cluster.node.giving_up import NOTICED_MS, SLOW_BYTES_PER_MS, WAIT_MAX_MS, GivingUp
from cluster.replication.inputs import (
    Fsynced,
    GiveUp,
    LeaseRenewed,
    MirrorDisconnected,
    TransactionDone,
)
from cluster.replication.state import QueueOptions, ReplicaId
from tests.support.cluster_views import Told, stored
from tests.support.replicating import Replicating, members

TTL_MS = 3_000
AFTER_MS = TTL_MS + NOTICED_MS
B, C = ReplicaId("b", "0"), ReplicaId("c", "0")


def never() -> bool:
    return False


class Rig:
    """Queues that a leads; who is heard, who lives, and the time are what the test says."""

    def __init__(self, *, min_isr: int = 2, live: str = "abc", queues: int = 1) -> None:
        options = QueueOptions(("a", "b", "c"), min_isr)
        names = ["q", "r", "s", "t"][:queues]
        self.nodes = Replicating(queues=dict.fromkeys(names, options))
        self.nodes.serve()
        self.core = self.nodes.cores["a"]
        self.told = Told()
        for at, name in enumerate(live):
            self.told.live(name, 20 + at, disk="0")
        self.heard: dict[str, int] = {}
        self.reaches_store = True
        self.writing_bytes = 0
        self.damaged: list[str] = []
        self.giving_up = GivingUp(
            self.core,
            self.told.view,
            self.heard.get,
            TTL_MS,
            lambda: self.writing_bytes,
            self.damaged,
        )
        self.at(100_000)

    def at(self, now_ms: int, *linked: str) -> list[GiveUp]:
        """Look until this time, ten times a second; who is linked is heard just now."""
        found: list[GiveUp] = []
        for each_ms in [*range(self.core.node.now_ms + 100, now_ms, 100), now_ms]:
            self.core.tick(each_ms)
            if self.reaches_store:
                self.nodes.step("a", LeaseRenewed(each_ms, TTL_MS))
            self.heard.clear()
            self.heard.update(dict.fromkeys(linked, each_ms))
            found = list(self.giving_up.look(never))
        return found

    def wake(self, now_ms: int) -> list[GiveUp]:
        """Look at this time, and not before."""
        self.core.tick(now_ms)
        self.nodes.step("a", LeaseRenewed(now_ms, TTL_MS))
        return list(self.giving_up.look(never))

    def lose(self, *mirrors: str) -> None:
        for mirror in mirrors:
            self.nodes.step("a", MirrorDisconnected(mirror))


def test_a_queue_is_given_up_once_too_few_were_not_heard_for_longer_than_a_lease() -> None:
    rig = Rig()
    assert rig.at(110_000, "b", "c") == []
    rig.lose("b", "c")
    assert rig.at(110_000 + AFTER_MS - 1) == []
    assert rig.at(110_000 + AFTER_MS) == [GiveUp("q", B, 21)]


def test_a_queue_that_is_damaged_here_is_given_up_at_once_to_who_lives() -> None:
    rig = Rig(live="ac")
    assert rig.at(110_000, "b", "c") == []
    rig.damaged.append("q")
    assert rig.at(110_025, "b", "c") == [GiveUp("q", C, 21)]


def test_who_is_damaged_and_relieved_by_nobody_says_so_once_and_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig(live="a")
    rig.told.live("b", 21, disk="another")
    rig.told.queue(stored("q", "a", 20, 1))
    rig.damaged.append("q")
    assert rig.at(110_000, "b") == []
    assert rig.at(111_000, "b") == []
    (said,) = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert said == (
        "queue jobs in vhost v stands still: its replica on a is damaged, and of the in-sync set"
        " b runs with another disk, c is away; start who is away, or have a go on without what"
        " cannot be read: haremq queues promote jobs a"
    )


def test_while_the_store_is_away_a_damaged_queue_goes_on_here() -> None:
    """Each try would be refused, and the queue stands still while it is open."""
    rig = Rig()
    assert rig.at(110_000, "b", "c") == []
    rig.damaged.append("q")
    rig.reaches_store = False
    assert rig.at(110_000 + TTL_MS, "b", "c") == []
    rig.reaches_store = True
    assert rig.at(120_000, "b", "c") != []


def test_who_was_asleep_listens_as_long_as_anybody_before_it_gives_up() -> None:
    """Or all nodes of a machine that was frozen would give up all queues as it wakes."""
    rig = Rig()
    rig.at(110_000, "b", "c")
    assert rig.wake(200_000) == []
    assert rig.at(200_100, "b", "c") == []
    rig.lose("b", "c")
    assert rig.wake(300_000) == []
    assert rig.at(300_000 + AFTER_MS - 1) == []
    assert len(rig.at(300_000 + AFTER_MS)) == 1


def test_when_it_was_heard_counts_and_not_when_its_link_ended() -> None:
    rig = Rig()
    rig.at(110_000, "b", "c")
    assert rig.wake(110_900) == []
    rig.lose("b", "c")
    assert rig.at(110_000 + AFTER_MS - 1) == []
    assert len(rig.at(110_000 + AFTER_MS)) == 1


@pytest.mark.parametrize("linked", ["b", "c", "bc"])
def test_who_reaches_enough_goes_on_leading(linked: str) -> None:
    rig = Rig()
    rig.at(110_000, "b", "c")
    rig.lose(*({"b", "c"} - set(linked)))
    assert rig.at(200_000, *linked) == []


def test_who_reaches_nobody_and_no_store_writes_nothing() -> None:
    """Else it would ask for each queue again and again, for as long as it is cut off."""
    rig = Rig()
    rig.at(110_000, "b", "c")
    rig.lose("b", "c")
    rig.reaches_store = False
    assert rig.at(200_000) == []
    rig.reaches_store = True
    assert len(rig.at(200_100)) == 1


def test_who_needs_nobody_goes_on_leading() -> None:
    rig = Rig(min_isr=1)
    rig.at(110_000, "b", "c")
    rig.lose("b", "c")
    assert rig.at(200_000) == []


@pytest.mark.parametrize("live", ["a", "ab", "ac"])
def test_where_too_few_others_live_it_is_no_use(live: str) -> None:
    rig = Rig(live=live)
    rig.lose("b", "c")
    rig.at(110_000)
    assert rig.at(200_000) == []


def test_a_member_on_another_disk_gets_nothing() -> None:
    rig = Rig()
    rig.told.live("b", 21, disk="1")
    rig.lose("b", "c")
    rig.at(110_000)
    assert rig.at(200_000) == [GiveUp("q", C, 22)]


def test_a_node_that_has_just_begun_has_its_time_to_be_linked() -> None:
    rig = Rig()
    rig.at(110_000, "b", "c")
    rig.lose("b", "c")
    assert len(rig.at(200_000)) == 1
    rig.told.live("b", 31, disk="0")
    rig.told.live("c", 32, disk="0")
    assert rig.at(200_100) == []
    assert rig.at(200_100 + AFTER_MS - 1) == []
    assert rig.at(200_100 + AFTER_MS) == [GiveUp("q", B, 31)]


def test_a_new_leader_has_its_time_to_reach_others() -> None:
    """Or two nodes that reach nobody would hand a queue to each other as fast as the store is."""
    rig = Rig()
    rig.at(110_000, "b", "c")
    rig.lose("b", "c")
    lead = rig.core.lead_of("q")
    assert lead is not None
    lead.began_ms = 119_000
    assert rig.at(120_000) == []
    assert rig.at(119_000 + AFTER_MS) == [GiveUp("q", B, 21)]


def test_a_queue_that_comes_back_at_once_stays_for_longer_each_time() -> None:
    """Or nodes of which no two reach each other would write all queues every four seconds."""
    rig = Rig()
    rig.at(110_000, "b", "c")
    rig.lose("b", "c")
    lead, now_ms = rig.core.lead_of("q"), 120_000
    assert lead is not None
    assert len(rig.at(now_ms)) == 1
    assert len(rig.at(now_ms + 100)) == 1, "the store has refused it, so it is asked again"
    waits = []
    for _ in range(6):
        now_ms = lead.began_ms = rig.core.node.now_ms + 4_000
        while not rig.at(rig.core.node.now_ms + 100):
            pass
        waits.append(rig.core.node.now_ms - now_ms)
    assert waits == [7_200, 14_400, 28_800, 57_600, WAIT_MAX_MS, WAIT_MAX_MS]
    now_ms = lead.began_ms = rig.core.node.now_ms + 2 * WAIT_MAX_MS + 1
    assert rig.at(now_ms + AFTER_MS - 1) == []
    assert len(rig.at(now_ms + AFTER_MS)) == 1, "it was well for a while"


def test_what_is_given_up_is_not_asked_for_twice_and_goes_without_this_node() -> None:
    rig = Rig()
    rig.at(110_000, "b", "c")
    rig.lose("b", "c")
    (given_up,) = rig.at(120_000)
    rig.nodes.step("a", given_up)
    transaction = rig.nodes.transactions[-1]
    assert (transaction.new.leader, transaction.new.in_sync_set) == ("b", members("b", "c"))
    assert rig.at(120_001) == []
    rig.nodes.step("a", TransactionDone(transaction.number, 2))
    assert rig.core.lead_of("q") is None


def test_many_queues_are_given_up_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving_up, "LOOKS_MAX", 3)
    rig = Rig(queues=4)
    rig.at(110_000, "b", "c")
    rig.lose("b", "c")
    rig.at(120_000)
    assert len(list(rig.giving_up.look(lambda: True))) == 1
    assert len(list(rig.giving_up.look(never))) == 3


def stuck(*, min_isr: int = 2) -> Rig:
    """Return queues with a record that the own disk does not take, from 110,000 ms on."""
    rig = Rig(min_isr=min_isr)
    rig.at(110_000, "b", "c")
    rig.nodes.append("a")
    rig.nodes.carry()
    rig.nodes.fsync("b", "c")
    rig.nodes.carry()
    return rig


def test_who_has_a_disk_that_does_not_answer_gives_all_up() -> None:
    rig = stuck()
    assert rig.at(110_000 + AFTER_MS - 1, "b", "c") == []
    (given_up,) = rig.at(110_000 + AFTER_MS, "b", "c")
    assert given_up == GiveUp("q", B, 21)
    rig.nodes.step("a", given_up)
    assert rig.nodes.transactions[-1].new.in_sync_set == members("b", "c")


def test_what_is_large_has_more_time() -> None:
    rig = stuck()
    rig.writing_bytes = 128 << 20
    slow_ms = rig.writing_bytes // SLOW_BYTES_PER_MS
    assert rig.at(110_000 + AFTER_MS + slow_ms - 1, "b", "c") == []
    assert rig.at(110_000 + AFTER_MS + slow_ms, "b", "c") == [GiveUp("q", B, 21)]


def test_a_disk_that_is_slow_and_goes_on_is_no_reason() -> None:
    rig = stuck()
    rig.at(112_000, "b", "c")
    rig.nodes.append("a")
    rig.nodes.step("a", Fsynced(rig.core.node.written - 1))
    assert rig.at(110_100 + AFTER_MS, "b", "c") == []
    rig.nodes.fsync("a")
    assert rig.at(200_000, "b", "c") == []


@pytest.mark.parametrize(("linked", "min_isr"), [("b", 2), ("", 2), ("", 1)])
def test_a_disk_that_does_not_answer_stays_where_too_few_others_are_heard(
    linked: str, min_isr: int
) -> None:
    rig = stuck(min_isr=min_isr)
    rig.told.live("b" if linked != "b" else "c")
    if not linked:
        rig.told.live("c")
    assert rig.at(200_000, *linked) == []
