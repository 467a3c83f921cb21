"""What all programs of a run note, queue by queue, for the checkers to read."""

import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import count
from typing import Final

from tests.crash.confirm_checker import Event, Frame
from tests.crash.history import Action, Kind, Row, Value

FAULT_PROCESS: Final = -1


def monotonic_ms() -> int:
    """Return the instant that rows are stamped with."""
    return time.monotonic_ns() // 1_000_000


class Notes:
    """Rows of each queue since it was last judged.

    Args:
        first_publisher: the number of the first publisher; vhosts share none, so that a message of
            another one is known.

    Attributes:
        confirms: what passed on the publishing channels since the last ``forget``.
        faults_count: how often the node was killed.
        damaged: messages that arrived other than they were published.
    """

    def __init__(self, first_publisher: int = 1) -> None:
        self.rows: defaultdict[str, list[Row]] = defaultdict(list)
        self.confirms: list[Event] = []
        self.damaged: list[str] = []
        self.faults_count = 0
        self._processes = count(1)
        self._publishers = count(first_publisher)

    def new_process(self) -> int:
        """Return a number for a channel, never used before."""
        return next(self._processes)

    def new_publisher(self) -> int:
        """Return a number for what is published in one order: a channel, or a priority of it."""
        return next(self._publishers)

    def enqueue(self, kind: Kind, process: int, value: Value, queues: Sequence[str]) -> None:
        """Note how a publish stands in each queue that it goes to."""
        row = Row(monotonic_ms(), process, kind, Action.ENQUEUE, value)
        for queue in queues:
            self.rows[queue].append(row)

    def arrive(self, queue: str, action: Action, process: int, value: Value, flag: bool) -> None:
        """Note that a message arrived; ``flag`` is redelivered."""
        self.rows[queue].append(Row(monotonic_ms(), process, Kind.OK, action, value, flag))

    def acked(self, queue: str, kind: Kind, process: int, value: Value) -> None:
        """Note that an ack was written, or that a round trip has succeeded since."""
        self.rows[queue].append(Row(monotonic_ms(), process, kind, Action.ACK, value))

    def fault(self) -> None:
        """Note that the node was killed."""
        self.faults_count += 1
        row = Row(monotonic_ms(), FAULT_PROCESS, Kind.INFO, Action.FAULT)
        for rows in self.rows.values():
            rows.append(row)

    def confirm_event(self, process: int, frame: Frame, tag: int, multiple: bool = False) -> None:
        """Note what passed on a publishing channel."""
        self.confirms.append(Event(monotonic_ms(), process, frame, tag, multiple))

    def forget(self, keep_ms: int) -> dict[str, frozenset[Value]]:
        """Drop what is judged, but for values acked in the last ``keep_ms``.

        A fault may still take those acks back, and then they are to be known.

        Returns:
            The values that stay, by queue.
        """
        oldest_ms = monotonic_ms() - keep_ms
        kept: dict[str, frozenset[Value]] = {}
        for queue, rows in self.rows.items():
            young = frozenset(
                row.value
                for row in rows
                if row.action is Action.ACK and row.at_ms >= oldest_ms and row.value is not None
            )
            rows[:] = [
                row for row in rows if row.value in young or (young and row.action is Action.FAULT)
            ]
            kept[queue] = young
        self.confirms.clear()
        self.damaged.clear()
        return kept
