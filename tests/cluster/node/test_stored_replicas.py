"""Replicas on a disk in memory, found again by their queues' ids after any crash."""

import random

from cluster.node.ports import KeptIdentity
from cluster.node.stored_replicas import StoredReplicas, stored_numbers, stored_options
from cluster.replication.identity import DiskIdentity
from persistence.definitions_store import DefinitionsStore, open_definitions
from persistence.group_commit import GroupCommit
from persistence.log_making import StoreLimits
from persistence.opening import open_store
from persistence.replicas.tombstones import Tombstones, stored_tombstones
from persistence.wal import Wal
from persistence.wal_replay import next_lsn_after
from tests.support.commit import carry_out
from tests.support.fault_fs import FaultFS

WAL_FILE_BYTES = 1 << 16


class Life:
    """A node's disk from an open to a crash."""

    def __init__(self, files: FaultFS, draw: random.Random) -> None:
        def salt() -> int:
            return draw.getrandbits(64)

        replay = open_definitions(files)
        numbers = stored_numbers(replay.items().items())
        known = stored_options(replay.items().items())
        opened = open_store(files, known, StoreLimits(), lambda: 0)
        next_lsn = next_lsn_after(max(opened.replay.highest_lsn, replay.last_lsn))
        definitions = DefinitionsStore(files, replay, salt)
        wal = Wal(files, WAL_FILE_BYTES, salt, opened.replay, next_lsn)
        self.commit = GroupCommit(wal, definitions, next_lsn)
        self.store = opened.store
        self.store.start(wal, self.commit)
        self.replicas = StoredReplicas(
            files,
            self.store,
            self.commit,
            numbers=numbers,
            found=opened.replicas,
            new_number=lambda: self.store._next_queue_id,
            tombstones=Tombstones(stored_tombstones(replay.items().items())),
            wall_ms=lambda: 1_000,
        )

    def commit_all(self) -> None:
        while (group := self.commit.seal()) is not None:
            carry_out(self.commit, group)
            self.commit.finish(group, None)


def test_a_replica_is_found_by_its_queue_after_a_restart() -> None:
    draw, files = random.Random(1), FaultFS()
    life = Life(files, draw)
    made = life.replicas.make_replica("q1")
    made.promise(7)
    life.replicas.make_replica("q2")
    life.commit_all()
    again = Life(files.killed(), draw).replicas
    assert sorted(again.replicas()) == ["q1", "q2"]
    assert again.replicas()["q1"].promised == 7
    assert again.replicas()["q2"].end == 0
    assert again.lost_replicas() == ()


def test_a_replica_of_a_priority_queue_has_its_lanes_after_a_restart() -> None:
    draw, files = random.Random(1), FaultFS()
    life = Life(files, draw)
    tops = {"plain": None, "lowest": 1, "q": 255}
    for queue_id, top in tops.items():
        made = life.replicas.make_replica(queue_id, top)
        assert made.state.options.max_priority == top
    life.commit_all()
    again = Life(files.killed(), draw).replicas.replicas()
    assert {each: again[each].state.options.max_priority for each in again} == tops


def test_a_replica_that_was_dropped_stays_away_and_its_number_is_not_given_again() -> None:
    draw, files = random.Random(2), FaultFS()
    life = Life(files, draw)
    number = life.replicas.make_replica("q1").queue_id
    life.commit_all()
    life = Life(files, draw)
    lsn = life.replicas.drop_replica("q1", is_gone=False)
    assert life.replicas.last_lsn() == lsn
    assert life.replicas.replicas() == {}
    life.commit_all()
    life = Life(files, draw)
    assert life.replicas.replicas() == {}
    assert not life.replicas.was_dropped("q1"), "the disk is another one"
    assert life.replicas.make_replica("q1").queue_id > number


def test_a_crash_leaves_what_was_committed_and_never_two_replicas() -> None:
    for seed in range(30):
        draw, files = random.Random(seed), FaultFS()
        life = Life(files, draw)
        life.replicas.make_replica("q1").promise(1)
        life.commit_all()
        life.replicas.make_replica("q2").promise(2)
        life.replicas.drop_replica("q1", is_gone=True)
        if draw.random() < 0.5:
            life.commit_all()
        after = Life(files.crash(draw.randrange), draw).replicas
        found = set(after.replicas())
        is_committed = life.commit.committed_lsn == life.commit.last_lsn
        assert not after.lost_replicas()
        assert after.was_dropped("q1") or ("q1" in found and not is_committed)
        assert found in ([{"q2"}] if is_committed else [{"q1"}, {"q1", "q2"}, {"q2"}])
        if "q2" not in found:
            assert after.make_replica("q2").end == 0


def test_it_has_the_identity_of_the_disk() -> None:
    files = FaultFS()
    replicas = Life(files, random.Random(3)).replicas
    assert replicas.identity() is None
    kept = KeptIdentity(DiskIdentity("d", 3, 4), is_begun=True)
    replicas.keep_identity(kept)
    assert replicas.identity() == kept


def test_other_definitions_are_left_alone() -> None:
    definitions = [(("mirror", "q1"), b"5"), (("queue", "v"), b"{}"), (("mirror",), b"x")]
    assert stored_numbers(definitions) == {"q1": 5}
    assert list(stored_options(definitions)) == [5]
