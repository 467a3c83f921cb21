"""Many messages go back to their queue: in pieces, oldest first, over as many turns as it takes.

While it lasts the queue delivers nothing but what has come back, so that whoever consumes from it
sees the order that there would be had all come back at once.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from amqp_server.broker.steps import Steps, StepsJob
from amqp_server.broker.turn import Turn
from queues.batch import Batch
from queues.ports import QueueEngine

PIECE_MAX: Final = 500
"""So many messages go back before somebody asks for the time: about a millisecond."""

_FIRST_POSITION: Final = attrgetter("positions.start")


def requeue(queue: QueueEngine, batches: Sequence[Batch], turn: Turn, now_ms: int) -> None:
    """Give messages back to their queue, now as far as the turn's budget lasts.

    Args:
        queue: theirs.
        batches: messages that it delivered, in any order.
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


def requeueing(
    queue: QueueEngine, batches: Sequence[Batch], turn: Turn, now_ms: int
) -> Steps[None]:
    """Give messages back to their queue, for who waits until all are back; see ``requeue``."""
    if _is_short(batches):
        queue.requeue(batches, max(turn.now_ms, now_ms))
        return
    queue.begin_refill()
    pieces: list[Batch] = []
    for count, batch in enumerate(batches, start=1):
        if len(batch) <= PIECE_MAX:
            pieces.append(batch)
        else:
            firsts = range(0, len(batch), PIECE_MAX)
            pieces += [batch.part(first, 1, first + PIECE_MAX) for first in firsts]
        if not count % PIECE_MAX:
            yield
    pieces.sort(key=_FIRST_POSITION)
    first = 0
    while first < len(pieces):
        stop = _stop_of_piece(pieces, first)
        queue.requeue(pieces[first:stop], max(turn.now_ms, now_ms))
        first = stop
        if first < len(pieces):
            yield
    queue.end_refill()


def _stop_of_piece(pieces: Sequence[Batch], first: int) -> int:
    """Return the index behind those that go back together from an index on."""
    count, stop = len(pieces[first]), first + 1
    while stop < len(pieces) and (count := count + len(pieces[stop])) <= PIECE_MAX:
        stop += 1
    return stop
