"""What leaves without a window."""

from cluster.replication.frames import (
    Ack,
    Refused,
)
from tests.support.linked_pair import LinkedPair


def test_an_lsn_takes_the_place_of_the_one_before() -> None:
    pair = LinkedPair().opened()
    for lsn in range(1, 1_000):
        pair.b.put(Ack(lsn))
    pair.b.put(Refused("q", 2))
    pair.b.put(Ack(1_000))
    pair.carry()
    assert pair.at_a.frames == [Ack(999), Refused("q", 2), Ack(1_000)]


def test_a_revision_takes_the_place_of_the_one_before() -> None:
    pair = LinkedPair().opened()
    for revision in range(1, 1_000):
        pair.b.put_seen(revision)
    pair.b.put(Ack(1))
    pair.b.put_seen(1_000)
    pair.carry()
    assert pair.at_a.revisions == [999, 1_000]
    assert pair.at_a.frames == [Ack(1)]
