"""Commands of an operator."""

import pytest

from cluster.replication.commands import NotPermittedError, promotion, recovery
from cluster.replication.state import LiveNode, QueueState, ReplicaId, StoredReplica
from tests.support.replicating import members

STATE = QueueState("a", 5, 3, members("a"))
A0, B0, C0 = (ReplicaId(name, "0") for name in "abc")
LIVE = {"b": LiveNode(12, B0), "c": LiveNode(13, C0)}


def test_a_promotion_makes_a_replica_the_only_member_of_a_new_epoch() -> None:
    assert promotion(STATE, "b", LIVE) == QueueState("b", 12, 4, members("b"))


@pytest.mark.parametrize(
    ("name", "live", "why"),
    [
        ("b", {**LIVE, "a": LiveNode(5, A0)}, "a leads"),
        ("x", LIVE, "x does not live"),
    ],
)
def test_a_promotion_that_loses_without_need_is_refused(
    name: str, live: dict[str, LiveNode], why: str
) -> None:
    with pytest.raises(NotPermittedError, match=why):
        promotion(STATE, name, live)


LED = QueueState("a", 5, 3, members("a", "b"))
NEW_DISK = {"a": LiveNode(5, A0), "b": LiveNode(12, ReplicaId("b", "1"))}


def test_a_damaged_leader_goes_on_alone_where_no_other_member_has_its_disk() -> None:
    alone = QueueState("a", 5, 4, members("a"))
    assert promotion(LED, "a", NEW_DISK, is_damaged=True) == alone
    assert promotion(LED, "a", {"a": LiveNode(5, A0)}, is_damaged=True) == alone


@pytest.mark.parametrize(
    ("name", "live", "is_damaged", "why"),
    [
        ("a", NEW_DISK, False, "a leads"),
        ("b", NEW_DISK, True, "a leads"),
        ("a", {**NEW_DISK, "b": LiveNode(12, B0)}, True, "b has all messages and is about to lead"),
        ("a", {"b": LiveNode(12, B0)}, True, "a does not live"),
    ],
)
def test_a_leader_is_promoted_only_if_it_is_damaged_and_nobody_relieves_it(
    name: str, live: dict[str, LiveNode], *, is_damaged: bool, why: str
) -> None:
    with pytest.raises(NotPermittedError, match=why):
        promotion(LED, name, live, is_damaged=is_damaged)


def test_the_log_of_the_last_epoch_wins_and_then_the_longest() -> None:
    logs = {
        A0: StoredReplica(2, 0, 90, ((1, 1),)),
        B0: StoredReplica(7, 0, 40, ((1, 1), (2, 30))),
        C0: StoredReplica(2, 0, 41, ((1, 1), (2, 30))),
    }
    assert recovery(STATE, logs) == QueueState("", -1, 8, members("c"))


def test_the_epoch_is_above_all_that_the_store_and_the_disks_know() -> None:
    assert recovery(STATE, {A0: StoredReplica()}).epoch == 4
