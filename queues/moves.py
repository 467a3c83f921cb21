"""Messages that died and are not settled yet; they go to the dead letter exchange.

    ready or unacked  →  waiting  →  taken by the broker, which publishes copies  →  settled

In the order of LSNs, the copies of a message in other queues' logs come before its settlement in
its own queue's log. Logs are written in this order. So after a crash the message is in its queue,
at its new place or at both, and never at none (ADR 18).
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from persistence.record import Run, body_bytes
from queues.effects import DeathReason

MOVES_WAITING_MAX: Final = 10_000
"""While this many wait, a queue does not look for more expired or excess messages."""


class Dying(NamedTuple):
    """Messages that died together, oldest first.

    Attributes:
        positions: in the queue; refused messages have none, as they were never in it.
        records: the messages.
        reason: why they died.
        exchange: the queue's dead letter exchange at that time.
        routing_key: its dead letter routing key; None keeps the messages' own.
    """

    positions: Sequence[int]
    records: Run
    reason: DeathReason
    exchange: str
    routing_key: str | None

    def part(self, start: int, stop: int) -> "Dying":
        """Return the messages from one index up to, not including, another."""
        return self._replace(positions=self.positions[start:stop], records=self.records[start:stop])


class Moves:
    """The messages of one queue that died: first in, first out.

    Attributes:
        count: messages that wait or were taken, and are not settled.
        body_bytes: sum of their bodies, in bytes.
        are_held: none is taken now, because nothing may leave the queue.
    """

    __slots__ = ("_taken_count", "_waiting", "are_held", "body_bytes", "count")

    def __init__(self) -> None:
        self._waiting: deque[Dying] = deque()
        # Index in the first group that waits, so that its rest is not copied for each part.
        self._taken_count = 0
        self.count = 0
        self.body_bytes = 0
        self.are_held = False

    @property
    def room(self) -> int:
        """How many more may wait before the queue stops looking for dead messages."""
        return max(MOVES_WAITING_MAX - self.count, 0)

    def add(self, dying: Dying) -> None:
        """Put messages behind the others."""
        self._waiting.append(dying)
        self.count += len(dying.records)
        self.body_bytes += body_bytes(dying.records)

    def take(self, max_count: int) -> Dying | None:
        """Take the oldest messages with one reason; None if no message waits."""
        if not self._waiting or self.are_held:
            return None
        first, start = self._waiting[0], self._taken_count
        count = len(first.records)
        stop = min(start + max_count, count)
        is_whole = start == 0 and stop == count
        taken = first if is_whole else first.part(start, stop)
        if stop == count:
            self._waiting.popleft()
            stop = 0
        self._taken_count = stop
        return taken

    def give_back(self, dying: Dying) -> None:
        """Have taken messages wait again, behind the others: their copies are lost."""
        self._waiting.append(dying)

    def done(self, dying: Dying) -> None:
        """Forget taken messages, which are settled now."""
        self.count -= len(dying.records)
        self.body_bytes -= body_bytes(dying.records)
        assert self.count >= 0, "what was taken is done once"
