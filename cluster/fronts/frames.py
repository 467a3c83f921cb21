"""What the two halves of a queue say to each other.

    front half, where a client is                     leader half, on the node that leads
      Open ─────────────────────────────────────────────▶ Opened, or NotServing
      Publish ──────────────────────────────────────────▶ Confirmed, Refused, Gap
      Consume, Credit, Cancel ──────────────────────────▶ Consuming or Barred, Deliver
      Settle ───────────────────────────────────────────▶
      Ask ──────────────────────────────────────────────▶ Got, Purged, Counts
      Close ────────────────────────────────────────────▶

Frames of one queue keep their order in each direction. What a leader half knows of a front ends
with the connection, with ``Close`` and with its leadership: consumers are gone, and what they had
and nobody settled goes back. A queue is known by its id (``qid``), which no other queue ever has.

Deliveries and gets of one queue on one connection are numbered from 1 on, without gaps. The batch
of a frame has these numbers in the place of positions, with step 1, and no instants of expiry: the
front half settles by them, and knows nothing of places in the queue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from persistence.record import Run
from queues.batch import Batch


class Settlement(Enum):
    """What becomes of delivered messages.

    ``UNSEEN`` are those that the front half has not shown to its client: they go back, and that
    does not count as a requeue.
    """

    ACK = 1
    REJECT = 2
    REQUEUE = 3
    UNSEEN = 4


class Question(Enum):
    """What a front half asks, and waits for the answer of; it settles what it got."""

    GET = 1
    PURGE = 2
    COUNTS = 3


@dataclass(frozen=True, slots=True)
class Open:
    """Begin with a queue, whose leader is in this epoch as far as the front's node knows.

    ``opening`` numbers the openings of a front half; Opened and NotServing say which one they are
    of. An Open of what is open begins anew, as behind a Close.
    """

    queue: str
    epoch: int
    opening: int


@dataclass(frozen=True, slots=True)
class Close:
    """End with a queue: no client of this node uses it any more."""

    queue: str


@dataclass(frozen=True, slots=True)
class Publish:
    """A run that is submitted, maybe again (R23): ``cluster.replication.publishers``.

    ``first`` is the front's number of the first message of this queue; ``open_below`` is the
    highest number below it that was neither confirmed nor refused, 0 where none is. ``attempt``
    counts the gaps that the front half has heard of since it opened the queue.
    """

    queue: str
    first: int
    open_below: int
    attempt: int
    run: Run


@dataclass(frozen=True, slots=True)
class Consume:
    """Add a consumer; its number is new on this connection, and above all before.

    ``lane``: consumers with the same number share a channel: what they get in turn is one Deliver.
    ``no_ack``: of its client; the front half settles what it has shown. ``credit`` and
    ``credit_bytes``: as in Credit.
    """

    queue: str
    consumer: int
    consumer_tag: str
    lane: int
    priority: int
    no_ack: bool
    exclusive: bool
    arguments: Mapping[str, object]
    credit: int
    credit_bytes: int


@dataclass(frozen=True, slots=True)
class Credit:
    """A consumer may get ``total`` messages, and bodies of ``total_bytes``, since it began.

    Neither falls. The message that reaches ``total_bytes`` may go beyond it.
    """

    queue: str
    consumer: int
    total: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Remove a consumer; what it has stays unsettled."""

    queue: str
    consumer: int


@dataclass(frozen=True, slots=True)
class Settle:
    """Settle messages that were delivered or got on this connection, in this order."""

    queue: str
    settlement: Settlement
    numbers: tuple[range, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a question; the answer has its number."""

    queue: str
    number: int
    question: Question


ToLeader = Open | Close | Publish | Consume | Credit | Cancel | Settle | Ask


@dataclass(frozen=True, slots=True)
class Opened:
    """This node leads the queue in ``epoch``; the front's messages are in it up to a number."""

    queue: str
    epoch: int
    opening: int
    published: int


@dataclass(frozen=True, slots=True)
class NotServing:
    """This node does not lead the queue, or not any more; ``epoch`` is the last one it knows."""

    queue: str
    epoch: int
    opening: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """All messages up to ``number`` that were not refused are safe."""

    queue: str
    number: int


@dataclass(frozen=True, slots=True)
class Refused:
    """These messages were refused, and are in no log (``x-overflow``); they were in one run."""

    queue: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was decided: submit again what is open above ``number``, with the next attempt.

    What was submitted with an earlier attempt is not answered any more.
    """

    queue: str
    number: int


@dataclass(frozen=True, slots=True)
class Consuming:
    """The consumer is there; ``begins`` is the offset that it reads first in a stream, plus 1."""

    queue: str
    consumer: int
    begins: int = 0


@dataclass(frozen=True, slots=True)
class Barred:
    """The consumer is not there: it wants exclusive use, or another one has it."""

    queue: str
    consumer: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Messages for a consumer, within its credit; for several of one lane, one each in turn."""

    queue: str
    consumers: tuple[int, ...]
    batch: Batch


@dataclass(frozen=True, slots=True)
class Got:
    """The answer to GET: one message, or None, and how many are still ready."""

    queue: str
    number: int
    batch: Batch | None
    ready_count: int


@dataclass(frozen=True, slots=True)
class Purged:
    """The answer to PURGE, once no leader brings one of them back."""

    queue: str
    number: int
    purged_count: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The answer to COUNTS: the numbers of declare-ok, and what is delivered and not settled."""

    queue: str
    number: int
    ready_count: int
    consumer_count: int
    unacked_count: int


ToFront = (
    Opened
    | NotServing
    | Confirmed
    | Refused
    | Gap
    | Consuming
    | Barred
    | Deliver
    | Got
    | Purged
    | Counts
)
