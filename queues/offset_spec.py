"""Where in a stream a reader begins, before it is looked up in the stream.

    first, last, next     the first message kept, the last chunk, what comes from now on
    an offset             that message, or the next one that is kept
    -n                    the last n messages (HareMQ's own)
    a timestamp           the chunk that is not older

Source: RabbitMQ, streams (``x-stream-offset``); the stream protocol, Subscribe.
"""

from enum import Enum, auto
from typing import Final, NamedTuple


class OffsetKind(Enum):
    """The forms of an offset specification."""

    FIRST = auto()
    LAST = auto()
    NEXT = auto()
    OFFSET = auto()
    TIMESTAMP = auto()
    AGE = auto()


class OffsetSpec(NamedTuple):
    """One of the forms, with its value.

    Attributes:
        kind: the form.
        value: the offset, negative to count from the end; the time, in ms since 1970; the age in
            ms; 0 with the others.
    """

    kind: OffsetKind
    value: int = 0


FIRST: Final = OffsetSpec(OffsetKind.FIRST)
LAST: Final = OffsetSpec(OffsetKind.LAST)
NEXT: Final = OffsetSpec(OffsetKind.NEXT)
