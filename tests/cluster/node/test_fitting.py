"""R19: who takes part, and as which replica."""

import pytest

from cluster.metadata.records import StoredMember
from cluster.node.fitting import Fitted, NodeFrozenError, Start, fitted
from cluster.node.ports import KeptIdentity
from cluster.replication.identity import DiskIdentity, is_known
from cluster.replication.rules import Rules

MEMBER = StoredMember("d", 7, "old zone", "draining")


def fit(
    kept: KeptIdentity | None,
    member: StoredMember | None = MEMBER,
    *,
    lost_count: int = 0,
    revision: int = 50,
) -> Fitted:
    return fitted(Start("a", kept, lost_count, member, revision), Rules(), "new", "zone")


def kept(
    disk: str = "d", stamp: int = 7, *, begun: bool = True, raising: bool = False
) -> KeptIdentity:
    return KeptIdentity(DiskIdentity(disk, stamp, 40, raising), begun)


def test_a_new_node_gets_a_disk_name_and_a_record() -> None:
    found = fit(None, None)
    assert found == Fitted(DiskIdentity("new", 1, 50), StoredMember("new", 1, "zone"), True)


def test_the_disk_that_the_store_knows_goes_on_one_stamp_higher() -> None:
    found = fit(kept())
    assert not found.is_new_disk
    assert found.identity == DiskIdentity("d", 8, 50, raising=True)
    assert found.member == StoredMember("d", 8, "zone", "draining")


@pytest.mark.parametrize("own", [kept(), kept(stamp=8, raising=True)])
def test_a_crash_at_any_point_of_a_start_leaves_a_disk_that_the_store_knows(
    own: KeptIdentity,
) -> None:
    found = fit(own)
    for stamp in (MEMBER.stamp, found.member.stamp):
        assert is_known(found.identity, StoredMember("d", stamp).at(50))


def test_an_unknown_disk_or_an_older_stamp_is_another_replica() -> None:
    for own in (kept("other", 3), kept(stamp=6), None):
        found = fit(own)
        assert found.is_new_disk
        assert found.identity.disk == found.member.disk == "new"
        assert found.identity.stamp == found.member.stamp > MEMBER.stamp


def test_an_empty_disk_comes_instead_of_a_node_that_leaves() -> None:
    leaving = StoredMember("d", 7, "old zone", "leaving")
    assert fit(None, leaving).member == StoredMember("new", 8, "zone", "active")
    assert fit(kept(), leaving).member.state == "leaving"


def test_a_disk_that_lost_a_replica_is_another_one() -> None:
    assert fit(kept(), lost_count=1).identity.disk == "new"


def test_a_disk_whose_replicas_were_not_dropped_yet_begins_as_an_empty_one() -> None:
    found = fit(kept("half", 99, begun=False))
    assert found.is_new_disk
    assert found.identity.disk == "new"


def test_a_newer_stamp_or_a_lower_revision_says_that_the_store_went_back() -> None:
    with pytest.raises(NodeFrozenError, match="This disk has stamp 9 and"):
        fit(kept(stamp=9))
    with pytest.raises(NodeFrozenError, match="seen revision 40; the store has stamp 7"):
        fit(kept(), revision=39)
    with pytest.raises(NodeFrozenError, match="went back"):
        fit(kept(stamp=9), lost_count=1)


def test_a_store_that_does_not_know_the_node_is_not_believed() -> None:
    with pytest.raises(NodeFrozenError, match="does not know the node"):
        fit(kept(), None)
