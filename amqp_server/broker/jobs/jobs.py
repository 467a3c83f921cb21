"""The jobs of a node: those that go on, and the last ones that are over."""

from collections.abc import Iterator
from typing import Final

from amqp_server.broker.errors import NodeLimitError
from amqp_server.broker.jobs.move import JobState, Move

RUNNING_MAX: Final = 16
"""Jobs that go on at a time, in a node."""

ENDED_MAX: Final = 100
"""Jobs that are over and still shown; the oldest is forgotten."""


NUMBERS_OF_ONE: Final = 1_000_000
"""Jobs of one process of a node of a cluster: their numbers are its own among all nodes."""


class Jobs:
    """All jobs by number."""

    def __init__(self) -> None:
        self._jobs: dict[int, Move] = {}
        self._last_number = 0

    def __iter__(self) -> Iterator[Move]:
        return iter(list(self._jobs.values()))

    def next_number(self, incarnation: int = 0) -> int:
        """Return the number of a new job.

        Args:
            incarnation: of the node, which no other process of the cluster has; 0 is in none.

        Raises:
            NodeLimitError: as many as may be go on already.
        """
        running = [job for job in self._jobs.values() if not job.is_over]
        if len(running) >= RUNNING_MAX:
            raise NodeLimitError(f"{RUNNING_MAX} jobs go on already")
        self._last_number += 1
        return incarnation * NUMBERS_OF_ONE + self._last_number

    def add(self, job: Move) -> None:
        """Show a job, and forget the oldest that is over where there are many."""
        self._jobs[job.number] = job
        over = [each.number for each in self._jobs.values() if each.is_over]
        for number in over[: max(len(over) - ENDED_MAX, 0)]:
            del self._jobs[number]

    def find(self, number: int) -> Move | None:
        """Return a job; None if there is none, or it was forgotten."""
        return self._jobs.get(number)

    def cancel(self, number: int) -> None:
        """Have a job end before its next piece."""
        job = self._jobs.get(number)
        if job is not None and not job.is_over:
            job.state = JobState.CANCELLED
