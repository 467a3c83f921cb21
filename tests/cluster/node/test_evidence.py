"""Answers overtake each other, and none of that freezes a node; what the store lost does."""

from cluster.metadata.port import Item
from cluster.metadata.records import StoredMember, encode_member
from cluster.node.evidence import Asked, Evidence
from cluster.replication.identity import DiskIdentity, Identity
from cluster.replication.inputs import StoreSeen
from cluster.replication.rules import Rules


def item(stamp: int, disk: str = "d", zone: str = "") -> Item:
    return Item(b"m", encode_member(StoredMember(disk, stamp, zone)), 1, 1)


def evidence(disk: DiskIdentity) -> tuple[Identity, Evidence]:
    identity = Identity(disk)
    return identity, Evidence(identity, item(disk.stamp - disk.raising).value)


def sees(identity: Identity, seen: StoreSeen) -> bool:
    """Return whether the core still believes the store."""
    member = StoredMember(seen.disk, seen.stamp).at(seen.revision)
    identity.see(member, Rules())
    return not identity.frozen


def test_an_answer_that_was_overtaken_is_believed() -> None:
    identity, known = evidence(DiskIdentity("d", 3, 10))
    asked = known.asked()
    assert sees(identity, known.seen(known.asked(), 30, item(3)))
    assert sees(identity, known.seen(asked, 20, item(3)))
    assert identity.disk.seen_revision == 30


def test_an_answer_below_what_was_seen_before_it_was_asked_for_is_not() -> None:
    identity, known = evidence(DiskIdentity("d", 3, 10))
    assert not sees(identity, known.seen(known.asked(), 9, item(3)))


def test_a_stamp_that_was_raised_meanwhile_is_believed() -> None:
    identity, known = evidence(DiskIdentity("d", 3, 10))
    asked = known.asked()
    identity.raise_stamp(4, Rules(), stored=False)
    identity.raise_stamp(4, Rules(), stored=True)
    assert sees(identity, known.seen(asked, 11, item(3)))
    assert sees(identity, known.seen(asked, 12, item(4)))
    assert sees(identity, known.seen(asked, 11, item(3)))
    assert known.member == item(4).value, "the older answer takes nothing back"


def test_while_it_is_being_raised_the_store_may_have_either() -> None:
    identity, known = evidence(DiskIdentity("d", 4, 10, raising=True))
    assert known.asked() == Asked(10, 3)
    assert sees(identity, known.seen(known.asked(), 11, item(3)))
    assert sees(identity, known.seen(known.asked(), 11, item(4)))


def test_an_older_or_newer_stamp_another_disk_or_no_record_is_not_believed() -> None:
    for found in (item(2), item(4), item(3, "other"), None, Item(b"m", b"{}", 1, 1)):
        identity, known = evidence(DiskIdentity("d", 3, 10))
        assert not sees(identity, known.seen(known.asked(), 11, found))


def test_what_an_operator_changed_in_the_record_is_learned() -> None:
    _, known = evidence(DiskIdentity("d", 3, 10))
    known.seen(known.asked(), 11, item(3, zone="rack"))
    assert known.member == item(3, zone="rack").value
