"""Work that a peer can make long, as a generator that yields between two of its pieces.

    steps = enqueuing(targets, run, now_ms)   nothing was done yet
    next(steps)                               a piece is done, well under a millisecond
    …                                         others may have a turn in between
    StopIteration                             all is done; its value is what came of it

Work that is usually short is a plain call, and becomes steps only when it is found to be long. A
client's event that is not done when the turn's time is spent is ``Suspended``. The rest of the
client's input waits for it, so that the client's events keep their order.

``WaitingSteps`` may wait for something outside of the turns, such as the metadata store:

    value = yield from awaited.value()        yields what it waits for, until that is over

Such steps cost nothing while they wait. Whoever carries them on hears when it is over, and goes on
in a turn that is asked for then. Steps that are carried on too early yield their wait again.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from amqp_server.broker.budget import Job
from amqp_server.broker.turn import Turn

log = logging.getLogger(__name__)

T = TypeVar("T")


class Wait(Protocol):
    """Something outside of the turns that steps wait for; see ``broker.awaited``."""

    def wait(self, call: Callable[[], None]) -> None:
        """Call this once, in the loop's thread, when it is over: at once if it is over now."""


Steps: TypeAlias = Generator[None, None, T]
"""They wait for nothing, so that they may also be done at once (``finish``)."""

WaitingSteps: TypeAlias = Generator[Wait | None, None, T]
"""They may wait for something outside. Whoever takes these takes ``Steps``, too."""

STEPS_AT_ONCE_MAX: Final = 64
"""Steps that are done without asking for the time, where they are mostly few."""

_DONE: Final = object()


class Suspended(Exception):  # noqa: N818 - nothing went wrong
    """The work of an event is not done yet.

    Attributes:
        steps: the rest of the work.
        wait: what it waits for; None if only the turn's time is spent.
    """

    def __init__(self, steps: WaitingSteps[object], wait: Wait | None = None) -> None:
        super().__init__("goes on in a later turn")
        self.steps = steps
        self.wait = wait

    def rest(self) -> WaitingSteps[object]:
        """Return the rest of the work, with what it waits for, for steps that it is a part of."""
        yield self.wait
        return (yield from self.steps)


def advance(steps: WaitingSteps[object], is_spent: Callable[[], bool]) -> None:
    """Do a piece, and more as long as there is time.

    Raises:
        Suspended: the time is spent, or they wait, and not all is done; and what the steps raise.
    """
    for wait in steps:
        if wait is not None:
            raise Suspended(steps, wait)
        if is_spent():
            raise Suspended(steps)


def resume_after(wait: Wait, job: Job, turn: Turn) -> None:
    """Carry a job on when what it waits for is over; until then it costs nothing."""
    wait.wait(lambda: turn.resume(job))


def taken_in_pieces(things: list[T], piece_max: int) -> Iterator[list[T]]:
    """Take things off a list piece by piece, in order.

    Whoever lets go of a piece has let go of its things: a hundred thousand that stay until the
    last was looked at would all be freed in one go.

    Args:
        things: is empty afterwards.
        piece_max: of them in a piece, at most.
    """
    things.reverse()
    while things:
        piece = things[: -piece_max - 1 : -1]
        del things[-piece_max:]
        yield piece


def finish(steps: Steps[T]) -> T:
    """Do all steps now, however long they take; return their value.

    Steps that wait for something outside cannot be finished so; it is a bug to try.
    """
    while True:
        try:
            wait: object = next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        assert wait is None, "steps that wait for something outside are no call"


class StepsJob(Generic[T]):
    """Steps as a job of the turn, for which no client waits: see ``Turn.later``.

    Attributes:
        is_done: all steps are done.
    """

    def __init__(self, steps: WaitingSteps[T], turn: Turn) -> None:
        self._steps = steps
        self._turn = turn
        self.is_done = False

    def step(self, _now_ms: int) -> bool:
        """Do a piece, and more as long as there is time; return whether all is done, or it waits.

        What waits asks for a turn by itself.
        """
        is_spent = self._turn.budget.is_spent
        try:
            for wait in self._steps:
                if wait is not None:
                    resume_after(wait, self, self._turn)
                    return True
                if is_spent():
                    return False
        except Exception:
            log.exception("work of many turns failed")
        self.is_done = True
        return True


def finish_or_later(steps: WaitingSteps[None], turn: Turn) -> None:
    """Do steps for which no client waits now; those that are many continue in later turns."""
    for _ in range(STEPS_AT_ONCE_MAX):
        wait = next(steps, _DONE)
        if wait is _DONE:
            return
        if wait is not None:
            break
    turn.later(StepsJob(steps, turn))
