"""The outcomes of a publish to queues, and of a purge."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from queues.commits import SAFE_NOW, CommitGroup, CommitPoint


class OpenRun(Protocol):
    """A run of which a queue may still refuse some: one that is led on another node.

    Attributes:
        refused: stretches of indexes of the messages that were refused so far. There will be no
            more of them when the commit point of the run is decided.
        was_kept_out: they were refused because no leader of the queue was asked: none was there in
            time, or too much waits for one. The queue itself has said nothing.
    """

    @property
    def refused(self) -> Sequence[range]:
        """Stretches of indexes of the messages that were refused so far."""

    @property
    def was_kept_out(self) -> bool:
        """Whether they were refused because no leader of the queue was asked."""


class StillOpen(NamedTuple):
    """Messages of a publish that are an open run of some queue.

    Attributes:
        indexes: of them among the messages that were published, one for each of the run.
        run: what becomes of them.
    """

    indexes: Sequence[int]
    run: OpenRun


class PublishOutcome(NamedTuple):
    """The outcome of a run.

    Attributes:
        rejected: indexes of messages that a queue refused by ``reject-publish``, ascending; they
            are nacked.
        safe_at: the point at which the others are safe.
        unroutable: indexes of messages that reached no queue; empty in the answer of a queue.
        still_open: those that a queue may refuse later, before ``safe_at``; mostly none.
    """

    rejected: Sequence[int]
    safe_at: CommitPoint
    unroutable: Sequence[int] = ()
    still_open: Sequence[StillOpen] = ()


class PurgeOutcome(NamedTuple):
    """The outcome of a purge, or of a part of one.

    Attributes:
        purged_count: messages that were forgotten.
        safe_at: the point at which no restart brings one of them back: in the durability class of
            the queue, as with a publish.
    """

    purged_count: int
    safe_at: CommitPoint


NOTHING_PURGED: Final = PurgeOutcome(0, SAFE_NOW)

ALL_SAFE: Final = PublishOutcome((), SAFE_NOW)
"""The usual answer, compared by identity: each message is in its queues, and safe."""


class _NoRoom:
    """The ``OpenRun`` of a run that never came to be."""

    refused: Final = ()
    was_kept_out: Final = True


_NO_ROOM: Final = _NoRoom()
_new: Final = tuple.__new__


def kept_out(count: int) -> PublishOutcome:
    """Return that a run of so many was refused, as too much waits for the leader of the queue."""
    return PublishOutcome(range(count), SAFE_NOW, (), (StillOpen(range(count), _NO_ROOM),))


def all_taken(group: CommitGroup, lsn: int) -> PublishOutcome:
    """Return that a whole run was taken, and is safe with this LSN; 0 means at once."""
    if not lsn:
        return ALL_SAFE
    # The same as the classes' own __new__, without its call. This runs once a run.
    return _new(PublishOutcome, ((), _new(CommitPoint, (group, lsn, ())), (), ()))


def refused_later(still_open: Iterable[StillOpen]) -> Sequence[int]:
    """Return the indexes of messages that some queue has refused by now, ascending."""
    found = {indexes[at] for indexes, run in still_open for some in run.refused for at in some}
    return sorted(found)


def placed(still_open: Iterable[StillOpen], indexes: Sequence[int]) -> Sequence[StillOpen]:
    """Return the same for a publish of which these were messages ``indexes``, in this order."""
    return [StillOpen([indexes[at] for at in part], run) for part, run in still_open]
