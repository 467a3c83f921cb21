"""What a message has to wait for until it is safe: a commit group, and an LSN in it.

    publish ──▶ CommitPoint(group, lsn) ──▶ decided: the group has committed the LSN, or has failed

All that is made safe by the same disks is one *group*, and its LSNs are one order: of the node's
log, and later of the node's log together with its mirrors. What several groups have a part in is
safe when each of them says so.

Source: ADR 28; group commit and LSN as in the literature of databases.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol


class CommitGroup(Protocol):
    """One order of LSNs; ``persistence.group_commit.GroupCommit`` is the node's own.

    Told from others by its identity.
    """

    @property
    def committed_lsn(self) -> int:
        """Everything with an LSN up to this is safe; it never falls."""

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call once it is decided whether everything up to this LSN is safe; at once if it is.

        It is when ``committed_lsn`` has reached the LSN. It never will be when it is called though
        ``committed_lsn`` has not: the group has failed, and all who wait are called. The node's
        own group never says so: the node stops.

        Calls come in the order of their LSNs, in a turn of their own, and must not raise.
        """


class NothingToCommit:
    """The ``CommitGroup`` of what is kept in memory: all is as safe as it will be."""

    committed_lsn: Final = 0

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call at once."""
        assert lsn == 0, "nothing here has an LSN"
        call()


NOTHING_TO_COMMIT: Final = NothingToCommit()


class CommitPoint(NamedTuple):
    """When something is safe: once each of its groups has committed its LSN.

    Attributes:
        group: the only one, mostly.
        lsn: of that group; 0 is at once.
        others: points of other groups, one each, none with others of its own.
    """

    group: CommitGroup
    lsn: int
    others: tuple["CommitPoint", ...] = ()


SAFE_NOW: Final = CommitPoint(NOTHING_TO_COMMIT, 0)
"""There is nothing to wait for."""


def point_at(group: CommitGroup, lsn: int) -> CommitPoint:
    """Return the point of an LSN; 0 is at once, whatever the group."""
    return CommitPoint(group, lsn) if lsn else SAFE_NOW


def points_of(point: CommitPoint) -> Sequence[CommitPoint]:
    """Return the points of its groups, one each."""
    return (CommitPoint(point.group, point.lsn), *point.others) if point.others else (point,)


def later_of(one: CommitPoint, two: CommitPoint) -> CommitPoint:
    """Return the point at which what either of them stands for is safe."""
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
    """Return what is still to be waited for, one point of each group."""
    return [each for each in points_of(point) if each.lsn > each.group.committed_lsn]


def is_safe(point: CommitPoint) -> bool:
    """Whether all groups have committed their LSNs."""
    group, lsn, others = point
    return lsn <= group.committed_lsn and (not others or not open_points(point))


def is_ordered_by(group: CommitGroup, point: CommitPoint) -> bool:
    """Whether what this group commits from now on is never safe before the point is reached.

    It is not where another group has a part in the point. Of what is kept in memory nothing is
    ever safe.
    """
    if group is NOTHING_TO_COMMIT or not point.lsn:
        return True
    return group is point.group and not point.others


def wait_for(point: CommitPoint, call: Callable[[], None]) -> None:
    """Call once it is decided whether this is safe, which ``is_safe`` says then.

    It is decided when all groups have committed their LSNs, or as soon as one has failed.
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
