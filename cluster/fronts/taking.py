"""What a leader does with the runs that front halves submit, for both ways to it (R23).

judge ─▶ taken: confirmed once they are safe, many runs by one number
      ─▶ refused, from some message of the run on
      ─▶ a gap: nothing is decided of what comes, until the front half has begun again

A commit group is of many queues, and fails where one of them is not led here any more. Then nobody
knows what is safe, and the front half submits again all that is open: what is in the log is found
there. If this queue is not led here either, its way ends.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from cluster.fronts.errors import FrontError
from cluster.mirrored.submitting import Taken
from cluster.replication.core import NotServingError
from cluster.replication.publishers import Finding, Front, Submission
from persistence.record import Run
from queues.commits import CommitPoint, is_safe, wait_for


class Take(Protocol):
    """Has the log judge a run and the queue take it: ``cluster.mirrored.submitting.submit``."""

    def __call__(self, submission: Submission, run: Run, now_ms: int) -> Taken:
        """Take a run.

        Raises:
            NotServingError: the leader admits nothing now; it has decided nothing.
        """


class Submitter(Protocol):
    """The front half, as it hears of its publishes."""

    def confirm(self, number: int) -> None:
        """All up to a number that were not refused are safe."""

    def refuse(self, first: int, last: int) -> None:
        """These were refused; they are the end of their run."""

    def gap(self, number: int) -> None:
        """Nothing was decided: what is open above a number is to be submitted again."""


def _nobody() -> None:
    """Where what the front half hears wakes it."""


class Taking:
    """What one front half submits to one leadership over one way.

    Args:
        front: whose messages they are.
        take: of the queue that is led here.
        submitter: hears what becomes of them.
        wake: asks for a drain of the front half, where it has to submit again.

    Attributes:
        is_kept_waiting: nothing was decided because nothing is admitted now; ``go_on`` is due.
    """

    def __init__(
        self,
        front: Front,
        take: Take,
        submitter: Submitter,
        wake: Callable[[], None] = _nobody,
    ) -> None:
        self._front = front
        self._take = take
        self._submitter = submitter
        self._wake = wake
        self._safe: deque[tuple[int, CommitPoint]] = deque()
        self._last_in_log = self._last_confirmed = 0
        self._attempt = 0
        self._is_over = False
        self.is_kept_waiting = False

    def submit(self, first: int, open_below: int, attempt: int, run: Run, now_ms: int) -> None:
        """Take a run, as far as it can be decided now.

        Args:
            first: number of its first message.
            open_below: the highest open number below it; 0 where there is none.
            attempt: how many gaps the front half has heard of; what is older comes again.
            run: the messages.
            now_ms: the instant.

        Raises:
            FrontError: a newer process of the front half's node has published.
        """
        if self.is_kept_waiting or attempt < self._attempt:
            return
        try:
            taken = self._take(Submission(self._front, first, len(run), open_below), run, now_ms)
        except NotServingError:
            self.is_kept_waiting = True
            return
        if taken.finding is Finding.REPLACED:
            raise FrontError(f"submits {first}, and a newer process of its node has submitted")
        if taken.finding is Finding.GAP:
            self._tell_gap()
            return
        if taken.in_log:
            self._last_in_log = max(self._last_in_log, taken.in_log.stop - 1)
        if taken.refused:
            # Whoever comes behind a refused message would find no room either, or overtake it.
            self._submitter.refuse(taken.refused.start, first + len(run) - 1)
        if taken.in_log:
            self._confirm_at(taken.in_log.stop - 1, taken.safe_at)

    def go_on(self) -> None:
        """Something may be admitted again: have what was not decided submitted."""
        if self.is_kept_waiting:
            self.is_kept_waiting = False
            self._tell_gap()

    def end(self) -> None:
        """Say nothing any more."""
        self._is_over = True
        self._safe.clear()

    def _tell_gap(self) -> None:
        """What was on its way until now is not decided: if it was, it would be decided twice."""
        self._attempt += 1
        self._submitter.gap(self._last_in_log)

    def _confirm_at(self, number: int, point: CommitPoint) -> None:
        if not self._safe and is_safe(point):
            self._confirm(number)
            return
        self._safe.append((number, point))
        if len(self._safe) == 1:
            wait_for(point, self._decided)

    def _decided(self) -> None:
        """Confirm what is safe by one number; where a group has failed have it submitted again."""
        safe, number = self._safe, 0
        while safe and is_safe(safe[0][1]):
            number = max(number, safe.popleft()[0])
        if self._is_over:
            safe.clear()
        elif not number:
            safe.clear()
            self._last_in_log = self._last_confirmed
            self._tell_gap()
            self._wake()
        else:
            self._confirm(number)
            if safe:
                wait_for(safe[0][1], self._decided)

    def _confirm(self, number: int) -> None:
        self._last_confirmed = max(self._last_confirmed, number)
        self._submitter.confirm(number)
