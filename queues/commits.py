"""Says when a message is safe: a commit group, and an LSN in it.

    publish ──▶ CommitPoint(group, lsn) ──▶ decided: the group has committed the LSN, or has failed

Everything that the same disks make safe is one *group*, and its LSNs are one order. Today this is
the node's log. Later it can be the node's log together with its mirrors. A message of several
groups is safe when each group says so.

Source: ADR 28; group commit and LSN as in the literature of databases.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol


class CommitGroup(Protocol):
    """One order of LSNs; ``persistence.group_commit.GroupCommit`` is the node's own.

    Groups are compared by identity.
    """

    @property
    def is_one_log(self) -> bool:
        """Whether all of it is in one log, so that a crash leaves a prefix of it.

        Logs of mirrored queues are cut one by one where a leader is lost. So an LSN that comes
        later may be there and an earlier one, of another queue, may not.
        """

    @property
    def committed_lsn(self) -> int:
        """Everything with an LSN up to this is safe; it never falls."""

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call when it is decided whether everything up to this LSN is safe; at once if it is.

        It is safe if ``committed_lsn`` has reached the LSN when the call comes. If not, the group
        has failed, and all waiting calls are made. The node's own group never fails in this way,
        because the node stops.

        The calls are made in the order of their LSNs, in a turn of their own. They must not raise.
        """


class NothingToCommit:
    """The ``CommitGroup`` of messages in memory: they are as safe as they will ever be."""

    committed_lsn: Final = 0
    is_one_log: Final = True

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call at once."""
        assert lsn == 0, "nothing here has an LSN"
        call()


NOTHING_TO_COMMIT: Final = NothingToCommit()


class CommitPoint(NamedTuple):
    """A point that is reached when each of its groups has committed its LSN.

    Attributes:
        group: mostly the only one.
        lsn: of that group; 0 is reached at once.
        others: one point for each other group; these have no others of their own.
    """

    group: CommitGroup
    lsn: int
    others: tuple["CommitPoint", ...] = ()


SAFE_NOW: Final = CommitPoint(NOTHING_TO_COMMIT, 0)
"""There is nothing to wait for."""


def point_at(group: CommitGroup, lsn: int) -> CommitPoint:
    """Return the point of an LSN; 0 is reached at once, whatever the group."""
    return CommitPoint(group, lsn) if lsn else SAFE_NOW


def points_of(point: CommitPoint) -> Sequence[CommitPoint]:
    """Return the points of its groups, one each."""
    return (CommitPoint(point.group, point.lsn), *point.others) if point.others else (point,)


def later_of(one: CommitPoint, two: CommitPoint) -> CommitPoint:
    """Return the point that is reached when both points are."""
    one_group, one_lsn, one_others = one
    two_group, two_lsn, two_others = two
    if one_group is two_group and not one_others and not two_others:
        return one if one_lsn >= two_lsn else two
    if not two_lsn:
        return one
    if not one_lsn:
        return two
    return _joined((*points_of(one), *points_of(two)))


def open_points(point: CommitPoint) -> Sequence[CommitPoint]:
    """Return the points that are not reached yet, one of each group."""
    return [each for each in points_of(point) if each.lsn > each.group.committed_lsn]


def is_safe(point: CommitPoint) -> bool:
    """Whether all groups have committed their LSNs."""
    group, lsn, others = point
    return lsn <= group.committed_lsn and (not others or not open_points(point))


def is_ordered_by(group: CommitGroup, point: CommitPoint) -> bool:
    """Whether nothing later of this group outlives a crash that the point does not.

    False where the point has another group too, and where the group is not one log. Messages in
    memory are never safe in this sense.
    """
    if group is NOTHING_TO_COMMIT or not point.lsn:
        return True
    return group is point.group and group.is_one_log and not point.others


def wait_for(point: CommitPoint, call: Callable[[], None]) -> None:
    """Call when it is decided whether this is safe; ``is_safe`` then has the answer.

    This is when all groups have committed their LSNs, or as soon as one has failed.
    """
    waiting = open_points(point)
    if len(waiting) == 1:
        waiting[0].group.wait(waiting[0].lsn, call)
    elif waiting:
        _Wait(waiting, call)
    else:
        call()


def _joined(points: Sequence[CommitPoint]) -> CommitPoint:
    """Join points, each of one group, to one that has each group once."""
    lsns: dict[CommitGroup, int] = {}
    for group, lsn, _ in points:
        lsns[group] = max(lsn, lsns.get(group, 0))
    first, *others = [CommitPoint(group, lsn) for group, lsn in lsns.items()]
    return first._replace(others=tuple(others))


class _Wait:
    """A call that waits for several groups."""

    __slots__ = ("_call", "_left_count")

    def __init__(self, points: Sequence[CommitPoint], call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call
        self._left_count = len(points)
        for point in points:
            point.group.wait(point.lsn, partial(self._decided, point))

    def _decided(self, point: CommitPoint) -> None:
        self._left_count -= 1
        call = self._call
        if call is not None and (not self._left_count or not is_safe(point)):
            self._call = None
            call()
