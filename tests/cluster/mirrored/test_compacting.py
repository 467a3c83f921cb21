"""Records of replicas have a bound for each, and one for the node."""

from typing import cast

import pytest

from cluster.mirrored.compacting import HELD_SHARE, Compacting
from cluster.replication.core import ReplicationCore
from cluster.replication.inputs import Compact
from persistence.replicas.log import ReplicaLog

EACH, NODE = 100, 1_000


class Replica:
    def __init__(self, records_bytes: int = 0) -> None:
        self.records_bytes = records_bytes


class Rig:
    """A core that notes what is compacted; the records of a replica go then, if they may."""

    def __init__(self, *, each: int = EACH) -> None:
        self.compacted: list[str] = []
        self.replicas: dict[str, Replica] = {}
        self.held: set[str] = set()
        self.is_committed = True
        self.compacting = Compacting(
            cast("ReplicationCore", self),
            cast("dict[str, ReplicaLog]", self.replicas),
            self.held.__contains__,
            each,
            NODE,
        )

    def step(self, happened: Compact) -> None:
        self.compacted.append(happened.queue)
        if self.is_committed:
            self.write(happened.queue, -self.replicas[happened.queue].records_bytes)

    def write(self, queue: str, added_bytes: int) -> None:
        replica = self.replicas.setdefault(queue, Replica())
        before_bytes = replica.records_bytes
        replica.records_bytes += added_bytes
        self.compacting.note(queue, before_bytes)

    def go_on(self) -> list[str]:
        self.compacted.clear()
        while self.compacting.go_on():
            pass
        return self.compacted


def test_a_replica_with_too_much_is_compacted() -> None:
    rig = Rig()
    rig.write("q", EACH)
    assert rig.go_on() == []
    rig.write("q", 1)
    assert rig.go_on() == ["q"]
    assert rig.compacting.total_bytes == 0


def test_records_that_a_mirror_needs_are_kept_for_longer() -> None:
    rig = Rig()
    rig.held.add("q")
    rig.write("q", HELD_SHARE * EACH)
    assert rig.go_on() == []
    rig.write("q", 1)
    assert rig.go_on() == ["q"]


def test_of_many_replicas_with_little_the_largest_are_compacted_first() -> None:
    rig = Rig()
    for number in range(10):
        rig.write(f"q{number}", 90 + number)
    assert rig.go_on() == []
    rig.write("last", 60)
    assert rig.go_on() == ["q9", "q8", "q7"]
    assert rig.compacting.total_bytes <= NODE * 3 // 4


def test_where_nothing_is_committed_it_is_looked_at_again_only_when_there_is_more() -> None:
    rig = Rig(each=NODE * 10)
    rig.is_committed = False
    counts = []
    for _ in range(100):
        rig.write("q", 50)
        counts.append(len(rig.go_on()))
    assert 0 < sum(counts) < 40
    rig.is_committed = True
    rig.write("q", 400)
    assert rig.go_on() == ["q"]
    rig.write("r", NODE + 1)
    assert rig.go_on() == ["r"], "the bound is that of before"


def test_what_is_gone_and_what_was_asked_for() -> None:
    rig = Rig()
    rig.write("q", 50)
    rig.compacting.ask("q")
    rig.compacting.forget("q")
    rig.compacting.forget("r")
    assert (rig.go_on(), rig.compacting.total_bytes) == ([], 0)
    rig.compacting.ask("q")
    assert rig.go_on() == ["q"]


@pytest.mark.parametrize("count", [1, 5])
def test_the_bound_holds_however_many_replicas_there_are(count: int) -> None:
    rig = Rig(each=NODE * 10)
    for number in range(400):
        rig.write(f"q{number % (count * 40)}", 10)
        rig.go_on()
        assert rig.compacting.total_bytes <= NODE + 10
