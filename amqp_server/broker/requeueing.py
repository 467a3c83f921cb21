"""Many messages go back to their queue: in pieces, oldest first, over as many turns as it takes.

While it lasts the queue delivers nothing but what has come back, so that whoever consumes from it
sees the order that there would be had all come back at once.
"""

from collections import deque
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from amqp_server.broker.sorting import add_sorted, merged
from amqp_server.broker.steps import Steps, StepsJob, taken_in_pieces
from amqp_server.broker.turn import Turn
from queues.batch import Batch
from queues.ports import QueueEngine

PIECE_MAX: Final = 500
"""So many messages go back before somebody asks for the time: about a millisecond."""

_FIRST_POSITION: Final = attrgetter("positions.start")


def requeue(queue: QueueEngine, batches: list[Batch], turn: Turn, now_ms: int) -> None:
    """Give messages back to their queue, now as far as the turn's budget lasts.

    Args:
        queue: theirs.
        batches: messages that it delivered, in any order; where they are many they are taken off
            the list, so that nobody else has to let go of all of them at once.
        turn: carries on what is left.
        now_ms: the instant.
    """
    if _is_short(batches):
        queue.requeue(batches, now_ms)
        return
    job = StepsJob(requeueing(queue, batches, turn, now_ms), turn.budget.is_spent)
    if not job.step(now_ms):
        turn.later(job)


def _is_short(batches: Sequence[Batch]) -> bool:
    return len(batches) <= PIECE_MAX and sum(map(len, batches)) <= PIECE_MAX


def requeueing(queue: QueueEngine, batches: list[Batch], turn: Turn, now_ms: int) -> Steps[None]:
    """Give messages back to their queue, for who waits until all are back; see ``requeue``."""
    if _is_short(batches):
        queue.requeue(batches, max(turn.now_ms, now_ms))
        return
    queue.begin_refill()
    runs: list[deque[Batch]] = []
    for some in taken_in_pieces(batches, PIECE_MAX):
        add_sorted(_cut(some), _FIRST_POSITION, runs)
        if batches:
            yield
    together: list[Batch] = []
    count = 0
    for piece in merged(runs, _FIRST_POSITION):
        if together and count + len(piece) > PIECE_MAX:
            queue.requeue(together, max(turn.now_ms, now_ms))
            yield
            together, count = [], 0
        together.append(piece)
        count += len(piece)
    queue.requeue(together, max(turn.now_ms, now_ms))
    queue.end_refill()


def _cut(batches: list[Batch]) -> list[Batch]:
    """Return the same messages in batches of ``PIECE_MAX`` at most."""
    pieces: list[Batch] = []
    for batch in batches:
        if len(batch) <= PIECE_MAX:
            pieces.append(batch)
        else:
            firsts = range(0, len(batch), PIECE_MAX)
            pieces += [batch.part(first, 1, first + PIECE_MAX) for first in firsts]
    return pieces
