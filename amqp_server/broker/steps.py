"""Work that a peer can make long, as a generator that yields between two of its pieces.

    steps = enqueuing(targets, run, now_ms)   nothing was done yet
    next(steps)                               a piece is done, well under a millisecond
    …                                         others may have a turn in between
    StopIteration                             all is done; its value is what came of it

Work that is usually short is a plain call, and becomes steps only when it is found to be long. A
client's event that is not done when the turn's time is spent is ``Suspended``. The rest of the
client's input waits for it, so that the client's events keep their order.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from typing import Final, Generic, TypeAlias, TypeVar

from amqp_server.broker.turn import Turn

log = logging.getLogger(__name__)

T = TypeVar("T")

Steps: TypeAlias = Generator[None, None, T]

STEPS_AT_ONCE_MAX: Final = 64
"""Steps that are done without asking for the time, where they are mostly few."""

_DONE: Final = object()


class Suspended(Exception):  # noqa: N818 - nothing went wrong
    """The work of an event is not done yet.

    Attributes:
        steps: the rest of the work.
    """

    def __init__(self, steps: Steps[object]) -> None:
        super().__init__("goes on in a later turn")
        self.steps = steps


def advance(steps: Steps[object], is_spent: Callable[[], bool]) -> None:
    """Do a piece, and more as long as there is time.

    Raises:
        Suspended: the time is spent, and not all is done; and what the steps raise.
    """
    for _ in steps:
        if is_spent():
            raise Suspended(steps)


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
    """Do all steps now, however long they take; return their value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value


class StepsJob(Generic[T]):
    """Steps as a job of the turn, for which no client waits: see ``Turn.later``."""

    def __init__(self, steps: Steps[T], is_spent: Callable[[], bool]) -> None:
        self._steps = steps
        self._is_spent = is_spent

    def step(self, _now_ms: int) -> bool:
        """Do a piece, and more as long as there is time; return whether all is done."""
        try:
            for _ in self._steps:
                if self._is_spent():
                    return False
        except Exception:
            log.exception("work of many turns failed")
        return True


def finish_or_later(steps: Steps[None], turn: Turn) -> None:
    """Do steps for which no client waits now; those that are many continue in later turns."""
    for _ in range(STEPS_AT_ONCE_MAX):
        if next(steps, _DONE) is _DONE:
            return
    turn.later(StepsJob(steps, turn.budget.is_spent))
