"""What a front end submits twice is in the log once (R23).

A front end is the process that a publisher is connected to. It numbers its messages for a queue
from 1 on, and a number names one message for ever. A message is *open* until it was confirmed, or
refused before it was appended. Where a link or a leader ends, the front end submits again what is
open, and a newer message may overtake that. So each run says which open one is next below it:

    last number in the log       the run        what happens
    ----------------------       -----------    ---------------------------------------------
    at or above its last         in the log     nothing; it is confirmed with what is there
    below the open one           behind a gap   nothing; the front end submits from there again
    else                         fresh          what is not in the log yet is appended

By induction all open ones up to the last number are in the log, so "at or above" never swallows a
message. What the front end must keep to: it goes to leaders of epochs that do not fall, and takes
"refused" only from one that serves.

The table of last numbers belongs to the log: a record says whose message it is, so who reads the
records has the table. It goes into a snapshot beside the live set, of the same moment (R14).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from cluster.replication.rules import Rules


class Front(NamedTuple):
    """A front end: its node, and the create revision of that node's ``live`` key."""

    node: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class Submission:
    """A run that a front end submits for a queue, maybe again.

    ``first`` is the number of its first message, and ``count`` how many there are. ``open_below``
    is the highest number below ``first`` that is open; 0 where none is.
    """

    front: Front
    first: int
    count: int
    open_below: int

    @property
    def last(self) -> int:
        """The number of its last message."""
        return self.first + self.count - 1


@dataclass(frozen=True, slots=True)
class Published:
    """How far a front end's messages are in a log: the last number, and its index."""

    front: Front
    number: int
    index: int


class Finding(Enum):
    """What is to be done with a run."""

    FRESH = "fresh"
    IN_LOG = "in the log"
    GAP = "gap"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a run, and what has to be known for it.

    ``skip``: FRESH: so many of its first messages are in the log, and the others are appended.
    ``index``: IN_LOG, or where some are skipped: these are confirmed as
    ``ReplicationCore.may_confirm`` says for this index; otherwise 0.
    GAP: submit again what is open; nothing was decided. REPLACED: a newer process of the front
    end's node has published, and this one has ended.
    """

    finding: Finding
    skip: int = 0
    index: int = 0


class Publishers:
    """The table of one log: for each node its latest front end. There are few nodes."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Iterable[Published] = ()) -> None:
        """Begin with the rows of a snapshot."""
        self._rows = {row.front.node: row for row in rows}

    def rows(self) -> tuple[Published, ...]:
        """Return the rows, for a snapshot; the order says nothing."""
        return tuple(self._rows.values())

    def judge(self, submission: Submission, rules: Rules) -> Verdict:
        """Say what is to be done with a run. Only a leader that serves may ask (R11).

        It has every record that was ever confirmed, and what it lacks of older epochs will never
        be committed. So what is fresh to it is in no log that counts.
        """
        row = self._row_of(submission.front)
        if row is None:
            return Verdict(Finding.REPLACED)
        if rules.is_in_log(submission.last, row.number):
            return Verdict(Finding.IN_LOG, index=row.index)
        if rules.has_gap(submission.open_below, row.number):
            return Verdict(Finding.GAP)
        skip = max(row.number - submission.first + 1, 0)
        return Verdict(Finding.FRESH, skip, row.index if skip else 0)

    def note(self, front: Front, number: int, index: int) -> None:
        """A record is in the log whose last message has this number."""
        if self._row_of(front) is not None:
            self._rows[front.node] = Published(front, number, index)

    def _row_of(self, front: Front) -> Published | None:
        """Return what is known of a front end; None where its node has begun a newer one."""
        row = self._rows.get(front.node)
        if row is None or row.front.incarnation < front.incarnation:
            return Published(front, 0, 0)
        return row if row.front == front else None
