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


def test_the_log_of_the_last_epoch_wins_and_then_the_longest() -> None:
    logs = {
        A0: StoredReplica(2, 0, 90, ((1, 1),)),
        B0: StoredReplica(7, 0, 40, ((1, 1), (2, 30))),
        C0: StoredReplica(2, 0, 41, ((1, 1), (2, 30))),
    }
    assert recovery(STATE, logs) == QueueState("", -1, 8, members("c"))


def test_the_epoch_is_above_all_that_the_store_and_the_disks_know() -> None:
    assert recovery(STATE, {A0: StoredReplica()}).epoch == 4
