"""What publishing to a queue leaves to be done."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from queues.commits import SAFE_NOW, CommitGroup, CommitPoint


class PublishOutcome(NamedTuple):
    """What became of a run.

    Attributes:
        rejected: indexes of those that a queue refused by ``reject-publish``, ascending; they are
            nacked.
        safe_at: when the others are safe.
        unroutable: indexes of those that reached no queue; a queue knows of none.
    """

    rejected: Sequence[int]
    safe_at: CommitPoint
    unroutable: Sequence[int] = ()


ALL_SAFE: Final = PublishOutcome((), SAFE_NOW)
"""The usual answer, told by its identity: each message is in its queues, and safe."""

_new: Final = tuple.__new__


def all_taken(group: CommitGroup, lsn: int) -> PublishOutcome:
    """Return that a whole run was taken, and is safe with this LSN; 0 is at once."""
    if not lsn:
        return ALL_SAFE
    # As the classes' own __new__ does, without its call: once a run.
    return _new(PublishOutcome, ((), _new(CommitPoint, (group, lsn, ())), ()))
