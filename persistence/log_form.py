"""The forms of log that there are: a kind of queue says which one it needs."""

from enum import IntEnum


class LogForm(IntEnum):
    """A form of log; the numbers are on disk, in the rows of a checkpoint.

    ``QUEUE`` keeps messages by position until they are settled. ``STREAM`` keeps chunks of messages
    by offset, as long as retention says. ``MIRRORED`` keeps messages as ``QUEUE`` does, behind a
    log of records that all replicas of the queue share.
    """

    QUEUE = 0
    STREAM = 1
    MIRRORED = 2
