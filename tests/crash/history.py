"""What a run of programs against a broker saw, row by row, as the checkers read it.

Rows are in the order in which the programs noted them. A delivery is noted when its body arrives,
before it is acked, so that a crash between the two shows as a duplicate and never as a loss.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple


class Value(NamedTuple):
    """A message: the publishing channel's number, and its how-manieth message it is."""

    publisher: int
    counter: int


class Kind(Enum):
    """How an action stands."""

    INVOKE = auto()
    OK = auto()
    FAIL = auto()
    INFO = auto()
    """It may or may not have happened, and nobody will say: the process is not used again."""


class Action(Enum):
    """The kind of a row.

    ENQUEUE: INVOKE before the publish; OK confirmed; FAIL nacked or returned; INFO unknown.
    DELIVER: OK when a message arrives, by consume or get.
    DRAIN: the same, by the one consumer that empties the queue at the end.
    ACK: INVOKE when it is written; OK when a round trip on its channel has succeeded since.
    FAULT: INFO when a node is killed, or its power cut.
    """

    ENQUEUE = auto()
    DELIVER = auto()
    DRAIN = auto()
    ACK = auto()
    FAULT = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a history.

    Attributes:
        at_ms: on one monotonic clock for all programs.
        process: a channel of a program; the number of one that ended is not used again.
        value: of all but FAULT.
        redelivered: of DELIVER and DRAIN, as the broker said.
    """

    at_ms: int
    process: int
    kind: Kind
    action: Action
    value: Value | None = None
    redelivered: bool = False
