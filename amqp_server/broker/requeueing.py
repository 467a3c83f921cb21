"""Requeues many messages in pieces, oldest first, over as many turns as needed.

Meanwhile the queue delivers only messages that have come back. So its consumers see the same order
as if all had come back at once.
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
"""Messages that go back between two looks at the time: about a millisecond."""

_FIRST_POSITION: Final = attrgetter("positions.start")


def requeue(queue: QueueEngine, batches: list[Batch], turn: Turn, now_ms: int) -> None:
    """Give messages back to their queue, as far as the turn's budget lasts now.

    Args:
        queue: theirs.
        batches: messages that it delivered, in any order; where they are many they are taken off
            the list, so that nobody else has to let go of all of them at once.
        turn: carries the rest on.
        now_ms: the instant.
    """
    if _is_short(batches):
        queue.requeue(batches, now_ms)
        return
    job = StepsJob(requeueing(queue, batches, turn, now_ms), turn)
    if not job.step(now_ms):
        turn.later(job)


def _is_short(batches: Sequence[Batch]) -> bool:
    return len(batches) <= PIECE_MAX and sum(map(len, batches)) <= PIECE_MAX


def requeueing(queue: QueueEngine, batches: list[Batch], turn: Turn, now_ms: int) -> Steps[None]:
    """Give messages back to their queue, as steps; see ``requeue``."""
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
