"""What publishing to a queue leaves to be done."""

from collections.abc import Sequence
from typing import Final, NamedTuple


class PublishOutcome(NamedTuple):
    """What became of a run.

    Attributes:
        rejected: indexes of those refused by ``reject-publish``, ascending; they are nacked.
        lsn: the others are safe once the log has committed this; 0 is at once.
    """

    rejected: Sequence[int]
    lsn: int


_ALL_SAFE: Final = PublishOutcome((), 0)


def all_taken(lsn: int) -> PublishOutcome:
    """Return that a whole run was taken, and is safe with this LSN."""
    return PublishOutcome((), lsn) if lsn else _ALL_SAFE
