"""A purge is told of when it is safe, also where its commit group fails with another queue."""

from typing import cast

from cluster.fronts.purging import purging
from cluster.mirrored.groups import MirrorGroup
from queues.commits import SAFE_NOW, CommitPoint
from queues.outcomes import PurgeOutcome
from queues.ports import QueueEngine


class Engine:
    """An engine whose purges are in these pieces."""

    def __init__(self, last_point: CommitPoint, *pieces: PurgeOutcome) -> None:
        self.last_point = last_point
        self._pieces = list(pieces)

    @property
    def ready_count(self) -> int:
        return len(self._pieces)

    def purge(self) -> PurgeOutcome:
        return self._pieces.pop(0)


def purged(last_point: CommitPoint, *pieces: PurgeOutcome) -> tuple[Engine, list[int]]:
    engine, told = Engine(last_point, *pieces), list[int]()
    for _ in purging(cast("QueueEngine", engine), told.append):
        assert not told
    return engine, told


def test_it_is_told_once_all_pieces_are_safe() -> None:
    group = MirrorGroup(0)
    one, two = CommitPoint(group, 1), CommitPoint(group, 2)
    _, told = purged(two, PurgeOutcome(3, one), PurgeOutcome(2, two), PurgeOutcome(0, SAFE_NOW))
    assert told == []
    group.committed_lsn = 2
    group.advance()
    assert told == [5]


def test_a_group_that_fails_with_another_queue_is_not_waited_for_in_vain() -> None:
    group, alone = MirrorGroup(0), MirrorGroup(0)
    _, told = purged(CommitPoint(alone, 1), PurgeOutcome(3, CommitPoint(group, 1)))
    group.fail()
    assert told == []
    alone.committed_lsn = 1
    alone.advance()
    assert told == [3]


def test_what_is_committed_when_its_group_fails_is_told_at_once() -> None:
    group = MirrorGroup(0)
    _, told = purged(SAFE_NOW, PurgeOutcome(3, CommitPoint(group, 1)))
    group.fail()
    assert told == [3]


def test_the_end_of_its_own_leadership_is_told_by_nobody() -> None:
    group = MirrorGroup(0)
    point = CommitPoint(group, 1)
    _, told = purged(point, PurgeOutcome(3, point))
    group.fail()
    assert told == [], "the next leader is asked again"
