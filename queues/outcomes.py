"""The outcomes of a publish to queues, and of a purge."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from queues.commits import SAFE_NOW, CommitGroup, CommitPoint


class PublishOutcome(NamedTuple):
    """The outcome of a run.

    Attributes:
        rejected: indexes of messages that a queue refused by ``reject-publish``, ascending; they
            are nacked.
        safe_at: the point at which the others are safe.
        unroutable: indexes of messages that reached no queue; empty in the answer of a queue.
    """

    rejected: Sequence[int]
    safe_at: CommitPoint
    unroutable: Sequence[int] = ()


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

_new: Final = tuple.__new__


def all_taken(group: CommitGroup, lsn: int) -> PublishOutcome:
    """Return that a whole run was taken, and is safe with this LSN; 0 means at once."""
    if not lsn:
        return ALL_SAFE
    # The same as the classes' own __new__, without its call. This runs once a run.
    return _new(PublishOutcome, ((), _new(CommitPoint, (group, lsn, ())), ()))
