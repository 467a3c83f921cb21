"""Records of replicas have a bound for each, and one for the node."""

from types import SimpleNamespace
from typing import cast

from cluster.mirrored.compacting import HELD_SHARE, LOOK_MS, Compacting
from cluster.replication.core import ReplicationCore
from cluster.replication.inputs import Compact
from persistence.replicas.log import ReplicaLog

EACH, NODE = 100, 1_000


class Replica:
    def __init__(self) -> None:
        self.records_bytes = 0


class Rig:
    """A core that notes what is compacted; the records of a replica go then, if they may."""

    def __init__(self, *, each: int = EACH) -> None:
        self.node = SimpleNamespace(now_ms=LOOK_MS)
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
            self.replicas[happened.queue].records_bytes = 0

    def write(self, queue: str, added_bytes: int) -> None:
        replica = self.replicas.setdefault(queue, Replica())
        replica.records_bytes += added_bytes
        if replica.records_bytes > self.compacting.bytes_max:
            self.compacting.note_long(queue, replica.records_bytes)

    def go_on(self) -> list[str]:
        self.compacted.clear()
        self.compacting.tick()
        self.node.now_ms += LOOK_MS
        while self.compacting.go_on():
            pass
        return self.compacted

    @property
    def total_bytes(self) -> int:
        return sum([each.records_bytes for each in self.replicas.values()])


def test_a_replica_with_too_much_is_compacted() -> None:
    rig = Rig()
    rig.write("q", EACH)
    assert rig.go_on() == []
    rig.write("q", 1)
    assert rig.go_on() == ["q"]


def test_records_that_a_mirror_needs_are_kept_for_longer() -> None:
    rig = Rig()
    rig.held.add("q")
    rig.write("q", HELD_SHARE * EACH)
    assert rig.go_on() == []
    rig.write("q", 1)
    assert rig.go_on() == ["q"]


def test_what_may_wait_is_not_compacted_while_a_mirror_needs_it() -> None:
    rig = Rig()
    rig.held.add("q")
    rig.write("q", 50)
    rig.compacting.ask("q", may_wait=True)
    assert rig.go_on() == []
    rig.held.clear()
    rig.compacting.ask("q", may_wait=True)
    assert rig.go_on() == ["q"]


def test_of_many_replicas_with_little_the_largest_are_compacted_first() -> None:
    rig = Rig()
    for number in range(10):
        rig.write(f"q{number}", 90 + number)
    assert rig.go_on() == []
    rig.write("last", 60)
    assert rig.go_on() == ["q9", "q8", "q7", "q6", "q5", "q4"]
    assert rig.total_bytes <= NODE // 2
    assert rig.go_on() == []


def test_where_nothing_is_committed_it_is_tried_again_later() -> None:
    rig = Rig()
    rig.is_committed = False
    for number in range(20):
        rig.write(f"q{number}", 60)
    assert len(rig.go_on()) > 5
    rig.node.now_ms -= LOOK_MS
    assert rig.go_on() == [], "not at once"
    rig.is_committed = True
    assert len(rig.go_on()) > 5
    assert rig.total_bytes <= NODE // 2


def test_what_is_gone_and_what_was_asked_for() -> None:
    rig = Rig()
    rig.write("q", 50)
    rig.compacting.ask("q")
    rig.compacting.forget("q")
    assert rig.go_on() == []
    rig.compacting.ask("q")
    assert rig.go_on() == ["q"]
