"""What publishing to a queue, and deleting it, leaves to be done."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from queues.ports import ConsumerHandle


class PublishOutcome(NamedTuple):
    """What became of a run.

    Attributes:
        rejected: indexes of those refused by ``reject-publish``, ascending; they are nacked.
        lsn: the others are safe once the log has committed this; 0 is at once.
    """

    rejected: Sequence[int]
    lsn: int


_ALL_SAFE: Final = PublishOutcome((), 0)


class DeletedQueue(NamedTuple):
    """What a deleted queue leaves: its ready messages' count, and consumers to be notified."""

    ready_count: int
    consumers: tuple[ConsumerHandle, ...]


def all_taken(lsn: int) -> PublishOutcome:
    """Return that a whole run was taken, and is safe with this LSN."""
    return PublishOutcome((), lsn) if lsn else _ALL_SAFE
